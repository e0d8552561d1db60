//! One operation, and the path that it is on.
//!
//! Clients read more than the shapes here: kubectl looks for `fieldValidation` on the patch of
//! a kind before it leaves validation to the server, and for the strategic media type before
//! it computes such a patch; code generators take the names of functions from `operationId`,
//! and the order of their arguments from that of the parameters.

use super::parameters::Parameter;
use super::schemas::reference;
use crate::tree::{Map, Value, json};

/// The media types of objects, and of what else can be written as one.
pub(super) const OBJECT: &[&str] = &["application/json", "application/vnd.kubernetes.protobuf", "application/yaml"];
/// Those of lists, which can be watched.
pub(super) const LISTS: &[&str] = &[
    "application/json",
    "application/json;stream=watch",
    "application/vnd.kubernetes.protobuf",
    "application/vnd.kubernetes.protobuf;stream=watch",
    "application/yaml",
];
/// Those of custom resources.
pub(super) const CUSTOM: &[&str] = &["application/json", "application/yaml"];
/// In the order in which they are told: generators write functions in it.
pub(super) const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

pub(super) const ANYTHING: &[&str] = &["*/*"];

pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) id: String,
    pub(super) description: String,
    /// What it does, and to which kind, if it is about a resource.
    pub(super) about: Option<(&'static str, Value)>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    /// What is answered, with which status: the same for each.
    pub(super) answer: Content,
    pub(super) statuses: &'static [u16],
}

pub(super) struct Body {
    pub(super) content: Content,
    pub(super) required: bool,
}

/// A schema, and the media types that it can be written in.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) schema: Value,
    pub(super) media: &'static [&'static str],
}

impl Content {
    /// A type, by the name of its schema.
    pub(super) fn of(name: &str, media: &'static [&'static str]) -> Self {
        Self { schema: reference(name), media }
    }

    pub(super) fn text(media: &'static [&'static str]) -> Self {
        Self { schema: json!({ "type": "string" }), media }
    }

    fn to_value(&self) -> Value {
        self.media.iter().map(|media| (*media, json!({ "schema": self.schema }))).collect::<Map>().into()
    }
}

/// The operations of one path, all with this tag. What each of them may be asked with stands at the path.
pub(super) fn path_item(mut operations: Vec<Operation>, tag: &str) -> Value {
    let mut shared: Vec<Parameter> = Vec::new();
    if let Some((first, others)) = operations.split_first() {
        // As upstream tells them apart: by name, whatever is said of them.
        let is_shared =
            |own: &&Parameter| others.iter().all(|other| other.parameters.iter().any(|p| p.name == own.name));
        shared.extend(first.parameters.iter().filter(is_shared).cloned());
        for operation in &mut operations {
            operation.parameters.retain(|own| shared.iter().all(|shared| shared.name != own.name));
        }
    }
    operations.sort_by_key(|operation| METHODS.iter().position(|method| *method == operation.method));
    let mut item = Map::new();
    for operation in operations {
        item.insert(operation.method, operation.into_value(tag));
    }
    if !shared.is_empty() {
        item.insert("parameters", parameters(shared));
    }
    item.into()
}

fn parameters(mut parameters: Vec<Parameter>) -> Value {
    parameters.sort();
    parameters.iter().map(Parameter::to_value).collect()
}

impl Operation {
    fn into_value(self, tag: &str) -> Value {
        let mut out = Map::new();
        out.insert("tags", json!([tag]));
        out.insert("description", self.description.into());
        out.insert("operationId", self.id.into());
        if !self.parameters.is_empty() {
            out.insert("parameters", parameters(self.parameters));
        }
        if let Some(body) = self.body {
            let mut told = json!({ "content": body.content.to_value() });
            if body.required {
                told["required"] = true.into();
            }
            out.insert("requestBody", told);
        }
        let mut responses = Map::new();
        for status in self.statuses {
            let description = match status {
                201 => "Created",
                202 => "Accepted",
                _ => "OK",
            };
            let answer = json!({ "description": description, "content": self.answer.to_value() });
            responses.insert(status.to_string(), answer);
        }
        responses.insert("401", json!({ "description": "Unauthorized" }));
        out.insert("responses", responses.into());
        if let Some((action, kind)) = self.about {
            out.insert("x-kubernetes-action", action.into());
            out.insert("x-kubernetes-group-version-kind", kind);
        }
        out.into()
    }
}
