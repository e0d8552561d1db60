//! The order of the filters, and why it is this one.

use std::sync::Arc;

use super::Handler;
use super::audit::Audit;
use super::audit_id::AuditId;
use super::authentication::Authenticate;
use super::authorization::Authorize;
use super::cache_control::CacheControl;
use super::chain::{Filters, Layered, Then};
use super::cors::Cors;
use super::deadline::Deadline;
use super::end_with_body::EndWithBody;
use super::goaway::Goaway;
use super::gzip::Pack;
use super::hsts::StrictTransportSecurity;
use super::impersonation::Impersonate;
use super::in_flight::{InFlight, Limits};
use super::log::Log;
use super::metrics::Measure;
use super::panics::ContainPanics;
use super::passed::Passed;
use super::request_info::FindRequestInfo;
use super::retry_after::RetryAfter;
use super::routes_complete::CaptureRoutesComplete;
use super::statuses::WriteStatuses;
use super::trace::Trace;
use super::wait_group::WaitGroup;
use super::warnings::SendWarnings;
use super::watch_end::EndWatches;
use crate::audit::Auditor;
use crate::authn::Authentication;
use crate::authz::Authorization;
use crate::lifecycle::Signals;
use crate::observe::{AccessMetrics, RequestMetrics};
use crate::options::{Features, Requests, Shutdown, Web};
use crate::request::Step;
use crate::serve::{InFlightRequests, Watches};
use crate::traces::Tracer;

/// What the filters share with the rest of the server.
pub(crate) struct Parts {
    pub(crate) signals: Arc<Signals>,
    pub(crate) authentication: Arc<Authentication>,
    pub(crate) authorization: Arc<Authorization>,
    pub(crate) metrics: Arc<RequestMetrics>,
    pub(crate) access_metrics: Arc<AccessMetrics>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) in_flight: Arc<InFlightRequests>,
    pub(crate) watches: Arc<Watches>,
    pub(crate) tracer: Option<Arc<Tracer>>,
    pub(crate) auditor: Option<Arc<Auditor>>,
    pub(crate) requests: Requests,
    pub(crate) features: Features,
    pub(crate) web: Web,
    pub(crate) shutdown: Shutdown,
}

/// All filters before `handler`, the outermost first.
pub(crate) fn stack<H: Handler>(parts: Parts, handler: H) -> impl Handler {
    let Parts {
        signals,
        authentication,
        authorization,
        metrics,
        access_metrics,
        limits,
        in_flight,
        watches,
        tracer,
        auditor,
        requests,
        features,
        web,
        shutdown,
    } = parts;

    // Everything, a panic too, is answered and logged under the request's id.
    let identify = AuditId;

    // Once the answer has been written nobody works for the request any more.
    let take_in = EndWithBody
        // Before anything that takes time: a request that came before the routes were complete
        // must not become a 404 because it waited.
        .then(CaptureRoutesComplete::new(signals.clone()))
        // What everything below decides by.
        .then(FindRequestInfo)
        // The answer as the client gets it, whoever gives it.
        .then(Measure::new(metrics))
        .then(Log)
        // Failures of all that is below.
        .then(WriteStatuses)
        // Sends clients elsewhere with as little work as possible.
        .then(RetryAfter::new(signals.clone(), shutdown.send_retry_after))
        // Answers of any kind, refusals included, are for TLS only.
        .then(StrictTransportSecurity::new(web.strict_transport_security))
        // Answers of any kind, refusals included, are not for caches.
        .then(CacheControl)
        // Whatever the answer is, a refusal by those below too.
        .then(Goaway::new(requests.goaway_chance, signals.clone()))
        // Outside of the wait group: watches are waited for by themselves.
        .then(EndWatches::new(signals.clone(), watches))
        // Whoever passes here is waited for at shutdown.
        .then(WaitGroup::new(signals, in_flight));

    let authenticate = Authenticate::new(authentication, auditor.clone(), access_metrics.clone());
    let impersonate = Impersonate::new(authorization.clone());
    let authorize = Authorize::new(authorization, access_metrics.clone());

    // Inside of the deadline, since an answer that came too late warns nobody.
    let let_in = SendWarnings
        // Browsers ask without credentials whether they may come.
        .then(Cors::new(web.allowed_origins))
        .then(Passed::new(Step::Authentication, &access_metrics, authenticate))
        // Whose word counts is known, and nobody is anybody else yet.
        .then(Trace::new(tracer))
        // Outside of the audit, which shows what was answered and not how it was sent.
        .then(Pack { is_on: features.response_compression })
        // Knows who asks, and is told whom he impersonates and whether he may.
        .then(Passed::new(Step::Audit, &access_metrics, Audit::new(auditor.clone())))
        .then(Passed::new(Step::Impersonation, &access_metrics, impersonate))
        // Knows who asks: those who may do everything are let in even when the house is full.
        .then(InFlight::new(limits))
        // As late as possible, and before anything that tells what exists.
        .then(Passed::new(Step::Authorization, &access_metrics, authorize));

    let inside = Layered { around: Filters(let_in), inside: handler };
    // Around authentication, which may ask others and must not take for ever.
    let inside = Layered { around: Deadline::new(requests.timeout, auditor), inside };
    let inside = Layered { around: Filters(take_in), inside };
    // Nothing inside may end the connection, let alone the process.
    let inside = Layered { around: ContainPanics, inside };
    Layered { around: Filters(identify), inside }
}

#[cfg(test)]
mod costs;
#[cfg(test)]
mod tests;
