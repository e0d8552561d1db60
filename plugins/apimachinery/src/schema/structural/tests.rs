use super::*;
use crate::tree::json;

const PATH: &str = "spec.validation.openAPIV3Schema";

fn findings(schema: Value, status: bool) -> Vec<String> {
    let errors = check(&schema, PATH, status, Tolerance::NONE);
    errors.iter().map(|error| error.to_string().replace(PATH, "S")).collect()
}

#[test]
fn schemas_are_refused_with_upstreams_words() {
    for (schema, expected) in [
        (json!({"type": "object"}), vec![]),
        (json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}), vec![]),
        (json!({}), vec!["S.type: Required value: must not be empty at the root"]),
        (json!({"type": "string"}), vec!["S.type: Invalid value: \"string\": must be object at the root"]),
        (
            json!({"type": "object", "properties": {"a": {"description": "no type"}}}),
            vec!["S.properties[a].type: Required value: must not be empty for specified object fields"],
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "array"}, "b": {"type": "array", "items": {}}}}),
            vec![
                "S.properties[a].items: Required value: must be specified",
                "S.properties[b].items.type: Required value: must not be empty for specified array items",
            ],
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}}),
            vec!["S.properties[a].default: Invalid value: \"string\":  in body must be of type integer: \"string\""],
        ),
        (
            json!({"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}}),
            vec![
                "S.properties[metadata]: Forbidden: must not specify anything other than name and generateName, \
                 but metadata is implicitly specified",
            ],
        ),
        (
            json!({"type": "object", "properties": {"metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 3}}}}}),
            vec![],
        ),
        (
            json!({"type": "object", "properties": {"p": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]}}}),
            vec![],
        ),
        (
            json!({"type": "object", "properties": {"p": {"type": "string", "anyOf": [{"type": "string"}]}}}),
            vec!["S.properties[p].anyOf[0].type: Forbidden: must be empty to be structural"],
        ),
        (
            json!({"type": "object", "anyOf": [{"properties": {"q": {"minimum": 1}}}]}),
            vec!["S.properties[q]: Required value: because it is defined in S.anyOf[0].properties[q]"],
        ),
        (
            json!({"type": "object", "properties": {"p": {"type": "string", "pattern": "("}}}),
            vec![
                "S.properties[p].pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: \
                 error parsing regexp: missing closing ): `(`",
            ],
        ),
        (
            json!({"type": "object", "properties": {"l": {"type": "array", "x-kubernetes-list-type": "map",
                "items": {"type": "object", "properties": {"k": {"type": "string"}}}}}}),
            vec![
                "S.properties[l].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map",
            ],
        ),
        (
            json!({"type": "object", "properties": {"l": {"type": "array", "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["k"],
                "items": {"type": "object", "properties": {"k": {"type": "string"}}}}}}),
            vec![
                "S.properties[l].items.properties[k].default: Required value: this property is in \
                 x-kubernetes-list-map-keys, so it must have a default or be a required property",
            ],
        ),
        (
            json!({"type": "object", "properties": {"l": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object"}}}}),
            vec![
                "S.properties[l].items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list \
                 with x-kubernetes-list-type=set",
            ],
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"type": "string"}},
                "additionalProperties": {"type": "string"}}}}),
            vec![
                "S.properties[a].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
            ],
        ),
        (
            json!({"type": "object", "properties": {"a": {"$ref": "#/x"}}}),
            vec!["S.properties[a].$ref: Forbidden: $ref is not supported"],
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "null"}}}),
            vec![
                "S.properties[a].type: Unsupported value: \"null\": supported values: \"array\", \"boolean\", \
                 \"integer\", \"number\", \"object\", \"string\"",
                "S.properties[a].type: Forbidden: type cannot be set to null, use nullable as an alternative",
            ],
        ),
        (
            json!({"type": "object", "x-kubernetes-validations": [{"rule": " "}, {"rule": "true", "message": " "},
                {"rule": "true\n", "fieldPath": ".a"}, {"rule": "true", "reason": "Why"}]}),
            vec![
                "S.x-kubernetes-validations[0].rule: Required value: rule is not specified",
                "S.x-kubernetes-validations[1].message: Invalid value: \" \": must be non-empty if specified",
                "S.x-kubernetes-validations[2].fieldPath: Invalid value: \".a\": must be a valid path",
                "S.x-kubernetes-validations[3].reason: Unsupported value: \"Why\": supported values: \
                 \"FieldValueDuplicate\", \"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\"",
            ],
        ),
        (
            json!({"type": "object", "nullable": true}),
            vec!["S.nullable: Forbidden: nullable cannot be true at the root"],
        ),
        (
            json!({"type": "object", "properties": {"e": {"type": "object", "x-kubernetes-embedded-resource": true}}}),
            vec![
                "S.properties[e].properties: Required value: must not be empty if x-kubernetes-embedded-resource is \
                 true without x-kubernetes-preserve-unknown-fields",
            ],
        ),
    ] {
        assert_eq!(findings(schema.clone(), false), expected, "{schema}");
    }
}

#[test]
fn the_root_says_little_when_there_is_a_status() {
    let schema = json!({"type": "object", "oneOf": [{"required": ["a"]}]});
    assert_eq!(findings(schema.clone(), false), Vec::<String>::new());
    let found = findings(schema, true);
    assert!(found[0].starts_with("S: Invalid value: {\"ID\":\"\",\"Schema\""), "{found:?}");
    assert!(found[0].ends_with("fields are allowed at the root of the schema if the status subresource is enabled"));
}

#[test]
fn what_was_stored_is_tolerated() {
    let stored = json!({"type": "object", "properties": {"a": {"type": "foo"}, "b": {}}});
    let tolerance = Tolerance::of([&stored]);
    assert!(tolerance.unknown_types && tolerance.non_structural && !tolerance.unpruned_defaults);
    assert_eq!(check(&stored, PATH, false, tolerance), []);
}

#[test]
fn resources_have_type_and_object_metadata() {
    let model = resource_from_openapi(&json!({"type": "object", "properties": {
        "metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 3}}},
        "spec": {"type": "object"}}}));
    let names: Vec<&str> = match &model.shape {
        crate::schema::Shape::Object(object) => object.fields.iter().map(|field| &*field.name).collect(),
        other => panic!("{other:?}"),
    };
    assert_eq!(names, ["apiVersion", "kind", "metadata", "spec"]);
    let mut errors = Vec::new();
    let object = json!({"apiVersion": "v1", "kind": "K", "metadata": {"name": "long", "labels": {"a": "b"}}});
    crate::schema::validate::validate(&model, &object, "", &mut errors);
    let found: Vec<String> = errors.iter().map(FieldError::to_string).collect();
    assert_eq!(found, ["metadata.name: Too long: may not be more than 3 bytes"]);
}
