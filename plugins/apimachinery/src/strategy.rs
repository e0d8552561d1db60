//! What data cannot say of a resource: small hooks in Rust, named after upstream's
//! strategies. Each has a default that does nothing.

use std::future::Future;
use std::pin::Pin;

use plugin_sdk::User;
use plugin_sdk::bindings::host::chain::storage::{self, Store};

use crate::definition::Definition;
use crate::rest::options::DeleteOptions;
use crate::status::{ApiError, FieldError};
use crate::tree::{Text, Value, json};

/// What a hook may know of the request.
pub struct Operation<'a> {
    pub definition: &'a Definition,
    pub namespace: &'a str,
    pub name: &'a str,
    /// The name as it was asked for: with a `generateName`, that is without its end.
    pub asked_name: &'a str,
    /// `status`, or empty for the main resource.
    pub subresource: &'a str,
    pub user: &'a str,
    pub groups: &'a [String],
    /// Who asks, with all that is known of him; nothing for the server's own writes.
    pub identity: Option<&'a User>,
    pub dry_run: bool,
}

impl Operation<'_> {
    /// The error of an admission that refuses the object.
    pub fn forbidden(&self, why: impl std::fmt::Display) -> ApiError {
        let name = if self.asked_name.is_empty() { "Unknown" } else { self.asked_name };
        ApiError::forbidden(self.definition, name, why)
    }
}

/// How long an object stays after it was asked to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grace {
    /// Removed at once.
    #[default]
    None,
    /// Marked, and removed by whoever runs it (pods): seconds.
    Seconds(i64),
}

/// What happens when a client asks for an object to go.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Removal {
    /// By its finalizers and grace period.
    #[default]
    Ordinary,
    /// This becomes the object in place of removing it.
    Becomes(Value),
    /// It stays as it is for now.
    Stays,
}

/// Writes that belong to the object's own and happen together with it or not at all, and what is
/// asked of it before.
#[derive(Default)]
pub struct Companions {
    pub guards: Vec<storage::Guard>,
    pub operations: Vec<storage::Operation>,
    /// Upstream's validating admission: it comes after all that changes the object, and sees only
    /// what is valid.
    pub review: Option<Review>,
}

