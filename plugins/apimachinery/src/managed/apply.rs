//! Server-side apply: a manager says what it wants to have; what it no longer says goes; what
//! others have is theirs unless it forces.

use super::collect::{collect, with_named_fields};
use super::conflict::{self, Conflict};
use super::entries::{Entry, Operation, Owner, decode, encode};
use super::merge::merge;
use super::reconcile::reconcile;
use super::remove::remove;
use super::types::Type;
use super::versions::{Changes, Versions};
use super::{
    Manager, NEVER_OWNED, Set, check, empty_object, last_applied, managed_fields, set_managed_fields, updated,
};
use crate::schema::foreign;
use crate::status::ApiError;
use crate::tree::{Value, json};

/// Who owns what an object had before anything was applied to it.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// `live`, or a new object, with `patch` applied, and with its `metadata.managedFields`; and whether
/// anything but those is another now. Then it is to be decoded and defaulted: fields that nobody wants
/// any more may be null.
///
/// Fields in `ignored` are what this request cannot change; see [`super::update`].
///
/// # Errors
/// `Conflict` with a cause for each field that another manager owns, if not `force`;
/// `BadRequest` for a patch that owns itself; 500 for one that does not fit the schema, as
/// upstream has it.
pub fn apply(
    versions: Versions<'_>,
    live: Option<&Value>,
    patch: &Value,
    manager: &Manager,
    force: bool,
    ignored: &Set,
) -> Result<(Value, bool), ApiError> {
    let schema = versions.schema;
    let mut before = match live {
        Some(live) => live.clone(),
        None => empty_object(schema, patch),
    };
    let entries = match managed_fields(&before) {
        Some(fields) => {
            decode(fields).map_err(|why| ApiError::new(500, "", format!("failed to decode managed fields: {why}")))?
        }
        None => Vec::new(),
    };
    set_managed_fields(&mut before, None);
    foreign::open(schema, &mut before);
    let entries = owned_before(versions, live, &before, entries, manager, ignored)?;

    if managed_fields(patch).is_some_and(|fields| !fields.is_null()) {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    check::check(Type::Root(schema), patch)
        .map_err(|why| internal(format!("failed to create typed patch object ({}): {why}", identity(patch))))?;

    let request = Request { of: Type::Root(schema), versions, live: &before, patch, manager, ignored };
    let applied = match request.apply(entries.clone(), force).map_err(|why| request.problem(why))? {
        Ok(applied) => applied,
        Err(conflicts) => {
            let left = last_applied::without_own(&request, conflicts);
            if !left.is_empty() {
                return Err(conflict::error(left));
            }
            match request.apply(entries, true).map_err(|why| request.problem(why))? {
                Ok(applied) => applied,
                Err(conflicts) => return Err(conflict::error(conflicts)),
            }
        }
    };

    let Applied { object, mut entries } = applied;
    // Who changes nothing leaves the time alone.
    if object.is_some()
        && let Some(entry) = entries.iter_mut().find(|entry| entry.owner == request.owner())
    {
        entry.time = Some(manager.time.clone());
    }
    let changed = object.is_some();
    // What is kept as text stays as it is, where nothing changes.
    let mut object = object.or_else(|| live.cloned()).unwrap_or(before);
    last_applied::keep_in_step(&mut object, patch, manager);
    if let Some(object) = object.as_object_mut() {
        let metadata = object.entry("metadata").or_insert(Value::Null);
        if metadata.is_null() {
            *metadata = json!({});
        }
    }
    set_managed_fields(&mut object, encode(entries));
    Ok((object, changed))
}

/// The entries; for an object without any, one that owns all that is there.
fn owned_before(
    versions: Versions<'_>,
    live: Option<&Value>,
    before: &Value,
    entries: Vec<Entry>,
    manager: &Manager,
    ignored: &Set,
) -> Result<Vec<Entry>, ApiError> {
    if !entries.is_empty() || live.is_none() {
        return Ok(entries);
    }
    let unknown = Manager { name: BEFORE_FIRST_APPLY.into(), ..manager.clone() };
    updated(versions, None, before, entries, &unknown, ignored).map_err(|why| {
        let why = match check::check_stored(Type::Root(versions.schema), before) {
            Err(why) => format!("failed to convert new object ({}) to smd typed: {why}", identity(before)),
            Ok(()) => why,
        };
        internal(format!("failed to create manager for existing fields: {why}"))
    })
}

/// One attempt at applying.
pub(super) struct Request<'a> {
    pub(super) of: Type<'a>,
    versions: Versions<'a>,
    /// Without its entries.
    pub(super) live: &'a Value,
    pub(super) patch: &'a Value,
    pub(super) manager: &'a Manager,
    ignored: &'a Set,
}

struct Applied {
    /// Nothing if it is as it was.
    object: Option<Value>,
    entries: Vec<Entry>,
}

