//! Removing an object: preconditions, grace periods, finalizers.

use plugin_sdk::storage::{Guard, Operation as Write, Put, TxnResult};

use super::{ATTEMPTS_MAX, Registry, Stored, Written, arrange};
use crate::rest::clock;
use crate::rest::errors::from_store;
use crate::rest::object::{is_deleting, meta, meta_list, meta_number, metadata_mut, set_meta};
use crate::rest::options::{DeleteOptions, Propagation};
use crate::status::ApiError;
use crate::strategy::{Grace, Removal};
use crate::tree::{Value, json};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// What a delete came to.
pub enum Deleted {
    /// The object is gone; this is how it was.
    Gone(Written),
    /// It stays until its finalizers or its grace period are over.
    Going(Written),
}

/// What one look at the object decides.
enum Step {
    Remove(Value),
    /// Marked first, as if it had time, and removed then: who watches sees both.
    MarkAndRemove(Value),
    /// Marked, or its finalizers changed.
    Mark(Value),
    /// It is already going, and nothing is to be changed.
    Leave,
}

impl Registry<'_> {
    pub async fn delete(&self, namespace: &str, name: &str, options: &DeleteOptions) -> Result<Deleted, ApiError> {
        for _ in 0..ATTEMPTS_MAX {
            let current = self.get(namespace, name).await?;
            if let Some(deleted) = self.try_delete(namespace, name, current, options).await? {
                return Ok(deleted);
            }
        }
        Err(ApiError::conflict(self.definition, name, "too many writes at once: try again"))
    }

    /// Nothing if the object has changed meanwhile.
    async fn try_delete(
        &self,
        namespace: &str,
        name: &str,
        current: Stored,
        options: &DeleteOptions,
    ) -> Result<Option<Deleted>, ApiError> {
        let strategy = self.definition.strategy;
        self.check_preconditions_of_delete(&current.value, options)?;
        let key = self.definition.key(namespace, name);
        let guards = vec![Guard { key: key.clone(), revision: current.object.revision() }];
        let step = match strategy.before_delete(&self.operation(namespace, name), &current.value, options)? {
            Removal::Ordinary => decide(self, &current.value, options),
            Removal::Becomes(object) => Step::Mark(object),
            Removal::Stays => Step::Leave,
        };
        match step {
            Step::MarkAndRemove(mut object) if !self.dry_run => {
                self.complete(&mut object);
                let value = self.encode_marked(object.clone(), &current.object)?;
                let put = Put { key: key.clone(), value, ttl_seconds: strategy.ttl_seconds() };
                let result = self.store.txn(guards, vec![Write::Put(put)]).await.map_err(from_store)?;
                let Some(marked) = first(result)? else { return Ok(None) };
                let removed = self.remove(key, marked.revision(), object.clone()).await?;
                if removed.is_none() && self.find(namespace, name).await?.is_none() {
                    // Whoever was faster has done what was asked for.
                    set_meta(&mut object, "resourceVersion", &marked.revision().to_string());
                    return Ok(Some(Deleted::Gone(Written::Tree(object))));
                }
                Ok(removed)
            }
            Step::Leave => Ok(Some(Deleted::Going(Written::Object(current.object)))),
            Step::Mark(object) if object == current.value => Ok(Some(Deleted::Going(Written::Object(current.object)))),
            Step::Mark(mut object) => {
                self.complete(&mut object);
                if self.dry_run {
                    return Ok(Some(Deleted::Going(Written::Tree(object))));
                }
                let put = Put {
                    key,
                    value: self.encode_marked(object, &current.object)?,
                    ttl_seconds: strategy.ttl_seconds(),
                };
                let result = self.store.txn(guards, vec![Write::Put(put)]).await.map_err(from_store)?;
                first(result).map(|object| object.map(|object| Deleted::Going(Written::Object(object))))
            }
            Step::Remove(mut object) | Step::MarkAndRemove(mut object) => {
                // It may have been marked for it.
                arrange(self.definition, &self.definition.schema, &mut object);
                if self.dry_run {
                    return Ok(Some(Deleted::Gone(Written::Tree(object))));
                }
                self.remove(key, current.object.revision(), object).await
            }
        }
    }

    /// Takes it away as it is at a revision. Nothing if it has changed meanwhile.
    async fn remove(&self, key: String, revision: u64, mut object: Value) -> Result<Option<Deleted>, ApiError> {
        let companions = self.definition.strategy.companions_of_removal(&object);
        let mut guards = vec![Guard { key: key.clone(), revision }];
        guards.extend(companions.guards);
        let mut operations = vec![Write::Delete(key)];
        operations.extend(self.without_absent(companions.operations).await?);
        let result = self.store.txn(guards, operations).await.map_err(from_store)?;
        Ok(first(result)?.map(|removed| {
            metadata_mut(&mut object).insert("resourceVersion", removed.revision().to_string().into());
            Deleted::Gone(Written::Tree(object))
        }))
    }

    /// # Errors
    /// That the object is another one than the one that is to go, or has changed.
    pub fn check_preconditions_of_delete(&self, object: &Value, options: &DeleteOptions) -> Result<(), ApiError> {
        let name = meta(object, "name");
        // Upstream names the kind here, not the resource, but for namespaces, which have words of their own.
        let of_namespace = self.definition.group.is_empty() && &*self.definition.resource == "namespaces";
        let conflict = |what: &str, asked: &str, found: &str, why: String| {
            if of_namespace {
                let why =
                    format!("Precondition failed: {what} in precondition: {asked}, {what} in object meta: {found}");
                return ApiError::conflict(self.definition, name, why);
            }
            // Events are of the core group there, in whichever they are asked for.
            let is_event = &*self.definition.kind == "Event" && self.definition.builtin;
            let kind = if is_event { "Event".to_string() } else { self.definition.qualified_kind() };
            let message = format!("Operation cannot be fulfilled on {kind} \"{name}\": {why}");
            let mut error = ApiError::new(409, "Conflict", message).about(self.definition, name);
            if is_event {
                error.group.clear();
            }
            error.kind = self.definition.kind.to_string();
            error
        };
        if let Some(uid) = &options.uid
            && uid != meta(object, "uid")
        {
            let found = meta(object, "uid");
            let why = format!(
                "the UID in the precondition ({uid}) does not match the UID in record ({found}). \
                 The object might have been deleted and then recreated"
            );
            return Err(conflict("UID", uid, found, why));
        }
        if let Some(version) = &options.resource_version
            && version != meta(object, "resourceVersion")
        {
            let found = meta(object, "resourceVersion");
            let why = format!(
                "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record \
                 ({found}). The object might have been modified"
            );
            return Err(conflict("ResourceVersion", version, found, why));
        }
        Ok(())
    }
}

