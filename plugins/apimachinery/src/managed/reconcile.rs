//! Entries that were written under another schema, or in another version.

use super::element::PathElement;
use super::entries::Entry;
use super::set::{self, Set};
use super::types::{Atom, Type};
use super::versions::{Live, Versions};
use crate::tree::Value;

/// Brings each entry to the schema of its own version: who owned parts of what is one leaf by now owns
/// the leaf. A leaf that has become many is left as it is, as upstream does. Nobody owns anything in a
/// version that is not known: such entries go.
///
/// # Errors
/// Why the object cannot be had in the version of one of them.
pub(super) fn reconcile<'a>(
    versions: Versions<'a>,
    own: &str,
    object: &'a Value,
    entries: &mut Vec<Entry>,
) -> Result<Live<'a>, String> {
    let mut live = Live::new(object);
    let mut kept = Vec::with_capacity(entries.len());
    for mut entry in entries.drain(..) {
        let of = if entry.api_version == own {
            Type::Root(versions.schema)
        } else {
            match live.in_version(versions, own, &entry.api_version)? {
                Some(of) => of,
                None => continue,
            }
        };
        if is_outdated(&entry.set, of) {
            entry.set = reconciled(&entry.set, of);
        }
        kept.push(entry);
    }
    *entries = kept;
    Ok(live)
}

/// Nearly never: a look is cheaper than a copy.
fn is_outdated(set: &Set, of: Type<'_>) -> bool {
    set.entries().iter().any(|entry| {
        let Some(below) = type_of(&entry.element, of) else { return false };
        !entry.children.is_empty() && (is_leaf(below) || is_outdated(&entry.children, below))
    })
}

fn reconciled(set: &Set, of: Type<'_>) -> Set {
    let mut out = Set::default();
    for set::Entry { element, member, children } in set.entries() {
        let (member, children) = match type_of(element, of) {
            Some(below) if is_leaf(below) && !children.is_empty() => (true, Set::default()),
            Some(below) => (*member, reconciled(children, below)),
            None => (*member, children.clone()),
        };
        out.push(set::Entry { element: element.clone(), member, children });
    }
    out
}

/// Nothing for what the schema does not know, and below what it does not type.
fn type_of<'a>(element: &PathElement, of: Type<'a>) -> Option<Type<'a>> {
    match (of.atom(None), element) {
        _ if matches!(of, Type::Deduced | Type::Raw) => None,
        (Atom::Map(map), PathElement::Field(name)) => map.get(name),
        (Atom::List(list), _) => Some(list.items),
        _ => None,
    }
}

fn is_leaf(of: Type<'_>) -> bool {
    matches!(of.atom(None), Atom::Leaf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{Definition, KnownVersion};
    use crate::managed::entries::decode;
    use crate::schema::structural::from_openapi;
    use crate::schema::{SchemaRef, builtin};
    use crate::strategy::Plain;
    use crate::tree::json;

    #[test]
    fn what_has_become_one_leaf_is_owned_as_one() {
        for (before, after) in [
            (
                json!({"f:spec": {"f:selector": {"f:matchLabels": {".": {}, "f:app": {}}}, "f:replicas": {}}}),
                json!({"f:spec": {"f:selector": {}, "f:replicas": {}}}),
            ),
            (
                json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:args": {"i:0": {}}}}}}}}),
                json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:args": {}}}}}}}),
            ),
            (json!({"f:unknown": {"f:x": {}}}), json!({"f:unknown": {"f:x": {}}})),
            (json!({"f:metadata": {"f:labels": {"f:a": {}}}}), json!({"f:metadata": {"f:labels": {"f:a": {}}}})),
        ] {
            let fields = |fields: &Value| {
                let entry = json!({"manager": "m", "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": fields});
                decode(&json!([entry])).expect("entries")
            };
            let mut entries = fields(&before);
            let versions = Versions::alone(builtin::schema("io.k8s.api.apps.v1.Deployment"));
            assert!(reconcile(versions, "apps/v1", &json!({}), &mut entries).is_ok());
            assert_eq!(entries, fields(&after), "{before}");
        }
    }

    fn known(api_version: &str, schema: SchemaRef) -> KnownVersion {
        KnownVersion {
            api_version: api_version.into(),
            schema,
            strategy: &Plain,
            has_status: false,
            needs_webhook: false,
        }
    }

    #[test]
    fn entries_are_kept_where_their_version_is_known() {
        let entry = |api_version: &str| {
            json!({"manager": api_version, "operation": "Apply", "apiVersion": api_version, "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": {"f:a": {"f:b": {}}}}})
        };
        let kept = |definition: &Definition, object: &Value, versions: &[&str]| {
            let mut entries = decode(&versions.iter().map(|version| entry(version)).collect()).expect("entries");
            let own = definition.api_version();
            reconcile(Versions::of(definition), &own, object, &mut entries)?;
            Ok(entries.into_iter().map(|entry| entry.api_version).collect::<Vec<_>>())
        };

        let mut builtin = Definition::builtin("autoscaling", "v1", "horizontalpodautoscalers", &Plain);
        let schema = SchemaRef::builtin("io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler");
        builtin.versions = [known("autoscaling/v2", schema)].into();
        let object = json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler"});
        let sent = ["autoscaling/v2", "autoscaling/v2beta2", "v1", "apps/v1", "autoscaling/v1"];
        assert_eq!(kept(&builtin, &object, &sent), Ok(vec!["autoscaling/v2".to_string(), "autoscaling/v1".into()]));

        let mut custom = Definition::of_rows("a.b", "v1", "things", Vec::new());
        let schema = from_openapi(&json!({"type": "object", "properties": {"a": {"type": "string"}}}));
        let schema = SchemaRef::Inline(schema.into());
        let by_webhook = KnownVersion { needs_webhook: true, ..known("a.b/v3", schema.clone()) };
        custom.versions = [known("a.b/v2", schema), by_webhook].into();
        let object = json!({"apiVersion": "a.b/v1", "kind": "Thing", "a": "b"});
        assert_eq!(kept(&custom, &object, &["a.b/v2"]), Ok(vec!["a.b/v2".to_string()]));
        let amended = json!({"apiVersion": "a.b/v1", "kind": "Thing", "b": "c"});
        for (object, version, expected) in [
            (&amended, "a.b/v2", ".b: field not declared in schema"),
            (
                &object,
                "a.b/v3",
                "conversion webhook for a.b/v1, Kind=Thing failed: this server calls no conversion webhooks",
            ),
            (&object, "a.b/v9", "request to convert CR to an invalid group/version: a.b/v9"),
            (
                &object,
                "apps/v1",
                "a.b/v1, Kind=Thing is unstructured and is not suitable for converting to \"apps/v1\"",
            ),
            (&object, "a/b/c", "unexpected GroupVersion string: a/b/c"),
        ] {
            assert_eq!(kept(&custom, object, &[version]), Err(expected.to_string()));
        }
    }
}
