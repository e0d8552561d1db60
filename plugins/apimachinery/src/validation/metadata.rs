//! `metadata` of any object: when it is created and when it changes.

use super::{is_printable, labels, names, quoted, repeats};
use crate::definition::Definition;
use crate::status::{FieldError, FieldErrorKind};
use crate::tree::Value;

/// Keys and values of all annotations together.
const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;
const FIELD_MANAGER_BYTES_MAX: usize = 128;
const SUBRESOURCE_BYTES_MAX: usize = 256;

/// Resources of which only the name is looked at, and not what it was to begin with: group, resource.
const ANY_PREFIX: [(&str, &str); 2] = [("", "replicationcontrollers"), ("resource.k8s.io", "deviceclasses")];

/// Kinds that own nothing.
const BANNED_OWNERS: [(&str, &str); 1] = [("v1", "Event")];

/// Every finding about the metadata of an object that is to be created, after its name was
/// generated.
pub fn create(definition: &Definition, object: &Value, errors: &mut Vec<FieldError>) {
    create_named(definition, object, &|name| definition.strategy.validate_name(name), errors);
}

/// As [`create`], for an object whose name depends on what is in it.
pub fn create_named(
    definition: &Definition,
    object: &Value,
    validate_name: &dyn Fn(&str) -> Vec<String>,
    errors: &mut Vec<FieldError>,
) {
    let metadata = &object["metadata"];
    let is = |of: &(&str, &str)| *of == (&*definition.group, &*definition.resource);
    if text(metadata, "generateName").is_empty() || !ANY_PREFIX.iter().any(is) {
        whole(definition, metadata, validate_name, errors);
    } else {
        let mut named = metadata.clone();
        named["generateName"] = Value::Null;
        whole(definition, &named, validate_name, errors);
    }
    known_finalizers(definition, object, errors);
}

/// Every finding about the metadata of an object whose kind nobody knows.
pub fn any(definition: &Definition, object: &Value, errors: &mut Vec<FieldError>) {
    whole(definition, &object["metadata"], &names::path_segment, errors);
}

/// Metadata as it is, whatever it was before.
fn whole(
    definition: &Definition,
    metadata: &Value,
    validate_name: &dyn Fn(&str) -> Vec<String>,
    errors: &mut Vec<FieldError>,
) {
    check(metadata, "metadata", definition.namespaced, validate_name, errors);
}

/// Every finding about the metadata of an object that is inside of another, which needs no name.
pub fn inside(metadata: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let mut named = metadata.clone();
    if text(metadata, "name").is_empty() {
        named["name"] = "unnamed".into();
    }
    let namespaced = !text(metadata, "namespace").is_empty();
    check(&named, field, namespaced, &names::path_segment, errors);
}

fn check(
    metadata: &Value,
    field: &str,
    namespaced: bool,
    validate_name: &dyn Fn(&str) -> Vec<String>,
    errors: &mut Vec<FieldError>,
) {
    let at = |name: &str| format!("{field}.{name}");
    let prefix = text(metadata, "generateName");
    if !prefix.is_empty() {
        for reason in validate_name(&names::mask_trailing_dash(prefix)) {
            errors.push(invalid(&at("generateName"), quoted(prefix), reason));
        }
    }
    match text(metadata, "name") {
        "" => errors.push(FieldError::required(at("name"), "name or generateName is required")),
        name => {
            let reasons = validate_name(name).into_iter();
            errors.extend(reasons.map(|reason| invalid(&at("name"), quoted(name), reason)));
        }
    }

    match (namespaced, text(metadata, "namespace")) {
        (true, "") => errors.push(FieldError::required(at("namespace"), "")),
        (true, namespace) => {
            let reasons = names::dns1123_label(namespace).into_iter();
            errors.extend(reasons.map(|reason| invalid(&at("namespace"), quoted(namespace), reason)));
        }
        (false, "") => {}
        (false, _) => errors.push(FieldError::forbidden(at("namespace"), "not allowed on this type")),
    }

    let generation = metadata["generation"].as_i64().unwrap_or_default();
    if generation < 0 {
        errors.push(invalid(&at("generation"), generation.to_string(), "must be greater than or equal to 0"));
    }
    labels::labels(&metadata["labels"], &at("labels"), errors);
    annotations(&metadata["annotations"], &at("annotations"), errors);
    owner_references(&metadata["ownerReferences"], &at("ownerReferences"), errors);
    finalizers(&metadata["finalizers"], &at("finalizers"), errors);
    managed_fields(&metadata["managedFields"], &at("managedFields"), errors);
}

