//! Definitions of custom resources, their objects, and expressions.

use apimachinery::cel::{self, Environment, Wanted};
use apimachinery::managed::{self, Manager, Set, Versions};
use apimachinery::schema::structural::{self, Tolerance};
use apimachinery::schema::{Schema, builtin, check, defaults, validate};
use apimachinery::tree::{Map, Value, json};

use crate::draw::{Draw, Panics, rounds};

#[test]
fn schemas_are_checked_and_objects_judged_by_them_whatever_they_say() {
    let mut draw = Draw::new(5);
    let mut panics = Panics::default();
    let props = builtin::schema("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps");
    for _ in 0..rounds(400) {
        let stated = match draw.below(3) {
            0 => draw.object(props),
            _ => draw.schema(4),
        };
        let mut schema = None;
        panics.attempt("checked", &stated, || {
            let _ = structural::is_non_structural(&stated);
            let _ = structural::unsupported(&stated);
            let _ = structural::structural_errors(&stated, "schema");
            let _ = structural::check(&stated, "schema", true, Tolerance::of([&stated]));
            let _ = structural::unrecognized_formats(&stated);
            schema = Some(structural::resource_from_openapi(&stated));
        });
        let Some(schema) = schema else { continue };
        for _ in 0..4 {
            let old = draw.object(&schema);
            let object = draw.change(&schema, &old);
            panics.attempt(&format!("judged by {stated}, after {old}"), &object, || judged(&schema, &object, &old));
        }
    }
    panics.assert_none();
}

fn judged(schema: &Schema, object: &Value, old: &Value) {
    let mut errors = Vec::new();
    validate::validate(schema, object, "", &mut errors);
    validate::validate_update(schema, object, old, "", &mut errors);
    cel::validate(schema, object, Some(old), &mut errors);
    cel::validate(schema, object, None, &mut errors);
    let mut pruned = object.clone();
    check::unknown_fields(schema, &mut pruned, true);
    defaults::drop_nulls(schema, &mut pruned);
    defaults::apply(schema, &mut pruned);
    let manager =
        Manager { name: "m".into(), subresource: String::new(), api_version: "a/v1".into(), time: String::new() };
    let live = Some(old).filter(|old| old.is_object());
    if let Ok((applied, _)) = managed::apply(Versions::alone(schema), live, object, &manager, true, &Set::default()) {
        managed::update(Versions::alone(schema), Some(&applied), &mut pruned, &manager, &Set::default());
    }
}

#[test]
fn expressions_compile_or_do_not() {
    let mut draw = Draw::new(6);
    let mut panics = Panics::default();
    let mut policy = Environment::mutation(true);
    for _ in 0..30 {
        let _ = policy.define("v", &draw.expression());
    }
    for _ in 0..rounds(4000) {
        let source = draw.expression();
        let schema = json!({
            "type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}, "b": {"type": "integer"}},
            "x-kubernetes-validations": [{"rule": source, "messageExpression": source}],
        });
        panics.attempt("compiled", &source.as_str().into(), || {
            for environment in [&policy, &Environment::conditions(false), &Environment::device()] {
                let _ = environment.compile(&source, Wanted::Bool);
            }
            let schema = structural::from_openapi(&schema);
            let object = json!({"a": ["x", "1h", ""], "b": i64::MIN});
            cel::validate(&schema, &object, Some(&json!({})), &mut Vec::new());
        });
    }
    for deep in ["(", "[", "{1:", "!", "-", "a.", "a?b:", "1+", "[].map(x,", "'"] {
        let source = deep.repeat(50_000);
        panics.attempt("compiled deep", &deep.into(), || drop(policy.compile(&source, Wanted::Bool)));
    }
    panics.assert_none();
}

