//! Objects of one resource in the store: the rules of reading and writing that hold whoever
//! asks, a client's request or a hook. Verbs turn requests into calls of this.

mod create;
mod delete;
mod namespace;
mod parts;
mod update;

use plugin_sdk::storage::{Freshness, Object, Operation as Write};
use plugin_sdk::{Context, Store, User};

use crate::tree::Value;

pub use delete::{Deleted, set_finalizers_for_collector};
pub use update::Change;

use super::clock;
use super::errors::from_store;
use super::object::{self, set_meta};
use crate::codec::json::decode_stored;
use crate::definition::Definition;
use crate::managed::{self, Manager, Set, Versions};
use crate::schema::empties::Empties;
use crate::schema::{self, Schema, Shape, check};
use crate::status::{ApiError, FieldError};
use crate::strategy::Operation;

/// How often a write that others got in the way of is tried again.
const ATTEMPTS_MAX: u32 = 16;

/// What most objects fit into when they are written, so that the bytes need not be moved.
const ENCODED_BYTES: usize = 4 << 10;

/// White space behind an object: upstream has stored it in another form than the one that it is read in.
const READS_OTHERWISE: u8 = b' ';

/// The objects of one resource, for one request.
pub struct Registry<'a> {
    pub definition: &'a Definition,
    pub store: &'a Store,
    pub user: &'a str,
    pub groups: &'a [String],
    /// Nothing for the server's own writes.
    pub identity: Option<&'a User>,
    /// Who is written down as the manager of what changes.
    pub manager: &'a str,
    /// `status` and others like it, or empty.
    pub subresource: &'a str,
    pub dry_run: bool,
    /// Who owns what was settled before: by an apply, or on the scale that was changed.
    pub applied: bool,
    /// The client's request, whose answer carries warnings.
    pub request: Option<&'a Context>,
}

/// An object as it is stored, in the version of the definition.
pub struct Stored {
    pub value: Value,
    pub object: Object,
    /// Upstream has stored it in another form than the one that it is read in.
    pub reads_otherwise: bool,
}

impl Stored {
    /// Brings a stored object to the definition's version.
    pub fn read(definition: &Definition, object: Object) -> Result<Self, ApiError> {
        let bytes = object.value();
        let reads_otherwise = bytes.last() == Some(&READS_OTHERWISE);
        let value = decode_stored(&bytes, &definition.schema)
            .map_err(|error| ApiError::internal(format!("`{}` is stored as something else: {error}", object.key())))?;
        Ok(Self { value: served(definition, value), object, reads_otherwise })
    }
}

/// A stored tree in the version of the definition.
pub fn served(definition: &Definition, mut value: Value) -> Value {
    if !definition.builtin {
        return served_custom(definition, value);
    }
    if !definition.stored_as_served() {
        definition.strategy.reshape_to_serve(&mut value);
        value["apiVersion"] = definition.api_version().into();
        if definition.strategy.converts() {
            arrange(definition, &definition.schema, &mut value);
        }
    }
    value
}

/// Brings an object with this schema, one of those that the resource has, into the order in which upstream writes it.
pub(crate) fn arrange(definition: &Definition, schema: &Schema, object: &mut Value) {
    match definition.builtin {
        true => schema::written::arrange(schema, object),
        false => object.sort_all_objects(),
    }
}

/// The host shows clients a custom resource with the defaults of today, which are those of the
/// version that it is stored in; whoever changes it begins with the same.
fn served_custom(definition: &Definition, mut value: Value) -> Value {
    let (own, api_version) = (&definition.schema, definition.api_version());
    let converted = definition.storage_schema.as_ref().filter(|_| value["apiVersion"] != *api_version);
    let stored = converted.unwrap_or(own);
    if definition.is_amended {
        check::prune(stored, &mut value);
    }
    schema::defaults::apply(stored, &mut value);
    if converted.is_some() {
        check::prune(own, &mut value);
    }
    value["apiVersion"] = api_version.into();
    value.sort_all_objects();
    value
}

/// What a write left.
pub enum Written {
    /// It is stored.
    Object(Object),
    /// It would be stored if this were no dry run, or is stored no more.
    Tree(Value),
}

/// A write that succeeded.
pub struct Outcome {
    pub written: Written,
    pub created: bool,
}

impl<'a> Registry<'a> {
    /// For the server's own writes.
    pub fn for_server(definition: &'a Definition, store: &'a Store, groups: &'a [String]) -> Self {
        Self {
            definition,
            store,
            user: "system:apiserver",
            groups,
            identity: None,
            manager: "kube-apiserver",
            subresource: "",
            dry_run: false,
            applied: false,
            request: None,
        }
    }

