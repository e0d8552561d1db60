use apimachinery::tree::json;

use super::*;

fn things(versions: Value) -> Value {
    json!({"metadata": {"name": "things.diff.example.com"}, "spec": {"group": "diff.example.com", "scope": "Namespaced",
        "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
        "conversion": {"strategy": "None"}, "versions": versions}, "status": {"storedVersions": ["v1"]}})
}

fn v1(schema: Value) -> Value {
    json!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}})
}

fn texts(errors: Vec<FieldError>) -> Vec<String> {
    errors.iter().map(FieldError::to_string).collect()
}

#[test]
fn definitions_are_refused_with_upstreams_words() {
    let object = || json!({"type": "object"});
    for (mut crd, patch, expected) in [
        (things(json!([v1(object())])), json!({}), vec![]),
        (
            things(json!([{"name": "v1", "served": true, "storage": true}])),
            json!({}),
            vec!["spec.versions[0].schema.openAPIV3Schema: Required value"],
        ),
        (
            things(
                json!([v1(object()), {"name": "v2", "served": true, "storage": true, "schema": {"openAPIV3Schema": object()}}]),
            ),
            json!({}),
            vec![
                "spec.versions: Invalid value: [{\"Name\":\"v1\",\"Served\":true,\"Storage\":true,\"Deprecated\":false,\
                 \"DeprecationWarning\":null,\"Schema\":null,\"Subresources\":null,\"AdditionalPrinterColumns\":null,\
                 \"SelectableFields\":null},{\"Name\":\"v2\",\"Served\":true,\"Storage\":true,\"Deprecated\":false,\
                 \"DeprecationWarning\":null,\"Schema\":null,\"Subresources\":null,\"AdditionalPrinterColumns\":null,\
                 \"SelectableFields\":null}]: must have exactly one version marked as storage version",
                "status.storedVersions: Invalid value: [\"v1\"]: must have the storage version v2",
            ],
        ),
        (
            things(json!([v1(object())])),
            json!({"metadata": {"name": "wrong.example.com"}}),
            vec!["metadata.name: Invalid value: \"wrong.example.com\": must be spec.names.plural+\".\"+spec.group"],
        ),
        (
            things(json!([v1(json!({"type": "object", "properties": {"a": {"description": "no type"}}}))])),
            json!({}),
            vec![
                "spec.validation.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields",
            ],
        ),
        (
            things(json!([
                v1(json!({"type": "object", "properties": {"a": {}}})),
                {"name": "v2", "served": true, "storage": false, "schema": {"openAPIV3Schema": object()}},
            ])),
            json!({}),
            vec![
                "spec.versions[0].schema.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields",
            ],
        ),
        (
            things(json!([v1(object())])),
            json!({"spec": {"conversion": {"strategy": "Webhook"}}}),
            vec![
                "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
                "spec.conversion.conversionReviewVersions: Required value",
            ],
        ),
        (
            things(json!([v1(object())])),
            json!({"spec": {"scope": "Galaxy", "names": {"kind": "thingList", "listKind": "thingList"}}}),
            vec![
                "spec.scope: Unsupported value: \"Galaxy\": supported values: \"Cluster\", \"Namespaced\"",
                "spec.names.listKind: Invalid value: \"thingList\": kind and listKind may not be the same",
            ],
        ),
        (
            things(json!([{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": object()},
                "additionalPrinterColumns": [{"name": "A", "type": "text", "jsonPath": "spec.a"}],
                "subresources": {"scale": {"specReplicasPath": ".status.a", "statusReplicasPath": ".status.b"}}}])),
            json!({}),
            vec![
                "spec.subresources.scale.specReplicasPath: Invalid value: \".status.a\": should be a json path under .spec",
                "spec.additionalPrinterColumns[0].type: Invalid value: \"text\": must be one of boolean,date,integer,number,string",
                "spec.additionalPrinterColumns[0].JSONPath: Invalid value: \"spec.a\": must be a simple json path starting with .",
            ],
        ),
        (
            things(json!([{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object",
                    "properties": {"a": {"type": "string"}, "o": {"type": "object"}}}}}},
                "selectableFields": [{"jsonPath": ".spec.a"}, {"jsonPath": ".spec.o"}, {"jsonPath": ".spec.x"}, {"jsonPath": ".spec.a"}]}])),
            json!({}),
            vec![
                "spec.selectableFields[1].jsonPath: Invalid value: \".spec.o\": must point to a field of type string, boolean or \
                 integer. Enum string fields and strings with formats are allowed.",
                "spec.selectableFields[2].jsonPath: Invalid value: \".spec.x\": is an invalid path: does not refer to a valid field",
                "spec.selectableFields[3].jsonPath: Duplicate value: \".spec.a\"",
            ],
        ),
    ] {
        merge(&mut crd, &patch);
        assert_eq!(texts(create(&crd)), expected, "{crd}");
    }
}

#[test]
fn an_established_definition_keeps_its_scope_and_names() {
    let mut old = things(json!([v1(json!({"type": "object"}))]));
    old["status"]["conditions"] = json!([{"type": "Established", "status": "True"}]);
    let mut new = old.clone();
    merge(&mut new, &json!({"spec": {"scope": "Cluster", "group": "other.example.com", "names": {"kind": "Other"}}}));
    assert_eq!(
        texts(update(&new, &old)),
        [
            "spec.scope: Invalid value: \"Cluster\": field is immutable",
            "spec.names.kind: Invalid value: \"Other\": field is immutable",
            "spec.group: Invalid value: \"other.example.com\": field is immutable",
        ]
    );
    new = old.clone();
    new["spec"]["versions"][0]["name"] = json!("v2");
    new["status"]["storedVersions"] = json!(["v1", "v2"]);
    assert_eq!(texts(update(&new, &old)).len(), 1);
}

#[test]
fn community_groups_need_an_approval_when_it_changes() {
    let mut crd = things(json!([v1(json!({"type": "object"}))]));
    merge(&mut crd, &json!({"metadata": {"name": "things.diff.k8s.io"}, "spec": {"group": "diff.k8s.io"}}));
    assert_eq!(
        texts(create(&crd)),
        [
            "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation \
          \"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111"
        ]
    );
    assert_eq!(texts(update(&crd, &crd)), Vec::<String>::new());
}

fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}