impl Request<'_> {
    /// The object and its entries, or what stands against it.
    fn apply(&self, mut entries: Vec<Entry>, force: bool) -> Result<Result<Applied, Vec<Conflict>>, String> {
        let (owner, own) = (self.owner(), &*self.manager.api_version);
        let live = reconcile(self.versions, own, self.live, &mut entries)?;
        let merged = merge(self.of, self.live, self.patch).map_err(|why| format!("failed to merge config: {why}"))?;
        let wanted = collect(self.of, self.patch).without_subtrees(self.ignored);

        let place = entries.iter().position(|entry| entry.owner == owner);
        // Who wants all that it wanted takes nothing away.
        let is_less = place.is_some_and(|place| !entries[place].set.is_within(&wanted))
            || entries.iter().any(|entry| entry.api_version != own);
        let last = place.map(|place| entries.remove(place));
        let object = match &last {
            Some(last) if is_less => {
                self.prune(merged, last, &wanted, &entries).map_err(|why| format!("failed to prune fields: {why}"))?
            }
            _ => merged,
        };

        let changes = Changes::between(self.versions, own, &live, &object, self.ignored, &self.manager.subresource)?;
        let conflicts = conflict::find(&entries, &changes);
        if !force && !conflicts.is_empty() {
            return Ok(Err(conflicts));
        }
        changes.disown(&mut entries);

        let set = wanted.difference(&NEVER_OWNED);
        if !set.is_empty() {
            let time = last.and_then(|last| last.time);
            entries.push(Entry { owner, api_version: self.manager.api_version.clone(), time, set });
        }
        let object = (object != *self.live).then_some(object);
        Ok(Ok(Applied { object, entries }))
    }

    /// What could not be merged is looked at for why: nearly always an object as it is stored
    /// fits its schema.
    fn problem(&self, why: String) -> ApiError {
        match check::check_stored(self.of, self.live) {
            Err(why) => internal(format!("failed to create typed live object ({}): {why}", identity(self.live))),
            Ok(()) => internal(why),
        }
    }

    pub(super) fn owner(&self) -> Owner {
        let name = if self.manager.name.is_empty() { "unknown" } else { &self.manager.name };
        Owner { manager: name.to_string(), operation: Operation::Apply, subresource: self.manager.subresource.clone() }
    }

    /// `merged` without what this manager wanted last time and does not want now, unless
    /// somebody else owns it.
    fn prune(&self, merged: Value, last: &Entry, wanted: &Set, others: &[Entry]) -> Result<Value, String> {
        let (own, before) = (&*self.manager.api_version, &*last.api_version);
        if last.set.is_empty() {
            return Ok(merged);
        }
        let fail = |why| format!("failed to convert merged object to last applied version: {why}");
        let Some((as_before, of)) = self.versions.convert(&merged, own, before).map_err(fail)? else {
            return Ok(merged);
        };
        let last = with_named_fields(&last.set, of);

        // Back come the items that somebody owns, by what owners in each version say ...
        let mut pruned = (remove(of, &as_before, &last), before);
        for (version, owned) in self.owned_by_version(before, wanted, others) {
            let fail = |which: &str, why| {
                format!("failed add back owned items: failed to convert {which} object at version {version}: {why}")
            };
            let whole = self.versions.convert(&as_before, before, version).map_err(|why| fail("merged", why))?;
            let Some((whole, of)) = whole else { continue };
            let left = self.versions.convert(&pruned.0, pruned.1, version).map_err(|why| fail("pruned", why))?;
            let Some(left) = left.map(|(left, of)| collect(of, &left)) else { continue };
            let kept = with_named_fields(&left, of).union(with_named_fields(&owned, of));
            let gone = with_named_fields(&collect(of, &whole), of).difference(&kept);
            pruned = (remove(of, &whole, &gone), version);
        }
        // ... and what was below a removed item but was never this manager's.
        let fail = |why| {
            format!("failed add back dangling items: failed to convert pruned object to last applied version: {why}")
        };
        let left = match self.versions.convert(&pruned.0, pruned.1, before).map_err(fail)? {
            Some((left, of)) => {
                let kept = with_named_fields(&collect(of, &left), of);
                let gone = with_named_fields(&collect(of, &as_before), of).difference(&kept).intersection(&last);
                remove(of, &as_before, &gone)
            }
            None => as_before.into_owned(),
        };
        if before == own {
            return Ok(left);
        }
        let back = self.versions.convert(&left, before, own)?.map(|(back, _)| back.into_owned());
        Ok(back.unwrap_or(left))
    }

    /// What is owned by the others and will be by this manager, first in the version given.
    fn owned_by_version<'v>(&'v self, first: &'v str, wanted: &Set, others: &'v [Entry]) -> Vec<(&'v str, Set)> {
        let mut owned: Vec<(&str, Set)> = vec![(first, Set::default())];
        let own = (&*self.manager.api_version, wanted);
        for (version, set) in others.iter().map(|entry| (&*entry.api_version, &entry.set)).chain([own]) {
            match owned.iter_mut().find(|(known, _)| *known == version) {
                Some((_, known)) => *known = std::mem::take(known).union(set.clone()),
                None => owned.push((version, set.clone())),
            }
        }
        owned
    }
}

fn internal(why: String) -> ApiError {
    ApiError::new(500, "", why)
}

/// `namespace/name; group/version, Kind=kind`.
fn identity(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let metadata = &object["metadata"];
    let api_version = text(&object["apiVersion"]);
    let group_version = if api_version.contains('/') { api_version } else { format!("/{api_version}") };
    format!(
        "{}/{}; {group_version}, Kind={}",
        text(&metadata["namespace"]),
        text(&metadata["name"]),
        text(&object["kind"])
    )
}

#[cfg(test)]
mod tests;