impl Draw {
    /// A schema that is structural, but for a few.
    fn schema(&mut self, depth: usize) -> Value {
        let mut schema = Map::new();
        let of = self.one(&["object", "object", "array", "string", "integer", "number", "boolean"]);
        let of = if depth == 4 { "object" } else { of };
        schema.insert("type", of.into());
        match of {
            "object" if depth > 0 && self.once_in(5) => {
                schema.insert("additionalProperties", self.schema(depth - 1));
            }
            "object" if depth > 0 => {
                let properties =
                    (0..self.below(5)).map(|_| (self.one(&["a", "b", "c", "spec", "x-y"]), self.schema(depth - 1)));
                schema.insert("properties", properties.collect::<Map>().into());
            }
            "array" if depth > 0 => {
                schema.insert("items", self.schema(depth - 1));
            }
            _ => {}
        }
        for _ in 0..self.below(3) {
            let (name, value) = self.keyword();
            schema.insert(name, value);
        }
        if self.once_in(3) {
            let rule =
                json!({"rule": self.expression(), "messageExpression": self.expression(), "fieldPath": self.text()});
            schema.insert("x-kubernetes-validations", json!([rule]));
        }
        Value::Object(schema)
    }

    fn keyword(&mut self) -> (&'static str, Value) {
        let names = [
            "default",
            "enum",
            "format",
            "pattern",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "multipleOf",
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
            "uniqueItems",
            "minProperties",
            "required",
            "nullable",
            "allOf",
            "not",
            "anyOf",
            "x-kubernetes-preserve-unknown-fields",
            "x-kubernetes-embedded-resource",
            "x-kubernetes-int-or-string",
            "x-kubernetes-list-type",
            "x-kubernetes-list-map-keys",
            "x-kubernetes-map-type",
        ];
        let name = self.one(&names);
        let value = match name {
            _ if self.once_in(20) => self.any(2),
            "default" => self.any(3),
            "enum" => json!([self.scalar(), self.scalar()]),
            "format" | "pattern" => self.text().into(),
            "required" | "x-kubernetes-list-map-keys" => json!(["a", "b"]),
            "allOf" | "anyOf" => json!([self.schema(1), {"required": ["a"]}]),
            "not" => self.schema(1),
            "x-kubernetes-list-type" | "x-kubernetes-map-type" => {
                self.one(&["map", "set", "atomic", "granular"]).into()
            }
            "uniqueItems" | "exclusiveMinimum" | "nullable" => true.into(),
            _ if name.starts_with("x-kubernetes") => true.into(),
            _ => self.below(5).into(),
        };
        (name, value)
    }

    /// What is nearly an expression, or is one.
    fn expression(&mut self) -> String {
        const TOKENS: [&str; 64] = [
            "self",
            "oldSelf",
            "object",
            "request",
            "variables.v",
            "params",
            "device",
            "authorizer",
            ".a",
            ".b",
            "[0]",
            "['a']",
            ".size()",
            ".all(x, x == 'a')",
            ".exists(x, true)",
            ".map(x, x)",
            ".filter(x, x > 1)",
            ".matches('(')",
            ".orValue(1)",
            ".value()",
            "[?0]",
            ".?a",
            "has(self.a)",
            "size(self)",
            "int(",
            "string(",
            "double(",
            "duration('1h')",
            "timestamp('2026-01-01T00:00:00Z')",
            "quantity('1')",
            "url('http://a')",
            "ip('::1')",
            "cidr('10.0.0.0/8')",
            "semver('1.2.3')",
            "format.dns1123Label()",
            "optional.of(1)",
            "type(1)",
            "1",
            "-1",
            "9223372036854775807",
            "1u",
            "1.5",
            "1e999",
            "0x7f",
            "'a'",
            "\"\\u0000\"",
            "b'\\xff'",
            "r'\\'",
            "true",
            "null",
            "[1, 2]",
            "{'a': 1}",
            "Object{spec: 1}",
            "+",
            "-",
            "*",
            "/ 0",
            "% 0",
            "==",
            "in",
            "&&",
            "? 1 :",
            "(",
            ")",
        ];
        if self.once_in(3) {
            return self.text();
        }
        (0..1 + self.below(9)).map(|_| self.one(&TOKENS)).collect::<Vec<_>>().join(if self.once_in(2) {
            " "
        } else {
            ""
        })
    }
}
