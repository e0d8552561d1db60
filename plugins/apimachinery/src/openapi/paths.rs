//! The operations of a definition.
//!
//! Clients read more than the shapes here: kubectl looks for `fieldValidation` on the patch of
//! a kind before it leaves validation to the server, and for the strategic media type before
//! it computes such a patch; code generators take their function names from `operationId`.

use super::parameters::{self, DELETE, LIST, PATCH, PRETTY, SELECT, WRITE};
use super::path_of;
use super::schemas::{Kind, Schemas};
use crate::definition::{Definition, Subresource};
use crate::tree::{Map, Value, json};

const OBJECT: &[&str] = &["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const LISTS: &[&str] = &[
    "application/json",
    "application/json;stream=watch",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/vnd.kubernetes.protobuf;stream=watch",
];

/// The builder of one definition's paths.
struct Operations<'a> {
    definition: &'a Definition,
    /// `AppsV1`.
    version_name: String,
    tag: String,
}

/// Adds the paths of `definition` to `paths`, and the types that they speak of to `schemas`.
pub(super) fn add(definition: &Definition, schemas: &mut Schemas, paths: &mut Map) {
    let group = if definition.group.is_empty() { "core" } else { definition.group.trim_end_matches(".k8s.io") };
    let operations = Operations {
        definition,
        version_name: format!("{}{}", title_words(group), title(&definition.version)),
        tag: format!("{}_{}", group.replace('.', ""), definition.version),
    };
    operations.add(schemas, paths);
}