/// A last look at an object, as it was sent where that was empty.
pub type Review = Box<dyn FnOnce(&Operation<'_>, &Value) -> Result<(), ApiError>>;

impl Companions {
    /// Nothing but a look.
    pub fn review(review: impl FnOnce(&Operation<'_>, &Value) -> Result<(), ApiError> + 'static) -> Self {
        Self { review: Some(Box::new(review)), ..Self::default() }
    }
}

/// What a hook that reads the store returns. Guests have one thread, so nothing is `Send`.
pub type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T, ApiError>> + 'a>>;

/// The rules of one resource in code. Objects are trees as decoded, with all keys that the
/// schema knows; each hook may change `object` in place.
pub trait Strategy: Sync {
    /// Fills in what upstream's defaulting code sets, on every write; twice where something was sent empty. It sets
    /// nothing that [`forget_disabled`](Self::forget_disabled) or a preparation takes away.
    fn default(&self, _object: &mut Value) {}

    /// The same for what it sets once it sees the object as it is stored. Answers whether it is read
    /// otherwise than it is stored then, so that who changes nothing writes it all the same.
    fn default_stored(&self, _object: &mut Value) -> bool {
        false
    }

    /// Takes away what belongs to features that are off. Who sent it owns it nonetheless.
    fn forget_disabled(&self, _object: &mut Value) {}

    /// Resets what a client may not set on create (status, for most).
    fn prepare_for_create(&self, _operation: &Operation<'_>, _object: &mut Value) {}

    /// Carries over what this update may not change.
    fn prepare_for_update(&self, _operation: &Operation<'_>, _object: &mut Value, _old: &Value) {}

    /// What depends on other objects, and what has to be written with them: upstream's mutating
    /// admission, and its allocators. Runs again if one of the companions' guards does not hold.
    fn admit<'a>(
        &'a self,
        _operation: &'a Operation<'a>,
        _store: &'a Store,
        _object: &'a mut Value,
        _old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        Box::pin(std::future::ready(Ok(Companions::default())))
    }

    /// Whether `admit` may take something that somebody else is faster to take.
    fn allocates(&self) -> bool {
        false
    }

    /// What has to go with an object that is removed.
    fn companions_of_removal(&self, _object: &Value) -> Companions {
        Companions::default()
    }

    /// All findings, in upstream's order. Metadata is validated by the engine.
    fn validate(&self, _operation: &Operation<'_>, _object: &Value, _errors: &mut Vec<FieldError>) {}

    /// Whether `validate` looks at the metadata of a new object, where its rules want it, or leaves it
    /// alone: then what holds for all objects is asked of those that are right otherwise.
    fn validates_metadata(&self) -> bool {
        false
    }

    fn validate_update(
        &self,
        _operation: &Operation<'_>,
        _object: &Value,
        _old: &Value,
        _errors: &mut Vec<FieldError>,
    ) {
    }

    /// Texts for `Warning` headers, of a new object before it is prepared, which may hide what
    /// was odd about it.
    fn warnings_unprepared(&self, _operation: &Operation<'_>, _object: &Value) -> Vec<String> {
        Vec::new()
    }

    /// Texts for `Warning` headers, of an object that is valid.
    fn warnings(&self, _operation: &Operation<'_>, _object: &Value, _old: Option<&Value>) -> Vec<String> {
        Vec::new()
    }

    /// The shape that the object's name must have; subdomain for most.
    fn validate_name(&self, name: &str) -> Vec<String> {
        crate::validation::names::dns1123_subdomain(name)
    }

    /// A name that begins with what the client asked for.
    fn generate_name(&self, base: &str) -> String {
        crate::rest::clock::generate_name(base)
    }

    /// Whether finalizers without a domain have to be among those that the system knows.
    fn knows_finalizers(&self) -> bool {
        true
    }

    /// The group of the type that is validated, which errors name.
    fn validated_group<'a>(&self, own: &'a str) -> &'a str {
        own
    }

    /// Whether a client may create the object with a status (nodes, which register themselves
    /// complete). For the others it is what a controller or the server makes of it.
    fn keeps_status_on_create(&self) -> bool {
        false
    }

    /// Whether a PUT of something that does not exist creates it.
    fn create_on_update(&self) -> bool {
        false
    }

    /// Whether an update without a resource version is unconditional.
    fn unconditional_update(&self) -> bool {
        true
    }

    /// What a write of a subresource, or of the object (empty), cannot change and so does not own;
    /// `None` where the usual holds.
    fn unreachable_fields(&self, _subresource: &str) -> Option<&'static [&'static [&'static str]]> {
        None
    }

    /// Whether `metadata.generation` counts changes of the desired state.
    fn generation(&self) -> bool {
        false
    }

    /// Whether an update changes the desired state. Everything but metadata and status is, for
    /// most.
    fn desires_differ(&self, object: &Value, old: &Value) -> bool {
        desires_differ(object, old)
    }

    /// Whether a list that is sent empty differs from one that is not sent: upstream compares most
    /// types so that it does not.
    fn minds_empties(&self) -> bool {
        false
    }

    /// Whether the object has a grace period at all; `grace` is asked only then.
    fn graceful(&self) -> bool {
        false
    }

    /// Whether a delete is graceful, given what the client asked for.
    fn grace(&self, _object: &Value, _asked: Option<i64>) -> Grace {
        Grace::None
    }

    /// Refuses a delete, or says what becomes of the object (namespaces).
    fn before_delete(
        &self,
        _operation: &Operation<'_>,
        _object: &Value,
        _options: &DeleteOptions,
    ) -> Result<Removal, ApiError> {
        Ok(Removal::Ordinary)
    }

    /// Whether an object that is being deleted and has no finalizers left may go.
    fn may_go(&self, _object: &Value) -> bool {
        true
    }

    /// Whether the garbage collector looks after what the object owns.
    fn garbage_collected(&self) -> bool {
        true
    }

    /// Whether what the object owns stays when a client that deletes it says nothing of that.
    fn orphans(&self) -> bool {
        false
    }

    /// What a client that says nothing of that is told.
    fn orphan_warning(&self) -> Option<&'static str> {
        None
    }

    /// Whether a delete answers the object in place of a `Status`.
    fn returns_deleted(&self) -> bool {
        false
    }

    /// Seconds after which the store removes an object by itself (events).
    fn ttl_seconds(&self) -> Option<u64> {
        None
    }

    /// Annotations that upstream keeps as fields inside: those who see metadata alone do not see them.
    fn folded_annotations(&self) -> &'static [&'static str] {
        &[]
    }

    /// An object of which nothing is known, as in a bookmark: what upstream's internal type has where this
    /// version's has none.
    fn nothing(&self) -> Value {
        json!({"metadata": {}})
    }

    /// Whether objects are stored in another version's shape than this definition's; if only
    /// `apiVersion` differs, nothing is converted.
    fn converts(&self) -> bool {
        false
    }

    /// From this version's shape to the stored one.
    fn reshape_to_store(&self, _object: &mut Value) {}

    /// The fields that an update cannot change, and that are to stay as they are stored: this version
    /// may not say all of them.
    fn kept_stored(&self, _subresource: &str) -> &'static [&'static str] {
        &[]
    }

    /// From the stored shape to this version's.
    fn reshape_to_serve(&self, _object: &mut Value) {}
}

/// Whether anything differs but metadata and status, whatever the order of members.
pub fn desires_differ(object: &Value, old: &Value) -> bool {
    desired(object).count() != desired(old).count() || desired(object).any(|(name, value)| old.get(name) != Some(value))
}

fn desired(object: &Value) -> impl Iterator<Item = (&Text, &Value)> {
    let members = object.as_object().into_iter().flatten();
    members.filter(|(name, _)| !matches!(name.as_str(), "kind" | "apiVersion" | "metadata" | "status"))
}

/// No rules beside the schema's.
pub struct Plain;

impl Strategy for Plain {}
