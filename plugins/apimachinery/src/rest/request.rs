//! One request, as the verbs see it.

use std::cell::{Cell, OnceCell};

use forms::Produced;
use plugin_sdk::{Answer, Context, Store, Summary, User};

use super::query::Query;
use crate::definition::Definition;
use crate::negotiate::{self, LISTS, LOGS, OBJECTS, Offer, Wanted};
use crate::status::ApiError;
use crate::validation::{names, quoted};
use crate::{encode, managed};

/// Subresources that upstream has no printer for, though they answer the object itself.
const ROWLESS: [(&str, &str); 8] = [
    ("apiservices", "status"),
    ("certificatesigningrequests", "approval"),
    ("customresourcedefinitions", "status"),
    ("namespaces", "finalize"),
    ("pods", "ephemeralcontainers"),
    ("pods", "log"),
    ("pods", "resize"),
    ("resourceclaims", "status"),
];

pub(super) struct Request<'a> {
    pub(super) definition: &'a Definition,
    pub(super) context: &'a Context,
    pub(super) summary: &'a Summary,
    pub(super) query: Query,
    pub(super) store: Store,
    user: OnceCell<User>,
    wanted: Cell<Option<Wanted>>,
}

impl<'a> Request<'a> {
    pub(super) fn new(definition: &'a Definition, context: &'a Context, summary: &'a Summary) -> Self {
        Self {
            definition,
            context,
            query: Query::parse(summary.query()),
            summary,
            store: context.store(),
            user: OnceCell::new(),
            wanted: Cell::new(None),
        }
    }

    pub(super) fn user(&self) -> &User {
        self.user.get_or_init(|| self.context.user())
    }

    /// The name in the path. RequestInfo also takes one from a field selector, which the
    /// selector itself sees to.
    pub(super) fn name(&self) -> &str {
        if self.summary.parts_count() > 1 { self.summary.name() } else { "" }
    }

    pub(super) fn namespace(&self) -> &str {
        if self.definition.namespaced { self.summary.namespace() } else { "" }
    }

    /// Tells the client that this version of the resource will go. Of a custom resource whoever found its definition has
    /// told, whatever was to become of the request.
    pub(super) fn warn_of_deprecation(&self) {
        if self.definition.builtin
            && let Some(warning) = &self.definition.deprecation_warning
        {
            self.context.warn(warning);
        }
    }

    /// What the client wants back: found out once.
    pub(super) fn wanted(&self) -> Result<Wanted, ApiError> {
        if let Some(known) = self.wanted.get() {
            return Ok(known);
        }
        let builtin = self.definition.builtin;
        let watch = self.summary.verb() == "watch";
        let offer = Offer { protobuf: builtin, routed: self.produced(), tables: self.has_rows(), watch };
        let wanted = negotiate::output(&negotiate::client(self.summary), offer)?;
        self.wanted.set(Some(wanted));
        Ok(wanted)
    }

    /// Whether the answer can be shown as rows.
    fn has_rows(&self) -> bool {
        let subresource = self.summary.subresource();
        // What is posted to a part of an object is answered and forgotten.
        let is_action = self.summary.verb() == "create" && !subresource.is_empty();
        let is_read = self.definition.verbs.iter().any(|verb| matches!(&**verb, "get" | "list"));
        is_read
            && !is_action
            && !(self.definition.builtin && ROWLESS.contains(&(&*self.definition.resource, subresource)))
    }

    /// Whether the method is one that reads.
    pub(super) fn reads(&self) -> bool {
        matches!(self.summary.method(), "GET" | "HEAD")
    }

    /// What the router of built-in types produces here.
    fn produced(&self) -> Option<Produced<'static>> {
        let produced = match (self.summary.verb(), &*self.definition.resource, self.summary.subresource()) {
            (_, "pods", "log") => LOGS,
            ("list" | "watch", _, "") => LISTS,
            _ => OBJECTS,
        };
        self.definition.builtin.then_some(produced)
    }

    /// The verb for a part of an object, which is the method's: where the object has no name, the request's is that
    /// for many.
    pub(super) fn part_verb(&self) -> &str {
        match self.summary.verb() {
            "list" | "watch" if self.name().is_empty() => "get",
            "deletecollection" if self.name().is_empty() => "delete",
            verb => verb,
        }
    }

    /// A part of an object is asked for by the object's name: what stands between two slashes is none.
    pub(super) fn check_named(&self) -> Result<(), ApiError> {
        if !self.name().is_empty() {
            return Ok(());
        }
        if let Some(produced) = self.produced() {
            negotiate::check_routed(&negotiate::client(self.summary), produced)?;
        }
        Err(ApiError::bad_request("name must be provided"))
    }

    /// `/namespaces//pods`, which the router of built-in types takes for a namespace that is called nothing.
    pub(super) fn names_no_namespace(&self) -> bool {
        let Definition { builtin, namespaced, .. } = self.definition;
        *builtin && *namespaced && self.summary.namespace().is_empty() && self.summary.path().contains("/namespaces//")
    }

    /// What is asked for must be at a key that there can be, or below one.
    pub(super) fn check_path_namespace(&self) -> Result<(), ApiError> {
        if !matches!(self.namespace(), "." | "..") {
            return Ok(());
        }
        let key = self.definition.key(self.namespace(), self.name());
        let key = key.strip_prefix("/registry").unwrap_or(&key).trim_end_matches('/');
        Err(ApiError::new(500, "", format!("invalid key: {}", quoted(key))))
    }

    /// A name in the path must be one that a key can hold: where an object is sent, it is compared with its own before.
    pub(super) fn check_path_name(&self) -> Result<(), ApiError> {
        if self.names_no_namespace() && !self.name().is_empty() {
            return Err(no_namespace());
        }
        let reasons = names::path_segment(self.name());
        if self.name().is_empty() || reasons.is_empty() {
            return if self.name().is_empty() { Ok(()) } else { self.check_path_namespace() };
        }
        let name = quoted(self.name());
        Err(ApiError::bad_request(format!("Name parameter invalid: {name}: {}", reasons.join(";"))))
    }

    /// Who is written down as the manager of fields: the one named in the request, else the
    /// client's program.
    pub(super) fn manager(&self, named: &str) -> String {
        managed::manager_name(named, self.summary.user_agent())
    }

    /// The `Status` of a failure.
    pub(super) fn failure(&self, error: &ApiError) -> Answer {
        encode::failure(self.summary, error)
    }
}

/// What upstream says of a key without the namespace that belongs into it.
pub(super) fn no_namespace() -> ApiError {
    ApiError::bad_request("Namespace parameter required.")
}
