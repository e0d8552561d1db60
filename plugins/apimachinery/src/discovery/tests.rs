//! The documents of all built-in resources against those recorded from a kube-apiserver.

use std::path::Path;

use super::groups::Groups;
use super::{documents, routes};
use crate::definition::{Definition, Subresource};
use crate::testing::definition;
use crate::tree::Value;

fn data(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).expect("JSON")
}

/// The body of the recorded answer `id`.
fn recorded(id: &str) -> Value {
    let steps = data("../../tests/differential/goldens/a_health_discovery.json");
    let step = steps.as_array().expect("steps").iter().find(|step| step["id"] == id).expect("a recording");
    step["answer"]["body"].clone()
}

fn texts(value: &Value) -> Vec<Box<str>> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn builtins() -> Vec<Definition> {
    let resources = data("data/resources.json");
    let subresource = |sub: &Value| Subresource {
        name: text(&sub["subresource"]).into(),
        group: text(&sub["responseKind"]["group"]).into(),
        version: text(&sub["responseKind"]["version"]).into(),
        kind: text(&sub["responseKind"]["kind"]).into(),
        verbs: texts(&sub["verbs"]),
        scale: None,
    };
    let resource = |row: &Value| Definition {
        singular: text(&row["singularResource"]).into(),
        namespaced: row["scope"] == "Namespaced",
        verbs: texts(&row["verbs"]),
        short_names: texts(&row["shortNames"]),
        categories: texts(&row["categories"]),
        subresources: row["subresources"].as_array().into_iter().flatten().map(subresource).collect(),
        ..definition(
            text(&row["group"]),
            text(&row["version"]),
            text(&row["resource"]),
            text(&row["responseKind"]["kind"]),
        )
    };
    resources.as_array().expect("rows").iter().map(resource).collect()
}

fn groups(of: impl Fn(&&Definition) -> bool) -> Groups {
    let builtins = builtins();
    let mut groups = Groups::of(builtins.iter().filter(of));
    groups.sort();
    groups
}

#[test]
fn resource_lists_are_as_recorded() {
    let builtins = builtins();
    for (id, group, version) in [
        ("legacy resources", "", "v1"),
        ("apps resources", "apps", "v1"),
        ("crd resources", "apiextensions.k8s.io", "v1"),
        ("authentication resources", "authentication.k8s.io", "v1"),
    ] {
        let own: Vec<_> = builtins.iter().filter(|d| &*d.group == group && &*d.version == version).collect();
        let mut list = documents::resource_list(&own);
        for resource in list["resources"].as_array_mut().expect("resources") {
            if let Some(hash) = resource.get_mut("storageVersionHash") {
                *hash = "<storageVersionHash>".into();
            }
        }
        assert_eq!(list, recorded(id), "{id}");
    }
}

#[test]
fn group_documents_are_as_recorded() {
    let named = groups(|d| !d.group.is_empty());
    assert_eq!(documents::group_list(&named), recorded("groups"));
    for (id, group) in [("one group", "apps"), ("autoscaling prefers v2", "autoscaling")] {
        assert_eq!(documents::group(named.find(group).expect("the group")), recorded(id), "{id}");
    }
    assert_eq!(documents::aggregated(&named), recorded("aggregated groups"));
    assert_eq!(documents::aggregated(&groups(|d| d.group.is_empty())), recorded("aggregated legacy"));
}

#[test]
fn any_split_of_the_chain_merges_to_the_same_documents() {
    let builtins = builtins();
    let named: Vec<&Definition> = builtins.iter().filter(|d| !d.group.is_empty()).collect();
    let mut whole = Groups::of(named.iter().copied());
    whole.sort();
    // Each link serves whole versions: everything, nothing, half of the groups, one of two versions.
    let splits: [fn(&Definition) -> bool; 4] = [|_| true, |_| false, |d| *d.group < *"batch", |d| *d.version == *"v2"];
    for (number, split) in splits.into_iter().enumerate() {
        let (outer, inner): (Vec<&Definition>, Vec<&Definition>) = named.iter().partition(|d| split(d));
        for write in [documents::aggregated, documents::group_list] {
            let mut groups = Groups::of(outer.iter().copied());
            groups.merge(documents::read(&write(&Groups::of(inner.iter().copied()))));
            groups.sort();
            assert_eq!(write(&groups), write(&whole), "split {number}");
        }
    }
}

#[test]
fn unknown_paths_below_a_group_belong_to_built_in_groups_alone() {
    use plugin_sdk::registration::Pattern::{Exact, Prefix};
    let builtin = definition("apps", "v1", "deployments", "Deployment");
    let custom = Definition { builtin: false, ..definition("example.com", "v1", "widgets", "Widget") };
    let patterns: Vec<_> = routes([&builtin, &custom, &builtin]).into_iter().map(|route| route.pattern).collect();
    let exact = |path: &str| format!("{:?}", Exact(path.into()));
    let expected = [
        exact("/api"),
        exact("/apis"),
        exact("/apis/"),
        format!("{:?}", Prefix("/apis/apps".into())),
        format!("{:?}", Prefix("/apis/apps/v1".into())),
        exact("/apis/example.com"),
        exact("/apis/example.com/v1"),
    ];
    assert_eq!(patterns.iter().map(|pattern| format!("{pattern:?}")).collect::<Vec<_>>(), expected);
}
