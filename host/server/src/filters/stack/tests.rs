//! One request that everybody would refuse: what each filter refuses it for is put right, one
//! after the other from the outside in, and the next one answers.

use std::path::Path;

use clap::Parser;
use http::{HeaderValue, StatusCode};
use regex::RegexSet;

use super::*;
use crate::authn::{Anonymous, Known, Tokens};
use crate::authz::Mode;
use crate::filters::Filter;
use crate::filters::testing::{Inside, read, request, request_of};
use crate::lifecycle::Signal;
use crate::options::RunOptions;
use crate::serve::Watches;

/// Everything that is wrong.
#[derive(Clone)]
struct Wrong {
    path: &'static str,
    ending: bool,
    send_retry_after: bool,
    timeout: &'static str,
    method: &'static str,
    token: &'static str,
    /// Nothing is a good one.
    audit_log: &'static str,
    impersonate: bool,
    full: bool,
}

impl Wrong {
    const ALL: Self = Self {
        path: "/api/v1/watch",
        ending: true,
        send_retry_after: true,
        timeout: "soon",
        method: "OPTIONS",
        token: "wrong",
        audit_log: "/dev/full",
        impersonate: true,
        full: true,
    };

    async fn answer(&self, dir: &Path) -> (u16, http::HeaderMap, String) {
        let signals = Arc::new(Signals::default());
        if self.ending {
            signals.fire(Signal::NotAcceptingNewRequest);
        }
        let limits = Arc::new(Limits::new(1, 1));
        let _guest = match self.full {
            true => InFlight::new(limits.clone()).before(&mut request_of("a", &[], "GET", "/api", &[])).await.ok(),
            false => None,
        };
        let registry = prometheus::Registry::new();
        let config = config(dir, self.audit_log);
        let tokens = Tokens::read(&dir.join("tokens.csv")).unwrap();
        let parts = Parts {
            signals,
            authentication: Arc::new(Authentication::new(Known { tokens, ..Known::default() }, Anonymous::Everywhere)),
            authorization: Arc::new(Authorization::new(vec![Mode::AlwaysDeny])),
            metrics: Arc::new(RequestMetrics::new(&registry)),
            access_metrics: Arc::new(AccessMetrics::new(&registry)),
            limits,
            in_flight: Arc::default(),
            watches: Arc::new(Watches::new(std::time::Duration::ZERO)),
            tracer: None,
            auditor: Auditor::start(&config.audit, &registry).unwrap().map(Arc::new),
            requests: config.requests,
            features: config.features,
            web: Web {
                allowed_origins: Some(RegexSet::new(["^https://example.com$"]).unwrap()),
                strict_transport_security: Some(HeaderValue::from_static("max-age=1")),
            },
            shutdown: Shutdown { send_retry_after: self.send_retry_after, ..config.shutdown },
        };
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("authorization", bearer.as_str()), ("origin", "https://example.com")];
        if self.impersonate {
            headers.push(("impersonate-user", "somebody"));
        }
        let uri = format!("{}?timeout={}", self.path, self.timeout);
        read(stack(parts, Inside::default()).handle(request(self.method, &uri, &headers)).await).await
    }
}

/// With an audit of everything, at the level `Metadata`.
pub(super) fn config(dir: &Path, audit_log: &str) -> crate::options::RunConfig {
    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        run: RunOptions,
    }
    std::fs::write(dir.join("tokens.csv"), "good,eve,1\nbest,root,2,system:masters\n").unwrap();
    let policy = dir.join("policy.yaml");
    std::fs::write(&policy, "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]").unwrap();
    let policy = policy.to_str().unwrap();
    let arguments = ["host", "--plugin=a", "--audit-log-mode=blocking-strict", "--audit-policy-file", policy];
    let good = dir.join("audit.log");
    let log = if audit_log.is_empty() { good.to_str().unwrap() } else { audit_log };
    Command::parse_from(arguments.into_iter().chain(["--audit-log-path", log])).run.complete().unwrap()
}

#[tokio::test]
async fn each_filter_answers_before_those_inside_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = Wrong::ALL;
    type Fix = fn(&mut Wrong);
    // Who answers, with what; and how he is satisfied.
    let steps: [(&str, u16, &str, Fix); 10] = [
        ("request info", 500, "failed to create RequestInfo", |wrong| wrong.path = "/api/v1/pods"),
        ("retry after", 429, "The apiserver is shutting down", |wrong| wrong.send_retry_after = false),
        ("wait group", 503, "apiserver is shutting down", |wrong| wrong.ending = false),
        ("deadline", 400, "invalid timeout specified", |wrong| wrong.timeout = "1s"),
        ("cors", 204, "", |wrong| wrong.method = "GET"),
        ("authentication", 401, "Unauthorized", |wrong| wrong.token = "good"),
        ("audit", 500, "failed to store audit event", |wrong| wrong.audit_log = ""),
        ("impersonation", 403, "cannot impersonate-on:user-info:list", |wrong| wrong.impersonate = false),
        ("in flight", 429, "Too many requests", |wrong| wrong.full = false),
        ("authorization", 403, "User \\\"eve\\\" cannot list", |wrong| wrong.token = "best"),
    ];
    for (index, (filter, code, body, fix)) in steps.into_iter().enumerate() {
        let (got_code, headers, got_body) = wrong.answer(dir.path()).await;
        assert!(got_code == code && got_body.contains(body), "{filter}: {got_code} {got_body}");
        // What those outside of it add to every answer; each has its place, too.
        let has = |name: &str| headers.contains_key(name);
        assert!(has("audit-id"), "{filter}");
        assert_eq!(has("cache-control") && has("strict-transport-security"), index >= 2, "{filter}");
        assert_eq!(has("access-control-allow-origin"), index >= 4, "{filter}");
        fix(&mut wrong);
    }
    let (code, _, body) = wrong.answer(dir.path()).await;
    assert_eq!((code, body.as_str()), (StatusCode::OK.as_u16(), "done\n"));
}