/// Finalizers that nobody's domain is in front of, for most built-in types.
fn known_finalizers(definition: &Definition, object: &Value, errors: &mut Vec<FieldError>) {
    const KNOWN: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];
    if !definition.builtin || !definition.strategy.knows_finalizers() {
        return;
    }
    for (index, finalizer) in texts(&object["metadata"]["finalizers"]).into_iter().enumerate() {
        if !finalizer.contains('/') && !KNOWN.contains(&finalizer) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(invalid(&format!("metadata.finalizers[{index}]"), quoted(finalizer), why));
        }
    }
}

/// Every finding about the metadata of an object that replaces `old`, after what a client
/// left out was carried over. Upstream checks it for all resources, and again in each one's own
/// rules, so that most findings are told several times.
pub fn update(definition: &Definition, subresource: &str, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let (metadata, before) = (&object["metadata"], &old["metadata"]);
    whole(definition, metadata, &names::path_segment, errors);
    changed(metadata, before, errors);
    let own = repeats::own_rules(definition, subresource);
    if own.early {
        again(definition, own.whole, object, errors);
    }
    if own.change && !own.between {
        changed(metadata, before, errors);
        known_finalizers(definition, object, errors);
    }
    if !own.early {
        again(definition, own.whole - usize::from(own.late && own.whole > 0), object, errors);
    }
}

/// What a resource's own rules say again of metadata after what may not change of the object.
pub fn late(definition: &Definition, subresource: &str, object: &Value, errors: &mut Vec<FieldError>) {
    let own = repeats::own_rules(definition, subresource);
    if own.late && own.whole > 0 {
        create(definition, object, errors);
    }
}

fn again(definition: &Definition, times: usize, object: &Value, errors: &mut Vec<FieldError>) {
    for _ in 0..times {
        create(definition, object, errors);
    }
}

/// What a resource's own rules say again of metadata after they have looked at the object as if it
/// were new: nothing, where they say it first.
pub fn between(definition: &Definition, subresource: &str, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let own = repeats::own_rules(definition, subresource);
    if own.change && own.between {
        changed(&object["metadata"], &old["metadata"], errors);
        known_finalizers(definition, object, errors);
    }
}

/// Metadata that replaces another.
fn changed(metadata: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    if !old["deletionTimestamp"].is_null() {
        let before = texts(&old["finalizers"]);
        let mut new: Vec<&str> = texts(&metadata["finalizers"]);
        new.retain(|finalizer| !before.contains(finalizer));
        new.sort_unstable();
        new.dedup();
        if !new.is_empty() {
            let new: Vec<String> = new.into_iter().map(quoted).collect();
            errors.push(FieldError::forbidden(
                "metadata.finalizers",
                format!(
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                    new.join(", ")
                ),
            ));
        }
    }

    let generation = |metadata: &Value| metadata["generation"].as_i64().unwrap_or_default();
    if generation(metadata) < generation(old) {
        errors.push(invalid("metadata.generation", generation(metadata).to_string(), "must not be decremented"));
    }
    for name in ["name", "namespace", "uid"] {
        if text(metadata, name) != text(old, name) {
            errors.push(immutable(&format!("metadata.{name}"), quoted(text(metadata, name))));
        }
    }
    for name in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        if metadata[name] != old[name] {
            errors.push(immutable(&format!("metadata.{name}"), metadata[name].to_string()));
        }
    }
    labels::labels(&metadata["labels"], "metadata.labels", errors);
    annotations(&metadata["annotations"], "metadata.annotations", errors);
    owner_references(&metadata["ownerReferences"], "metadata.ownerReferences", errors);
    managed_fields(&metadata["managedFields"], "metadata.managedFields", errors);
}

/// The finding for a field that must not change.
pub fn immutable(field: &str, value: String) -> FieldError {
    invalid(field, value, "field is immutable")
}

/// Every finding about the name of a field manager.
pub fn field_manager(name: &str, field: &str, errors: &mut Vec<FieldError>) {
    if name.len() > FIELD_MANAGER_BYTES_MAX {
        errors.push(too_long(field, FIELD_MANAGER_BYTES_MAX));
    }
    for (position, character) in name.char_indices().filter(|(_, character)| !is_printable(*character)) {
        let detail = format!("invalid character U+{:04X} (at position {position})", character as u32);
        errors.push(invalid(field, quoted(name), detail));
    }
}

/// Every finding about a map of annotations.
pub fn annotations(annotations: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let mut bytes = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        // As a label's key, but for its case.
        for reason in names::qualified_name(&key.to_lowercase()) {
            errors.push(invalid(field, quoted(key), reason));
        }
        bytes += key.len() + value.as_str().map_or(0, str::len);
    }
    if bytes > ANNOTATIONS_BYTES_MAX {
        errors.push(too_long(field, ANNOTATIONS_BYTES_MAX));
    }
}

