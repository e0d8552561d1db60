//! One object in the versions of its resource: who owns a field says so in the version in which he
//! wrote, so what has changed is told in each of them.

use std::borrow::Cow;

use super::check;
use super::compare::{Comparison, compare};
use super::entries::Entry;
use super::set::Set;
use super::types::Type;
use crate::definition::{Definition, no_webhooks};
use crate::schema::{Schema, defaults};
use crate::tree::Value;

/// The version of a request, and what is known of the others.
#[derive(Clone, Copy)]
pub struct Versions<'a> {
    pub schema: &'a Schema,
    definition: Option<&'a Definition>,
}

impl<'a> Versions<'a> {
    /// Those of a resource.
    pub fn of(definition: &'a Definition) -> Self {
        Self { schema: &definition.schema, definition: Some(definition) }
    }

    /// Of what has no other.
    pub fn alone(schema: &'a Schema) -> Self {
        Self { schema, definition: None }
    }

    /// The object in another version, with that version's type; nothing if nobody knows the version.
    pub(super) fn convert<'v>(
        self,
        object: &'v Value,
        from: &str,
        to: &str,
    ) -> Result<Option<(Cow<'v, Value>, Type<'a>)>, String> {
        let Some(of) = self.type_of(object, from, to)? else { return Ok(None) };
        if from == to {
            return Ok(Some((Cow::Borrowed(object), of)));
        }
        if self.definition.and_then(|definition| definition.known_version(to)).is_some_and(|to| to.needs_webhook) {
            let kind = object["kind"].as_str().unwrap_or_default();
            return Err(no_webhooks(from, kind));
        }
        let mut converted = object.clone();
        if let Some(definition) = self.definition.filter(|definition| definition.builtin) {
            definition.strategy_of(from).reshape_to_store(&mut converted);
            definition.strategy_of(to).reshape_to_serve(&mut converted);
            if let Some(schema) = of.schema() {
                defaults::write_unset(schema, &mut converted);
            }
        }
        converted["apiVersion"] = to.into();
        // Nothing is pruned here: what one version has and the other does not fails.
        check::check(of, &converted)?;
        Ok(Some((Cow::Owned(converted), of)))
    }

    fn type_of(self, object: &Value, from: &str, to: &str) -> Result<Option<Type<'a>>, String> {
        let Some(definition) = self.definition else { return Ok((from == to).then_some(Type::Root(self.schema))) };
        if to == definition.api_version() {
            return Ok(Some(Type::Root(self.schema)));
        }
        if let Some(known) = definition.known_version(to) {
            return Ok(Some(Type::Root(&known.schema)));
        }
        if to.matches('/').count() > 1 {
            return Err(format!("unexpected GroupVersion string: {to}"));
        }
        if definition.builtin {
            return Ok(None);
        }
        let group = to.split_once('/').map_or("", |(group, _)| group);
        if group == &*definition.group {
            return Err(format!("request to convert CR to an invalid group/version: {to}"));
        }
        let kind = object["kind"].as_str().unwrap_or_default();
        Err(format!("{from}, Kind={kind} is unstructured and is not suitable for converting to \"{to}\""))
    }

    /// Whether what a request cannot change is left out in another version as well: upstream asks each
    /// custom version only for its own, and for the status those that write it apart.
    fn ignores_in(self, api_version: &str, subresource: &str) -> bool {
        let Some(definition) = self.definition.filter(|definition| !definition.builtin) else { return true };
        subresource == "status" && definition.known_version(api_version).is_some_and(|known| known.has_status)
    }
}

/// An object as it is, in each version that was asked for.
pub(super) struct Live<'a> {
    pub(super) object: &'a Value,
    others: Vec<(String, Value, Type<'a>)>,
}

impl<'a> Live<'a> {
    pub(super) fn new(object: &'a Value) -> Self {
        Self { object, others: Vec::new() }
    }

    /// Converts it, once.
    pub(super) fn in_version(
        &mut self,
        versions: Versions<'a>,
        own: &str,
        api_version: &str,
    ) -> Result<Option<Type<'a>>, String> {
        if let Some((_, _, of)) = self.others.iter().find(|(other, ..)| other == api_version) {
            return Ok(Some(*of));
        }
        let Some((value, of)) = versions.convert(self.object, own, api_version)? else { return Ok(None) };
        self.others.push((api_version.to_string(), value.into_owned(), of));
        Ok(Some(of))
    }
}

/// What has changed of an object, in the version of the request and in the others.
pub(super) struct Changes {
    own_version: String,
    own: Change,
    others: Vec<(String, Change)>,
}

struct Change {
    /// Added or modified.
    set: Set,
    removed: Set,
}

impl Changes {
    /// # Errors
    /// Why the new object cannot be had in a version.
    pub(super) fn between(
        versions: Versions<'_>,
        own: &str,
        live: &Live<'_>,
        new: &Value,
        ignored: &Set,
        subresource: &str,
    ) -> Result<Self, String> {
        let in_own = compare(Type::Root(versions.schema), live.object, new)?.ignoring(ignored);
        let nothing = Set::default();
        let mut others = Vec::with_capacity(live.others.len());
        for (version, old, of) in &live.others {
            let fail = |why| format!("failed to convert new object: {why}");
            let Some((new, _)) = versions.convert(new, own, version).map_err(fail)? else { continue };
            let ignored = if versions.ignores_in(version, subresource) { ignored } else { &nothing };
            others.push((version.clone(), Change::of(compare(*of, old, &new)?.ignoring(ignored))));
        }
        Ok(Self { own_version: own.to_string(), own: Change::of(in_own), others })
    }

    /// What was set, as somebody who wrote in this version calls it.
    pub(super) fn set_in(&self, api_version: &str) -> &Set {
        &self.change_in(api_version).set
    }

    /// Nobody owns any more what has changed.
    pub(super) fn disown(&self, entries: &mut Vec<Entry>) {
        for entry in &mut *entries {
            let change = self.change_in(&entry.api_version);
            entry.set = std::mem::take(&mut entry.set).difference(&change.set).difference(&change.removed);
        }
        entries.retain(|entry| !entry.set.is_empty());
    }

    /// What was set, in the version of the request.
    pub(super) fn into_own(self) -> Set {
        self.own.set
    }

    fn change_in(&self, api_version: &str) -> &Change {
        let other = self.others.iter().find(|(version, _)| version == api_version);
        debug_assert!(other.is_some() || api_version == self.own_version, "nobody compared in `{api_version}`");
        other.map_or(&self.own, |(_, change)| change)
    }
}

impl Change {
    fn of(comparison: Comparison) -> Self {
        Self { set: comparison.added.union(comparison.modified), removed: comparison.removed }
    }
}

// What is asserted is asserted in debug builds alone.
#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;
    use crate::schema::builtin;
    use crate::tree::json;

    #[test]
    #[should_panic(expected = "nobody compared in `apps/v2`")]
    fn changes_are_told_only_in_versions_that_were_compared() {
        let (schema, object) = (builtin::schema("io.k8s.api.apps.v1.Deployment"), json!({"spec": {"replicas": 1}}));
        let (live, none) = (Live::new(&object), Set::default());
        let changes = Changes::between(Versions::alone(schema), "apps/v1", &live, &object, &none, "").expect("changes");
        assert!(changes.set_in("apps/v1").is_empty());
        changes.set_in("apps/v2");
    }
}
