//! Changing an object: `PUT`, `PATCH`, and what subresources change.

use plugin_sdk::storage::{Guard, Operation as Write, Put, TxnResult};

use super::{ATTEMPTS_MAX, Outcome, Registry, Stored, Written};
use crate::definition::Definition;
use crate::managed;
use crate::rest::errors::from_store;
use crate::rest::object::{carry_over_meta, is_deleting, meta, meta_list, meta_number, metadata_mut};
use crate::status::{ApiError, FieldError};
use crate::tree::{Value, json};
use crate::validation;

/// What a client said of the object beside its new state.
#[derive(Default)]
pub struct Change {
    /// May make the object if there is none.
    pub creates: bool,
    /// A patch that collides with other writers is tried only so often.
    pub attempts: Option<u32>,
    /// The object that the client sent is about the one of its uid, and no other.
    pub same_uid: bool,
}

impl Registry<'_> {
    /// Makes of the object what `next` makes of its present state, as often as others get in
    /// between. `next` gets nothing if there is no object, which happens only if the change
    /// creates.
    pub async fn update(
        &self,
        namespace: &str,
        name: &str,
        change: &Change,
        next: &mut dyn FnMut(Option<&Value>) -> Result<Value, ApiError>,
    ) -> Result<Outcome, ApiError> {
        for _ in 0..change.attempts.unwrap_or(ATTEMPTS_MAX) {
            let Some(current) = self.find(namespace, name).await? else {
                if !change.creates {
                    return Err(ApiError::not_found(self.definition, name));
                }
                let mut object = next(None)?;
                // Whoever means the object of a uid does not mean a new one.
                if change.same_uid {
                    self.check_uid(namespace, name, meta(&object, "uid"), "")?;
                }
                check_version(meta(&object, "resourceVersion"))?;
                self.forget_identity(&mut object);
                match self.create(namespace, object).await {
                    // Somebody was faster: it is an update now.
                    Err(error) if error.reason == "AlreadyExists" => continue,
                    other => return other,
                }
            };
            let mut object = next(Some(&current.value))?;
            self.match_namespace(namespace, &mut object)?;
            if let Some(outcome) = self.replace(namespace, name, current, object, change).await? {
                return Ok(outcome);
            }
        }
        Err(self.modified(name))
    }

    /// Nothing if the object has changed meanwhile.
    async fn replace(
        &self,
        namespace: &str,
        name: &str,
        current: Stored,
        mut object: Value,
        change: &Change,
    ) -> Result<Option<Outcome>, ApiError> {
        let (definition, strategy, old) = (self.definition, self.definition.strategy, &current.value);
        // Upstream's handler looks at what a client has put, and then at what became of it.
        if change.same_uid {
            self.forget_repeated_owners(&mut object, false);
        }
        self.check_preconditions(namespace, name, &object, old, change)?;
        let empties = self.take_empties(&mut object);
        self.convert(&mut object);
        let operation = self.operation(namespace, name);
        if !self.applied {
            empties.put_back_in_leaves(&definition.schema, &mut object);
        }
        self.manage(Some(old), &mut object);
        self.keep_other_parts(&mut object, old);
        if !self.applied && !empties.is_empty() {
            drop(self.take_empties(&mut object));
        }
        strategy.forget_disabled(&mut object);
        let companions = strategy.admit(&operation, self.store, &mut object, Some(old)).await?;
        self.forget_repeated_owners(&mut object, !change.same_uid);
        keep_system_fields(&mut object, old);
        // Only who stores it takes it away.
        if !self.dry_run {
            carry_over_meta(&mut object, old, "selfLink");
        }
        strategy.prepare_for_update(&operation, &mut object, old);
        // Neither what is observed nor where it runs is desired by anybody.
        let desired = !matches!(self.subresource, "status" | "binding");
        let differs = || strategy.desires_differ(&object, old) || (strategy.minds_empties() && empties.is_desired());
        if strategy.generation() && desired && differs() {
            let generation = meta_number(old, "generation").unwrap_or(0) + 1;
            metadata_mut(&mut object).insert("generation", generation.into());
        }
        // What is stored empty is read as what is not set, and upstream's defaults are of what is read.
        if !empties.is_empty() {
            strategy.default(&mut object);
        }
        self.complete(&mut object);
        managed::keep_times(old, &mut object);

        let validate = |object: &Value| {
            let mut errors = Vec::new();
            validation::metadata::update(definition, self.subresource, object, old, &mut errors);
            self.validate_schema(object, Some(old), &mut errors);
            strategy.validate_update(&operation, object, old, &mut errors);
            errors
        };
        let mut errors = validate(&object);
        // Nothing that is stored is empty, and upstream's comparisons do not mind; its messages do.
        if !empties.is_empty() && !errors.is_empty() {
            let mut sent = object.clone();
            empties.put_back(&mut sent);
            errors = validate(&sent);
        }
        self.invalid(name, errors)?;
        if let Some(review) = companions.review {
            review(&operation, &object)?;
        }
        self.warn(&operation, &object, Some(old));

        let key = definition.key(namespace, name);
        let mut guards = vec![Guard { key: key.clone(), revision: current.object.revision() }];
        if goes(&object, old) && strategy.may_go(&object) {
            if self.dry_run {
                return Ok(Some(Outcome { written: Written::Tree(object), created: false }));
            }
            let companions = strategy.companions_of_removal(&object);
            guards.extend(companions.guards);
            let mut operations = vec![Write::Delete(key)];
            operations.extend(self.without_absent(companions.operations).await?);
            return Ok(match self.store.txn(guards, operations).await.map_err(from_store)? {
                TxnResult::Applied(_) => Some(Outcome { written: Written::Tree(object), created: false }),
                TxnResult::Refused(_) => None,
            });
        }

        // What changes nothing is not written: the version stays, and no watcher wakes.
        if object == *old && companions.operations.is_empty() && !current.reads_otherwise {
            return Ok(Some(Outcome { written: Written::Object(current.object), created: false }));
        }
        if self.dry_run {
            let written = self.as_if_stored(object, Some(&current.object))?;
            return Ok(Some(Outcome { written, created: false }));
        }
        let put = Put { key, value: self.encode(object, Some(&current.object))?, ttl_seconds: strategy.ttl_seconds() };
        guards.extend(companions.guards);
        let mut operations = vec![Write::Put(put)];
        operations.extend(self.without_absent(companions.operations).await?);
        Ok(match self.store.txn(guards, operations).await.map_err(from_store)? {
            TxnResult::Applied(mut objects) if !objects.is_empty() => {
                Some(Outcome { written: Written::Object(objects.swap_remove(0)), created: false })
            }
            TxnResult::Applied(_) => return Err(ApiError::internal("the store applied nothing")),
            TxnResult::Refused(_) => None,
        })
    }

    fn check_preconditions(
        &self,
        namespace: &str,
        name: &str,
        object: &Value,
        old: &Value,
        change: &Change,
    ) -> Result<(), ApiError> {
        if change.same_uid {
            self.check_uid(namespace, name, meta(object, "uid"), meta(old, "uid"))?;
        }
        let version = meta(object, "resourceVersion");
        if version.is_empty() || version == "0" {
            if self.definition.strategy.unconditional_update() {
                return Ok(());
            }
            let error = FieldError::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
            // Upstream names the resource here, not the kind.
            let Definition { group, resource, .. } = self.definition;
            return Err(ApiError::invalid(group, resource, name, &[error]));
        }
        check_version(version)?;
        if version != meta(old, "resourceVersion") {
            return Err(self.modified(name));
        }
        Ok(())
    }

    /// That the object has this uid, if one is named.
    fn check_uid(&self, namespace: &str, name: &str, uid: &str, old_uid: &str) -> Result<(), ApiError> {
        if uid.is_empty() || uid == old_uid {
            return Ok(());
        }
        let key = self.definition.key(namespace, name);
        // Who would only try knows nothing of where all of them are stored.
        let key = if self.dry_run { key.strip_prefix("/registry").unwrap_or(&key) } else { &key };
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: \
             Precondition failed: UID in precondition: {uid}, UID in object meta: {old_uid}"
        );
        Err(ApiError::conflict(self.definition, name, why))
    }

    fn modified(&self, name: &str) -> ApiError {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        ApiError::conflict(self.definition, name, why)
    }
}