/// The first object of a transaction, nothing if it was refused.
fn first(result: TxnResult) -> Result<Option<plugin_sdk::storage::Object>, ApiError> {
    match result {
        TxnResult::Applied(mut objects) if !objects.is_empty() => Ok(Some(objects.swap_remove(0))),
        TxnResult::Applied(_) => Err(ApiError::internal("the store applied nothing")),
        TxnResult::Refused(_) => Ok(None),
    }
}

fn decide(registry: &Registry<'_>, old: &Value, options: &DeleteOptions) -> Step {
    let strategy = registry.definition.strategy;
    let mut object = old.clone();
    let asked = options.grace_period_seconds.map(|seconds| if seconds < 0 { 1 } else { seconds });
    let graceful = match grace(&mut object, asked, registry) {
        Gracefully::Pending => return Step::Leave,
        Gracefully::Yes => true,
        Gracefully::No => false,
    };
    if strategy.garbage_collected() {
        set_finalizers_for_collector(&mut object, options, strategy.orphans());
    }
    let held = !meta_list(&object, "finalizers").is_empty();
    if graceful {
        let seconds = meta_number(&object, "deletionGracePeriodSeconds").unwrap_or(0);
        return if held || seconds > 0 { Step::Mark(object) } else { Step::MarkAndRemove(object) };
    }
    if held {
        mark(&mut object, 0);
        return Step::Mark(object);
    }
    Step::Remove(object)
}

enum Gracefully {
    Yes,
    No,
    /// The object is going, and nothing shorter was asked for.
    Pending,
}

