//! What clients read out of a document.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use super::form::Form;
use super::{Document, KEPT_BYTES_MAX, Kept, PARTS_BYTES_MAX, Second, document, protobuf};
use crate::definition::{Definition, Subresource};
use crate::schema::{Schema, SchemaRef};
use crate::testing;
use crate::tree::{Value, json};

const ALL: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

fn status(of: &Definition) -> Subresource {
    Subresource {
        name: "status".into(),
        group: of.group.clone(),
        version: of.version.clone(),
        kind: of.kind.clone(),
        verbs: vec!["get".into(), "patch".into(), "update".into()],
        scale: None,
    }
}

fn deployments() -> Definition {
    let plain = testing::definition("apps", "v1", "deployments", "Deployment");
    let subresources = vec![
        Subresource { name: "scale".into(), group: "autoscaling".into(), kind: "Scale".into(), ..status(&plain) },
        status(&plain),
    ];
    Definition {
        verbs: ALL.map(Into::into).to_vec(),
        subresources,
        schema: SchemaRef::builtin("io.k8s.api.apps.v1.Deployment"),
        ..plain
    }
}

fn widgets(schema: Value) -> Definition {
    Definition {
        builtin: false,
        verbs: ALL.map(Into::into).to_vec(),
        schema: SchemaRef::Inline(Arc::new(Schema { openapi: Some(Arc::new(schema)), ..Schema::default() })),
        ..testing::definition("example.com", "v1", "widgets", "Widget")
    }
}

#[test]
fn an_answer_is_known_by_its_tag() {
    for (known, is_known) in
        [("\"a\"", true), ("\"b\", W/\"a\"", true), ("*", true), ("\"b\"", false), ("a", false), ("", false)]
    {
        assert_eq!(super::is_among(known, "\"a\""), is_known, "{known}");
    }
}

fn at<'a>(document: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(document, |value, key| &value[key])
}

/// The document of these definitions.
fn document(of: &[&Definition], server: &str) -> Value {
    let name = super::path_of(of[0]);
    serde_json::from_slice(&document::document(&name, of, server)).expect("JSON")
}

fn hash(of: &[&Definition]) -> String {
    document::hash(&super::path_of(of[0]), of, "v1.36.3")
}

/// Every `$ref` in the value.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_is_there() {
    let reviews = testing::definition("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview");
    let reviews = Definition {
        verbs: vec!["create".into()],
        schema: SchemaRef::builtin("io.k8s.api.authorization.v1.SubjectAccessReview"),
        ..reviews
    };
    for definition in [deployments(), reviews, widgets(json!({ "type": "object" }))] {
        let document = document(&[&definition], "v1.36.3");
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 10);
        for reference in found {
            let name = reference.strip_prefix("#/components/schemas/").expect("a local reference");
            assert!(!at(&document, &["components", "schemas", name]).is_null(), "{name}");
        }
    }
}

#[test]
fn kubectl_finds_field_validation_on_the_patch_of_a_kind() {
    let document = document(&[&deployments()], "v1.36.3");
    let patch = at(&document, &["paths", "/apis/apps/v1/namespaces/{namespace}/deployments/{name}", "patch"]);
    assert_eq!(
        patch["x-kubernetes-group-version-kind"],
        json!({ "group": "apps", "version": "v1", "kind": "Deployment" })
    );
    let parameters = patch["parameters"].as_array().expect("parameters");
    let names: Vec<&str> = parameters.iter().filter_map(|parameter| parameter["name"].as_str()).collect();
    assert_eq!(names, ["dryRun", "fieldManager", "fieldValidation", "force"]);
    assert!(patch["requestBody"]["content"]["application/strategic-merge-patch+json"].is_object());
    assert_eq!(patch["operationId"], "patchAppsV1NamespacedDeployment");
}

#[test]
fn kubectl_finds_how_lists_merge() {
    let document = document(&[&deployments()], "v1.36.3");
    let schemas = at(&document, &["components", "schemas"]);
    let pod = &schemas["io.k8s.api.core.v1.PodSpec"]["properties"];
    assert_eq!(
        pod["containers"],
        json!({
            "type": "array",
            "description": "The programs that run as long as the pod does.",
            "items": { "allOf": [{ "$ref": "#/components/schemas/io.k8s.api.core.v1.Container" }], "default": {} },
            "x-kubernetes-list-map-keys": ["name"],
            "x-kubernetes-list-type": "map",
            "x-kubernetes-patch-merge-key": "name",
            "x-kubernetes-patch-strategy": "merge",
        })
    );
    assert_eq!(pod["volumes"]["x-kubernetes-patch-strategy"], "merge,retainKeys");
    assert_eq!(
        pod["volumes"]["items"],
        json!({ "allOf": [{ "$ref": "#/components/schemas/io.k8s.api.core.v1.Volume" }], "default": {} })
    );
    let strategy = &schemas["io.k8s.api.apps.v1.DeploymentSpec"]["properties"]["strategy"];
    assert_eq!(strategy["x-kubernetes-patch-strategy"], "retainKeys");
    assert_eq!(strategy["allOf"][0]["$ref"], "#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy");
}

