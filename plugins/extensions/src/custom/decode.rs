//! Stored objects with the defaults of the current definition: upstream applies them
//! whenever an object is read.
//!
//! Decoding may happen in an instance that never saw the definition, so the claim's tag is all
//! that it needs: of each version's schema the part that leads to defaults.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use apimachinery::rest::object::arrange;
use apimachinery::schema::structural::from_openapi;
use apimachinery::schema::{Schema, defaults};
use plugin_sdk::Stored;
use serde_json::{Map, Value, json};

/// Schemas that are kept read; more would be those of definitions that are gone.
const KEPT_MAX: usize = 64;

/// The tag for a stored definition, if any of its versions has defaults.
pub(crate) fn tag(stored: &[u8]) -> Result<Option<String>, String> {
    // Most have none, and a schema is long.
    if !std::str::from_utf8(stored).is_ok_and(|text| text.contains("\"default\"")) {
        return Ok(None);
    }
    let crd: Value = serde_json::from_slice(stored).map_err(|error| error.to_string())?;
    let group = crd["spec"]["group"].as_str().unwrap_or_default();
    let mut versions = Map::new();
    for version in crd["spec"]["versions"].as_array().into_iter().flatten() {
        if let Some(schema) = leading_to_defaults(&version["schema"]["openAPIV3Schema"]) {
            let name = version["name"].as_str().unwrap_or_default();
            versions.insert(format!("{group}/{name}"), schema);
        }
    }
    Ok((!versions.is_empty()).then(|| Value::Object(versions).to_string()))
}

/// The schema without all that has no default inside.
fn leading_to_defaults(schema: &Value) -> Option<Value> {
    let properties = schema.as_object()?.get("properties").and_then(Value::as_object).into_iter().flatten();
    let properties: Map<String, Value> =
        properties.filter_map(|(name, schema)| Some((name.clone(), leading_to_defaults(schema)?))).collect();
    let mut out = Map::new();
    for name in ["items", "additionalProperties"] {
        if let Some(inside) = leading_to_defaults(&schema[name]) {
            out.insert(name.into(), inside);
        }
    }
    if !properties.is_empty() {
        out.insert("properties".into(), Value::Object(properties));
    }
    if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
        out.insert("default".into(), default.clone());
    }
    if out.is_empty() {
        return None;
    }
    for name in ["type", "nullable"] {
        if let Some(value) = schema.get(name) {
            out.insert(name.into(), value.clone());
        }
    }
    // Everything else is to be left as it is.
    out.insert("x-kubernetes-preserve-unknown-fields".into(), json!(true));
    Some(Value::Object(out))
}

/// Applies tags, and keeps what it read of them.
#[derive(Default)]
pub(crate) struct Decoder {
    kept: RefCell<HashMap<String, Rc<HashMap<String, Schema>>>>,
}

impl Decoder {
    pub(crate) fn decode(&self, tag: &str, objects: Vec<Stored>) -> Result<Vec<Vec<u8>>, String> {
        let schemas = self.schemas(tag)?;
        objects.into_iter().map(|object| decode(&schemas, object)).collect()
    }

    fn schemas(&self, tag: &str) -> Result<Rc<HashMap<String, Schema>>, String> {
        if let Some(schemas) = self.kept.borrow().get(tag) {
            return Ok(schemas.clone());
        }
        let versions: Map<String, Value> =
            serde_json::from_str(tag).map_err(|error| format!("the claim's tag is not ours: {error}"))?;
        let schemas = versions.iter().map(|(version, schema)| (version.clone(), from_openapi(schema)));
        let schemas = Rc::new(schemas.collect::<HashMap<_, _>>());
        let mut kept = self.kept.borrow_mut();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(tag.to_string(), schemas.clone());
        Ok(schemas)
    }
}

fn decode(schemas: &HashMap<String, Schema>, object: Stored) -> Result<Vec<u8>, String> {
    let mut value: Value = serde_json::from_slice(&object.value)
        .map_err(|error| format!("`{}` is stored as something else: {error}", object.key))?;
    let version = value["apiVersion"].as_str().unwrap_or_default();
    let Some(schema) = schemas.get(version) else { return Ok(object.value) };
    defaults::apply(schema, &mut value);
    arrange(&mut value);
    serde_json::to_vec(&value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_objects_get_the_defaults_of_their_version() {
        let crd = json!({"spec": {"group": "example.com", "versions": [
            {"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object",
                "properties": {"color": {"type": "string", "default": "red"}, "size": {"type": "integer", "minimum": 1},
                    "ports": {"type": "array", "items": {"type": "object", "properties": {
                        "protocol": {"type": "string", "default": "TCP"}}}}}}}}}},
            {"name": "v2", "schema": {"openAPIV3Schema": {"type": "object"}}}]}});
        let tag = tag(crd.to_string().as_bytes()).unwrap().expect("there are defaults");
        assert!(!tag.contains("minimum") && !tag.contains("v2"), "{tag}");
        let stored = |version: &str| {
            let object = json!({"kind": "K", "apiVersion": version, "metadata": {"name": "a"},
                "spec": {"ports": [{"port": 1}], "kept": true}});
            Stored { key: "/k".to_string(), value: object.to_string().into_bytes() }
        };
        let decoded =
            Decoder::default().decode(&tag, vec![stored("example.com/v1"), stored("example.com/v2")]).unwrap();
        let spec = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap()["spec"].clone();
        let expected = json!({"ports": [{"port": 1, "protocol": "TCP"}], "kept": true, "color": "red"});
        assert_eq!(spec(&decoded[0]), expected);
        assert_eq!(spec(&decoded[1]), json!({"ports": [{"port": 1}], "kept": true}));
    }

    #[test]
    fn without_defaults_nothing_is_decoded() {
        let crd = json!({"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": {"type": "object"}}}]}});
        assert_eq!(tag(crd.to_string().as_bytes()), Ok(None));
    }
}