fn check_version(version: &str) -> Result<(), ApiError> {
    // Go knows no sign of what has none.
    if version.is_empty() || !version.starts_with('+') && version.parse::<u64>().is_ok() {
        return Ok(());
    }
    let why = format!("strconv.ParseUint: parsing {}: invalid syntax", validation::quoted(version));
    Err(ApiError::new(500, "", why))
}

/// What no update changes. Where a client says otherwise nonetheless, validation finds it.
fn keep_system_fields(object: &mut Value, old: &Value) {
    for key in ["creationTimestamp", "generation", "resourceVersion"] {
        carry_over_meta(object, old, key);
    }
    if meta(object, "uid").is_empty() {
        carry_over_meta(object, old, "uid");
    }
    if is_deleting(old) {
        carry_over_meta(object, old, "deletionTimestamp");
        if meta_number(object, "deletionGracePeriodSeconds").is_none() {
            carry_over_meta(object, old, "deletionGracePeriodSeconds");
        }
    }
}

/// Whether this update takes the last thing away that kept a deleted object.
fn goes(object: &Value, old: &Value) -> bool {
    is_deleting(old)
        && meta_list(object, "finalizers").is_empty()
        && meta_number(old, "deletionGracePeriodSeconds").unwrap_or(0) == 0
}
