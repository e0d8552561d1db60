//! Applies, one after another, as kube-apiserver recorded them.

use super::*;
use crate::managed::update;
use crate::schema::Schema;
use crate::schema::{builtin, defaults};
use crate::tree::{Value, json};

fn apply(
    schema: &Schema,
    live: Option<&Value>,
    patch: &Value,
    who: &Manager,
    force: bool,
    ignored: &Set,
) -> Result<Value, ApiError> {
    super::apply(Versions::alone(schema), live, patch, who, force, ignored).map(|(object, _)| object)
}

const CONFIG_MAP: &str = "io.k8s.api.core.v1.ConfigMap";
const DEPLOYMENT: &str = "io.k8s.api.apps.v1.Deployment";

fn manager(name: &str, second: u8) -> Manager {
    Manager {
        name: name.into(),
        subresource: String::new(),
        api_version: "v1".into(),
        time: format!("2026-01-01T00:00:{second:02}Z"),
    }
}

fn config_map(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ssa", "uid": "1"}, "data": data})
}

/// A patch of a config map, and the object after it.
fn applied(live: Option<&Value>, data: Value, who: (&str, u8), force: bool) -> Result<Value, ApiError> {
    let schema = builtin::schema(CONFIG_MAP);
    let mut object = apply(schema, live, &config_map(data), &manager(who.0, who.1), force, &Set::default())?;
    defaults::normalize(schema, &mut object);
    Ok(object)
}

fn entries_of(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    entries
        .iter()
        .map(|entry| {
            let operation = entry["operation"].as_str().unwrap_or_default();
            let subresource = entry["subresource"].as_str().map(|name| format!(" [{name}]")).unwrap_or_default();
            let second = entry["time"].as_str().map_or("-", |time| &time[17..19]);
            let manager = entry["manager"].as_str().unwrap_or_default();
            format!("{operation} {manager}{subresource} {second}: {}", entry["fieldsV1"])
        })
        .collect()
}