impl Operations<'_> {
    fn add(&self, schemas: &mut Schemas, paths: &mut Map) {
        let Definition { resource, namespaced, .. } = self.definition;
        let base = format!("/{}", path_of(self.definition));
        let (collection, mut around) = match namespaced {
            true => (format!("{base}/namespaces/{{namespace}}/{resource}"), vec![parameters::path("namespace")]),
            false => (format!("{base}/{resource}"), Vec::new()),
        };
        around.push(parameters::query(&PRETTY));

        let of = schemas.kind(self.definition);
        let list = self.serves("list").then(|| schemas.list(self.definition));
        if let Some(list) = list.as_ref().filter(|_| *namespaced) {
            let everywhere = json!({
                "get": self.list("ForAllNamespaces", list, &of),
                "parameters": [parameters::query(&PRETTY)],
            });
            paths.insert(format!("{base}/{resource}"), everywhere);
        }
        insert(paths, collection.clone(), self.collection(&of, list.as_ref(), schemas), &around);

        around.insert(0, parameters::path("name"));
        insert(paths, format!("{collection}/{{name}}"), self.object(&of, schemas), &around);
        for sub in &self.definition.subresources {
            let path = format!("{collection}/{{name}}/{}", sub.name);
            insert(paths, path.clone(), self.subresource(sub, schemas), &around);
            if &*sub.name == "proxy" {
                let mut below = around.clone();
                below.insert(1, parameters::path("path"));
                insert(paths, format!("{path}/{{path}}"), self.subresource(sub, schemas), &below);
            }
        }
    }

    fn collection(&self, of: &Kind, list: Option<&Kind>, schemas: &mut Schemas) -> Map {
        let mut item = Map::new();
        if let Some(list) = list {
            item.insert("get", self.list(if self.definition.namespaced { "Namespaced" } else { "" }, list, of));
        }
        if self.serves("create") {
            item.insert("post", self.write("create", "post", of, "", &[201, 202]));
        }
        if self.serves("deletecollection") {
            let id = format!("delete{}Collection{}", self.version_name, self.scoped());
            let mut operation = self.operation(id, "deletecollection", of);
            operation["parameters"] = SELECT.iter().chain(DELETE).map(parameters::query).collect();
            self.body(&mut operation, &schemas.machinery("DeleteOptions"), &["*/*"], false);
            respond(&mut operation, &schemas.machinery("Status"), OBJECT, &[200]);
            item.insert("delete", operation);
        }
        item
    }

    fn object(&self, of: &Kind, schemas: &mut Schemas) -> Map {
        let mut item = Map::new();
        if self.serves("get") {
            item.insert("get", self.read(of, ""));
        }
        if self.serves("update") {
            item.insert("put", self.write("replace", "put", of, "", &[201]));
        }
        if self.serves("patch") {
            item.insert("patch", self.patch(of, "", schemas));
        }
        if self.serves("delete") {
            let mut operation = self.operation(format!("delete{}{}", self.version_name, self.scoped()), "delete", of);
            operation["parameters"] = DELETE.iter().map(parameters::query).collect();
            self.body(&mut operation, &schemas.machinery("DeleteOptions"), &["*/*"], false);
            respond(&mut operation, &schemas.machinery("Status"), OBJECT, &[200, 202]);
            item.insert("delete", operation);
        }
        item
    }

    fn subresource(&self, sub: &Subresource, schemas: &mut Schemas) -> Map {
        // What leaves plain requests and answers: exec, port-forward, proxy.
        if sub.kind.ends_with("Options") {
            return self.connect(sub);
        }
        let of = schemas.subresource(self.definition, sub);
        let name = title(&sub.name);
        let mut item = Map::new();
        for verb in &sub.verbs {
            let (method, operation) = match &**verb {
                "get" => ("get", self.read(&of, &name)),
                "create" => ("post", self.write("create", "post", &of, &name, &[201, 202])),
                "update" => ("put", self.write("replace", "put", &of, &name, &[201])),
                "patch" => ("patch", self.patch(&of, &name, schemas)),
                _ => continue,
            };
            item.insert(method, operation);
        }
        item
    }

    fn connect(&self, sub: &Subresource) -> Map {
        let of = Kind::named(&self.definition.group, &self.definition.version, &sub.kind);
        let mut item = Map::new();
        for verb in &sub.verbs {
            let method = match &**verb {
                "create" => "post",
                "update" => "put",
                other => other,
            };
            let id = format!("connect{}{}{}{}", self.version_name, title(method), self.scoped(), title(&sub.name));
            let mut operation = self.operation(id, "connect", &of);
            operation["responses"]["200"] =
                json!({ "description": "OK", "content": { "*/*": { "schema": { "type": "string" } } } });
            item.insert(method, operation);
        }
        item
    }

    fn list(&self, scope: &str, list: &Kind, of: &Kind) -> Value {
        let kind = &self.definition.kind;
        let id = match scope {
            "ForAllNamespaces" => format!("list{}{kind}{scope}", self.version_name),
            _ => format!("list{}{scope}{kind}", self.version_name),
        };
        let mut operation = self.operation(id, "list", of);
        operation["parameters"] = LIST.iter().map(parameters::query).collect();
        respond(&mut operation, list, if self.definition.builtin { LISTS } else { &LISTS[..3] }, &[200]);
        operation
    }

    fn read(&self, of: &Kind, sub: &str) -> Value {
        let id = format!("read{}{}{sub}", self.version_name, self.scoped());
        let mut operation = self.operation(id, "get", of);
        respond(&mut operation, of, self.media(), &[200]);
        operation
    }

    fn write(&self, prefix: &str, action: &str, of: &Kind, sub: &str, also: &[u16]) -> Value {
        let id = format!("{prefix}{}{}{sub}", self.version_name, self.scoped());
        let mut operation = self.operation(id, action, of);
        operation["parameters"] = WRITE.iter().map(parameters::query).collect();
        self.body(&mut operation, of, &["*/*"], true);
        respond(&mut operation, of, self.media(), &[&[200], also].concat());
        operation
    }

    fn patch(&self, of: &Kind, sub: &str, schemas: &mut Schemas) -> Value {
        let id = format!("patch{}{}{sub}", self.version_name, self.scoped());
        let mut operation = self.operation(id, "patch", of);
        operation["parameters"] = PATCH.iter().map(parameters::query).collect();
        let mut media =
            vec!["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];
        if self.definition.builtin {
            media.push("application/strategic-merge-patch+json");
        }
        self.body(&mut operation, &schemas.machinery("Patch"), &media, true);
        respond(&mut operation, of, self.media(), &[200, 201]);
        operation
    }

    fn operation(&self, id: String, action: &str, of: &Kind) -> Value {
        json!({
            "tags": [self.tag],
            "operationId": id,
            "responses": { "401": { "description": "Unauthorized" } },
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": of.group_version_kind(),
        })
    }

    fn body(&self, operation: &mut Value, of: &Kind, media: &[&str], required: bool) {
        let mut body = json!({ "content": content(of, media) });
        if required {
            body["required"] = json!(true);
        }
        operation["requestBody"] = body;
    }

    fn media(&self) -> &'static [&'static str] {
        if self.definition.builtin { OBJECT } else { &OBJECT[..2] }
    }

    fn serves(&self, verb: &str) -> bool {
        self.definition.verbs.iter().any(|known| &**known == verb)
    }

    /// `NamespacedDeployment`, `Node`.
    fn scoped(&self) -> String {
        format!("{}{}", if self.definition.namespaced { "Namespaced" } else { "" }, self.definition.kind)
    }
}

fn insert(paths: &mut Map, path: String, mut item: Map, parameters: &[Value]) {
    if !item.is_empty() {
        item.insert("parameters", json!(parameters));
        paths.insert(path, Value::Object(item));
    }
}

fn respond(operation: &mut Value, of: &Kind, media: &[&str], statuses: &[u16]) {
    for status in statuses {
        let description = match status {
            201 => "Created",
            202 => "Accepted",
            _ => "OK",
        };
        operation["responses"][status.to_string()] =
            json!({ "description": description, "content": content(of, media) });
    }
}

fn content(of: &Kind, media: &[&str]) -> Value {
    media.iter().map(|media| (media.to_string(), json!({ "schema": of.reference() }))).collect::<Map>().into()
}

/// `rbac.authorization` is `RbacAuthorization`.
fn title_words(text: &str) -> String {
    text.split(['.', '-']).map(title).collect()
}

fn title(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