fn owner_references(references: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let mut controller: Option<String> = None;
    for reference in references.as_array().into_iter().flatten() {
        let (api_version, kind) = (text(reference, "apiVersion"), text(reference, "kind"));
        let version = match api_version.split('/').collect::<Vec<_>>().as_slice() {
            [version] | [_, version] => *version,
            _ => "",
        };
        if version.is_empty() {
            errors.push(invalid(&format!("{field}.apiVersion"), quoted(api_version), "version must not be empty"));
        }
        for name in ["kind", "name", "uid"] {
            if text(reference, name).is_empty() {
                errors.push(invalid(&format!("{field}.{name}"), quoted(""), "must not be empty"));
            }
        }
        if BANNED_OWNERS.contains(&(api_version, kind)) {
            let detail = format!("/{api_version}, Kind={kind} is disallowed from being an owner");
            errors.push(invalid(field, as_struct(reference).to_string(), detail));
        }
        if reference["controller"].as_bool() == Some(true) {
            let this = format!("{kind}/{}", text(reference, "name"));
            match &controller {
                None => controller = Some(this),
                Some(first) => errors.push(invalid(
                    field,
                    references.as_array().into_iter().flatten().map(as_struct).collect::<Value>().to_string(),
                    format!(
                        "Only one reference can have Controller set to true. Found \"true\" in references for {first} \
                         and {this}"
                    ),
                )),
            }
        }
    }
}

/// As upstream's struct is written.
fn as_struct(reference: &Value) -> Value {
    let of = |name: &&str| reference.get(*name).cloned();
    let always = ["apiVersion", "kind", "name", "uid"].into_iter();
    let always = always.map(|name| (name.to_string(), of(&name).unwrap_or_else(|| "".into())));
    let given = ["controller", "blockOwnerDeletion"].into_iter();
    let given = given.filter_map(|name| Some((name.to_string(), of(&name)?)));
    always.chain(given).collect()
}

fn finalizers(finalizers: &Value, field: &str, errors: &mut Vec<FieldError>) {
    const ORPHAN: &str = "orphan";
    const FOREGROUND: &str = "foregroundDeletion";
    let all = texts(finalizers);
    for finalizer in &all {
        for reason in names::qualified_name(finalizer) {
            errors.push(invalid(field, quoted(finalizer), reason));
        }
    }
    if all.contains(&ORPHAN) && all.contains(&FOREGROUND) {
        let detail = format!("finalizer {ORPHAN} and {FOREGROUND} cannot be both set");
        errors.push(invalid(field, finalizers.to_string(), detail));
    }
}

