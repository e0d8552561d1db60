//! Tables of patches. The schemas are those of deployments, pods and services.

use super::*;
use crate::schema::builtin;
use crate::tree::{Value, json};

const POD: &str = "io.k8s.api.core.v1.Pod";
const DEPLOYMENT: &str = "io.k8s.api.apps.v1.Deployment";

fn patch(name: &str, object: &Value, patch: &Value) -> Result<Value, (u16, String)> {
    apply(builtin::schema(name), object, patch).map_err(|error| (error.code, error.message))
}

/// The spec of a pod after a patch of it.
fn pod(spec: Value, change: Value) -> Result<Value, (u16, String)> {
    Ok(patch(POD, &json!({"spec": spec}), &json!({"spec": change}))?["spec"].clone())
}

fn container(name: &str, image: &str) -> Value {
    json!({"name": name, "image": image})
}

#[test]
fn maps_merge_and_null_removes() {
    let object = json!({"metadata": {"labels": {"a": "1", "b": "2"}}});
    for (change, expected) in [
        (json!({}), object.clone()),
        (json!({"metadata": {"labels": {"a": null, "c": "3"}}}), json!({"metadata": {"labels": {"b": "2", "c": "3"}}})),
        (json!({"metadata": {"labels": null}}), json!({"metadata": {}})),
        (
            json!({"spec": {"x": null, "y": {"z": null}}}),
            json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"y": {}}}),
        ),
        (json!({"metadata": {"labels": {"$patch": "replace", "c": "3"}}}), json!({"metadata": {"labels": {"c": "3"}}})),
        (json!({"metadata": {"labels": {"$patch": "delete"}}}), json!({"metadata": {"labels": {}}})),
        (json!({"spec": {"$patch": "delete"}}), object.clone()),
    ] {
        assert_eq!(patch(POD, &object, &change), Ok(expected), "{change}");
    }
}

#[test]
fn lists_with_a_merge_key_merge_by_it() {
    let (a, b) = (container("a", "1"), container("b", "1"));
    for (name, change, expected) in [
        ("a new item comes first", json!([container("c", "1")]), json!([container("c", "1"), a, b])),
        ("a known one is merged in its place", json!([container("b", "2")]), json!([a, container("b", "2")])),
        ("delete by directive", json!([{"$patch": "delete", "name": "a"}]), json!([b])),
        ("delete what is not there", json!([{"$patch": "delete", "name": "x"}]), json!([a, b])),
        ("replace by directive", json!([{"$patch": "replace"}, container("c", "1")]), json!([container("c", "1")])),
        ("an empty list changes nothing", json!([]), json!([a, b])),
    ] {
        let after = pod(json!({"containers": [a, b]}), json!({"containers": change}));
        assert_eq!(after, Ok(json!({"containers": expected})), "{name}");
    }
    let after = pod(json!({"containers": [a]}), json!({"containers": null}));
    assert_eq!(after, Ok(json!({})));
}

#[test]
fn nested_lists_merge_too() {
    // As recorded: the patch's items come first.
    let before = json!({"containers": [{"name": "side"}, {"name": "main", "image": "a:1", "env": [{"name": "A", "value": "1"}]}]});
    let change = json!({"containers": [{"name": "main", "image": "a:2", "env": [{"name": "B", "value": "2"}]}]});
    let env = json!([{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]);
    let after = json!({"containers": [{"name": "side"}, {"name": "main", "image": "a:2", "env": env}]});
    assert_eq!(pod(before, change), Ok(after));
}

#[test]
fn other_lists_are_replaced() {
    let before = json!({"containers": [{"name": "a", "args": ["x", "y"]}]});
    let change = json!({"containers": [{"name": "a", "args": ["z"]}]});
    assert_eq!(pod(before, change), Ok(json!({"containers": [{"name": "a", "args": ["z"]}]})));
}

#[test]
fn lists_of_primitives_merge_as_sets() {
    let of = |finalizers: Value| json!({"metadata": {"finalizers": finalizers}});
    for (name, change, expected) in [
        ("add", json!({"finalizers": ["c", "a"]}), json!(["c", "a", "b"])),
        ("delete", json!({"$deleteFromPrimitiveList/finalizers": ["a", "x"]}), json!(["b"])),
        ("order", json!({"$setElementOrder/finalizers": ["b", "a"]}), json!(["b", "a"])),
        (
            "delete, add and order",
            json!({"$deleteFromPrimitiveList/finalizers": ["a"], "$setElementOrder/finalizers": ["c", "b"], "finalizers": ["c"]}),
            json!(["c", "b"]),
        ),
    ] {
        let after = patch(POD, &of(json!(["a", "b"])), &json!({"metadata": change}));
        assert_eq!(after, Ok(of(expected)), "{name}");
    }
    let nothing =
        patch(POD, &json!({"metadata": {}}), &json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}));
    assert_eq!(nothing, Ok(json!({"metadata": {}})));
}

