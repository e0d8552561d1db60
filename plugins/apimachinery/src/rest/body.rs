//! The body of a request: read, decoded, and checked to be what the resource holds.

use plugin_sdk::BodyError;

use super::errors::entity_too_large;
use super::options::FieldValidation;
use super::request::Request;
use crate::codec::proto::{self, Envelope};
use crate::codec::time;
use crate::codec::{self, Decoded};
use crate::definition::Definition;
use crate::negotiate::{self, Encoding};
use crate::schema::validate::embedded;
use crate::schema::{Schema, builtin, check, defaults, foreign};
use crate::status::{ApiError, FieldError};
use crate::tree::{Value, json};
use crate::validation::quoted;

/// How much of a body that nobody understands is shown.
const SUMMARY_BYTES: usize = 30;

/// What a body has to be.
pub(super) struct Expected<'a> {
    pub(super) group: &'a str,
    pub(super) version: &'a str,
    pub(super) kind: &'a str,
    pub(super) schema: &'a Schema,
    /// An older version that has the kind in the same form, or empty.
    pub(super) older: &'a str,
    pub(super) builtin: bool,
    /// Whether lists and maps that are sent empty are told from those that are not sent.
    pub(super) tells_empty: bool,
}

impl<'a> Expected<'a> {
    pub(super) fn object_of(definition: &'a Definition) -> Self {
        Self {
            group: &definition.group,
            version: &definition.version,
            kind: &definition.kind,
            schema: &definition.schema,
            older: "",
            builtin: definition.builtin,
            tells_empty: true,
        }
    }

    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }

    /// What is wrong with options is told without saying of what.
    fn is_options(&self) -> bool {
        self.kind == "DeleteOptions"
    }

    /// An object of a custom resource has the kind and the version of its path.
    pub(super) fn check_custom_kind(&self, object: &Value) -> Result<(), ApiError> {
        let text = |name: &str| object[name].as_str().unwrap_or_default();
        let (kind, api_version, own) = (text("kind"), text("apiVersion"), self.api_version());
        let mut errors = Vec::new();
        for (name, found, wanted) in [("apiVersion", api_version, own.as_str()), ("kind", kind, self.kind)] {
            if found != wanted {
                errors.push(FieldError::invalid(name, &json!(found), format!("must be {wanted}")));
            }
        }
        if errors.is_empty() {
            return Ok(());
        }
        // Upstream tells it about the object that it was given, not about the one that it wants.
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        Err(ApiError::invalid(group, kind, name, &errors))
    }

    /// Why an object that calls itself so is not the expected one.
    pub(super) fn check_other_kind(&self, object: &Value, kind: &str, api_version: &str) -> Result<(), String> {
        if kind == self.kind && api_version == self.api_version() {
            return Ok(());
        }
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let unknown = format!(
            "converting ({version}.{kind}) to ({}.{}): unknown conversion",
            internal_package(self.group),
            self.kind
        );
        // A list of anything is of the core group, and no resource.
        if (api_version, kind) == ("v1", "List") {
            return Err(unknown);
        }
        let Some(other) = builtin::kind(group, version, kind) else {
            return Err(format!(
                "no kind {} is registered for version {} in scheme \"pkg/runtime/scheme.go:111\"",
                quoted(kind),
                quoted(api_version)
            ));
        };
        check::types(other.schema(), object)?;
        Err(unknown)
    }
}