#[test]
fn kinds_are_found_by_group_version_and_kind() {
    let document = document(&[&deployments()], "v1.36.3");
    for (name, group, kind) in [
        ("io.k8s.api.apps.v1.Deployment", "apps", "Deployment"),
        ("io.k8s.api.apps.v1.DeploymentList", "apps", "DeploymentList"),
        ("io.k8s.api.autoscaling.v1.Scale", "autoscaling", "Scale"),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.Status", "", "Status"),
    ] {
        let kinds = &at(&document, &["components", "schemas", name])["x-kubernetes-group-version-kind"];
        assert_eq!(*kinds, json!([{ "group": group, "version": "v1", "kind": kind }]), "{name}");
    }
}

#[test]
fn special_scalars_keep_their_forms() {
    let document = document(&[&deployments()], "v1.36.3");
    let schemas = at(&document, &["components", "schemas"]);
    for (name, expected) in [
        (
            "io.k8s.apimachinery.pkg.api.resource.Quantity",
            json!({ "oneOf": [{ "type": "string" }, { "type": "number" }] }),
        ),
        (
            "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
            json!({ "format": "int-or-string", "oneOf": [{ "type": "integer" }, { "type": "string" }] }),
        ),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.Time", json!({ "type": "string", "format": "date-time" })),
    ] {
        let mut schema = schemas[name].clone();
        schema.as_object_mut().expect("a schema").remove("description");
        assert_eq!(schema, expected, "{name}");
    }
}

#[test]
fn a_custom_resource_is_published_as_its_definition_has_it() {
    let schema = json!({ "type": "object", "description": "A widget.", "properties": {
        "spec": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
    }});
    let document = document(&[&widgets(schema)], "v1.36.3");
    let widget = at(&document, &["components", "schemas", "com.example.v1.Widget"]);
    assert_eq!(widget["description"], "A widget.");
    assert_eq!(widget["properties"]["spec"]["x-kubernetes-preserve-unknown-fields"], true);
    assert_eq!(
        widget["properties"]["metadata"]["allOf"][0]["$ref"],
        "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    );
    let patch = at(&document, &["paths", "/apis/example.com/v1/namespaces/{namespace}/widgets/{name}", "patch"]);
    assert!(patch["requestBody"]["content"]["application/strategic-merge-patch+json"].is_null());
    assert!(patch["requestBody"]["content"]["application/merge-patch+json"].is_object());
}

#[test]
fn the_hash_follows_what_is_published() {
    let edition = |edition: &str| Definition { edition: edition.into(), ..widgets(json!({ "type": "object" })) };
    let (first, second) = (edition("uid/1"), edition("uid/2"));
    assert_eq!(hash(&[&first]), hash(&[&first]));
    assert_ne!(hash(&[&first]), hash(&[&second]));
    assert_ne!(hash(&[&first]), hash(&[&deployments()]));
    assert_eq!(hash(&[&first]).len(), 128);
}

fn made(json: Vec<u8>) -> Rc<Document> {
    Rc::new(Document { hash: String::new(), json, protobuf: OnceCell::new() })
}

#[test]
fn what_cannot_be_written_as_protobuf_is_an_error_and_not_kept() {
    let broken = made(b"{\"paths\":{".to_vec());
    for write in [protobuf::second, protobuf::third] {
        let error = broken.written(Form::Protobuf, write).expect_err("broken");
        assert_eq!((error.code, error.reason), (500, "InternalError"));
        assert!(broken.protobuf.get().is_none());
    }
    assert_eq!(broken.written(Form::Json, protobuf::third).expect("as it is"), broken.json);
}

#[test]
fn both_forms_of_a_document_count_as_kept() {
    let third_of_all = || made(vec![b' '; KEPT_BYTES_MAX / 3]);
    let mut kept = Kept::default();
    let (first, second) = (third_of_all(), third_of_all());
    kept.put("first", &first);
    kept.put("second", &second);
    kept.put("second", &second);
    assert_eq!(kept.documents.len(), 2, "a document counts once");

    second.written(Form::Protobuf, |json| Ok(vec![0; json.len() + 3])).expect("written");
    kept.put("second", &second);
    assert_eq!(kept.documents.keys().collect::<Vec<_>>(), ["second"]);
}

#[test]
fn both_forms_of_version_2_count_where_its_parts_are_kept() {
    let document = made(vec![b' '; PARTS_BYTES_MAX]);
    let mut second = Second::default();
    second.parts.add("api/v1", "?hash=1", b"{}");
    second.bound(&document);
    assert!(second.parts.are_of("api/v1", "?hash=1"));

    document.written(Form::Protobuf, |_| Ok(vec![0])).expect("written");
    second.bound(&document);
    assert!(!second.parts.are_of("api/v1", "?hash=1"));
}
