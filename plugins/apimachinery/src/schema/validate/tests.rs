use super::*;
use crate::schema::structural::from_openapi;
use crate::tree::json;

fn widget() -> Value {
    json!({"type": "object", "required": ["spec"], "properties": {
        "spec": {"type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "minimum": 1, "maximum": 10},
            "ratio": {"type": "number", "exclusiveMinimum": true, "minimum": 0, "multipleOf": 0.5},
            "color": {"type": "string", "enum": ["red", "green"]},
            "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5, "minLength": 2},
            "ports": {"type": "array", "maxItems": 3, "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["port"], "items": {"type": "object", "required": ["port"],
                    "properties": {"port": {"type": "integer"}, "protocol": {"type": "string", "maxLength": 3}}}},
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "either": {"x-kubernetes-int-or-string": true},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "map": {"type": "object", "maxProperties": 2, "additionalProperties": {"type": "string"}},
            "nullable": {"type": "string", "nullable": true},
            "small": {"type": "integer", "format": "int32"},
            "when": {"type": "string", "format": "date-time"},
            "one": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            "any": {"type": "string", "anyOf": [{"pattern": "^a"}, {"maxLength": 2}]},
            "no": {"type": "string", "not": {"enum": ["bad"]}}}}}})
}

fn findings(value: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    validate(&from_openapi(&widget()), value, "", &mut errors);
    lists::validate(&from_openapi(&widget()), value, "", &mut errors);
    errors.iter().map(FieldError::to_string).collect()
}

#[test]
fn findings_have_upstreams_words() {
    for (spec, expected) in [
        (json!({"size": 1}), vec![]),
        (json!({}), vec!["spec.size: Required value"]),
        (
            json!({"size": 11}),
            vec!["spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10"],
        ),
        (
            json!({"size": 0}),
            vec!["spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"],
        ),
        (
            json!({"size": "two"}),
            vec!["spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\""],
        ),
        (json!({"size": 1.0}), vec![]),
        (
            json!({"size": 1.5}),
            vec![
                "spec.size: Invalid value: \"number\": spec.size in body must be of type integer: \"number\"",
                "<nil>: Invalid value: \"\": Checked value must be of type integer (default format) in spec.size",
            ],
        ),
        (
            json!({"size": 1, "ratio": 0.0}),
            vec!["spec.ratio: Invalid value: 0: spec.ratio in body should be greater than 0"],
        ),
        (
            json!({"size": 1, "ratio": 0.7}),
            vec!["spec.ratio: Invalid value: 0.7: spec.ratio in body should be a multiple of 0.5"],
        ),
        (
            json!({"size": 1, "color": "blue"}),
            vec!["spec.color: Unsupported value: \"blue\": supported values: \"red\", \"green\""],
        ),
        (json!({"size": 1, "name": "TooLong"}), vec!["spec.name: Too long: may not be more than 5 bytes"]),
        (
            json!({"size": 1, "name": "a"}),
            vec!["spec.name: Invalid value: \"a\": spec.name in body should be at least 2 chars long"],
        ),
        (
            json!({"size": 1, "name": "A9"}),
            vec!["spec.name: Invalid value: \"A9\": spec.name in body should match '^[a-z]+$'"],
        ),
        (
            json!({"size": 1, "name": null}),
            vec!["spec.name: Invalid value: \"null\": spec.name in body must be of type string: \"null\""],
        ),
        (json!({"size": 1, "nullable": null}), vec![]),
        (json!({"size": 1, "ports": [{"port": 1}, {"port": 1}]}), vec!["spec.ports[1]: Duplicate value: {\"port\":1}"]),
        (
            json!({"size": 1, "ports": [{"port": "x"}]}),
            vec![
                "spec.ports[0].port: Invalid value: \"string\": spec.ports[0].port in body must be of type integer: \"string\"",
            ],
        ),
        (
            json!({"size": 1, "ports": [{"port": 1}, {"port": 2}, {"port": 3}, {"port": 4}]}),
            vec!["spec.ports: Too many: 4: must have at most 3 items"],
        ),
        (json!({"size": 1, "tags": ["x", "x", "x"]}), vec!["spec.tags[1]: Duplicate value: \"x\""]),
        (
            json!({"size": 1, "either": true}),
            vec![
                "spec.either: Invalid value: \"boolean\": spec.either in body must be of type integer,string: \"boolean\"",
            ],
        ),
        (json!({"size": 1, "either": "50%"}), vec![]),
        (
            json!({"size": 1, "map": {"k": 1}}),
            vec!["spec.map.k: Invalid value: \"integer\": spec.map.k in body must be of type string: \"integer\""],
        ),
        (
            json!({"size": 1, "map": {"a": "", "b": "", "c": ""}}),
            vec!["spec.map: Too many: 3: must have at most 2 items"],
        ),
        (
            json!({"size": 1, "small": 3000000000i64}),
            vec!["<nil>: Invalid value: \"\": Checked value must be of type integer with format int32 in spec.small"],
        ),
        (
            json!({"size": 1, "when": "yesterday"}),
            vec!["spec.when: Invalid value: \"yesterday\": spec.when in body must be of type date-time: \"yesterday\""],
        ),
        (
            json!({"size": 1, "one": {"a": "", "b": ""}}),
            vec![
                "<nil>: Invalid value: \"\": \"spec.one\" must validate one and only one schema (oneOf). Found 2 valid alternatives",
            ],
        ),
        (
            json!({"size": 1, "one": {}}),
            vec![
                "<nil>: Invalid value: \"\": \"spec.one\" must validate one and only one schema (oneOf). Found none valid",
                "spec.one.a: Required value",
            ],
        ),
        (json!({"size": 1, "any": "ab"}), vec![]),
        (
            json!({"size": 1, "any": "bcd"}),
            vec![
                "<nil>: Invalid value: \"\": \"spec.any\" must validate at least one schema (anyOf)",
                "spec.any: Invalid value: \"bcd\": spec.any in body should match '^a'",
            ],
        ),
        (
            json!({"size": 1, "no": "bad"}),
            vec!["<nil>: Invalid value: \"\": \"spec.no\" must not validate the schema (not)"],
        ),
    ] {
        assert_eq!(findings(&json!({"spec": spec})), expected, "{spec}");
    }
    assert_eq!(findings(&json!({})), ["spec: Required value"]);
}

#[test]
fn an_update_is_not_blamed_for_what_was_there() {
    let schema = from_openapi(&widget());
    let old = json!({"spec": {"size": 99, "ports": [{"port": 1, "protocol": "LONG"}]}});
    for (new, expected) in [
        (json!({"spec": {"size": 99, "color": "red", "ports": [{"port": 1, "protocol": "LONG"}]}}), 0),
        (json!({"spec": {"size": 98, "ports": [{"port": 1, "protocol": "LONG"}]}}), 1),
        (json!({"spec": {"size": 99, "ports": [{"port": 2}, {"port": 1, "protocol": "LONG"}]}}), 0),
        (json!({"spec": {"size": 99, "ports": [{"port": 2, "protocol": "LONG"}]}}), 1),
        (json!({"spec": {"size": 99, "one": {}}}), 2),
    ] {
        let mut errors = Vec::new();
        validate_update(&schema, &new, &old, "", &mut errors);
        assert_eq!(errors.len(), expected, "{new}: {errors:?}");
    }
}