impl Request<'_> {
    pub(super) async fn body(&self) -> Result<Vec<u8>, ApiError> {
        self.context.body().await.map_err(|error| match error {
            BodyError::TooLarge(limit) => entity_too_large(limit),
            BodyError::Broken(why) => ApiError::bad_request(why),
            BodyError::Cancelled => super::errors::from_store(plugin_sdk::storage::Error::Cancelled),
        })
    }

    /// The body as the object that is expected: typed, with its unknown fields treated as the
    /// client asked for.
    pub(super) async fn read_object(
        &self,
        expected: &Expected<'_>,
        validation: FieldValidation,
    ) -> Result<Value, ApiError> {
        let encoding = negotiate::input(self.summary.content_type(), expected.builtin)?;
        let bytes = self.body().await?;
        let (value, findings) = decode(&bytes, encoding, expected, validation == FieldValidation::Strict)?;
        self.report(validation, &findings);
        Ok(value)
    }

    /// As [`Self::read_object`], for a body that may be left out.
    pub(super) async fn read_optional(
        &self,
        expected: &Expected<'_>,
        validation: FieldValidation,
    ) -> Result<Option<Value>, ApiError> {
        let bytes = self.body().await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let encoding = negotiate::input(self.summary.content_type(), true)?;
        let (value, findings) = decode(&bytes, encoding, expected, validation == FieldValidation::Strict)?;
        self.report(validation, &findings);
        Ok(Some(value))
    }

    /// Tells the client about unknown and duplicate fields that were not refused.
    pub(super) fn report(&self, validation: FieldValidation, findings: &[String]) {
        if validation == FieldValidation::Warn {
            findings.iter().flat_map(|finding| warnings(finding)).for_each(|warning| self.context.warn(warning));
        }
    }
}

/// Decodes a body; with it what strict decoding found.
fn decode(
    bytes: &[u8],
    encoding: Encoding,
    expected: &Expected<'_>,
    strict: bool,
) -> Result<(Value, Vec<String>), ApiError> {
    let Decoded { mut value, strict: mut findings } = match encoding {
        Encoding::Json => {
            let decoded = match expected.builtin {
                true => codec::json::decode_as(bytes, expected.schema),
                false => codec::json::decode(bytes),
            };
            decoded.map_err(|why| match why.starts_with("json: cannot unmarshal") {
                true => handled_as(expected.kind, expected.version, expected, &why),
                false => unrecognized(expected, bytes, &format!("couldn't get version/kind; json parse error: {why}")),
            })?
        }
        Encoding::Yaml => {
            let mut decoded = codec::yaml::decode_exactly(bytes).map_err(|why| unrecognized(expected, bytes, &why))?;
            if foreign::has_text(&decoded.value) {
                foreign::settle(expected.schema, &mut decoded.value);
            }
            decoded
        }
        Encoding::Protobuf => {
            let envelope = Envelope::open(bytes).map_err(|why| unrecognized(expected, bytes, &why))?;
            check_kind(&mut json!({"kind": envelope.kind, "apiVersion": envelope.api_version}), bytes, expected)?;
            // From here on its type is known.
            let value = proto::decode_as(&envelope, expected.schema)
                .map_err(|why| handled_as(expected.kind, expected.version, expected, &why))?;
            Decoded { value, strict: Vec::new() }
        }
    };
    check_type_meta(&mut value)
        .map_err(|why| unrecognized(expected, bytes, &format!("couldn't get version/kind; json parse error: {why}")))?;
    check_kind(&mut value, bytes, expected)?;
    let refuse = |why: &str| handled_as(expected.kind, expected.version, expected, why);
    // A reader that knows the schema has left out what the schema does not know.
    let more = match expected.builtin && matches!(encoding, Encoding::Json | Encoding::Protobuf) {
        true => fit(&mut value, expected),
        false => conform(&mut value, expected),
    };
    findings.extend(more.map_err(|why| refuse(&why))?);
    if strict && !findings.is_empty() {
        return Err(refuse(&format!("strict decoding error: {}", findings.join(", "))));
    }
    Ok((value, findings))
}

/// An object that the server itself made, as if a client had sent it.
pub fn typed(definition: &Definition, mut object: Value) -> Result<Value, ApiError> {
    let expected = Expected { tells_empty: false, ..Expected::object_of(definition) };
    conform(&mut object, &expected).map_err(ApiError::internal)?;
    definition.strategy.default(&mut object);
    Ok(object)
}

