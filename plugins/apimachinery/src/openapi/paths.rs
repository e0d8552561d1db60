//! The operations of a definition.

use super::names;
use super::operation::{ANYTHING, Body, CUSTOM, Content, LISTS, OBJECT, Operation, path_item};
use super::parameters::{self, DELETE, LIST, PATCH, PRETTY, Parameter, Query, READ, SELECT, WRITE, query};
use super::schemas::{Kind, Schemas};
use super::{Texts, path_of};
use crate::definition::{Definition, Subresource};

const PATCHES: &[&str] = &[
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
];
/// A log is text; a client that asks for an object is answered text all the same.
const LOG: &[&str] = &["application/json", "application/vnd.kubernetes.protobuf", "application/yaml", "text/plain"];

/// Whose deletion answers the object that goes; those of the others answer a status.
const ANSWER_THE_DELETED: &[&str] = &[
    "csidrivers",
    "csinodes",
    "deviceclasses",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "podtemplates",
    "resourceclaims",
    "resourceclaimtemplates",
    "resourcequotas",
    "resourceslices",
    "serviceaccounts",
    "services",
    "storageclasses",
    "volumeattachments",
    "volumeattributesclasses",
];

/// The builder of one definition's paths.
struct Operations<'a> {
    definition: &'a Definition,
    /// `AppsV1`.
    version_name: String,
    /// `NamespacedDeployment`, `Node`.
    scoped: String,
    /// The same behind another word, where upstream makes no capital of what it begins with.
    scoped_behind: String,
}

/// Adds the paths of `definition` to `paths`, and the types that they speak of to `schemas`.
pub(super) fn add(definition: &Definition, schemas: &mut Schemas, paths: &mut Texts) {
    let scoped_behind = format!("{}{}", if definition.namespaced { "Namespaced" } else { "" }, definition.kind);
    let operations = Operations {
        definition,
        version_name: names::in_operations(&definition.group, &definition.version),
        scoped: names::identifier(&scoped_behind, true),
        scoped_behind,
    };
    let tag = names::tag(&definition.group, &definition.version);
    operations.each(schemas, &mut |path, operations| {
        if !operations.is_empty() {
            paths.insert(path, path_item(operations, &tag).to_string());
        }
    });
}