fn managed_fields(entries: &Value, field: &str, errors: &mut Vec<FieldError>) {
    for (index, entry) in entries.as_array().into_iter().flatten().enumerate() {
        let field = format!("{field}[{index}]");
        let operation = text(entry, "operation");
        if !matches!(operation, "Apply" | "Update") {
            errors.push(invalid(&format!("{field}.operation"), quoted(operation), "must be `Apply` or `Update`"));
        }
        let fields_type = text(entry, "fieldsType");
        if !matches!(fields_type, "" | "FieldsV1") {
            errors.push(invalid(&format!("{field}.fieldsType"), quoted(fields_type), "must be `FieldsV1`"));
        }
        field_manager(text(entry, "manager"), &format!("{field}.manager"), errors);
        if text(entry, "subresource").len() > SUBRESOURCE_BYTES_MAX {
            errors.push(too_long(&format!("{field}.subresource"), SUBRESOURCE_BYTES_MAX));
        }
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn invalid(field: &str, value: String, detail: impl Into<String>) -> FieldError {
    FieldError::new(FieldErrorKind::Invalid, field, value, detail)
}

fn too_long(field: &str, bytes_max: usize) -> FieldError {
    FieldError::new(FieldErrorKind::TooLong, field, "", format!("may not be more than {bytes_max} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use crate::tree::json;

    fn creating(definition: &Definition, metadata: Value) -> Vec<String> {
        let mut errors = Vec::new();
        create(definition, &json!({"metadata": metadata}), &mut errors);
        errors.iter().map(short).collect()
    }

    fn updating(change: Value) -> Vec<String> {
        let old = json!({"name": "a", "namespace": "x", "uid": "1", "generation": 2, "finalizers": ["example.com/a"],
                         "creationTimestamp": "2026-01-01T00:00:00Z", "deletionTimestamp": "2026-01-02T00:00:00Z"});
        let mut new = old.clone();
        crate::patch::merge::merge(&mut new, &change);
        let mut errors = Vec::new();
        changed(&new, &old, &mut errors);
        errors.iter().map(FieldError::to_string).collect()
    }

    /// Without the long explanation of a pattern.
    fn short(error: &FieldError) -> String {
        error.to_string().split(" (e.g. ").next().unwrap_or_default().to_string()
    }

    #[test]
    fn names_and_namespaces() {
        let namespaced = testing::definition("", "v1", "configmaps", "ConfigMap");
        let cluster_wide = Definition { namespaced: false, ..namespaced.clone() };
        let subdomain = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
                         and must start and end with an alphanumeric character";
        for (definition, metadata, expected) in [
            (&namespaced, json!({"name": "a", "namespace": "x"}), vec![]),
            (&namespaced, json!({"name": "a-1", "generateName": "a-", "namespace": "x"}), vec![]),
            (
                &namespaced,
                json!({}),
                vec![
                    "metadata.name: Required value: name or generateName is required".to_string(),
                    "metadata.namespace: Required value".to_string(),
                ],
            ),
            (
                &namespaced,
                json!({"name": "Not_Valid", "generateName": "BB-", "namespace": "x.y"}),
                vec![
                    format!("metadata.generateName: Invalid value: \"BB-\": {subdomain}"),
                    format!("metadata.name: Invalid value: \"Not_Valid\": {subdomain}"),
                    "metadata.namespace: Invalid value: \"x.y\": must not contain dots".to_string(),
                ],
            ),
            (
                &cluster_wide,
                json!({"name": "a", "namespace": "x", "generation": -1}),
                vec![
                    "metadata.namespace: Forbidden: not allowed on this type".to_string(),
                    "metadata.generation: Invalid value: -1: must be greater than or equal to 0".to_string(),
                ],
            ),
        ] {
            assert_eq!(creating(definition, metadata.clone()), expected, "{metadata}");
        }
    }

    #[test]
    fn what_clients_hang_on_objects() {
        let definition = testing::definition("", "v1", "configmaps", "ConfigMap");
        let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "1", "controller": true});
        for (metadata, expected) in [
            (json!({"annotations": {"Example.com/X": "anything\n"}}), vec![]),
            (
                json!({"annotations": {"a": "x".repeat(ANNOTATIONS_BYTES_MAX)}}),
                vec!["metadata.annotations: Too long: may not be more than 262144 bytes"],
            ),
            (
                json!({"ownerReferences": [owner, owner]}),
                vec![
                    "metadata.ownerReferences: Invalid value: [{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"p\",\
                     \"uid\":\"1\",\"controller\":true},{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"p\",\
                     \"uid\":\"1\",\"controller\":true}]: Only one reference can have Controller set to true. Found \
                     \"true\" in references for Pod/p and Pod/p",
                ],
            ),
            (
                json!({"ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "e"}]}),
                vec![
                    "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty",
                    "metadata.ownerReferences: Invalid value: {\"apiVersion\":\"v1\",\"kind\":\"Event\",\"name\":\"e\",\"uid\":\"\"}: \
                     /v1, Kind=Event is disallowed from being an owner",
                ],
            ),
            (
                json!({"finalizers": ["orphan", "foregroundDeletion"]}),
                vec![
                    "metadata.finalizers: Invalid value: [\"orphan\",\"foregroundDeletion\"]: finalizer orphan and \
                     foregroundDeletion cannot be both set",
                ],
            ),
            (
                json!({"managedFields": [{"operation": "x", "fieldsType": "y", "manager": "\u{7}"}]}),
                vec![
                    "metadata.managedFields[0].operation: Invalid value: \"x\": must be `Apply` or `Update`",
                    "metadata.managedFields[0].fieldsType: Invalid value: \"y\": must be `FieldsV1`",
                    "metadata.managedFields[0].manager: Invalid value: \"\\a\": invalid character U+0007 (at position 0)",
                ],
            ),
        ] {
            let mut named = json!({"name": "a", "namespace": "x"});
            crate::patch::merge::merge(&mut named, &metadata);
            assert_eq!(creating(&definition, named), expected);
        }
    }

    #[test]
    fn what_must_not_change() {
        for (change, expected) in [
            (json!({}), vec![]),
            (json!({"finalizers": null, "labels": {"a": "b"}, "generation": 3}), vec![]),
            (
                json!({"finalizers": ["example.com/a", "example.com/b"]}),
                vec![
                    "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, \
                     found new finalizers []string{\"example.com/b\"}",
                ],
            ),
            (
                json!({"uid": "2", "generation": 1, "creationTimestamp": null}),
                vec![
                    "metadata.generation: Invalid value: 1: must not be decremented",
                    "metadata.uid: Invalid value: \"2\": field is immutable",
                    "metadata.creationTimestamp: Invalid value: null: field is immutable",
                ],
            ),
        ] {
            assert_eq!(updating(change.clone()), expected, "{change}");
        }
    }
}
