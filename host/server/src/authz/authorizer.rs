//! What a plugin implements to decide who may do what.

use std::borrow::Cow;

use futures_util::future::BoxFuture;

use super::Attributes;
use crate::authn::User;

/// Somebody who decides who may do what. Asked for each request that gets as far as him, so he
/// answers from memory.
pub trait Authorizer: Send + Sync + 'static {
    /// What `--authorization-mode` calls it, and log lines: the plugin's name.
    fn name(&self) -> &str;

    /// # Errors
    /// When he cannot tell. Others are asked then; if none of them allows the request it is
    /// answered 500, not 403: it may be allowed.
    fn authorize<'a>(&'a self, attributes: &'a Attributes<'a>) -> BoxFuture<'a, Result<Decision, String>>;

    /// The rules that hold for a user in a namespace, as far as they can be listed.
    fn rules_for<'a>(&'a self, user: &'a User, namespace: &'a str) -> BoxFuture<'a, Rules>;
}

/// What an [`Authorizer`] says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub verdict: Verdict,
    /// For the client that is refused, and for the audit event; may be empty.
    pub reason: Cow<'static, str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Allow,
    /// Nobody else is asked.
    Deny,
    /// Let others decide.
    NoOpinion,
}

impl Decision {
    pub fn allow(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { verdict: Verdict::Allow, reason: reason.into() }
    }

    pub fn deny(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { verdict: Verdict::Deny, reason: reason.into() }
    }

    pub fn no_opinion(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { verdict: Verdict::NoOpinion, reason: reason.into() }
    }
}

/// What a user may do in a namespace and beyond: `SelfSubjectRulesReview`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    pub resources: Vec<ResourceRule>,
    pub paths: Vec<PathRule>,
    /// There are rules that cannot be listed.
    pub incomplete: bool,
    /// Why; empty if nothing went wrong.
    pub error: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceRule {
    pub verbs: Vec<String>,
    pub groups: Vec<String>,
    pub resources: Vec<String>,
    /// All if there are none.
    pub names: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathRule {
    pub verbs: Vec<String>,
    pub paths: Vec<String>,
}

impl Rules {
    /// Everything, everywhere.
    pub(super) fn all() -> Self {
        let all = || vec!["*".to_owned()];
        Self {
            resources: vec![ResourceRule { verbs: all(), groups: all(), resources: all(), names: Vec::new() }],
            paths: vec![PathRule { verbs: all(), paths: all() }],
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.resources.extend(other.resources);
        self.paths.extend(other.paths);
        self.incomplete |= other.incomplete;
        if !other.error.is_empty() {
            let separator = if self.error.is_empty() { "" } else { ", " };
            self.error = format!("{}{separator}{}", self.error, other.error);
        }
    }
}
