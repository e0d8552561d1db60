//! Definitions of custom resources that are larger than people write them.

use e2e::{Host, eventually};
use serde_json::{Value, json};

const GROUP: &str = "many.example.com";
/// Their schemas together are nearly what a request may bring: written once for each version, or once for
/// each pair of them, is the difference between 1 MB and 400.
const VERSIONS: usize = 350;
const FIELDS: usize = 60;

#[test]
fn a_definition_of_hundreds_of_versions_fits_into_an_instance() {
    let Some(host) = Host::start() else { return };
    let client = host.client();
    client.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition()).expect(201);
    let things = |version: usize| format!("/apis/{GROUP}/v{version}/namespaces/default/things");
    let is_served = || match client.get(&things(VERSIONS)).status {
        200 => true,
        404 => false,
        other => panic!("the first list is answered with {other}"),
    };
    eventually(is_served, || "the definition is not served".to_owned());

    for version in [1, 2, VERSIONS] {
        let thing = json!({"apiVersion": format!("{GROUP}/v{version}"), "kind": "Thing",
            "metadata": {"name": format!("in-v{version}")}, "spec": {"field1": "a"}});
        client.post(&things(version), &thing).expect(201);
    }
    // Each owner has written in another version, so each of these schemas is read.
    for version in (1..=VERSIONS).step_by(VERSIONS / 10) {
        let (field, path) = (format!("field{}", version % FIELDS), format!("{}/in-v1", things(version)));
        let wanted = json!({"apiVersion": format!("{GROUP}/v{version}"), "kind": "Thing", "spec": {field: "b"}});
        let path = format!("{path}?fieldManager=of-v{version}&force=true");
        client.send("PATCH", &path, "application/apply-patch+yaml", wanted.to_string().as_bytes()).expect(200);
    }
    let managed = client.get(&format!("{}/in-v1", things(2))).expect(200).json();
    assert_eq!(managed["metadata"]["managedFields"].as_array().map(Vec::len), Some(11));
    assert_eq!(managed["spec"]["field1"], "b");
}

fn definition() -> Value {
    let fields =
        (0..FIELDS).map(|field| (format!("field{field}"), json!({"type": "string", "description": "x".repeat(20)})));
    let spec = json!({"type": "object", "properties": fields.collect::<serde_json::Map<_, _>>()});
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}});
    let version =
        |version| json!({"name": format!("v{version}"), "served": true, "storage": version == 1, "schema": schema});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": format!("things.{GROUP}")},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"},
            "versions": (1..=VERSIONS).map(version).collect::<Vec<_>>()}})
}
