//! Creating an object.

use plugin_sdk::storage::{Guard, Operation as Write, Put, TxnResult};

use super::{ATTEMPTS_MAX, Outcome, READS_OTHERWISE, Registry, Written};
use crate::rest::clock;
use crate::rest::errors::from_store;
use crate::rest::object::{carry_over, carry_over_meta, meta, metadata_mut, set_meta};
use crate::schema::{self, empties::Empties};
use crate::status::{ApiError, FieldError};
use crate::strategy::Operation;
use crate::tree::Value;
use crate::validation;

/// How often another name is tried for `generateName`.
const NAMES_MAX: u32 = 8;

impl Registry<'_> {
    /// Stores a new object: decoded, with its defaults. Its name may still have to be made.
    pub async fn create(&self, namespace: &str, mut object: Value) -> Result<Outcome, ApiError> {
        self.match_namespace(namespace, &mut object)?;
        let asked = ["name", "generateName"].map(|member| meta(&object, member));
        let asked = asked.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        self.check_namespace(namespace, asked).await?;
        let empties = self.take_empties(&mut object);
        self.convert(&mut object);
        // Upstream's applies have not passed the handler that takes this away.
        if !self.applied {
            forget_system_fields(&mut object);
        }
        self.manage(None, &mut object);
        self.definition.strategy.forget_disabled(&mut object);

        let has_prefix = !meta(&object, "generateName").is_empty();
        let generating = has_prefix && meta(&object, "name").is_empty();
        // Only these may have to begin again with what was sent.
        let sent = (generating || self.definition.strategy.allocates()).then(|| object.clone());
        let mut names = 0;
        for _ in 0..ATTEMPTS_MAX {
            match self.try_create(namespace, object, &empties, generating).await? {
                Attempt::Done(outcome) => return Ok(outcome),
                Attempt::Taken(name) => {
                    names += 1;
                    if !generating || names == NAMES_MAX {
                        return Err(self.taken(&name, has_prefix));
                    }
                }
                Attempt::Again => {}
            }
            let Some(sent) = &sent else { break };
            object = sent.clone();
        }
        Err(ApiError::conflict(self.definition, "", "too many writes at once: try again"))
    }

    /// The write that makes an object of the server's own, for callers that make many at once.
    /// Whether its namespace is there is theirs to see to, and nothing is allocated for it.
    pub fn planned(&self, mut object: Value) -> Result<(Guard, Write), ApiError> {
        let (namespace, name) = (meta(&object, "namespace").to_string(), meta(&object, "name").to_string());
        self.manage(None, &mut object);
        self.fill_system_fields(&mut object);
        self.definition.strategy.prepare_for_create(&self.operation(&namespace, &name), &mut object);
        self.complete(&mut object);
        let key = self.definition.key(&namespace, &name);
        let put = Put {
            key: key.clone(),
            value: self.encode(object, None)?,
            ttl_seconds: self.definition.strategy.ttl_seconds(),
        };
        Ok((Guard { key, revision: 0 }, Write::Put(put)))
    }

    /// The namespace of the path is the object's: none, if the path has none.
    pub(in crate::rest) fn match_namespace(&self, namespace: &str, object: &mut Value) -> Result<(), ApiError> {
        let own = meta(object, "namespace");
        if !own.is_empty() && !namespace.is_empty() && own != namespace {
            return Err(ApiError::other_namespace());
        }
        set_meta(object, "namespace", namespace);
        Ok(())
    }

    /// Brings it into the form that it has after it was in that of the store.
    pub(super) fn convert(&self, object: &mut Value) {
        let strategy = self.definition.strategy;
        if strategy.converts() {
            strategy.reshape_to_store(object);
            strategy.reshape_to_serve(object);
        }
    }

    async fn try_create(
        &self,
        namespace: &str,
        mut object: Value,
        empties: &Empties,
        generating: bool,
    ) -> Result<Attempt, ApiError> {
        let definition = self.definition;
        let strategy = definition.strategy;
        let mut asked_name = meta(&object, "name").to_string();
        if generating {
            asked_name = meta(&object, "generateName").to_string();
            set_meta(&mut object, "name", &strategy.generate_name(&asked_name));
        }
        let name = meta(&object, "name").to_string();
        let operation = Operation { asked_name: &asked_name, ..self.operation(namespace, &name) };
        let companions = strategy.admit(&operation, self.store, &mut object, None).await?;
        self.forget_repeated_owners(&mut object, false);
        self.fill_system_fields(&mut object);
        if definition.subresource("status").is_some() && !strategy.keeps_status_on_create() {
            carry_over(&mut object, &Value::Null, "status");
        }
        if let Some(request) = self.request {
            strategy.warnings_unprepared(&operation, &object).iter().for_each(|warning| request.warn(warning));
        }
        strategy.prepare_for_create(&operation, &mut object);
        let name = meta(&object, "name").to_string();

        let mut errors = Vec::new();
        empties.put_back(&mut object);
        if !strategy.validates_metadata() {
            validation::metadata::create(definition, &object, &mut errors);
        }
        self.validate_schema(&object, None, &mut errors);
        strategy.validate(&operation, &object, &mut errors);
        if strategy.validates_metadata() && errors.is_empty() {
            validation::metadata::any(definition, &object, &mut errors);
        }
        self.invalid(&name, errors)?;
        if let Some(review) = companions.review {
            review(&operation, &object)?;
        }
        if !empties.is_empty() {
            drop(self.take_empties(&mut object));
        }
        // Only who stores it minds, and of a built-in type what is no version is none.
        let version = meta(&object, "resourceVersion");
        let is_one = |version: &str| !self.definition.builtin || version.parse::<u64>().is_ok();
        if !self.dry_run && !version.is_empty() && is_one(version) {
            return Err(ApiError::new(500, "", "resourceVersion should not be set on objects to be created"));
        }
        self.warn(&operation, &object, None);
        let reads_otherwise = strategy.default_stored(&mut object);
        if !empties.is_empty() {
            strategy.default(&mut object);
        }
        self.complete(&mut object);

        if self.dry_run {
            return Ok(match self.find(namespace, &name).await? {
                Some(_) => Attempt::Taken(name),
                None => Attempt::Done(Outcome { written: self.as_if_stored(object, None)?, created: true }),
            });
        }
        let key = definition.key(namespace, &name);
        let mut value = self.encode(object, None)?;
        if reads_otherwise {
            value.push(READS_OTHERWISE);
        }
        let put = Put { key: key.clone(), value, ttl_seconds: strategy.ttl_seconds() };
        let mut guards = vec![Guard { key: key.clone(), revision: 0 }];
        guards.extend(companions.guards);
        let mut operations = vec![Write::Put(put)];
        operations.extend(self.without_absent(companions.operations).await?);
        Ok(match self.store.txn(guards, operations).await.map_err(from_store)? {
            TxnResult::Applied(mut objects) if !objects.is_empty() => {
                Attempt::Done(Outcome { written: Written::Object(objects.swap_remove(0)), created: true })
            }
            TxnResult::Applied(_) => return Err(ApiError::internal("the store applied nothing")),
            TxnResult::Refused(Some(held)) if held.key() == key => Attempt::Taken(name),
            // A companion's guard: whatever was read for it is read again.
            TxnResult::Refused(_) => Attempt::Again,
        })
    }

    fn fill_system_fields(&self, object: &mut Value) {
        let metadata = metadata_mut(object);
        metadata.remove("selfLink");
        // No version is any version, which only who stores it takes away.
        if !self.dry_run && metadata.get("resourceVersion").is_some_and(|version| *version == "0") {
            metadata.remove("resourceVersion");
        }
        metadata.insert("uid", clock::uid().into());
        metadata.insert("creationTimestamp", clock::now().into());
        if self.definition.strategy.generation() {
            metadata.insert("generation", 1.into());
        }
    }

    /// Custom resources are validated by their schema; built-in types by their strategies. What
    /// an update leaves as it was is not held against it.
    pub(super) fn validate_schema(&self, object: &Value, old: Option<&Value>, errors: &mut Vec<FieldError>) {
        if self.definition.builtin {
            return;
        }
        let whole = &*self.definition.schema;
        match (self.subresource, old) {
            ("status", Some(old)) => {
                if let (Some(schema), Some(status)) = (whole.member("status"), object.get("status")) {
                    schema::validate::validate_update(schema, status, &old["status"], "status", errors);
                }
            }
            (_, Some(old)) => schema::validate::validate_update(whole, object, old, "", errors),
            (_, None) => schema::validate::validate(whole, object, "", errors),
        }
    }

    /// Upstream says so of each object with a prefix for names, its own name notwithstanding.
    fn taken(&self, name: &str, has_prefix: bool) -> ApiError {
        let mut error = ApiError::already_exists(self.definition, name);
        if has_prefix {
            error.message.push_str(", the server was not able to generate a unique name for the object");
            error.retry_after_seconds = 1;
        }
        error
    }

    /// A new object's metadata may be set by an update that creates: what the old one had is
    /// not there to be kept.
    pub(super) fn forget_identity(&self, object: &mut Value) {
        let nothing = Value::Null;
        for key in ["uid", "creationTimestamp", "resourceVersion"] {
            // Only who stores it gives it another version.
            if key != "resourceVersion" || !self.dry_run {
                carry_over_meta(object, &nothing, key);
            }
        }
    }
}

/// What the server alone says of an object: nobody who sends it owns it.
fn forget_system_fields(object: &mut Value) {
    let metadata = metadata_mut(object);
    for key in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        metadata.remove(key);
    }
}

enum Attempt {
    Done(Outcome),
    /// There is an object of this name.
    Taken(String),
    /// Something else was in the way.
    Again,
}
