//! Who got in: kube-apiserver's numbers about authentication and authorisation, and what they and the rest take.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};

use super::passes::Passes;
use crate::request::Step;

#[derive(Debug)]
pub(crate) struct AccessMetrics {
    authentication: [Outcome; 3],
    authorization: [Outcome; 4],
    users: [IntCounter; USERS.len()],
    passes: Passes,
}

/// How authentication ended. In the order of [`AUTHENTICATIONS`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Authenticated {
    Known,
    /// Nobody has said who he is, and strangers are not welcome.
    Unknown,
    /// Somebody has said wrong.
    Refused,
}

/// How authorisation ended. In the order of [`AUTHORIZATIONS`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Authorized {
    Allowed,
    Denied,
    NoOpinion,
    Failed,
}

const AUTHENTICATIONS: [&str; 3] = ["success", "failure", "error"];
const AUTHORIZATIONS: [&str; 4] = ["allowed", "denied", "no-opinion", "error"];
/// Names that are told apart, as upstream does; a name with `@` is an address, others are others.
const USERS: [&str; 7] =
    ["admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default", "email_id", "other"];

/// From a millisecond on, each twice as long as the one before it.
fn seconds() -> Vec<f64> {
    (0..15).map(|power| 0.001 * f64::from(1 << power)).collect()
}

#[derive(Debug)]
struct Outcome {
    attempts: IntCounter,
    seconds: Histogram,
}

impl AccessMetrics {
    pub(crate) fn new(registry: &Registry) -> Self {
        let counters = |name, help, label| {
            let counters = IntCounterVec::new(Opts::new(name, help), &[label]).expect("the names are valid");
            registry.register(Box::new(counters.clone())).expect("names are registered once");
            counters
        };
        let histograms = |name, help| {
            let options = HistogramOpts::new(name, help).buckets(seconds());
            let histograms = HistogramVec::new(options, &["result"]).expect("the names are valid");
            registry.register(Box::new(histograms.clone())).expect("names are registered once");
            histograms
        };
        let outcome = |attempts: &IntCounterVec, seconds: &HistogramVec, result| Outcome {
            attempts: attempts.with_label_values(&[result]),
            seconds: seconds.with_label_values(&[result]),
        };
        let users = counters(
            "authenticated_user_requests",
            "Counter of authenticated requests broken out by username.",
            "username",
        );
        let attempts = counters("authentication_attempts", "Counter of authenticated attempts.", "result");
        let seconds =
            histograms("authentication_duration_seconds", "Authentication duration in seconds broken out by result.");
        let authentication = AUTHENTICATIONS.map(|result| outcome(&attempts, &seconds, result));
        let attempts = counters(
            "authorization_attempts_total",
            "Counter of authorization attempts broken down by result. It can be either 'allowed', 'denied', \
             'no-opinion' or 'error'.",
            "result",
        );
        let seconds =
            histograms("authorization_duration_seconds", "Authorization duration in seconds broken out by result.");
        let authorization = AUTHORIZATIONS.map(|result| outcome(&attempts, &seconds, result));
        let passes = Passes::new();
        registry.register(Box::new(passes.clone())).expect("names are registered once");
        Self { authentication, authorization, users: USERS.map(|user| users.with_label_values(&[user])), passes }
    }

    pub(crate) fn authenticated(&self, how: Authenticated, time: Duration) {
        self.authentication[how as usize].count(time);
    }

    pub(crate) fn authorized(&self, how: Authorized, time: Duration) {
        self.authorization[how as usize].count(time);
    }

    /// A request has passed a filter.
    pub(crate) fn passed(&self, step: Step, time: Duration) {
        self.passes.count(step, time);
    }

    pub(crate) fn user(&self, name: &str) {
        let class = if name.contains('@') { "email_id" } else { name };
        let index = USERS.iter().position(|other| *other == class);
        self.users[index.unwrap_or(USERS.len() - 1)].inc();
    }
}

impl Outcome {
    fn count(&self, time: Duration) {
        self.attempts.inc();
        self.seconds.observe(time.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_users_make_up_are_no_series() {
        let metrics = AccessMetrics::new(&Registry::new());
        for name in ["admin", "eve@example.com", "eve", "email_id", "system:admin"] {
            metrics.user(name);
        }
        assert_eq!(metrics.users.each_ref().map(IntCounter::get), [1, 0, 0, 0, 0, 2, 2]);
    }
}
