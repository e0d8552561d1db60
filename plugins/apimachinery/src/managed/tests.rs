//! Updates, against what kube-apiserver recorded for the same requests.

use super::*;
use crate::codec::{self, DEPTH_MAX};
use crate::schema::builtin;
use crate::schema::structural::resource_from_openapi;
use crate::tree::{Value, json};

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
    json!({"apiVersion": "v1", "kind": "ConfigMap",
           "metadata": {"name": "a", "namespace": "x", "uid": "1", "creationTimestamp": "2026-01-01T00:00:00Z"},
           "data": data})
}

/// `new` after an update of `old`.
fn write(old: Option<&Value>, new: &Value, manager: &Manager) -> Value {
    let mut new = new.clone();
    update(Versions::alone(builtin::schema(CONFIG_MAP)), old, &mut new, manager, &Set::default());
    new
}

/// Each entry as `manager [subresource] second: fields`.
fn entries_of(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    entries
        .iter()
        .map(|entry| {
            let subresource = entry["subresource"].as_str().map(|name| format!(" [{name}]")).unwrap_or_default();
            let second = entry["time"].as_str().map_or("-", |time| &time[17..19]);
            format!("{}{subresource} {second}: {}", entry["manager"].as_str().unwrap_or_default(), entry["fieldsV1"])
        })
        .collect()
}

