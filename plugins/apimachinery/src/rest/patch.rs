//! `PATCH`: an object as it is now, changed as a document says.

use std::borrow::Cow;
use std::sync::LazyLock;

use plugin_sdk::Answer;

use super::body::{Expected, check_type_texts, conform, conform_applied};
use super::object::meta;
use super::options::{FieldValidation, Write, WriteOptions};
use super::registry::Change;
use super::request::Request;
use crate::codec::{self, Decoded};
use crate::negotiate;
use crate::patch;
use crate::schema::{Scalar, Schema, Shape, check, foreign, written};
use crate::status::{ApiError, FieldError};
use crate::tree::Value;

/// How often a patch is tried when others write at the same time, as upstream.
pub(super) const ATTEMPTS: u32 = 6;

/// What an object says of its own type.
static STRING: LazyLock<Schema> =
    LazyLock::new(|| Schema { shape: Shape::Scalar(Scalar::String), ..Schema::default() });

/// The four kinds of patch, by their media types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl Kind {
    fn of(content_type: &str, builtin: bool) -> Result<Self, ApiError> {
        // Upstream reads it as it is written, to the letter.
        let known = Self::named(content_type.split(';').next().unwrap_or_default());
        match known.filter(|kind| builtin || *kind != Self::Strategic) {
            Some(kind) => Ok(kind),
            // What upstream's router refuses, its handlers never refuse in their own words.
            None if builtin && !Self::is_routed(content_type) => {
                let mut error = ApiError::new(415, "UnsupportedMediaType", "415: Unsupported Media Type");
                error.with_details = true;
                Err(error)
            }
            None if builtin => Err(negotiate::unsupported(
                "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, \
                 application/apply-patch+yaml",
            )),
            None => Err(negotiate::unsupported(
                "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
            )),
        }
    }

    fn named(media_type: &str) -> Option<Self> {
        match media_type {
            "application/json-patch+json" => Some(Self::Json),
            "application/merge-patch+json" => Some(Self::Merge),
            "application/apply-patch+yaml" => Some(Self::Apply),
            "application/strategic-merge-patch+json" => Some(Self::Strategic),
            _ => None,
        }
    }

    /// Upstream's router takes the header for a list, of which one is enough, and minds no spaces.
    fn is_routed(content_type: &str) -> bool {
        let media_type = |listed: &str| listed.split(';').next().unwrap_or_default().trim_matches(' ').to_string();
        content_type.split(',').any(|listed| Self::named(&media_type(listed)).is_some())
    }
}