#[test]
fn order_can_be_set() {
    let named = |names: &[&str]| Value::from_iter(names.iter().map(|name| json!({"name": name})));
    for (before, change, expected) in [
        // Only the order.
        (named(&["a", "b", "c"]), json!({"$setElementOrder/containers": named(&["c", "a"])}), named(&["b", "c", "a"])),
        // What only the server has stays where it was, as far as possible.
        (
            named(&["x", "a", "b"]),
            json!({"$setElementOrder/containers": named(&["b", "a", "n"]), "containers": named(&["n"])}),
            named(&["x", "b", "a", "n"]),
        ),
        (
            json!([]),
            json!({"$setElementOrder/containers": named(&["b", "a"]), "containers": named(&["b", "a"])}),
            named(&["b", "a"]),
        ),
        // As kubectl sends a deletion.
        (
            named(&["a", "b"]),
            json!({"$setElementOrder/containers": named(&["b"]), "containers": [{"$patch": "delete", "name": "a"}]}),
            named(&["b"]),
        ),
    ] {
        assert_eq!(pod(json!({"containers": before}), change.clone()), Ok(json!({"containers": expected})), "{change}");
    }
    assert_eq!(pod(json!({}), json!({"$setElementOrder/containers": named(&["a"])})), Ok(json!({})));
}

#[test]
fn keys_can_be_retained() {
    let before = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
    let change = |strategy: Value| json!({"spec": {"strategy": strategy}});
    assert_eq!(
        patch(DEPLOYMENT, &before, &change(json!({"$retainKeys": ["type"], "type": "Recreate"}))),
        Ok(change(json!({"type": "Recreate"})))
    );
    for bad in [json!({"$retainKeys": ["type"], "rollingUpdate": {}}), json!({"$retainKeys": "type"})] {
        let refused = patch(DEPLOYMENT, &before, &change(bad));
        assert_eq!(refused, Err((400, "invalid patch format of retainKeys".into())));
    }
}

#[test]
fn a_struct_can_be_replaced_as_a_whole() {
    let of = |selector: Value| json!({"spec": {"selector": selector}});
    let after = patch(
        "io.k8s.api.policy.v1.PodDisruptionBudget",
        &of(json!({"matchLabels": {"a": "1"}})),
        &of(json!({"matchExpressions": []})),
    );
    assert_eq!(after, Ok(of(json!({"matchExpressions": []}))));
}

#[test]
fn mistakes_are_named_as_upstream_names_them() {
    let before = json!({"containers": [container("a", "1")], "tolerations": [{"key": "k"}]});
    for (change, code, message) in [
        (json!({"containers": [{"image": "x"}]}), 500, "map: map[image:x] does not contain declared merge key: name"),
        (
            json!({"containers": [{"$patch": "delete"}]}),
            500,
            "map: map[$patch:delete] does not contain declared merge key: name",
        ),
        (json!({"containers": [{"$patch": "merge"}]}), 500, "merging lists cannot yet be specified in the patch"),
        (
            json!({"containers": [{"$patch": "x", "name": "a"}]}),
            500,
            "unknown patch type: x in map: map[$patch:x name:a]",
        ),
        (json!({"$patch": "x"}), 500, "unknown patch type: x in map: map[$patch:x]"),
        (json!({"containers": ["a"]}), 500, "list element types are not identical: [[map[image:1 name:a]] [a]]"),
        (json!({"$deleteFromPrimitiveListx": ["a"]}), 400, "invalid patch format of primitive list"),
        (json!({"$setElementOrder/containers": 1}), 500, "expected a []interface {}, but received a int64"),
        (json!({"$setElementOrderx": []}), 400, "invalid patch format of setElementOrder list"),
        (
            json!({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "b"}]}),
            500,
            "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
        ),
    ] {
        assert_eq!(pod(before.clone(), change.clone()), Err((code, message.to_string())), "{change}");
    }
    let lists = pod(json!({"containers": [["a"]]}), json!({"containers": [["b"]]}));
    assert_eq!(lists.map_err(|(code, _)| code), Err(422));
    let no_map = patch(POD, &json!({}), &json!([]));
    assert_eq!(no_map, Err((400, "json: cannot unmarshal array into Go value of type map[string]interface {}".into())));
}
