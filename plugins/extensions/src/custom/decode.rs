//! Stored objects as the current definition has them: upstream prunes them and applies defaults
//! whenever an object is read, both by the version in which it is stored.
//!
//! Decoding may happen in an instance that never saw the definition, so the claim's tag is all
//! that it needs: of each version's schema the part that leads to defaults, or what it knows of
//! objects if some may have been stored under another one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use apimachinery::schema::structural::{from_openapi, resource_from_openapi, skeleton};
use apimachinery::schema::{Schema, check, defaults};
use apimachinery::tree::{Map, Value, json};
use plugin_sdk::Stored;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A tag that is longer is not made: what only an amended definition prunes is shown then.
const TAG_BYTES_MAX: usize = 512 << 10;
/// Schemas that are kept read; more would be those of definitions that are gone.
const KEPT_MAX: usize = 64;

/// The tag for a stored definition, if any of its versions has defaults, or if it is not the first
/// under which objects were stored.
pub(crate) fn tag(stored: &[u8]) -> Result<Option<String>, String> {
    let crd: Stated = serde_json::from_slice(stored).map_err(|error| error.to_string())?;
    if crd.metadata.generation > 1
        && let Some(tag) = whole_tag(stored)?
    {
        return Ok(Some(tag));
    }
    let mut versions = Map::new();
    for version in crd.spec.versions {
        if let Some(schema) = version.schema.and_then(|schema| schema.openapi?.leading()) {
            versions.insert(format!("{}/{}", crd.spec.group, version.name), schema);
        }
    }
    Ok((!versions.is_empty()).then(|| json!({"versions": versions}).to_string()))
}

/// The tag that says all that each version knows, unless that is too much.
fn whole_tag(stored: &[u8]) -> Result<Option<String>, String> {
    let crd: Value = serde_json::from_slice(stored).map_err(|error| error.to_string())?;
    let mut versions = Map::new();
    for version in crd["spec"]["versions"].as_array().into_iter().flatten() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let api_version = format!("{}/{}", text(&crd["spec"]["group"]), text(&version["name"]));
        let schema = &version["schema"]["openAPIV3Schema"];
        if schema.is_object() {
            versions.insert(api_version, skeleton(&from_openapi(schema)));
        }
    }
    let tag = json!({"prunes": true, "versions": versions}).to_string();
    Ok(Some(tag).filter(|tag| tag.len() <= TAG_BYTES_MAX))
}

/// A definition, read for its defaults alone: the rest of a schema is long.
#[derive(Deserialize)]
struct Stated {
    #[serde(default)]
    metadata: StatedMetadata,
    spec: StatedSpec,
}

#[derive(Default, Deserialize)]
struct StatedMetadata {
    #[serde(default)]
    generation: i64,
}

#[derive(Deserialize)]
struct StatedSpec {
    group: String,
    versions: Vec<StatedVersion>,
}

#[derive(Deserialize)]
struct StatedVersion {
    name: String,
    schema: Option<StatedValidation>,
}

#[derive(Deserialize)]
struct StatedValidation {
    #[serde(rename = "openAPIV3Schema")]
    openapi: Option<Leading>,
}

/// What leads to defaults, and what says how they apply.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Leading {
    #[serde(rename = "type")]
    kind: Option<String>,
    nullable: Option<bool>,
    default: Option<Value>,
    properties: Option<HashMap<String, Leading>>,
    items: Option<Box<Leading>>,
    #[serde(deserialize_with = "schema_or_bool")]
    additional_properties: Option<Box<Leading>>,
}

impl Leading {
    /// The schema without all that has no default inside.
    fn leading(self) -> Option<Value> {
        let properties = self.properties.into_iter().flatten();
        let mut properties: Vec<_> = properties.filter_map(|(name, schema)| Some((name, schema.leading()?))).collect();
        properties.sort_by(|a, b| a.0.cmp(&b.0));
        let items = self.items.and_then(|schema| schema.leading());
        let additional = self.additional_properties.and_then(|schema| schema.leading());
        if properties.is_empty() && items.is_none() && additional.is_none() && self.default.is_none() {
            return None;
        }
        // Everything else is to be left as it is.
        let mut out = json!({"x-kubernetes-preserve-unknown-fields": true});
        if !properties.is_empty() {
            out["properties"] = Value::Object(properties.into_iter().collect());
        }
        for (name, value) in [
            ("type", self.kind.map(Value::from)),
            ("nullable", self.nullable.map(Value::from)),
            ("items", items),
            ("additionalProperties", additional),
            ("default", self.default),
        ] {
            if let Some(value) = value {
                out[name] = value;
            }
        }
        Some(out)
    }
}

/// `additionalProperties` of `true` and `false` say nothing about values.
fn schema_or_bool<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<Leading>>, D::Error> {
    struct Either;

    impl<'de> Visitor<'de> for Either {
        type Value = Option<Box<Leading>>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a schema or a boolean")
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            Leading::deserialize(MapAccessDeserializer::new(map)).map(|schema| Some(Box::new(schema)))
        }
    }

    from.deserialize_any(Either)
}

/// Applies tags, and keeps what it read of them.
#[derive(Default)]
pub(crate) struct Decoder {
    kept: RefCell<HashMap<String, Rc<Tag>>>,
}