/// Makes a tree fit its schema: types, unknown fields, declared defaults. Answers what strict
/// decoding finds.
pub(super) fn conform(value: &mut Value, expected: &Expected<'_>) -> Result<Vec<String>, String> {
    let paths = match expected.builtin {
        true => check::unknown_fields(expected.schema, value, true),
        false => check::unknown_in_custom(expected.schema, value),
    };
    let mut findings: Vec<String> = paths.iter().map(|path| unknown(path)).collect();
    findings.extend(fit(value, expected)?);
    Ok(findings)
}

/// The same for what an apply made. Of custom resources upstream does not read it again: what is null in
/// it by then is for the schema to judge.
pub(super) fn conform_applied(value: &mut Value, expected: &Expected<'_>) -> Result<(), String> {
    if expected.builtin {
        return conform(value, expected).map(drop);
    }
    if let Some(own) = value.get_mut("metadata").filter(|own| !own.is_null()) {
        // A tree of no Go type tells no time that it does not hold, and the server knows better anyway.
        if let Some(metadata) = own.as_object_mut()
            && metadata.get("creationTimestamp").is_some_and(|at| at.as_str().is_none_or(|at| time::parse(at).is_err()))
        {
            metadata.remove("creationTimestamp");
        }
        check_metadata(own)?;
    }
    // What ownership does not mind and the store does not keep.
    check::unknown_in_custom(expected.schema, value);
    embedded::coerce_metadata(expected.schema, value);
    defaults::apply(expected.schema, value);
    Ok(())
}