impl Request<'_> {
    pub(super) async fn patch(&self) -> Result<Answer, ApiError> {
        self.wanted()?;
        let (kind, options, body) = self.read_patch(self.definition.builtin).await?;
        let manager = self.manager(&options.field_manager);
        let mut registry = self.registry(&manager, options.dry_run);
        let expected = Expected::object_of(self.definition);
        let (api_version, of_kind) = (self.definition.api_version(), &self.definition.kind);
        let applied = (kind == Kind::Apply).then(|| Applied::read(&body, &api_version, of_kind));
        registry.applied = applied.is_some();
        let change = Change {
            creates: applied.is_some() && self.summary.subresource().is_empty(),
            attempts: Some(ATTEMPTS),
            same_uid: false,
        };
        let outcome = registry
            .update(self.namespace(), self.name(), &change, &mut |old| {
                let mut object = match (&applied, old) {
                    (Some(Err(error)), _) => return Err(error.clone()),
                    (Some(Ok(applied)), old) => {
                        let (mut object, changed) = registry.apply(old, &applied.patch, options.force)?;
                        if changed {
                            self.check_applied_types(&applied.patch, &mut object)?;
                        }
                        self.tell_of(applied, options.field_validation)?;
                        if !changed {
                            if old.is_none() {
                                self.check_new(&object)?;
                            }
                            self.check_name(&object)?;
                            return Ok(object);
                        }
                        conform_applied(&mut object, &expected).map_err(ApiError::bad_request)?;
                        object
                    }
                    (None, Some(old)) => self.patched(kind, old, &body, &expected, options.field_validation)?,
                    (None, None) => return Err(ApiError::not_found(self.definition, self.name())),
                };
                self.definition.strategy.default(&mut object);
                if old.is_none() {
                    self.check_new(&object)?;
                }
                self.check_name(&object)?;
                Ok(object)
            })
            .await?;
        self.answer_written(if outcome.created { 201 } else { 200 }, outcome.written)
    }

    /// Who names a uid means an object that is there.
    fn check_new(&self, object: &Value) -> Result<(), ApiError> {
        let uid = meta(object, "uid");
        if uid.is_empty() {
            return Ok(());
        }
        let why = format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        Err(ApiError::conflict(self.definition, self.name(), &why))
    }

    /// Tells of keys that are there twice, which is done once an apply has succeeded.
    pub(super) fn tell_of(&self, applied: &Applied, validation: FieldValidation) -> Result<(), ApiError> {
        if validation == FieldValidation::Strict && !applied.findings.is_empty() {
            let why = applied.findings.join(", ");
            return Err(ApiError::bad_request(format!(
                "error strict decoding YAML: error converting YAML to JSON: {why}"
            )));
        }
        self.report(validation, &applied.findings);
        Ok(())
    }

    /// What an apply made has to be an object of its type.
    fn check_applied_types(&self, patch: &Value, object: &mut Value) -> Result<(), ApiError> {
        if !self.definition.builtin {
            return Ok(());
        }
        check::restore(&self.definition.schema, object).map_err(|why| {
            let (version, kind) = (self.definition.api_version(), &self.definition.kind);
            let gvk = if version.contains('/') { version.clone() } else { format!("/{version}") };
            let (namespace, name) = (meta(patch, "namespace"), meta(patch, "name"));
            let why = format!(
                "failed to convert new object ({namespace}/{name}; {gvk}, Kind={kind}) to proper version: unable to \
                 convert unstructured object to {gvk}, Kind={kind}: {why}"
            );
            ApiError::new(500, "", why)
        })
    }

    /// What kind of patch this is, its options, and the document.
    pub(super) async fn read_patch(&self, builtin: bool) -> Result<(Kind, WriteOptions, Vec<u8>), ApiError> {
        let kind = Kind::of(self.summary.content_type(), builtin)?;
        let body = self.body().await?;
        let options = WriteOptions::read(&self.query, Write::Patch { apply: kind == Kind::Apply })?;
        Ok((kind, options, body))
    }

    /// The patched object, checked against its schema as a body would be.
    pub(super) fn patched(
        &self,
        kind: Kind,
        old: &Value,
        body: &[u8],
        expected: &Expected<'_>,
        validation: FieldValidation,
    ) -> Result<Value, ApiError> {
        let (mut object, mut findings) = change(kind, old, body, expected.schema, validation)?;
        // What a patch makes of an object is refused as a whole, shown as it would have been.
        let refuse = |why: String| {
            let shown = shown(kind, old, body, expected).unwrap_or_default();
            ApiError::invalid("", "", "", &[FieldError::invalid("patch", &Value::from(shown), why)])
        };
        if kind == Kind::Strategic {
            // The object is made of the tree as one of its type, whatever the tree calls itself.
            for (name, own) in [("kind", expected.kind), ("apiVersion", &expected.api_version())] {
                check::restore(&STRING, &mut object[name]).map_err(&refuse)?;
                object[name] = own.into();
            }
            check::restore(expected.schema, &mut object).map_err(&refuse)?;
        }
        let is_of_no_type = is_of_no_type(&object, expected, &refuse)?;
        if expected.builtin && !is_of_no_type {
            object["kind"] = expected.kind.into();
        }
        findings.extend(match is_of_no_type {
            true => forget_members(&mut object),
            false => {
                let found = conform(&mut object, expected).map_err(&refuse)?;
                match kind {
                    _ if found.len() < 2 || !expected.builtin => found,
                    Kind::Json | Kind::Merge => unknown_in_text(&shown(kind, old, body, expected)?, expected),
                    Kind::Strategic | Kind::Apply => sorted(found),
                }
            }
        });
        if validation == FieldValidation::Strict && !findings.is_empty() {
            return Err(refuse(format!("strict decoding error: {}", findings.join(", "))));
        }
        self.report(validation, &findings);
        Ok(object)
    }
}

/// The document of an apply.
pub(super) struct Applied {
    /// What its manager wants the object to have.
    pub(super) patch: Value,
    /// What strict decoding finds in it.
    findings: Vec<String>,
}

