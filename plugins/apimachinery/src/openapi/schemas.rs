//! The types of a document, `components.schemas`: those that its operations name and all that
//! these refer to.

use std::collections::BTreeMap;

use super::descriptions;
use crate::definition::{Definition, Subresource};
use crate::schema::builtin::{self, Type};
use crate::schema::{Field, List, ListKind, Object, Scalar, Schema, SchemaRef, Shape};
use crate::tree::{Map, Value, json};

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// The types collected so far, by name.
#[derive(Default)]
pub(super) struct Schemas {
    done: BTreeMap<String, Value>,
    /// Referred to, not written yet.
    waiting: Vec<Type>,
}

/// A kind that operations name.
pub(super) struct Kind {
    group: String,
    version: String,
    kind: String,
    /// Its name among the schemas.
    name: String,
}

impl Kind {
    /// A kind that no schema is shown for.
    pub(super) fn named(group: &str, version: &str, kind: &str) -> Self {
        Self { group: group.into(), version: version.into(), kind: kind.into(), name: String::new() }
    }

    pub(super) fn group_version_kind(&self) -> Value {
        json!({ "group": self.group, "version": self.version, "kind": self.kind })
    }

    pub(super) fn reference(&self) -> Value {
        reference(&self.name)
    }
}

impl Schemas {
    /// The kind of a resource.
    pub(super) fn kind(&mut self, of: &Definition) -> Kind {
        match builtin_of(of) {
            Some(found) => self.builtin(&of.group, &of.version, &of.kind, found),
            None => {
                let kind = custom(of, &of.kind);
                self.done.insert(kind.name.clone(), custom_schema(of, &kind));
                self.needs("ObjectMeta");
                kind
            }
        }
    }

    /// The kind of its lists.
    pub(super) fn list(&mut self, of: &Definition) -> Kind {
        if let Some(found) = builtin_of(of).and_then(|_| builtin::kind(&of.group, &of.version, &of.list_kind)) {
            return self.builtin(&of.group, &of.version, &of.list_kind, found);
        }
        let (item, list) = (custom(of, &of.kind), custom(of, &of.list_kind));
        let schema = json!({
            "type": "object",
            "required": ["items"],
            "properties": {
                "apiVersion": { "type": "string" },
                "items": { "type": "array", "items": item.reference() },
                "kind": { "type": "string" },
                "metadata": reference(&format!("{META}ListMeta")),
            },
            "x-kubernetes-group-version-kind": [list.group_version_kind()],
        });
        self.done.insert(list.name.clone(), schema);
        self.needs("ListMeta");
        list
    }

    /// What a subresource takes and answers.
    pub(super) fn subresource(&mut self, of: &Definition, sub: &Subresource) -> Kind {
        let (group, version) =
            if sub.version.is_empty() { (&of.group, &of.version) } else { (&sub.group, &sub.version) };
        if (group, version, &sub.kind) == (&of.group, &of.version, &of.kind) {
            return self.kind(of);
        }
        match builtin::kind(group, version, &sub.kind) {
            Some(found) => self.builtin(group, version, &sub.kind, found),
            None => self.kind(of),
        }
    }

    /// A type of the machinery that every group uses: `DeleteOptions`, `Status`, `Patch`.
    pub(super) fn machinery(&mut self, name: &str) -> Kind {
        self.needs(name);
        Kind { name: format!("{META}{name}"), ..Kind::named("", "v1", name) }
    }

    fn builtin(&mut self, group: &str, version: &str, kind: &str, of: Type) -> Kind {
        let kind = Kind { name: of.name().to_string(), ..Kind::named(group, version, kind) };
        self.write(of);
        let gvks = &mut self.done.get_mut(&kind.name).expect("it was written")["x-kubernetes-group-version-kind"];
        let gvk = kind.group_version_kind();
        match gvks.as_array_mut() {
            Some(gvks) if gvks.contains(&gvk) => {}
            Some(gvks) => gvks.push(gvk),
            None => *gvks = json!([gvk]),
        }
        kind
    }

    fn needs(&mut self, name: &str) {
        if let Some(of) = Type::find(&format!("{META}{name}")) {
            self.waiting.push(of);
        }
    }

    fn write(&mut self, of: Type) {
        if !self.done.contains_key(of.name()) {
            let mut schema = self.body(of.schema());
            if let Some(text) = descriptions::of_type(of.name()) {
                schema["description"] = text.into();
            }
            self.done.insert(of.name().to_string(), schema);
        }
    }

    /// Everything, the referred types included.
    pub(super) fn finish(mut self) -> Map {
        while let Some(of) = self.waiting.pop() {
            self.write(of);
        }
        for name in ["DeleteOptions", "Status"] {
            if let Some(schema) = self.done.get_mut(&format!("{META}{name}")) {
                schema["x-kubernetes-group-version-kind"] = json!([{ "group": "", "version": "v1", "kind": name }]);
            }
        }
        self.done.into_iter().collect()
    }

    /// A place that refers to a schema: by name where it has one.
    fn place(&mut self, of: &SchemaRef) -> Map {
        match of {
            SchemaRef::Builtin(of) => self.refer(*of),
            SchemaRef::Inline(schema) => self.inline(schema),
        }
    }

    fn refer(&mut self, of: Type) -> Map {
        self.waiting.push(of);
        let mut out = Map::new();
        out.insert("$ref", json!(format!("#/components/schemas/{}", of.name())));
        out
    }