#[test]
fn a_create_owns_what_it_sets() {
    let created = write(None, &config_map(json!({"k": "v"})), &manager("one", 1));
    assert_eq!(
        created["metadata"]["managedFields"],
        json!([{"manager": "one", "operation": "Update", "apiVersion": "v1", "time": "2026-01-01T00:00:01Z",
                "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}, "f:k": {}}}}])
    );

    let mut plain = config_map(Value::Null);
    plain.as_object_mut().expect("an object").remove("data");
    assert_eq!(entries_of(&write(None, &plain, &manager("one", 1))), Vec::<String>::new());

    plain["metadata"]["generateName"] = json!("gen-");
    plain["metadata"]["labels"] = json!({"l": "1"});
    plain["metadata"]["finalizers"] = json!(["example.com/x"]);
    assert_eq!(
        entries_of(&write(None, &plain, &manager("one", 1))),
        [
            r#"one 01: {"f:metadata":{"f:finalizers":{".":{},"v:\"example.com/x\"":{}},"f:generateName":{},"f:labels":{".":{},"f:l":{}}}}"#
        ]
    );
}

#[test]
fn fields_move_to_whoever_changes_them() {
    let one = write(None, &config_map(json!({"a": "1", "b": "1"})), &manager("one", 1));
    let mut changed = one.clone();
    changed["data"] = json!({"a": "2", "c": "1"});
    let two = write(Some(&one), &changed, &manager("two", 2));
    assert_eq!(entries_of(&two), [r#"one 01: {"f:data":{}}"#, r#"two 02: {"f:data":{"f:a":{},"f:c":{}}}"#]);

    // The same again changes nothing, whenever it happens.
    assert_eq!(write(Some(&two), &two, &manager("two", 9)), two);
    assert_eq!(write(Some(&two), &two, &manager("three", 9)), two);

    // What a client forgets to send is kept.
    let mut forgotten = two.clone();
    forgotten["metadata"]["managedFields"] = Value::Null;
    assert_eq!(entries_of(&write(Some(&two), &forgotten, &manager("two", 9))), entries_of(&two));
}

#[test]
fn removed_fields_are_owned_by_nobody() {
    let one = write(None, &config_map(json!({"a": "1", "b": "1"})), &manager("one", 1));
    let mut less = one.clone();
    less["data"] = json!({"a": "1"});
    let two = write(Some(&one), &less, &manager("two", 2));
    assert_eq!(entries_of(&two), [r#"one 01: {"f:data":{".":{},"f:a":{}}}"#]);

    let mut none = two.clone();
    none.as_object_mut().expect("an object").remove("data");
    assert_eq!(entries_of(&write(Some(&two), &none, &manager("two", 3))), Vec::<String>::new());
}

#[test]
fn entries_can_be_cleared_and_stay_cleared() {
    let one = write(None, &config_map(json!({"a": "1"})), &manager("one", 1));
    for cleared in [json!([]), json!([{}])] {
        let mut sent = one.clone();
        sent["metadata"]["managedFields"] = cleared;
        let cleared = write(Some(&one), &sent, &manager("two", 2));
        assert!(cleared["metadata"].get("managedFields").is_none());

        let mut changed = cleared.clone();
        changed["data"]["b"] = json!("2");
        assert_eq!(entries_of(&write(Some(&cleared), &changed, &manager("two", 3))), Vec::<String>::new());
    }
}

#[test]
fn a_subresource_has_entries_of_its_own_and_cannot_touch_others() {
    let schema = builtin::schema(DEPLOYMENT);
    let created = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "uid": "1"},
                         "spec": {"replicas": 1}, "status": {}});
    let mut object = created.clone();
    update(Versions::alone(schema), None, &mut object, &manager("one", 1), &Set::of_fields(&[&["status"]]));

    let mut status = object.clone();
    status["spec"]["replicas"] = json!(5);
    status["status"]["replicas"] = json!(1);
    status["metadata"]["managedFields"] = json!([{}]);
    let through_status = Manager { subresource: "status".into(), ..manager("one", 2) };
    update(Versions::alone(schema), Some(&object), &mut status, &through_status, &Set::of_fields(&[&["spec"]]));
    assert_eq!(
        entries_of(&status),
        [r#"one 01: {"f:spec":{"f:replicas":{}}}"#, r#"one [status] 02: {"f:status":{"f:replicas":{}}}"#]
    );
}

#[test]
fn lists_are_owned_by_their_type() {
    // As recorded: structs that are always there, keyed lists, atomic structs, defaults of keys.
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "generation": 1, "labels": {"app": "web"}},
        "spec": {
            "progressDeadlineSeconds": 600, "replicas": 2, "revisionHistoryLimit": 10,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}, "type": "RollingUpdate"},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "containers": [{"env": [{"name": "A", "value": "1"}], "image": "example.com/a:1", "name": "main",
                                    "imagePullPolicy": "IfNotPresent", "resources": {},
                                    "ports": [{"containerPort": 80, "protocol": "TCP"}],
                                    "terminationMessagePath": "/dev/termination-log",
                                    "terminationMessagePolicy": "File"}],
                    "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
                    "securityContext": {}, "terminationGracePeriodSeconds": 30}}},
        "status": {}});
    let mut object = deployment.clone();
    let apps = Manager { api_version: "apps/v1".into(), ..manager("one", 1) };
    update(Versions::alone(builtin::schema(DEPLOYMENT)), None, &mut object, &apps, &Set::of_fields(&[&["status"]]));
    assert_eq!(
        object["metadata"]["managedFields"][0]["fieldsV1"],
        json!({
            "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
            "f:spec": {
                "f:progressDeadlineSeconds": {}, "f:replicas": {}, "f:revisionHistoryLimit": {}, "f:selector": {},
                "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}}, "f:type": {}},
                "f:template": {
                    "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                    "f:spec": {
                        "f:containers": {"k:{\"name\":\"main\"}": {
                            ".": {},
                            "f:env": {".": {}, "k:{\"name\":\"A\"}": {".": {}, "f:name": {}, "f:value": {}}},
                            "f:image": {}, "f:imagePullPolicy": {}, "f:name": {},
                            "f:ports": {".": {}, "k:{\"containerPort\":80,\"protocol\":\"TCP\"}":
                                        {".": {}, "f:containerPort": {}, "f:protocol": {}}},
                            "f:resources": {}, "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {}}},
                        "f:dnsPolicy": {}, "f:restartPolicy": {}, "f:schedulerName": {}, "f:securityContext": {},
                        "f:terminationGracePeriodSeconds": {}}}}})
    );
}

