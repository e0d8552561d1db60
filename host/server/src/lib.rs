//! What kube-apiserver keeps in its generic server, without what it serves.
//!
//! ```text
//! RunOptions::complete   typed text → RunConfig, all errors at once
//!   Server::new          certificates, tokens; then links add checks, routes and numbers
//!   Server::bind         takes the port, writes DATA/admin.kubeconfig
//!   Bound::serve         TLS → HTTP → filters → own routes → your Director
//!   Running::finished    after ServerHandle::shutdown: drained, closed
//! ```
//!
//! Knows nothing of wasm and nothing of storage: what is behind the filters is a [`Director`].

mod alarm;
mod audit;
mod authn;
mod authz;
mod director;
mod filters;
pub mod health;
pub mod lifecycle;
mod limits;
mod names;
mod observe;
pub mod options;
pub mod pki;
mod profiling;
mod request;
mod response;
mod routed;
mod routes;
mod serve;
mod signatures;
mod traces;
mod version;

pub use alarm::Alarm;
pub use audit::{AuditError, Decoder, WebhookError};
pub use authn::{
    API_SERVER, Anonymous, Authentication, Authenticator, BoundObjects, Credentials, EXTENDED_SECONDS,
    FrontProxyHeaders, IssuedToken, KeyFileError, PRIVILEGED, Recognised, Reference, ServiceAccountTokens,
    TokenFileError, User, WantedToken,
};
pub use authz::{
    Attributes, Authorization, Authorizer, Decision, Mode, PathRule, ResourceRule, ResourceTarget, Rules, Target,
    Verdict,
};
pub use director::Director;
pub use host_profile::Image;
pub use limits::{Limits, REQUEST_BODY_BYTES_MAX};
pub use observe::{LoggingError, Metrics, Tally, init_logging};
pub use request::{
    Arriving, BodyError, Context, Request, RequestBody, RequestInfo, RequestInfoError, Upgrade, UpgradedConnection,
    Warnings,
};
pub use response::{
    Body, BoxError, Failure, PACKED_BYTES_MIN, Response, WATCH_MESSAGES, append_watch_message, not_found, text,
};
pub use serve::{Believed, Bound, Connection, Running, Server, ServerHandle, StartError};
pub use signatures::{Unverifiable, verify_signature};
pub use version::KUBERNETES_VERSION;