    /// A companion that somebody else has deleted is given back already: to delete it again would
    /// refuse the whole transaction, at each try.
    async fn without_absent(&self, companions: Vec<Write>) -> Result<Vec<Write>, ApiError> {
        let mut present = Vec::with_capacity(companions.len());
        for companion in companions {
            if let Write::Delete(key) = &companion
                && self.store.get(key.clone(), Freshness::Latest).await.map_err(from_store)?.is_none()
            {
                continue;
            }
            present.push(companion);
        }
        Ok(present)
    }

    /// The object as it is now, if there is one.
    pub async fn find(&self, namespace: &str, name: &str) -> Result<Option<Stored>, ApiError> {
        let key = self.definition.key(namespace, name);
        let found = self.store.get(key, Freshness::Latest).await.map_err(from_store)?;
        found.map(|object| Stored::read(self.definition, object)).transpose()
    }

    /// The object as it is now.
    pub async fn get(&self, namespace: &str, name: &str) -> Result<Stored, ApiError> {
        self.find(namespace, name).await?.ok_or_else(|| ApiError::not_found(self.definition, name))
    }

    fn operation(&'a self, namespace: &'a str, name: &'a str) -> Operation<'a> {
        Operation {
            definition: self.definition,
            namespace,
            name,
            asked_name: name,
            subresource: self.subresource,
            user: self.user,
            groups: self.groups,
            identity: self.identity,
            dry_run: self.dry_run,
        }
    }

    /// Tells the client what is odd about an object that is valid.
    fn warn(&self, operation: &Operation<'_>, object: &Value, old: Option<&Value>) {
        let Some(request) = self.request else { return };
        for warning in self.definition.strategy.warnings(operation, object, old) {
            request.warn(&warning);
        }
    }

    /// An owner that is named twice is one, and the client is told.
    fn forget_repeated_owners(&self, object: &mut Value, patched: bool) {
        let Some(Value::Array(owners)) = object["metadata"].get_mut("ownerReferences") else { return };
        let (mut seen, mut repeated) = (Vec::with_capacity(owners.len()), Vec::new());
        owners.retain(|owner| {
            let is_new = !seen.contains(owner);
            match is_new {
                true => seen.push(owner.clone()),
                false => repeated.push(owner["uid"].as_str().unwrap_or_default().to_string()),
            }
            is_new
        });
        repeated.sort_unstable();
        repeated.dedup();
        if let Some(request) = self.request.filter(|_| !repeated.is_empty()) {
            let when = if patched { " after mutating admission happens" } else { "" };
            request.warn(&format!(
                ".metadata.ownerReferences contains duplicate entries{when}; API server dedups owner references in \
                 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) \
                 observed: {}",
                repeated.join(", ")
            ));
        }
    }

    fn invalid(&self, name: &str, mut errors: Vec<FieldError>) -> Result<(), ApiError> {
        errors.retain(|error| {
            if let Some(request) = self.request.filter(|_| error.tolerated) {
                request.warn(&error.to_string());
            }
            !error.tolerated
        });
        if errors.is_empty() {
            return Ok(());
        }
        let Definition { group, kind, strategy, .. } = self.definition;
        Err(ApiError::invalid(strategy.validated_group(group), kind, name, &errors))
    }

    /// Takes out what was sent empty, until the object is validated.
    fn take_empties(&self, object: &mut Value) -> Empties {
        match self.definition.builtin {
            true => Empties::take(&self.definition.schema, object),
            false => Empties::default(),
        }
    }

    /// Notes who owns which fields after this write.
    fn manage(&self, old: Option<&Value>, new: &mut Value) {
        // Fields are owned as they are written, those that nobody set included.
        if self.definition.builtin {
            schema::defaults::write_unset(&self.definition.schema, new);
        }
        if self.applied {
            return;
        }
        managed::update(Versions::of(self.definition), old, new, &self.who(), &self.unreachable_fields());
    }

    /// The present object, or a new one, with what its manager wants it to have, and whether that is
    /// another one.
    pub fn apply(&self, old: Option<&Value>, patch: &Value, force: bool) -> Result<(Value, bool), ApiError> {
        managed::apply(Versions::of(self.definition), old, patch, &self.who(), force, &self.unreachable_fields())
    }

    fn who(&self) -> Manager {
        Manager {
            name: self.manager.to_string(),
            subresource: self.subresource.to_string(),
            api_version: self.definition.api_version(),
            time: clock::now(),
        }
    }

    /// What this request cannot change, and so does not own.
    fn unreachable_fields(&self) -> Set {
        if let Some(paths) = self.definition.strategy.unreachable_fields(self.subresource) {
            return Set::of_fields(paths);
        }
        match self.subresource {
            "" if self.definition.subresource("status").is_some() => Set::of_fields(&[&["status"]]),
            // Upstream leaves what else a definition has beside these as it is, but not out of this.
            "status" if !self.definition.builtin => Set::of_fields(&[&["metadata"], &["spec"]]),
            "status" => {
                let fields = match &self.definition.schema.shape {
                    Shape::Object(object) => object.fields.iter().map(|field| &*field.name).collect(),
                    _ => Vec::new(),
                };
                let mut paths: Vec<Vec<&str>> = fields
                    .into_iter()
                    .filter(|name| !matches!(*name, "kind" | "apiVersion" | "metadata" | "status"))
                    .map(|name| vec![name])
                    .collect();
                match (&*self.definition.group, &*self.definition.resource) {
                    of if parts::METADATA_STAYS.contains(&of) => paths.push(vec!["metadata"]),
                    ("apps", "deployments") => paths.push(vec!["metadata", "labels"]),
                    ("", "pods") => {
                        paths.push(vec!["metadata", "deletionTimestamp"]);
                        paths.push(vec!["metadata", "ownerReferences"]);
                    }
                    _ => {}
                }
                Set::of_fields(&paths.iter().map(Vec::as_slice).collect::<Vec<_>>())
            }
            _ => Set::default(),
        }
    }

    /// What upstream's serializers write of fields that are not set, once it is stored.
    fn complete(&self, value: &mut Value) {
        if self.definition.builtin {
            schema::defaults::write_stored(&self.definition.schema, value);
        }
        arrange(self.definition, &self.definition.schema, value);
    }

    /// An object that is not stored, as it were if it had been.
    fn as_if_stored(&self, mut object: Value, old: Option<&Object>) -> Result<Written, ApiError> {
        let strategy = self.definition.strategy;
        if strategy.converts() {
            strategy.reshape_to_store(&mut object);
            self.keep_stored(&mut object, old)?;
            strategy.reshape_to_serve(&mut object);
            arrange(self.definition, &self.definition.schema, &mut object);
        }
        if let Some(schema) = &self.definition.storage_schema {
            check::prune(schema, &mut object);
            object["apiVersion"] = (*self.definition.storage_version).into();
            object = served_custom(self.definition, object);
        }
        Ok(Written::Tree(object))
    }

    /// Carries over what an update cannot change, in the stored shape.
    fn keep_stored(&self, object: &mut Value, old: Option<&Object>) -> Result<(), ApiError> {
        let kept = self.definition.strategy.kept_stored(self.subresource);
        let Some(old) = old.filter(|_| !kept.is_empty()) else { return Ok(()) };
        let old = parse(old)?;
        for field in kept {
            object::carry_over(object, &old, field);
        }
        Ok(())
    }

    /// As [`encode`](Self::encode), for an object of which only the metadata has changed: everything else
    /// stays as it is stored, of which this version may not say all.
    fn encode_marked(&self, mut value: Value, old: &Object) -> Result<Vec<u8>, ApiError> {
        if !self.definition.strategy.converts() {
            return self.encode(value, None);
        }
        self.definition.strategy.reshape_to_store(&mut value);
        let mut marked = parse(old)?;
        marked["metadata"] = value["metadata"].take();
        set_meta(&mut marked, "resourceVersion", "");
        arrange(self.definition, self.definition.stored_schema(), &mut marked);
        Ok(written(&marked))
    }

    /// The bytes that are stored: in the storage version, without a resource version, which
    /// the host writes in.
    fn encode(&self, mut value: Value, old: Option<&Object>) -> Result<Vec<u8>, ApiError> {
        set_meta(&mut value, "resourceVersion", "");
        if !self.definition.stored_as_served() {
            self.definition.strategy.reshape_to_store(&mut value);
            self.keep_stored(&mut value, old)?;
            if let Some(schema) = &self.definition.storage_schema {
                check::prune(schema, &mut value);
            }
            value["apiVersion"] = (*self.definition.storage_version).into();
            arrange(self.definition, self.definition.stored_schema(), &mut value);
        }
        Ok(written(&value))
    }
}

fn parse(stored: &Object) -> Result<Value, ApiError> {
    serde_json::from_slice(&stored.value()).map_err(ApiError::internal)
}

fn written(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ENCODED_BYTES);
    value.write(&mut bytes);
    bytes
}