impl Applied {
    pub(super) fn read(body: &[u8], api_version: &str, kind: &str) -> Result<Self, ApiError> {
        let Decoded { value: patch, strict: findings } = codec::yaml::decode(body).map_err(|why| {
            ApiError::bad_request(format!("error decoding YAML: error converting YAML to JSON: {why}"))
        })?;
        if !patch.is_object() && !patch.is_null() {
            let found = codec::json::kind(&patch);
            return Err(ApiError::bad_request(format!(
                "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into \
                 Go value of type map[string]interface {{}}"
            )));
        }
        check_applied(&patch, api_version, kind)?;
        Ok(Self { patch, findings })
    }
}

/// What is applied says of what kind it is.
fn check_applied(patch: &Value, api_version: &str, kind: &str) -> Result<(), ApiError> {
    let text = |name: &str| patch[name].as_str().unwrap_or_default();
    if text("apiVersion") == api_version && text("kind") == kind {
        return Ok(());
    }
    let (group_version, kind) = match text("apiVersion") {
        core if !core.contains('/') => (format!("/{core}"), text("kind")),
        // Of no version, and so of nothing.
        none if none.matches('/').count() > 1 => ("/".to_string(), ""),
        other => (other.to_string(), text("kind")),
    };
    Err(ApiError::bad_request(format!("invalid object type: {group_version}, Kind={kind}")))
}

/// Checks that a patch has left kind and version as they are. Without a version an object is read as
/// of none, which knows no fields.
fn is_of_no_type(
    object: &Value,
    expected: &Expected<'_>,
    refuse: &dyn Fn(String) -> ApiError,
) -> Result<bool, ApiError> {
    let text = |name: &str| object[name].as_str().unwrap_or_default();
    let (kind, api_version) = (text("kind"), text("apiVersion"));
    check_type_texts(object).map_err(|why| refuse(format!("couldn't get version/kind; json parse error: {why}")))?;
    if !expected.builtin {
        if kind.is_empty() {
            let shown = patch::shown::untyped(object.clone());
            return Err(refuse(format!("Object 'Kind' is missing in '{shown}'")));
        }
        if api_version.is_empty() {
            return Err(ApiError::internal("Object 'apiVersion' is missing in 'object has no apiVersion field'"));
        }
        return expected.check_custom_kind(object).map(|()| false);
    }
    if api_version.is_empty() {
        return Ok(true);
    }
    let kind = if kind.is_empty() { expected.kind } else { kind };
    expected.check_other_kind(object, kind, api_version).map_err(refuse).map(|()| false)
}

/// What upstream finds unknown in the text of a patched object, in the order of the text.
fn unknown_in_text(text: &str, expected: &Expected<'_>) -> Vec<String> {
    let mut object = codec::json::decode(text.as_bytes()).map(|decoded| decoded.value).unwrap_or_default();
    let paths = check::unknown_fields(expected.schema, &mut object, false).into_iter();
    paths.map(|path| format!("unknown field {path:?}")).collect()
}

fn sorted(mut findings: Vec<String>) -> Vec<String> {
    findings.sort_unstable();
    findings
}

/// Leaves nothing, and says what is gone.
fn forget_members(object: &mut Value) -> Vec<String> {
    let Value::Object(members) = object else { return Vec::new() };
    let unknown = members.keys().filter(|name| !matches!(name.as_str(), "kind" | "apiVersion"));
    let mut findings: Vec<String> = unknown.map(|name| format!("unknown field {name:?}")).collect();
    findings.sort_unstable();
    members.clear();
    findings
}

/// What a patch was about to make of an object, as messages show it.
fn shown(kind: Kind, old: &Value, body: &[u8], expected: &Expected<'_>) -> Result<String, ApiError> {
    let document = codec::json::decode(body).map(|decoded| decoded.value).unwrap_or_default();
    if kind == Kind::Strategic {
        return Ok(patch::strategic::print(&patch::strategic::left(expected.schema, old, &document)));
    }
    let mut old = old.clone();
    match expected.builtin {
        true => written::arrange(expected.schema, &mut old),
        false => patch::shown::arrange_untyped(&mut old),
    }
    if kind == Kind::Json {
        patch::shown::pass(&mut old, &document);
    }
    let (patched, _) = change(kind, &old, body, expected.schema, FieldValidation::Ignore)?;
    Ok(match kind {
        Kind::Json => patch::shown::by_operations(patched, &document),
        _ => patch::shown::by_merge(patched, &document),
    })
}

