//! Field selectors: `metadata.name=a,status.phase!=Failed`.

use plugin_sdk::bindings::host::chain::storage::{FieldRequirement, Operator};

use crate::definition::Definition;
use crate::validation::quoted;

/// The requirements of a field selector on objects of `definition`; none for an empty one.
///
/// # Errors
/// Why it cannot be parsed or names what cannot be selected by, as the message of a
/// `BadRequest`.
pub fn parse_fields(selector: &str, definition: &Definition) -> Result<Vec<FieldRequirement>, String> {
    let known = |term: FieldRequirement| Ok(FieldRequirement { name: known(&term.name, definition)?, ..term });
    parse_terms(selector)?.into_iter().map(known).collect()
}

/// The requirements of a field selector, whose fields may be any.
///
/// # Errors
/// Why it cannot be parsed, as the message of a `BadRequest`.
pub fn parse_terms(selector: &str) -> Result<Vec<FieldRequirement>, String> {
    let mut terms = split_terms(selector);
    terms.sort_unstable();
    let mut requirements = Vec::with_capacity(terms.len());
    for term in terms.into_iter().filter(|term| !term.is_empty()) {
        let Some((name, operator, value)) = split_term(term) else {
            return Err(format!("invalid selector: '{selector}'; can't understand '{term}'"));
        };
        let value = unescape(value)?;
        // An operator with nothing about it requires nothing.
        if !(name.is_empty() && value.is_empty()) {
            requirements.push(FieldRequirement { name: name.into(), operator, value });
        }
    }
    Ok(requirements)
}

/// At commas that no backslash escapes.
fn split_terms(selector: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, character) in selector.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&selector[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&selector[start..]);
    terms
}

/// At the first operator.
fn split_term(term: &str) -> Option<(&str, Operator, &str)> {
    let operators = [("!=", Operator::NotEquals), ("==", Operator::Equals), ("=", Operator::Equals)];
    term.char_indices().find_map(|(at, _)| {
        let rest = &term[at..];
        let (text, operator) = operators.iter().find(|(text, _)| rest.starts_with(text))?;
        Some((&term[..at], *operator, &rest[text.len()..]))
    })
}

fn unescape(value: &str) -> Result<String, String> {
    let mut out = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped @ ('\\' | ',' | '=')) => out.push(escaped),
                other => {
                    let sequence: String = std::iter::once('\\').chain(other).collect();
                    return Err(format!("invalid field selector: invalid escape sequence: {sequence}"));
                }
            },
            // The number of the character: upstream prints a rune.
            ',' | '=' => {
                return Err(format!("invalid field selector: unescaped character in value: {}", character as u32));
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

/// The field's name as the host knows it.
fn known(name: &str, definition: &Definition) -> Result<String, String> {
    let is = |group: &str, kind: &str| *definition.group == *group && *definition.kind == *kind;
    let selectable = definition.selectable.iter().any(|field| *field.name == *name);
    // Cluster-wide custom resources have no namespace to select by, nor a few types of upstream's.
    let alone = is("", "Node")
        || is("", "Namespace")
        || is("certificates.k8s.io", "CertificateSigningRequest")
        || is("resource.k8s.io", "ResourceSlice");
    let within = definition.namespaced || (definition.builtin && !alone);
    let metadata = name == "metadata.name" || name == "metadata.namespace" && within;
    if selectable || metadata {
        return Ok(name.into());
    }
    if name == "spec.host" && is("", "Pod") {
        return Ok("spec.nodeName".into());
    }
    Err(if definition.builtin && definition.selectable.is_empty() {
        let name = quoted(name);
        format!("{name} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    } else if is("batch", "Job") {
        format!("field label \"{name}\" not supported for Job")
    } else if is("resource.k8s.io", "ResourceSlice") {
        let version = &definition.version;
        format!("field label not supported for resource.k8s.io/{version}, Kind=ResourceSlice: {name}")
    } else {
        format!("field label not supported: {name}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::Selectable;
    use crate::testing;

    fn parse(selector: &str, definition: &Definition) -> Result<String, String> {
        let requirements = parse_fields(selector, definition)?;
        let short = requirements.iter().map(|r| format!("{} {:?} {}", r.name, r.operator, r.value));
        Ok(short.collect::<Vec<_>>().join("; "))
    }

    fn pods() -> Definition {
        let selectable = ["spec.nodeName", "status.phase"].map(|name| Selectable {
            name: name.into(),
            path: name.split('.').map(Into::into).collect(),
            absent: "".into(),
        });
        Definition { selectable: selectable.into(), ..testing::definition("", "v1", "pods", "Pod") }
    }

    #[test]
    fn requirements() {
        for (selector, expected) in [
            ("", ""),
            (",", ""),
            ("=", ""),
            ("!=,==", ""),
            ("metadata.name=a,=", "metadata.name Operator::Equals a"),
            ("metadata.name=a", "metadata.name Operator::Equals a"),
            ("spec.nodeName=", "spec.nodeName Operator::Equals "),
            ("spec.host==n", "spec.nodeName Operator::Equals n"),
            (
                "status.phase!=Failed,metadata.namespace=x",
                "metadata.namespace Operator::Equals x; status.phase Operator::NotEquals Failed",
            ),
            (r"metadata.name=a\,b\=c\\", r"metadata.name Operator::Equals a,b=c\"),
        ] {
            assert_eq!(parse(selector, &pods()).as_deref(), Ok(expected), "`{selector}`");
        }
    }

    #[test]
    fn mistakes_are_named_as_upstream_names_them() {
        let maps = testing::definition("", "v1", "configmaps", "ConfigMap");
        let jobs = Definition { selectable: pods().selectable, ..testing::definition("batch", "v1", "jobs", "Job") };
        let custom = Definition { builtin: false, namespaced: false, ..testing::definition("x.io", "v1", "xs", "X") };
        for (selector, definition, expected) in [
            ("a", &maps, "invalid selector: 'a'; can't understand 'a'"),
            ("metadata.name=a=b", &maps, "invalid field selector: unescaped character in value: 61"),
            (r"metadata.name=\a", &maps, r"invalid field selector: invalid escape sequence: \a"),
            (r"metadata.name=a\", &maps, r"invalid field selector: invalid escape sequence: \"),
            (
                "data.n=c",
                &maps,
                "\"data.n\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
            ),
            ("spec.x=c", &pods(), "field label not supported: spec.x"),
            ("spec.x=c", &jobs, "field label \"spec.x\" not supported for Job"),
            ("metadata.namespace=c", &custom, "field label not supported: metadata.namespace"),
        ] {
            assert_eq!(parse(selector, definition), Err(expected.to_string()), "`{selector}`");
        }
    }
}