impl Operations<'_> {
    fn each(&self, schemas: &mut Schemas, add: &mut impl FnMut(String, Vec<Operation>)) {
        let Definition { resource, namespaced, .. } = self.definition;
        let base = format!("/{}", path_of(self.definition));
        let within = if *namespaced { "/namespaces/{namespace}" } else { "" };
        let collection = format!("{base}{within}/{resource}");

        let of = schemas.kind(self.definition);
        let list = self.serves("list").then(|| schemas.list(self.definition));
        if let Some(list) = list.as_ref().filter(|_| *namespaced) {
            add(format!("{base}/{resource}"), vec![self.list("ForAllNamespaces", list, &of)]);
        }
        add(collection.clone(), self.collection(&of, list.as_ref(), schemas));
        add(format!("{collection}/{{name}}"), self.object(&of, schemas));
        for sub in &self.definition.subresources {
            let path = format!("{collection}/{{name}}/{}", sub.name);
            if &*sub.name == "proxy" {
                add(format!("{path}/{{path}}"), self.connect(sub, "WithPath"));
            }
            add(path, self.subresource(sub, schemas));
        }
        // What watches were before they were lists.
        if self.definition.builtin && self.serves("watch") {
            let watched = format!("{base}/watch{within}/{resource}");
            schemas.machinery("WatchEvent");
            if *namespaced {
                add(format!("{base}/watch/{resource}"), vec![self.watch("watchlist", "ListForAllNamespaces", &of)]);
            }
            add(watched.clone(), vec![self.watch("watchlist", "List", &of)]);
            add(format!("{watched}/{{name}}"), vec![self.watch("watch", "", &of)]);
        }
    }

    fn collection(&self, of: &Kind, list: Option<&Kind>, schemas: &mut Schemas) -> Vec<Operation> {
        let mut operations = Vec::new();
        operations.extend(list.map(|list| self.list("", list, of)));
        if self.serves("create") {
            operations.push(self.write("create", of, "", &[200, 201, 202]));
        }
        if self.serves("deletecollection") {
            let id = format!("delete{}Collection{}", self.version_name, self.scoped_behind);
            let what = format!("Delete every {} that is selected.", of.kind);
            let mut operation = self.operation("delete", id, "deletecollection", what, of);
            let status = schemas.machinery("Status");
            operation.answer = self.content(&status);
            match self.definition.builtin {
                true => {
                    let body = self.body(&schemas.machinery("DeleteOptions"), false);
                    operation = operation.with(SELECT).with(DELETE).taking(body);
                }
                // Upstream tells it so, whatever is taken.
                false => operation = operation.with(LIST),
            }
            operations.push(operation);
        }
        operations
    }

    fn object(&self, of: &Kind, schemas: &mut Schemas) -> Vec<Operation> {
        let mut operations = Vec::new();
        if self.serves("get") {
            operations.push(self.read(of, ""));
        }
        if self.serves("update") {
            operations.push(self.write("replace", of, "", &[200, 201]));
        }
        if self.serves("patch") {
            operations.push(self.patch(of, "", schemas));
        }
        if self.serves("delete") {
            let id = format!("delete{}{}", self.version_name, self.scoped);
            let mut operation = self.operation("delete", id, "delete", format!("Delete the {}.", of.kind), of);
            let answers_it = self.definition.builtin && ANSWER_THE_DELETED.contains(&&*self.definition.resource);
            if !answers_it {
                operation.answer = self.content(&schemas.machinery("Status"));
            }
            operation.statuses = &[200, 202];
            let body = self.body(&schemas.machinery("DeleteOptions"), false);
            operations.push(operation.with(DELETE).taking(body));
        }
        operations.into_iter().map(|operation| operation.of_name(&of.kind)).collect()
    }

    fn subresource(&self, sub: &Subresource, schemas: &mut Schemas) -> Vec<Operation> {
        // What leaves plain requests and answers: exec, port-forward, proxy.
        if sub.kind.ends_with("Options") {
            return self.connect(sub, "");
        }
        let mut of = schemas.subresource(self.definition, sub);
        if !self.definition.builtin {
            // Upstream tells of the resource there, whatever is answered.
            of = Kind { name: of.name, ..schemas.kind(self.definition) };
        }
        let name = names::identifier(&sub.name, true);
        let operations = sub.verbs.iter().filter_map(|verb| match &**verb {
            "get" if &*sub.name == "log" => Some(self.log(&of)),
            "get" => Some(self.read(&of, &name)),
            "create" => Some(self.write("create", &of, &name, &[200, 201, 202])),
            "update" => Some(self.write("replace", &of, &name, &[200, 201])),
            "patch" => Some(self.patch(&of, &name, schemas)),
            _ => None,
        });
        operations.map(|operation| operation.of_name(&of.kind)).collect()
    }

    /// `below` says that there is a path behind it.
    fn connect(&self, sub: &Subresource, below: &str) -> Vec<Operation> {
        const FORWARD: &[&str] = &["get", "post"];
        const PROXY: &[&str] = &["delete", "get", "head", "options", "patch", "post", "put"];
        let of = Kind::named(&self.definition.group, &self.definition.version, &sub.kind);
        let methods = if &*sub.name == "proxy" { PROXY } else { FORWARD };
        let operation = |method: &&'static str| {
            let (title, sub_title) = (names::identifier(method, true), names::identifier(&sub.name, true));
            let id = format!("connect{}{title}{}{sub_title}{below}", self.version_name, self.scoped);
            let what =
                format!("Send a {} request to {} of the {}.", method.to_uppercase(), sub.name, self.definition.kind);
            let mut operation = self.operation(method, id, "connect", what, &of).of_name(&of.kind);
            operation.parameters.retain(|parameter| parameter.name != PRETTY.0);
            operation.answer = Content::text(ANYTHING);
            if !below.is_empty() {
                operation.parameters.push(Parameter::path("path", "The path that is asked for there."));
            }
            operation.with(parameters::of_options(&of.kind))
        };
        methods.iter().map(operation).collect()
    }

    fn log(&self, of: &Kind) -> Operation {
        let id = format!("read{}{}Log", self.version_name, self.scoped);
        let mut operation = self.operation("get", id, "get", format!("Read the log of the {}.", of.kind), of);
        operation.answer = Content::text(LOG);
        operation.with(parameters::of_options("PodLogOptions"))
    }

    fn list(&self, everywhere: &str, list: &Kind, of: &Kind) -> Operation {
        let kind = names::identifier(&self.definition.kind, true);
        let id = match everywhere {
            "" => format!("list{}{}", self.version_name, self.scoped),
            _ => format!("list{}{kind}{everywhere}", self.version_name),
        };
        let what = format!("List objects of the kind {}, or watch them.", of.kind);
        let mut operation = self.operation("get", id, "list", what, of);
        operation.answer = Content::of(&list.name, if self.definition.builtin { LISTS } else { CUSTOM });
        if !everywhere.is_empty() {
            operation.parameters.retain(|parameter| parameter.name != "namespace");
        }
        operation.with(LIST)
    }

    fn watch(&self, action: &'static str, suffix: &str, of: &Kind) -> Operation {
        let everywhere = suffix == "ListForAllNamespaces";
        let kind = if everywhere { names::identifier(&self.definition.kind, true) } else { self.scoped.clone() };
        let id = format!("watch{}{kind}{suffix}", self.version_name);
        let what = match action {
            "watch" => {
                format!("Watch one {}. Deprecated: a list with `watch` and a selector of its name does it.", of.kind)
            }
            _ => format!("Watch objects of the kind {}. Deprecated: a list with `watch` does it.", of.kind),
        };
        let mut operation = self.operation("get", id, action, what, of).with(LIST);
        operation.answer = Content::of(&Schemas::machinery_name("WatchEvent"), LISTS);
        if everywhere {
            operation.parameters.retain(|parameter| parameter.name != "namespace");
        }
        if action == "watch" { operation.of_name(&of.kind) } else { operation }
    }

    fn read(&self, of: &Kind, sub: &str) -> Operation {
        let id = format!("read{}{}{sub}", self.version_name, self.scoped);
        let operation = self.operation("get", id, "get", sentence("Read", sub, of), of);
        if self.definition.builtin { operation } else { operation.with(READ) }
    }

    fn write(&self, prefix: &str, of: &Kind, sub: &str, statuses: &'static [u16]) -> Operation {
        let id = format!("{prefix}{}{}{sub}", self.version_name, self.scoped);
        let mut operation = match prefix {
            "create" if sub.is_empty() => {
                self.operation("post", id, "post", format!("Create an object of the kind {}.", of.kind), of)
            }
            "create" => self.operation("post", id, "post", sentence("Create", sub, of), of),
            _ => self.operation("put", id, "put", sentence("Replace", sub, of), of),
        };
        operation.statuses = statuses;
        operation.with(WRITE).taking(self.body(of, true))
    }

    fn patch(&self, of: &Kind, sub: &str, schemas: &mut Schemas) -> Operation {
        let id = format!("patch{}{}{sub}", self.version_name, self.scoped);
        let mut operation = self.operation("patch", id, "patch", sentence("Change parts of", sub, of), of);
        let patch = schemas.machinery("Patch");
        let media = if self.definition.builtin { PATCHES } else { &PATCHES[..3] };
        operation.statuses = if self.definition.builtin { &[200, 201] } else { &[200] };
        operation.with(PATCH).taking(Body { content: Content::of(&patch.name, media), required: true })
    }

    /// One that answers an object of this kind, with status 200.
    fn operation(&self, method: &'static str, id: String, action: &'static str, what: String, of: &Kind) -> Operation {
        let mut parameters: Vec<Parameter> = query(&[PRETTY]).collect();
        if self.definition.namespaced {
            parameters.push(parameters::namespace());
        }
        Operation {
            method,
            id,
            description: what,
            about: Some((action, of.group_version_kind())),
            parameters,
            body: None,
            answer: self.content(of),
            statuses: &[200],
        }
    }

    fn content(&self, of: &Kind) -> Content {
        Content::of(&of.name, if self.definition.builtin { OBJECT } else { CUSTOM })
    }

    fn body(&self, of: &Kind, required: bool) -> Body {
        Body { content: Content::of(&of.name, if self.definition.builtin { ANYTHING } else { CUSTOM }), required }
    }

    fn serves(&self, verb: &str) -> bool {
        self.definition.verbs.iter().any(|known| &**known == verb)
    }
}

impl Operation {
    fn with(mut self, queries: &[Query]) -> Self {
        self.parameters.extend(query(queries));
        self
    }

    fn taking(self, body: Body) -> Self {
        Self { body: Some(body), ..self }
    }

    fn of_name(mut self, kind: &str) -> Self {
        self.parameters.push(Parameter::path("name", format!("The name of the {kind}.")));
        self
    }
}

fn sentence(does: &str, sub: &str, of: &Kind) -> String {
    match sub {
        "" => format!("{does} the {}.", of.kind),
        sub => format!("{does} {} of the {}.", sub.to_lowercase(), of.kind),
    }
}