/// Upstream's `BeforeDelete`: sets the time and the period, if the resource has one.
fn grace(object: &mut Value, asked: Option<i64>, registry: &Registry<'_>) -> Gracefully {
    let strategy = registry.definition.strategy;
    if !strategy.graceful() {
        return Gracefully::No;
    }
    if is_deleting(object) {
        let period = meta_number(object, "deletionGracePeriodSeconds").filter(|period| *period != 0);
        let Some(period) = period else { return Gracefully::No };
        let Some(mut asked) = asked.filter(|asked| *asked < period) else { return Gracefully::Pending };
        // The time to go was the time of the request and the period. It does not move into the past.
        if let Some(until) = clock::parse(meta(object, "deletionTimestamp")) {
            let (now, mut until) = (clock::now_seconds(), until - period + asked);
            if until < now {
                until = now;
                asked = asked.min(1);
            }
            metadata_mut(object).insert("deletionTimestamp", clock::rfc3339(until).into());
        }
        metadata_mut(object).insert("deletionGracePeriodSeconds", asked.into());
        return Gracefully::Yes;
    }
    match strategy.grace(object, asked) {
        Grace::None => Gracefully::No,
        Grace::Seconds(seconds) => {
            mark(object, seconds);
            Gracefully::Yes
        }
    }
}

/// Marks the object as going. That counts as a change of what is desired, once.
fn mark(object: &mut Value, seconds: i64) {
    let until = clock::now_seconds() + seconds;
    let first = !is_deleting(object);
    let generation = meta_number(object, "generation").unwrap_or(0);
    let earlier = clock::parse(meta(object, "deletionTimestamp")).is_some_and(|set| set <= until);
    let metadata = metadata_mut(object);
    if first && generation > 0 {
        metadata.insert("generation", (generation + 1).into());
    }
    if !earlier {
        metadata.insert("deletionTimestamp", clock::rfc3339(until).into());
    }
    metadata.insert("deletionGracePeriodSeconds", seconds.into());
}

/// The garbage collector finds by finalizers what is to become of the objects that this one
/// owns. What the client does not say stays as it was, or else is the resource's own way.
pub fn set_finalizers_for_collector(object: &mut Value, options: &DeleteOptions, orphans: bool) {
    let old = meta_list(object, "finalizers");
    let (orphans, foreground) = match (options.orphan_dependents, options.propagation) {
        (Some(orphans), _) => (orphans, false),
        (None, Some(policy)) => (policy == Propagation::Orphan, policy == Propagation::Foreground),
        (None, None) if old.contains(&ORPHAN) => (true, false),
        (None, None) if old.contains(&FOREGROUND) => (false, true),
        (None, None) => (orphans, false),
    };
    let mut new: Vec<&str> = old.iter().copied().filter(|name| !matches!(*name, ORPHAN | FOREGROUND)).collect();
    if orphans {
        new.push(ORPHAN);
    }
    if foreground {
        new.push(FOREGROUND);
    }
    let (new, changed) = (json!(new), new != old);
    if changed {
        let metadata = metadata_mut(object);
        match new.as_array().is_some_and(Vec::is_empty) {
            true => metadata.remove("finalizers"),
            false => metadata.insert("finalizers", new),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn propagation_is_written_as_finalizers() {
        let options = |orphan_dependents, propagation| DeleteOptions {
            orphan_dependents,
            propagation,
            ..DeleteOptions::default()
        };
        for (old, options, want) in [
            (json!(["x"]), options(None, Some(Propagation::Orphan)), json!(["x", "orphan"])),
            (json!(["orphan", "x"]), options(None, Some(Propagation::Foreground)), json!(["x", "foregroundDeletion"])),
            (json!(["orphan"]), options(None, Some(Propagation::Background)), Value::Null),
            (json!(["orphan"]), options(None, None), json!(["orphan"])),
            (json!([]), options(Some(true), None), json!(["orphan"])),
            (json!(["foregroundDeletion"]), options(Some(false), None), Value::Null),
        ] {
            let mut object = json!({"metadata": {"finalizers": old}});
            set_finalizers_for_collector(&mut object, &options, false);
            assert_eq!(object["metadata"]["finalizers"], want);
        }
    }

    #[test]
    fn marking_counts_once() {
        let mut object = json!({"metadata": {"generation": 3}});
        mark(&mut object, 30);
        mark(&mut object, 0);
        assert_eq!(object["metadata"]["generation"], 4);
        assert_eq!(object["metadata"]["deletionGracePeriodSeconds"], 0);
    }
}