/// Applies the document; with the result, what strict decoding of the document found.
fn change(
    kind: Kind,
    old: &Value,
    body: &[u8],
    schema: &Schema,
    validation: FieldValidation,
) -> Result<(Value, Vec<String>), ApiError> {
    match kind {
        Kind::Json => {
            let document = patch::decode(body)?.value;
            if validation != FieldValidation::Ignore {
                patch::json::check(&document)?;
            }
            let unknown = patch::json::unknown_members(&document).into_iter();
            let findings = unknown.map(|member| format!("json patch unknown field {member:?}")).collect();
            // Every object has text to be copied: who owns which fields.
            let may_bring_text = patch::json::has_source(&document) || foreign::has_text(&document);
            let mut object = patch::json::apply(old, document)?;
            if foreign::is_within(schema) || may_bring_text {
                foreign::settle(schema, &mut object);
            }
            Ok((object, findings))
        }
        Kind::Merge => {
            let Decoded { value: document, strict } = patch::decode(body)?;
            let mut object = patch::merge::apply(old, &document)?;
            if foreign::is_within(schema) || foreign::has_text(&document) {
                foreign::settle(schema, &mut object);
            }
            Ok((object, strict))
        }
        Kind::Strategic | Kind::Apply => {
            let decoded = codec::json::decode(body).map_err(ApiError::bad_request)?;
            let mut old = Cow::Borrowed(old);
            if foreign::is_within(schema) {
                foreign::open(schema, old.to_mut());
            }
            patch::strategic::apply(schema, &old, &decoded.value).map(|object| (object, decoded.strict))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::structural::from_openapi;
    use crate::tree::json;

    #[test]
    fn operations_leave_text_where_it_belongs_alone() {
        let fields = Value::keep(r#"{"f:spec":{"f:a":{}}}"#).unwrap();
        let old = json!({"metadata": {"managedFields": [{"fieldsV1": fields}]}, "spec": {"a": 1}});
        let custom = from_openapi(&json!({"x-kubernetes-preserve-unknown-fields": true}));
        for (operations, expected) in [
            (r#"[{"op":"add","path":"/spec/b","value":1.0}]"#, json!({"a": 1, "b": 1.0})),
            (
                r#"[{"op":"copy","from":"/metadata/managedFields/0/fieldsV1","path":"/spec/b"}]"#,
                json!({"a": 1, "b": {"f:spec": {"f:a": {}}}}),
            ),
            (r#"[{"op":"test","path":"/metadata/managedFields/0/fieldsV1/f:spec/f:a","value":{}}]"#, json!({"a": 1})),
        ] {
            let (object, _) = change(Kind::Json, &old, operations.as_bytes(), &custom, FieldValidation::Warn).unwrap();
            assert!(!foreign::has_text(&object["spec"]), "{operations}");
            assert_eq!(object["spec"], expected, "{operations}");
        }
    }

    #[test]
    fn the_media_type_says_the_kind() {
        assert_eq!(Kind::of("application/merge-patch+json; charset=utf-8", true), Ok(Kind::Merge));
        assert_eq!(Kind::of("application/strategic-merge-patch+json", true), Ok(Kind::Strategic));
        const ROUTER: &str = "415: Unsupported Media Type";
        const CUSTOM: &str = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
        const BUILTIN: &str = "application/json-patch+json, application/merge-patch+json, \
                               application/strategic-merge-patch+json, application/apply-patch+yaml";
        for (content_type, builtin, want) in [
            ("application/nonsense-patch", true, ROUTER),
            ("", true, ROUTER),
            (";application/json-patch+json", true, ROUTER),
            ("application/json-patch+json\t; charset=utf-8", true, ROUTER),
            // What the router lets through is not yet what it has to be.
            ("application/json-patch+json ; charset=utf-8", true, BUILTIN),
            ("text/plain, application/json-patch+json", true, BUILTIN),
            ("application/json-patch+json ; charset=utf-8", false, CUSTOM),
            ("application/strategic-merge-patch+json", false, CUSTOM),
        ] {
            let error = Kind::of(content_type, builtin).unwrap_err();
            let said = error
                .message
                .strip_prefix("the body of the request was in an unknown format - accepted media types include: ");
            assert_eq!((error.code, said.unwrap_or(&error.message)), (415, want), "{content_type}");
        }
    }
}