    fn inline(&mut self, schema: &Schema) -> Map {
        let named = match &schema.shape {
            Shape::Object(object) => object.name.and_then(Type::find),
            _ => None,
        };
        let mut out = match named {
            // The place says more than the type: OpenAPI allows nothing beside `$ref`.
            Some(of) => Map::from_iter([("allOf".to_string(), json!([self.refer(of)]))]),
            None => match self.body(schema) {
                Value::Object(out) => out,
                _ => Map::new(),
            },
        };
        if let Some(default) = &schema.default {
            out.insert("default", default.clone());
        }
        out
    }

    /// What a value of this schema is, in full.
    fn body(&mut self, schema: &Schema) -> Value {
        let mut out = match &schema.shape {
            Shape::Any => Map::new(),
            Shape::Object(object) => self.object(object),
            Shape::List(list) => self.array(list),
            Shape::Scalar(scalar) => self::scalar(*scalar),
        };
        if let Some(format) = &schema.rules.format {
            out.insert("format", json!(format));
        }
        if !schema.rules.enumeration.is_empty() {
            out.insert("enum", json!(schema.rules.enumeration));
        }
        Value::Object(out)
    }

    fn object(&mut self, object: &Object) -> Map {
        let mut out = Map::from_iter([("type".to_string(), json!("object"))]);
        let required: Vec<&str> =
            object.fields.iter().filter(|field| field.required).map(|field| &*field.name).collect();
        if !required.is_empty() {
            out.insert("required", json!(required));
        }
        if !object.fields.is_empty() {
            let mut properties: Map = object.fields.iter().map(|field| self.property(object.name, field)).collect();
            properties.sort_keys();
            out.insert("properties", Value::Object(properties));
        }
        if let Some(values) = &object.values {
            out.insert("additionalProperties", Value::Object(self.place(values)));
        }
        if object.atomic {
            out.insert("x-kubernetes-map-type", json!("atomic"));
        }
        out
    }

    fn property(&mut self, of: Option<&str>, field: &Field) -> (String, Value) {
        let mut out = self.place(&field.schema);
        if let Shape::Object(object) = &field.schema.shape {
            let strategy = [(object.retain_keys, "retainKeys"), (object.replace, "replace")];
            if let Some((_, strategy)) = strategy.iter().find(|(set, _)| *set) {
                out.insert("x-kubernetes-patch-strategy", json!(strategy));
            }
        }
        if let Some(text) = descriptions::of_field(of, &field.name) {
            // OpenAPI allows nothing beside `$ref`.
            if let Some(to) = out.remove("$ref") {
                out.insert("allOf", json!([{ "$ref": to }]));
            }
            out.insert("description", text.into());
        }
        (field.name.to_string(), Value::Object(out))
    }

    fn array(&mut self, list: &List) -> Map {
        let mut out = Map::from_iter([("type".to_string(), json!("array"))]);
        let items = match &list.items {
            // What one list changes about its items is the list's own strategy, below.
            SchemaRef::Inline(schema) => match &schema.shape {
                Shape::Object(Object { name: Some(name), .. }) => Type::find(name).map(|of| self.refer(of)),
                _ => None,
            },
            SchemaRef::Builtin(_) => None,
        };
        let items = items.unwrap_or_else(|| self.place(&list.items));
        out.insert("items", Value::Object(items));
        let kind = match &list.kind {
            ListKind::Atomic => "atomic",
            ListKind::Set => "set",
            ListKind::Map { keys } => {
                out.insert("x-kubernetes-list-map-keys", json!(keys));
                "map"
            }
        };
        out.insert("x-kubernetes-list-type", json!(kind));
        if let Some(key) = &list.merge_key {
            out.insert("x-kubernetes-patch-merge-key", json!(key));
        }
        if list.patch_merge {
            let retain = matches!(&list.items.shape, Shape::Object(items) if items.retain_keys);
            let strategy = if retain { "merge,retainKeys" } else { "merge" };
            out.insert("x-kubernetes-patch-strategy", json!(strategy));
        }
        out
    }
}

fn scalar(scalar: Scalar) -> Map {
    let out = match scalar {
        Scalar::String => json!({ "type": "string" }),
        Scalar::Integer => json!({ "type": "integer" }),
        Scalar::Number => json!({ "type": "number" }),
        Scalar::Boolean => json!({ "type": "boolean" }),
        Scalar::Bytes => json!({ "type": "string", "format": "byte" }),
        Scalar::IntOrString => {
            json!({ "format": "int-or-string", "oneOf": [{ "type": "integer" }, { "type": "string" }] })
        }
        Scalar::Quantity => json!({ "oneOf": [{ "type": "string" }, { "type": "number" }] }),
    };
    match out {
        Value::Object(out) => out,
        _ => Map::new(),
    }
}

fn builtin_of(of: &Definition) -> Option<Type> {
    of.builtin.then(|| builtin::kind(&of.group, &of.version, &of.kind)).flatten()
}

/// `com.example.v1.Widget` for `Widget` of `example.com/v1`.
fn custom(of: &Definition, kind: &str) -> Kind {
    let group: Vec<&str> = of.group.split('.').rev().collect();
    Kind { name: format!("{}.{}.{kind}", group.join("."), of.version), ..Kind::named(&of.group, &of.version, kind) }
}

/// The schema that a custom resource's definition publishes, with what every object has.
fn custom_schema(of: &Definition, kind: &Kind) -> Value {
    let mut schema = match of.schema.openapi.as_deref() {
        Some(published) => published.clone(),
        None => json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true }),
    };
    let properties = &mut schema["properties"];
    if !properties.is_object() {
        *properties = json!({});
    }
    properties["apiVersion"] = json!({ "type": "string" });
    properties["kind"] = json!({ "type": "string" });
    properties["metadata"] = reference(&format!("{META}ObjectMeta"));
    schema["x-kubernetes-group-version-kind"] = json!([kind.group_version_kind()]);
    schema
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