#[test]
fn unknown_fields_are_owned_piece_by_piece() {
    let mut object = json!({"apiVersion": "x.io/v1", "kind": "X", "metadata": {"name": "x"},
                            "spec": {"a": {"b": [1, 2]}, "c": 1}});
    update(Versions::alone(&Schema::default()), None, &mut object, &manager("one", 1), &Set::default());
    assert_eq!(entries_of(&object), [r#"one 01: {"f:spec":{".":{},"f:a":{".":{},"f:b":{}},"f:c":{}}}"#]);
}

#[test]
fn items_without_an_identity_drop_all_entries() {
    let schema = builtin::schema("io.k8s.api.core.v1.Pod");
    let mut pod = json!({"metadata": {"name": "x"}, "spec": {"containers": [null]}});
    update(Versions::alone(schema), None, &mut pod, &manager("one", 1), &Set::default());
    assert_eq!(pod["metadata"], json!({"name": "x"}));
}

#[test]
fn duplicates_in_keyed_lists_are_owned_as_one() {
    let schema = builtin::schema("io.k8s.api.core.v1.Pod");
    let pod = |env: Value| json!({"metadata": {"name": "x"}, "spec": {"containers": [{"name": "c", "env": env}]}});
    let (one, two) = (json!({"name": "A", "value": "1"}), json!({"name": "A", "value": "2"}));
    let env_of = |object: &Value| {
        object["metadata"]["managedFields"][0]["fieldsV1"].opened()["f:spec"]["f:containers"]["k:{\"name\":\"c\"}"]["f:env"]
            .clone()
    };

    let mut duplicated = pod(json!([one, two]));
    update(Versions::alone(schema), None, &mut duplicated, &manager("one", 1), &Set::default());
    assert_eq!(env_of(&duplicated), json!({".": {}, "k:{\"name\":\"A\"}": {}}));

    let mut unique = duplicated.clone();
    unique["spec"]["containers"][0]["env"] = json!([two]);
    update(Versions::alone(schema), Some(&duplicated), &mut unique, &manager("one", 2), &Set::default());
    assert_eq!(env_of(&unique), json!({".": {}, "k:{\"name\":\"A\"}": {".": {}, "f:name": {}, "f:value": {}}}));
}

#[test]
fn managers_are_named_after_the_user_agent() {
    let long = "x".repeat(200);
    for (field_manager, user_agent, name) in [
        ("mine", "kubectl/v1.36.3 (linux/amd64)", "mine"),
        ("", "kubectl/v1.36.3 (linux/amd64)", "kubectl"),
        ("", "", ""),
        ("", "a\u{7}b", "ab"),
        ("", &long, &long[..128]),
    ] {
        assert_eq!(manager_name(field_manager, user_agent), name);
    }
}

#[test]
fn times_alone_are_no_change() {
    let one = write(None, &config_map(json!({"a": "1"})), &manager("one", 1));
    let mut later = one.clone();
    later["metadata"]["managedFields"][0]["time"] = json!("2026-01-01T00:00:59Z");

    let mut same = later.clone();
    keep_times(&one, &mut same);
    assert_eq!(same, one);

    let mut different = later.clone();
    different["data"]["a"] = json!("2");
    let before = different.clone();
    keep_times(&one, &mut different);
    assert_eq!(different, before);
}

#[test]
fn the_deepest_object_that_is_taken_can_be_read_again() {
    let schema = resource_from_openapi(&json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}));
    for deepest in ["{}", "1"] {
        let levels = DEPTH_MAX - usize::from(deepest == "{}") - 1;
        let spec = format!("{}{deepest}{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
        let body = format!(r#"{{"kind":"K","apiVersion":"g/v1","metadata":{{"name":"a"}},"spec":{spec}}}"#);
        let mut object = codec::json::decode(body.as_bytes()).expect("it is no deeper than allowed").value;
        assert_eq!(codec::depth(&object), DEPTH_MAX);
        update(Versions::alone(&schema), None, &mut object, &manager("m", 1), &Set::default());
        assert!(codec::depth(&object) > DEPTH_MAX);
        let set = |object: &Value| Set::from_value(&object["metadata"]["managedFields"][0]["fieldsV1"]);
        let written = object.to_string();
        for read in [codec::json::decode_stored(written.as_bytes(), &schema), Value::read_bytes(written.as_bytes())] {
            let mut read = read.expect("it was written");
            assert_eq!(set(&read), set(&object));
            assert!(set(&read).is_ok_and(|set| !set.is_empty()));
            assert_eq!(read.to_string(), written);
            let fields = &mut read["metadata"]["managedFields"][0]["fieldsV1"];
            assert!(fields.opened()["f:spec"].is_object());
            fields.open_level();
            assert!(fields["f:spec"].says_object());
            fields.open();
            assert!(set(&read).is_ok());
        }
    }
}
