//! Deciding who gets in: two more traits that a link may implement.
//!
//! A link whose token file is its configuration, and whose one rule is that people read:
//!
//! ```
//! use plugin_sdk::access::{Attributes, Authenticator, Authorizer, Credentials, Decision, Question};
//! use plugin_sdk::{Answer, Context, Link, Result, User, configuration};
//! use plugin_sdk::{export_authenticator, export_authorizer, export_link};
//!
//! struct Doorman;
//!
//! impl Link for Doorman {
//!     fn init() -> Result<Self> {
//!         Ok(Self)
//!     }
//!
//!     async fn handle(&self, _context: Context) -> Answer {
//!         Answer::Pass
//!     }
//! }
//!
//! impl Authenticator for Doorman {
//!     async fn authenticate(&self, _: Question, credentials: Credentials) -> Result<Option<User>> {
//!         let known = configuration::get().unwrap_or_default();
//!         let token = credentials.bearer_token.filter(|token| known.lines().any(|line| line == token));
//!         Ok(token.map(|_| User { name: "ann".into(), uid: String::new(), groups: vec![], extra: vec![] }))
//!     }
//! }
//!
//! impl Authorizer for Doorman {
//!     async fn authorize(&self, _: Question, wanted: Attributes) -> Result<Decision> {
//!         Ok(match wanted.verb.as_str() {
//!             "get" | "list" | "watch" => Decision::allow("people read"),
//!             _ => Decision::no_opinion(),
//!         })
//!     }
//! }
//!
//! export_link!(Doorman);
//! export_authenticator!(Doorman);
//! export_authorizer!(Doorman);
//! # fn main() {}
//! ```
//!
//! The host asks each instance for itself and often, with a request in its hands. A link that
//! decides by what is stored begins a watch with [`Question::store`] when it is first asked,
//! [`spawn`](crate::spawn)s a task that reads on, and answers from what that task has seen.

use crate::bindings::access::exports::host::chain::authenticator;
use crate::bindings::rights::exports::host::chain::authorizer;
use crate::link::{Exported, Instance, instance, text};
use crate::{Link, Result, User};

pub use crate::bindings::host::chain::access::Context as Question;
pub use authenticator::Credentials;
pub use authorizer::{Attributes, Decision, PathRule, ResourceRule, ResourceTarget, Rules, Target, Verdict};

/// What a link adds when it knows whose credentials are. Exported with
/// [`export_authenticator!`](crate::export_authenticator).
#[allow(async_fn_in_trait, reason = "a component has one thread, so no future needs to be `Send`")]
pub trait Authenticator: Link {
    /// The user, or nothing if the credentials are none of this link's. An error refuses them,
    /// unless somebody else knows the user.
    async fn authenticate(&self, question: Question, credentials: Credentials) -> Result<Option<User>>;
}

/// What a link adds when it decides who may do what. Exported with
/// [`export_authorizer!`](crate::export_authorizer).
#[allow(async_fn_in_trait, reason = "a component has one thread, so no future needs to be `Send`")]
pub trait Authorizer: Link {
    /// Decides. An error says that this link cannot tell: the request is not allowed for it.
    async fn authorize(&self, question: Question, wanted: Attributes) -> Result<Decision>;

    /// The rules that hold for a user, where they can be listed.
    async fn rules_for(&self, _question: Question, _user: User, _namespace: &str) -> Rules {
        let error = "this authorizer lists no rules".to_string();
        Rules { resources: Vec::new(), paths: Vec::new(), incomplete: true, error }
    }
}

impl Decision {
    pub fn allow(reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Allow, reason: reason.into() }
    }

    /// Nobody else is asked.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Deny, reason: reason.into() }
    }

    /// Others decide.
    pub fn no_opinion() -> Self {
        Self { verdict: Verdict::NoOpinion, reason: String::new() }
    }
}

/// Exports the [`Authenticator`] that a link is, beside
/// [`export_link!`](crate::export_link). Once in a crate.
#[macro_export]
#[rustfmt::skip] // it does not know `with_types_in`
macro_rules! export_authenticator {
    ($link:ty) => {
        // Says so on every target if it is none.
        const _: fn() = || {
            fn is_one<T: $crate::access::Authenticator>() {}
            is_one::<$link>();
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            type Exported = $crate::export::Exported<$link>;
            $crate::bindings::access::export_authenticator_interface!(Exported with_types_in $crate::bindings::access);
        };
    };
}

/// Exports the [`Authorizer`] that a link is, beside
/// [`export_link!`](crate::export_link). Once in a crate.
#[macro_export]
#[rustfmt::skip] // it does not know `with_types_in`
macro_rules! export_authorizer {
    ($link:ty) => {
        // Says so on every target if it is none.
        const _: fn() = || {
            fn is_one<T: $crate::access::Authorizer>() {}
            is_one::<$link>();
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            type Exported = $crate::export::Exported<$link>;
            $crate::bindings::rights::export_authorizer_interface!(Exported with_types_in $crate::bindings::rights);
        };
    };
}

impl<L: Instance + Authenticator> authenticator::Guest for Exported<L> {
    async fn authenticate(question: Question, credentials: Credentials) -> Result<Option<User>, String> {
        text(instance::<L>().authenticate(question, credentials).await)
    }
}

impl<L: Instance + Authorizer> authorizer::Guest for Exported<L> {
    async fn authorize(question: Question, wanted: Attributes) -> Result<Decision, String> {
        text(instance::<L>().authorize(question, wanted).await)
    }

    async fn rules_for(question: Question, user: User, namespace: String) -> Rules {
        instance::<L>().rules_for(question, user, &namespace).await
    }
}
