//! A schema of a CustomResourceDefinition as its author wrote it: `JSONSchemaProps`.

use crate::tree::{Map, Value};

/// A view of one schema object. Fields that are unset, zero or null are absent, as Go's
/// zero values are.
#[derive(Clone, Copy)]
pub struct Props<'a>(Option<&'a Map>);

/// `additionalProperties`: a schema or a boolean.
#[derive(Clone, Copy)]
pub(super) enum Additional<'a> {
    Schema(Props<'a>),
    Allowed(bool),
}

impl<'a> Props<'a> {
    pub fn new(value: &'a Value) -> Self {
        Self(value.as_object())
    }

    /// The member, if it is there and not null.
    pub fn get(self, key: &str) -> Option<&'a Value> {
        self.0?.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn to_value(self) -> Value {
        self.0.cloned().map_or(Value::Null, Value::Object)
    }

    pub fn text(self, key: &str) -> &'a str {
        self.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn flag(self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or_default()
    }

    pub fn has(self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn number(self, key: &str) -> Option<f64> {
        self.get(key)?.as_f64()
    }

    pub(super) fn count(self, key: &str) -> Option<u64> {
        self.get(key)?.as_u64()
    }

    pub(super) fn list(self, key: &str) -> &'a [Value] {
        self.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    pub(super) fn texts(self, key: &str) -> impl Iterator<Item = &'a str> {
        self.list(key).iter().filter_map(Value::as_str)
    }

    pub(super) fn schemas(self, key: &str) -> impl Iterator<Item = Props<'a>> {
        self.list(key).iter().map(Props::new)
    }

    /// The schemas of a member that maps names to schemas, in the author's order.
    pub(super) fn named(self, key: &str) -> impl Iterator<Item = (&'a str, Props<'a>)> {
        let map = self.get(key).and_then(Value::as_object);
        map.into_iter().flatten().map(|(name, value)| (name.as_str(), Props::new(value)))
    }

    pub(super) fn property(self, name: &str) -> Option<Props<'a>> {
        self.get("properties")?.get(name).map(Props::new)
    }

    pub(super) fn schema(self, key: &str) -> Option<Props<'a>> {
        self.get(key).filter(|value| value.is_object()).map(Props::new)
    }

    pub fn kind(self) -> &'a str {
        self.text("type")
    }

    pub(super) fn additional(self) -> Option<Additional<'a>> {
        match self.get("additionalProperties")? {
            Value::Bool(allowed) => Some(Additional::Allowed(*allowed)),
            schema => Some(Additional::Schema(Props::new(schema))),
        }
    }

    pub(super) fn preserves_unknown(self) -> bool {
        self.flag("x-kubernetes-preserve-unknown-fields")
    }

    pub(super) fn is_embedded_resource(self) -> bool {
        self.flag("x-kubernetes-embedded-resource")
    }

    pub(super) fn is_int_or_string(self) -> bool {
        self.flag("x-kubernetes-int-or-string")
    }

    /// `x-kubernetes-list-type` and others that may be unset.
    pub(super) fn maybe(self, key: &str) -> Option<&'a str> {
        self.get(key)?.as_str()
    }

    /// The names of members that say something.
    pub(super) fn filled(self) -> impl Iterator<Item = &'a str> {
        // Where unset differs from zero, zero says something.
        const OPTIONAL: [&str; 5] =
            ["additionalProperties", "additionalItems", "default", "example", "x-kubernetes-preserve-unknown-fields"];
        let says = |name: &str, value: &Value| match value {
            Value::Null => false,
            _ if OPTIONAL.contains(&name) => true,
            Value::Bool(flag) => *flag,
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Number(_) | Value::Object(_) | Value::Raw(_) => true,
        };
        self.0.into_iter().flatten().filter(move |(name, value)| says(name, value)).map(|(name, _)| name.as_str())
    }

    /// Every schema inside of this one, itself included, until `visit` has seen enough.
    pub fn any(self, visit: &mut dyn FnMut(Props<'a>) -> bool) -> bool {
        if visit(self) {
            return true;
        }
        let items = self.get("items").into_iter().flat_map(|items| match items {
            Value::Array(schemas) => schemas.as_slice(),
            schema => std::slice::from_ref(schema),
        });
        let single = ["not", "additionalItems"].into_iter().filter_map(|key| self.schema(key));
        let additional = match self.additional() {
            Some(Additional::Schema(schema)) => Some(schema),
            _ => None,
        };
        let lists = ["allOf", "anyOf", "oneOf"].into_iter().flat_map(|key| self.schemas(key));
        let named = ["properties", "patternProperties", "definitions", "dependencies"];
        let named = named.into_iter().flat_map(|key| self.named(key).map(|(_, schema)| schema));
        let mut inside = items.map(Props::new).chain(lists).chain(single).chain(named).chain(additional);
        inside.any(|schema| schema.any(visit))
    }
}

pub(super) fn child(path: &str, name: &str) -> String {
    format!("{path}.{name}")
}

pub(super) fn key(path: &str, list: &str, name: &str) -> String {
    format!("{path}.{list}[{name}]")
}

pub(super) fn index(path: &str, list: &str, index: usize) -> String {
    format!("{path}.{list}[{index}]")
}