#[test]
fn managers_share_an_object() {
    let created = applied(None, json!({"a": "1", "b": "1"}), ("one", 1), false).expect("a create");
    assert_eq!(entries_of(&created), [r#"Apply one 01: {"f:data":{"f:a":{},"f:b":{}}}"#]);

    let added = applied(Some(&created), json!({"c": "2"}), ("two", 2), false).expect("an addition");
    assert_eq!(added["data"], json!({"a": "1", "b": "1", "c": "2"}));

    let refused = applied(Some(&added), json!({"a": "2", "c": "2"}), ("two", 3), false).expect_err("a conflict");
    assert_eq!((refused.code, refused.reason), (409, "Conflict"));
    assert_eq!(refused.message, "Apply failed with 1 conflict: conflict with \"one\": .data.a");
    assert_eq!(
        refused.to_value()["details"],
        json!({"causes": [
        {"reason": "FieldManagerConflict", "message": "conflict with \"one\"", "field": ".data.a"}]})
    );

    let forced = applied(Some(&added), json!({"a": "2", "c": "2"}), ("two", 4), true).expect("force");
    assert_eq!(forced["data"], json!({"a": "2", "b": "1", "c": "2"}));
    assert_eq!(
        entries_of(&forced),
        [r#"Apply one 01: {"f:data":{"f:b":{}}}"#, r#"Apply two 04: {"f:data":{"f:a":{},"f:c":{}}}"#]
    );

    // Who wants what is there already shares it, and changes nothing.
    let shared = applied(Some(&forced), json!({"c": "2"}), ("three", 5), false).expect("an equal value");
    assert_eq!(entries_of(&shared)[0], r#"Apply three -: {"f:data":{"f:c":{}}}"#);

    let dropped = applied(Some(&shared), json!({}), ("one", 6), false).expect("less");
    assert_eq!(dropped["data"], json!({"a": "2", "c": "2"}));
    assert!(entries_of(&dropped).contains(&r#"Apply one 06: {"f:data":{}}"#.to_string()), "{:?}", entries_of(&dropped));
    assert_eq!(applied(Some(&dropped), json!({}), ("one", 7), false), Ok(dropped.clone()));

    let mut updated = dropped.clone();
    updated["data"]["c"] = json!("4");
    update(
        Versions::alone(builtin::schema(CONFIG_MAP)),
        Some(&dropped),
        &mut updated,
        &manager("four", 8),
        &Set::default(),
    );
    assert_eq!(
        entries_of(&updated),
        [
            r#"Apply two 04: {"f:data":{"f:a":{}}}"#,
            r#"Apply one 06: {"f:data":{}}"#,
            r#"Update four 08: {"f:data":{"f:c":{}}}"#
        ]
    );
    let refused = applied(Some(&updated), json!({"c": "5"}), ("two", 9), false).expect_err("a conflict");
    assert_eq!(refused.message, "Apply failed with 1 conflict: conflict with \"four\" using v1: .data.c");
}

#[test]
fn several_conflicts_are_grouped_by_manager() {
    let one = applied(None, json!({"a": "1"}), ("one", 1), false).expect("a create");
    let mut two = one.clone();
    two["data"]["b"] = json!("1");
    two["data"]["c"] = json!("1");
    let through_status = Manager { subresource: "status".into(), ..manager("two", 2) };
    update(Versions::alone(builtin::schema(CONFIG_MAP)), Some(&one), &mut two, &through_status, &Set::default());
    let all = json!({"a": "2", "b": "2", "c": "2"});
    assert_eq!(
        applied(Some(&two), all, ("three", 3), false).expect_err("conflicts").message,
        "Apply failed with 3 conflicts: conflicts with \"one\":\n- .data.a\n\
         conflicts with \"two\" with subresource \"status\" using v1:\n- .data.b\n- .data.c"
    );
}

#[test]
fn items_of_lists_come_and_go() {
    let schema = builtin::schema(DEPLOYMENT);
    let main =
        json!({"name": "main", "image": "a:1", "env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 80}]});
    let deployment =
        |spec: Value| json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec});
    let apps = |name: &str, second| Manager { api_version: "apps/v1".into(), ..manager(name, second) };
    let apply = |live: Option<&Value>, patch: Value, who: &Manager| {
        let mut object = apply(schema, live, &patch, who, false, &Set::of_fields(&[&["status"]]))?;
        defaults::normalize(schema, &mut object);
        Ok::<_, ApiError>(object)
    };
    let template = |containers: Value| json!({"spec": {"containers": containers}});

    let selector = json!({"matchLabels": {"app": "web"}});
    let one = apply(
        None,
        deployment(json!({"replicas": 2, "selector": selector, "template": template(json!([main]))})),
        &apps("one", 1),
    )
    .expect("a create");
    assert_eq!(
        one["metadata"]["managedFields"][0]["fieldsV1"],
        json!({"f:spec": {
            "f:replicas": {}, "f:selector": {},
            "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"main\"}": {
                ".": {}, "f:env": {"k:{\"name\":\"A\"}": {".": {}, "f:name": {}, "f:value": {}}}, "f:image": {}, "f:name": {},
                "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}}}}}}})
    );

    let side = json!({"name": "side", "image": "s:1"});
    let two = apply(Some(&one), deployment(json!({"template": template(json!([side]))})), &apps("two", 2))
        .expect("a second one");
    assert_eq!(two["spec"]["template"]["spec"]["containers"].as_array().map(Vec::len), Some(2));
    let refused = apply(Some(&two), deployment(json!({"replicas": 5})), &apps("two", 3)).expect_err("a conflict");
    assert_eq!(refused.message, "Apply failed with 1 conflict: conflict with \"one\": .spec.replicas");

    // Dropped: replicas, ports and the environment, but not what the other one has.
    let less = json!({"selector": selector, "template": template(json!([{"name": "main", "image": "a:1"}]))});
    let three = apply(Some(&two), deployment(less), &apps("one", 4)).expect("less");
    assert_eq!(three["spec"].get("replicas"), None);
    assert_eq!(
        three["spec"]["template"]["spec"]["containers"],
        json!([{"name": "main", "image": "a:1"}, {"name": "side", "image": "s:1"}])
    );

    let gone =
        apply(Some(&three), deployment(json!({"selector": selector})), &apps("one", 5)).expect("the container goes");
    assert_eq!(gone["spec"]["template"]["spec"]["containers"], json!([{"name": "side", "image": "s:1"}]));
}

#[test]
fn an_item_goes_with_all_its_parts_unless_another_owns_the_item() {
    let schema = builtin::schema("io.k8s.api.core.v1.Pod");
    let pod = |containers: Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": containers}});
    let mine = pod(json!([{"name": "c", "image": "a"}, {"name": "d", "image": "a"}]));
    let one = apply(schema, None, &mine, &manager("one", 1), false, &Set::default()).expect("a create");
    let mut updated = one.clone();
    updated["spec"]["containers"][0]["command"] = json!(["x"]);
    update(Versions::alone(schema), Some(&one), &mut updated, &manager("two", 2), &Set::default());
    let theirs = pod(json!([{"name": "d"}]));
    let shared = apply(schema, Some(&updated), &theirs, &manager("three", 3), false, &Set::default()).expect("a share");

    let nothing = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}});
    let left = apply(schema, Some(&shared), &nothing, &manager("one", 4), false, &Set::default()).expect("less");
    assert_eq!(left["spec"]["containers"], json!([{"name": "d"}]));
    assert_eq!(entries_of(&left).len(), 1, "{:?}", entries_of(&left));
}

#[test]
fn what_was_there_before_belongs_to_somebody() {
    let plain = config_map(json!({"a": "1"}));
    let refused = applied(Some(&plain), json!({"a": "2"}), ("one", 1), false).expect_err("a conflict");
    assert_eq!(refused.message, "Apply failed with 1 conflict: conflict with \"before-first-apply\" using v1: .data.a");
    let shared = applied(Some(&plain), json!({"a": "1"}), ("one", 1), false).expect("the same");
    assert_eq!(
        entries_of(&shared),
        [r#"Apply one -: {"f:data":{"f:a":{}}}"#, r#"Update before-first-apply 01: {"f:data":{".":{},"f:a":{}}}"#]
    );
}

#[test]
fn kubectl_takes_over_what_it_applied_itself() {
    let annotation = "kubectl.kubernetes.io/last-applied-configuration";
    let last = config_map(json!({"a": "1", "b": "1"}));
    let mut live = config_map(json!({"a": "1", "b": "changed"}));
    live["metadata"]["annotations"] = json!({annotation: last.to_string()});
    update(
        Versions::alone(builtin::schema(CONFIG_MAP)),
        None,
        &mut live,
        &manager("kubectl-client-side-apply", 1),
        &Set::default(),
    );

    let refused = applied(Some(&live), json!({"a": "2", "b": "2"}), ("kubectl", 2), false).expect_err("b was changed");
    assert_eq!(
        refused.message,
        "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using v1: .data.b"
    );
    let taken = applied(Some(&live), json!({"a": "2"}), ("kubectl", 2), false).expect("a is its own");
    assert_eq!(taken["data"], json!({"a": "2", "b": "changed"}));
    assert_eq!(
        taken["metadata"]["annotations"][annotation],
        json!(
            "{\"apiVersion\":\"v1\",\"data\":{\"a\":\"2\"},\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"ssa\",\"uid\":\"1\"}}\n"
        )
    );
    assert!(applied(Some(&live), json!({"a": "2"}), ("other", 2), false).is_err());
}

#[test]
fn patches_that_cannot_be_applied() {
    let schema = builtin::schema(CONFIG_MAP);
    let attempt = |patch: Value| {
        let error = apply(schema, None, &patch, &manager("one", 1), false, &Set::default()).expect_err("an error");
        (error.code, error.reason, error.message)
    };
    let mut owning = config_map(json!({}));
    owning["metadata"]["managedFields"] = json!([{"manager": "x"}]);
    assert_eq!(attempt(owning), (400, "BadRequest", "metadata.managedFields must be nil".into()));

    let mut unknown = config_map(json!({}));
    unknown["nonsense"] = json!(1);
    let message =
        "failed to create typed patch object (/ssa; /v1, Kind=ConfigMap): .nonsense: field not declared in schema";
    assert_eq!(attempt(unknown), (500, "", message.into()));
}