/// What a tag says.
struct Tag {
    /// Whether some objects may be as an older definition had them.
    prunes: bool,
    /// By `apiVersion`.
    schemas: HashMap<String, Schema>,
}

impl Decoder {
    pub(crate) fn decode(&self, tag: &str, objects: Vec<Stored>) -> Result<Vec<Vec<u8>>, String> {
        let tag = self.read(tag)?;
        objects.into_iter().map(|object| decode(&tag, object)).collect()
    }

    fn read(&self, tag: &str) -> Result<Rc<Tag>, String> {
        if let Some(read) = self.kept.borrow().get(tag) {
            return Ok(read.clone());
        }
        let stated: Value =
            serde_json::from_str(tag).map_err(|error| format!("the claim's tag is not ours: {error}"))?;
        let versions = stated["versions"].as_object().into_iter().flatten();
        let prunes = stated["prunes"] == true;
        let schema = |schema: &Value| match prunes {
            true => resource_from_openapi(schema),
            false => from_openapi(schema),
        };
        let schemas = versions.map(|(version, stated)| (version.to_string(), schema(stated))).collect();
        let read = Rc::new(Tag { prunes, schemas });
        let mut kept = self.kept.borrow_mut();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(tag.to_string(), read.clone());
        Ok(read)
    }
}

fn decode(tag: &Tag, object: Stored) -> Result<Vec<u8>, String> {
    let mut value = Value::read_bytes(&object.value)
        .map_err(|error| format!("`{}` is stored as something else: {error}", object.key))?;
    let version = value["apiVersion"].as_str().unwrap_or_default();
    let Some(schema) = tag.schemas.get(version) else { return Ok(object.value) };
    if tag.prunes {
        check::prune(schema, &mut value);
    }
    defaults::apply(schema, &mut value);
    value.sort_all_objects();
    let mut written = Vec::with_capacity(object.value.len());
    value.write(&mut written);
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_objects_get_the_defaults_of_their_version() {
        let crd = json!({"spec": {"group": "example.com", "versions": [
            {"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object",
                "properties": {"color": {"type": "string", "default": "red"}, "size": {"type": "integer", "minimum": 1},
                    "any": {"type": "object", "additionalProperties": true},
                    "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {
                        "on": {"type": "boolean", "default": false}}}},
                    "ports": {"type": "array", "items": {"type": "object", "properties": {
                        "protocol": {"type": "string", "default": "TCP"}}}}}}}}}},
            {"name": "v2", "schema": {"openAPIV3Schema": {"type": "object"}}}]}});
        let tag = tag(crd.to_string().as_bytes()).unwrap().expect("there are defaults");
        assert!(!tag.contains("minimum") && !tag.contains("v2"), "{tag}");
        let stored = |version: &str| {
            let object = json!({"kind": "K", "apiVersion": version, "metadata": {"name": "a"},
                "spec": {"ports": [{"port": 1}], "map": {"k": {}}, "kept": true}});
            Stored { key: "/k".to_string(), value: object.to_string().into_bytes() }
        };
        let decoded =
            Decoder::default().decode(&tag, vec![stored("example.com/v1"), stored("example.com/v2")]).unwrap();
        let spec = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap()["spec"].clone();
        let expected = json!({"ports": [{"port": 1, "protocol": "TCP"}], "map": {"k": {"on": false}}, "kept": true, "color": "red"});
        assert_eq!(spec(&decoded[0]), expected);
        assert_eq!(spec(&decoded[1]), json!({"ports": [{"port": 1}], "map": {"k": {}}, "kept": true}));
    }

    #[test]
    fn objects_of_an_older_definition_lose_what_is_unknown_now() {
        let version = |name: &str, storage: bool, member: &str| {
            json!({"name": name, "storage": storage, "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                member: {"type": "string"}, "both": {"type": "string", "default": name}}}}})
        };
        let versions = [version("v1", false, "one"), version("v2", true, "two")];
        let crd = json!({"metadata": {"generation": 2}, "spec": {"group": "g", "versions": versions}});
        let tag = tag(crd.to_string().as_bytes()).unwrap().expect("objects have to be decoded");
        for (stored, expected) in [
            ("g/v1", json!({"kind": "K", "apiVersion": "g/v1", "metadata": {"name": "a"}, "one": "a", "both": "v1"})),
            ("g/v2", json!({"kind": "K", "apiVersion": "g/v2", "metadata": {"name": "a"}, "two": "b", "both": "v2"})),
        ] {
            let value = json!({"kind": "K", "apiVersion": stored, "metadata": {"name": "a"}, "one": "a", "two": "b"});
            let stored = Stored { key: "/k".to_string(), value: value.to_string().into_bytes() };
            let decoded = Decoder::default().decode(&tag, vec![stored]).unwrap();
            assert_eq!(serde_json::from_slice::<Value>(&decoded[0]).unwrap(), expected);
        }
    }

    #[test]
    fn without_defaults_nothing_is_decoded() {
        let schema = json!({"type": "object", "properties": {"default": {"type": "string"}}});
        let crd = json!({"spec": {"group": "g", "versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}});
        assert_eq!(tag(crd.to_string().as_bytes()), Ok(None));
    }
}
