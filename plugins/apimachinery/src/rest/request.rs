//! One request, as the verbs see it.

use std::cell::OnceCell;

use plugin_sdk::{Answer, Context, Response, Store, Summary, User};

use super::query::Query;
use crate::codec;
use crate::definition::Definition;
use crate::managed;
use crate::negotiate::{self, Encoding, Offer, Wanted};
use crate::status::ApiError;
use crate::validation::{names, quoted};

pub(super) struct Request<'a> {
    pub(super) definition: &'a Definition,
    pub(super) context: &'a Context,
    pub(super) summary: &'a Summary,
    pub(super) query: Query,
    pub(super) store: Store,
    user: OnceCell<User>,
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

    /// Tells the client that this version of the resource will go.
    pub(super) fn warn_of_deprecation(&self) {
        if let Some(warning) = &self.definition.deprecation_warning {
            self.context.warn(warning);
        }
    }

    /// What the client wants back.
    pub(super) fn wanted(&self) -> Result<Wanted, ApiError> {
        let streams = matches!(self.summary.verb(), "list" | "watch");
        // What is posted to a part of an object is answered and forgotten.
        let is_action = self.summary.verb() == "create" && !self.summary.subresource().is_empty();
        let tables = !is_action && self.definition.verbs.iter().any(|verb| &**verb == "get" || &**verb == "list");
        let watch = self.summary.verb() == "watch";
        let offer = Offer { protobuf: self.definition.builtin, tables, streams, watch };
        negotiate::output(self.summary.accept(), offer)
    }

    /// Whether the method is one that reads.
    pub(super) fn reads(&self) -> bool {
        matches!(self.summary.method(), "GET" | "HEAD")
    }

    /// A name in the path must be one that a key can hold.
    pub(super) fn check_path_name(&self) -> Result<(), ApiError> {
        let reasons = names::path_segment(self.name());
        if self.name().is_empty() || reasons.is_empty() {
            return Ok(());
        }
        let name = quoted(self.name());
        Err(ApiError::bad_request(format!("Name parameter invalid: {name}: {}", reasons.join(";"))))
    }

    /// Whether JSON is to be read by people: asked for, or the client is known to show it.
    pub(super) fn pretty(&self) -> bool {
        match self.query.flag("pretty") {
            Some(pretty) => pretty,
            None => ["curl", "Wget", "Mozilla/5.0"].iter().any(|agent| self.summary.user_agent().starts_with(agent)),
        }
    }

    /// Who is written down as the manager of fields: the one named in the request, else the
    /// client's program.
    pub(super) fn manager(&self, named: &str) -> String {
        managed::manager_name(named, self.summary.user_agent())
    }

    /// The `Status` of a failure, in the client's encoding if it has one for it; indented, where it
    /// has none.
    pub(super) fn failure(&self, error: &ApiError) -> Answer {
        let of_statuses = Offer { protobuf: true, tables: false, streams: false, watch: false };
        let known = negotiate::output(self.summary.accept(), of_statuses).ok().map(|wanted| wanted.encoding);
        let encoding = known.unwrap_or(Encoding::Json);
        let mut response = Response::new(error.code).header("content-type", encoding.media_type());
        if error.retry_after_seconds > 0 {
            response = response.header("retry-after", error.retry_after_seconds.to_string());
        }
        let body = match known {
            Some(encoding) => super::answer::encode(error.to_value(), encoding, self.pretty()),
            None => codec::json::encode_pretty(&error.to_value()),
        };
        response.body(plugin_sdk::Body::Bytes(body)).into()
    }
}
