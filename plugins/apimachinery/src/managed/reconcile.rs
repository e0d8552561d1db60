//! Entries that were written under another schema, or in another version.

use super::element::PathElement;
use super::entries::Entry;
use super::set::{self, Set};
use super::types::{Atom, Type};
use crate::schema::builtin;

/// Brings the entries to this schema: who owned parts of what is one leaf by now owns the leaf.
/// A leaf that has become many is left as it is, as upstream does. What is one leaf in this version
/// may be many in the entry's own, and objects that two groups show as their own are no longer known
/// to the one after a write in the other.
pub(super) fn reconcile(of: Type<'_>, kind: &str, api_version: &str, entries: &mut Vec<Entry>) {
    let group_of = |api_version: &str| api_version.split_once('/').map_or("", |(group, _)| group).to_string();
    entries.retain(|entry| entry.api_version == api_version || group_of(&entry.api_version) == group_of(api_version));
    let is_custom = builtin::kind_of(api_version, kind).is_none();
    for entry in entries {
        // Of the other versions of a custom resource nothing is known here.
        if entry.api_version != api_version && is_custom {
            continue;
        }
        let own = match entry.api_version.split_once('/') {
            Some((group, version)) if entry.api_version != api_version => builtin::kind(group, version, kind),
            _ => None,
        };
        let of = own.map_or(of, |own| Type::Root(own.schema()));
        if is_outdated(&entry.set, of) {
            entry.set = reconciled(&entry.set, of);
        }
    }
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
    use crate::managed::entries::decode;
    use crate::tree::{Value, json};

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
            let of = Type::Root(builtin::schema("io.k8s.api.apps.v1.Deployment"));
            reconcile(of, "Deployment", "apps/v1", &mut entries);
            assert_eq!(entries, fields(&after), "{before}");
        }
    }

    #[test]
    fn entries_are_read_in_their_own_version_and_those_of_other_groups_are_forgotten() {
        let fields = json!({"f:spec": {"f:scaleTargetRef": {"f:kind": {}}}});
        let entry = |manager: &str, api_version: &str| {
            let entry = json!({"manager": manager, "operation": "Apply", "apiVersion": api_version});
            let mut entry = entry.as_object().cloned().expect("an entry");
            entry.insert("fieldsType", "FieldsV1".into());
            entry.insert("fieldsV1", fields.clone());
            Value::Object(entry)
        };
        let read = |entries: &[Value]| decode(&entries.iter().cloned().collect()).expect("entries");
        let mut entries = read(&[entry("a", "autoscaling/v2"), entry("b", "v1"), entry("c", "apps/v1")]);
        let of = Type::Root(builtin::schema("io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler"));
        reconcile(of, "HorizontalPodAutoscaler", "autoscaling/v1", &mut entries);
        assert_eq!(entries, read(&[entry("a", "autoscaling/v2")]));
    }
}
