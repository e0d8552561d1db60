//! OpenAPI v2: one document, made of all those of version 3, for clients that know no other.
//!
//! - `operation`: a path and its operations.
//! - `schema`: a type.

mod operation;
mod schema;

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::document::{TOKEN, members, release};
use super::schemas::{Schemas, group_version_kind};
use super::{Texts, versions};
use crate::tree::{Value, json};

/// What each document of version 3 becomes, by its name: as long as one stays the same, so does that.
#[derive(Default)]
pub(super) struct Parts(BTreeMap<String, Part>);

struct Part {
    /// Where the document was, which names its content.
    url: String,
    pieces: Pieces,
}

/// Members of the document, as they are written there.
#[derive(Default)]
struct Pieces {
    paths: Texts,
    definitions: Texts,
    parameters: Texts,
}

impl Parts {
    pub(super) fn keep_only(&mut self, known: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| known(name));
    }

    pub(super) fn are_of(&self, name: &str, url: &str) -> bool {
        self.0.get(name).is_some_and(|part| part.url == url)
    }

    /// Takes a document of version 3. One that cannot be read says nothing.
    pub(super) fn add(&mut self, name: &str, url: &str, document: &[u8]) {
        let mut pieces = Pieces::default();
        let read = Members { of: &[], pieces: &mut pieces };
        let _ = read.deserialize(&mut serde_json::Deserializer::from_slice(document));
        self.0.insert(name.into(), Part { url: url.into(), pieces });
    }

    pub(super) fn document(&self, server: &str) -> Vec<u8> {
        let all = |pieces: fn(&Pieces) -> &Texts| {
            let mut all: BTreeMap<&str, &str> = BTreeMap::new();
            for part in self.0.values() {
                for (name, text) in pieces(&part.pieces) {
                    all.entry(name).or_insert(text);
                }
            }
            all
        };
        let token = json!({
            "BearerToken": { "description": TOKEN, "type": "apiKey", "name": "authorization", "in": "header" },
        });
        let info = json!({ "title": "Kubernetes", "version": release(server) });
        let mut out = format!("{{\"swagger\":\"2.0\",\"info\":{info},\"paths\":{{");
        members(all(|pieces| &pieces.paths), &mut out);
        out.push_str("},\"definitions\":{");
        members(all(|pieces| &pieces.definitions), &mut out);
        out.push_str("},\"parameters\":{");
        members(all(|pieces| &pieces.parameters), &mut out);
        out.push_str(&format!("}},\"securityDefinitions\":{token},\"security\":[{{\"BearerToken\":[]}}]}}"));
        out.into_bytes()
    }
}

/// Reads the members of an object of the document, one tree at a time: all of them together would
/// be many times the document's size.
struct Members<'a> {
    /// Where the object is in the document.
    of: &'a [&'a str],
    pieces: &'a mut Pieces,
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match (self.of, name.as_str()) {
                ([], "paths") => map.next_value_seed(Members { of: &["paths"], pieces: self.pieces })?,
                ([], "components") => map.next_value_seed(Members { of: &["components"], pieces: self.pieces })?,
                (["components"], "schemas") => {
                    map.next_value_seed(Members { of: &["schemas"], pieces: self.pieces })?
                }
                (["paths"], _) => self.pieces.path(name, &map.next_value()?),
                (["schemas"], _) => self.pieces.definition(name, &map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl Pieces {
    fn path(&mut self, path: String, item: &Value) {
        let item = operation::path_item(item, &mut self.parameters);
        self.paths.insert(path, item.to_string());
    }

    fn definition(&mut self, name: String, schema: &Value) {
        let mut schema = schema::definition(schema);
        // Here they are of no one version.
        if let Some(kind) = versions::IN_EVERY_VERSION.iter().find(|kind| Schemas::machinery_name(kind) == name) {
            let kinds = versions::all().map(|(group, version)| group_version_kind(group, version, kind));
            schema["x-kubernetes-group-version-kind"] = kinds.collect();
        }
        self.definitions.insert(name, schema.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_version_says_the_same() {
        let reference = json!({"$ref": "#/components/schemas/io.k8s.A"});
        let third = json!({
            "paths": {"/api/v1/as": {"post": {"operationId": "createA", "parameters": [
                {"name": "dryRun", "in": "query", "schema": {"type": "string", "uniqueItems": true}},
                {"name": "pretty", "in": "query", "schema": {"type": "string"}}],
                "requestBody": {"content": {"*/*": {"schema": reference}}, "required": true},
                "x-kubernetes-action": "post",
                "responses": {"201": {"description": "Created", "content": {
                    "application/json": {"schema": reference}, "application/vnd.kubernetes.protobuf": {"schema": reference},
                    "application/yaml": {"schema": reference}}}}}}},
            "components": {"schemas": {"io.k8s.A": {"type": "object", "properties": {
                "default": {"type": "string", "default": ""}, "meta": {"allOf": [reference], "default": {}}}}}}
        });
        let mut parts = Parts::default();
        parts.add("api/v1", "?hash=1", third.to_string().as_bytes());
        assert!(parts.are_of("api/v1", "?hash=1") && !parts.are_of("api/v1", "?hash=2"));
        let document: Value = serde_json::from_slice(&parts.document("v1.36.3")).expect("JSON");

        assert_eq!(document["info"]["version"], "1.36");
        let post = &document["paths"]["/api/v1/as"]["post"];
        let there = json!({"$ref": "#/definitions/io.k8s.A"});
        assert_eq!(post["consumes"], json!(["*/*"]));
        assert_eq!(
            post["produces"],
            json!(["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"])
        );
        let parameters = post["parameters"].as_array().expect("parameters");
        assert_eq!(parameters[0], json!({"name": "body", "in": "body", "required": true, "schema": there}));
        assert_eq!(parameters[1], json!({"name": "dryRun", "in": "query", "type": "string", "uniqueItems": true}));
        let shared =
            parameters[2]["$ref"].as_str().and_then(|to| to.strip_prefix("#/parameters/")).expect("a reference");
        assert_eq!(document["parameters"][shared], json!({"name": "pretty", "in": "query", "type": "string"}));
        assert_eq!(post["responses"]["201"]["schema"], there);
        let properties = &document["definitions"]["io.k8s.A"]["properties"];
        assert_eq!(properties, &json!({"default": {"type": "string"}, "meta": there}));
    }
}