/// Metadata is typed for every resource, whatever its schema says.
fn check_metadata(own: &mut Value) -> Result<(), String> {
    let metadata = builtin::schema("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
    if !defaults::normalize(metadata, own) {
        check::types(metadata, own)?;
    }
    Ok(())
}

/// The same for a tree in which there are known fields alone.
fn fit(value: &mut Value, expected: &Expected<'_>) -> Result<Vec<String>, String> {
    let mut findings = Vec::new();
    if expected.builtin {
        let fits = match expected.tells_empty {
            true => defaults::normalize_keeping_empty(expected.schema, value),
            false => defaults::normalize(expected.schema, value),
        };
        if !fits {
            check::types(expected.schema, value)?;
        }
    } else if let Some(own) = value.get_mut("metadata").filter(|own| !own.is_null()) {
        let metadata = builtin::schema("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
        let mut of_metadata = check::unknown_fields(metadata, own, true);
        of_metadata.sort_unstable();
        findings.extend(of_metadata.iter().map(|path| unknown(&format!("metadata.{path}"))));
        check_metadata(own)?;
    }
    if !expected.builtin {
        embedded::check_metadata(expected.schema, value, "")?;
        embedded::coerce_metadata(expected.schema, value);
        defaults::drop_nulls(expected.schema, value);
    }
    defaults::apply(expected.schema, value);
    Ok(findings)
}

/// What upstream reads first of a body: whether it can have a kind and a version at all.
fn check_type_meta(value: &mut Value) -> Result<(), String> {
    const TARGET: &str = "Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \
                          \"json:\\\"kind,omitempty\\\"\" }";
    if value.is_null() {
        *value = json!({});
    }
    if !value.is_object() {
        return Err(format!("json: cannot unmarshal {} into {TARGET}", codec::json::kind(value)));
    }
    check_type_texts(value)
}

/// What calls itself something does so by text.
pub(super) fn check_type_texts(value: &Value) -> Result<(), String> {
    for name in ["apiVersion", "kind"] {
        if let Some(other) = value.get(name).filter(|value| !value.is_string() && !value.is_null()) {
            let found = codec::json::kind(other);
            return Err(format!("json: cannot unmarshal {found} into Go struct field .{name} of type string"));
        }
    }
    Ok(())
}

/// What the library for YAML has found is one finding of a strict request, and a warning each of
/// another.
fn warnings(finding: &str) -> impl Iterator<Item = &str> {
    let of_library = finding.strip_prefix("yaml: unmarshal errors:\n");
    of_library.into_iter().flat_map(|all| all.split('\n').map(str::trim)).chain(of_library.is_none().then_some(finding))
}

fn unknown(path: &str) -> String {
    format!("unknown field {path:?}")
}

/// The kind and version in the body, or those that the path implies, must be the expected.
fn check_kind(value: &mut Value, bytes: &[u8], expected: &Expected<'_>) -> Result<(), ApiError> {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_string();
    let (kind, api_version) = (text("kind"), text("apiVersion"));
    let own = expected.api_version();
    if !expected.builtin {
        if kind.is_empty() {
            let why = format!("Object 'Kind' is missing in '{}'", String::from_utf8_lossy(bytes));
            return Err(unrecognized(expected, bytes, &why));
        }
        if api_version != own {
            return Err(wrong_version(&api_version, &own));
        }
        return expected.check_custom_kind(value);
    }
    if api_version.bytes().filter(|byte| *byte == b'/').count() > 1 {
        return Err(unrecognized(expected, bytes, &format!("unexpected GroupVersion string: {api_version}")));
    }
    let api_version = api_version.strip_prefix('/').map(str::to_string).unwrap_or(api_version);
    let kind = if kind.is_empty() { expected.kind.to_string() } else { kind };
    // Clients send the options of a delete in the version of the resource.
    let api_version = if kind == "DeleteOptions" && kind == expected.kind { own.clone() } else { api_version };
    let is_older = !expected.older.is_empty() && api_version == format!("{}/{}", expected.group, expected.older);
    let api_version = if api_version.is_empty() || is_older { own.clone() } else { api_version };
    if kind != expected.kind || api_version != own {
        let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
        // Events are the same in both of their groups.
        let is_same = group == expected.group || kind == "Event" && matches!(group, "" | "events.k8s.io");
        if kind == expected.kind && is_same && builtin::kind(group, version, &kind).is_some() {
            return Err(wrong_version(&api_version, &own));
        }
        if expected.is_options() && !matches!(kind.as_str(), "DeleteOptions" | "Status" | "WatchEvent") {
            // Who reads options knows none of the types that are stored.
            let scheme = "in scheme \"pkg/runtime/scheme.go:111\"";
            let why = format!("no kind \"{kind}\" is registered for version \"{api_version}\" {scheme}");
            return Err(handled_as(&kind, version, expected, &why));
        }
        let why = expected.check_other_kind(&Value::Null, &kind, &api_version).err().unwrap_or_default();
        return Err(handled_as(&kind, version, expected, &why));
    }
    value["kind"] = kind.into();
    value["apiVersion"] = api_version.into();
    Ok(())
}

/// The Go package of a group's internal types, which messages name.
pub(super) fn internal_package(group: &str) -> &str {
    if group.is_empty() { "core" } else { group.split('.').next().unwrap_or(group) }
}

fn wrong_version(found: &str, expected: &str) -> ApiError {
    ApiError::bad_request(format!(
        "the API version in the data ({found}) does not match the expected API version ({expected})"
    ))
}

fn handled_as(kind: &str, version: &str, expected: &Expected<'_>, why: &str) -> ApiError {
    if expected.is_options() {
        return ApiError::bad_request(why);
    }
    let wanted = expected.kind;
    let version = quoted(version);
    ApiError::bad_request(format!("{kind} in version {version} cannot be handled as a {wanted}: {why}"))
}

fn unrecognized(expected: &Expected<'_>, bytes: &[u8], why: &str) -> ApiError {
    if expected.is_options() {
        return ApiError::bad_request(why);
    }
    let kind = expected.kind;
    let summary = summary(bytes);
    ApiError::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why} ({summary})"))
}

/// The beginning of a body, readable if it looks like text.
fn summary(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SUMMARY_BYTES)];
    let more = if bytes.len() > SUMMARY_BYTES { " ..." } else { "" };
    match bytes.first() {
        None => "<empty>".to_string(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(shown)),
        Some(_) => format!("{}{more}", shown.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::Plain;

    fn refusal(body: &str, strict: bool) -> String {
        let definition = Definition::builtin("", "v1", "configmaps", &Plain);
        let expected = Expected::object_of(&definition);
        decode(body.as_bytes(), Encoding::Json, &expected, strict).map_or_else(|error| error.message, |_| "ok".into())
    }

    #[test]
    fn bodies_are_refused_in_upstreams_words() {
        const AS: &str = "cannot be handled as a ConfigMap";
        for (body, strict, want) in [
            (r#"{"metadata":{"name":"a"}}"#, true, "ok".to_string()),
            (
                "{not json",
                false,
                "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse \
                 error: invalid character 'n' looking for beginning of object key string ({not json)"
                    .to_string(),
            ),
            (
                "",
                false,
                "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse \
                 error: unexpected end of JSON input (<empty>)"
                    .to_string(),
            ),
            (
                r#"{"apiVersion":"v1","kind":"Secret"}"#,
                false,
                format!("Secret in version \"v1\" {AS}: converting (v1.Secret) to (core.ConfigMap): unknown conversion"),
            ),
            (
                r#"{"apiVersion":"apps/v1","kind":"ConfigMap"}"#,
                false,
                format!(
                    "ConfigMap in version \"v1\" {AS}: no kind \"ConfigMap\" is registered for version \"apps/v1\" in \
                     scheme \"pkg/runtime/scheme.go:111\""
                ),
            ),
            (
                r#"{"data":{"a":1}}"#,
                false,
                format!(
                    "ConfigMap in version \"v1\" {AS}: json: cannot unmarshal number into Go struct field \
                     ConfigMap.data of type string"
                ),
            ),
            (r#"{"metadata":{"name":"a","generation":-0}}"#, false, "ok".to_string()),
            (
                r#"{"metadata":{"generation":1e2}}"#,
                false,
                format!(
                    "ConfigMap in version \"v1\" {AS}: json: cannot unmarshal number 1e2 into Go struct field \
                     ObjectMeta.metadata.generation of type int64"
                ),
            ),
            (r#"{"apiVersion":"/v1","kind":"ConfigMap"}"#, false, "ok".to_string()),
            (
                r#"{"apiVersion":"a/b/c"}"#,
                false,
                "the object provided is unrecognized (must be of type ConfigMap): unexpected GroupVersion string: a/b/c \
                 ({\"apiVersion\":\"a/b/c\"})"
                    .to_string(),
            ),
            (
                "{\"apiVersion\":\"\\n\"}",
                false,
                format!(
                    "ConfigMap in version \"\\n\" {AS}: no kind \"ConfigMap\" is registered for version \"\\n\" in \
                     scheme \"pkg/runtime/scheme.go:111\""
                ),
            ),
            (
                r#"{"nonsense":1}"#,
                true,
                format!("ConfigMap in version \"v1\" {AS}: strict decoding error: unknown field \"nonsense\""),
            ),
            (
                r#"{"data":{"a":"1"},"data":{"a":"2"}}"#,
                true,
                format!("ConfigMap in version \"v1\" {AS}: strict decoding error: duplicate field \"data\""),
            ),
        ] {
            assert_eq!(refusal(body, strict), want);
        }
    }

    #[test]
    fn each_finding_of_the_yaml_library_is_a_warning() {
        let all =
            "yaml: unmarshal errors:\n  line 1: key \"a\" already set in map\n  line 2: key \"b\" already set in map";
        let expected = ["line 1: key \"a\" already set in map", "line 2: key \"b\" already set in map"];
        assert_eq!(warnings(all).collect::<Vec<_>>(), expected);
        assert_eq!(warnings("unknown field \"a\"").collect::<Vec<_>>(), ["unknown field \"a\""]);
    }
}
