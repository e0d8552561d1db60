//! Lets pass who may.

use std::sync::Arc;
use std::time::Instant;

use tracing::{debug, error};

use super::Filter;
use crate::authz::{Attributes, Authorization, Verdict};
use crate::observe::{AccessMetrics, Authorized};
use crate::request::{Request, Step};
use crate::response::{Response, internal_error};

/// Annotations of the audit event.
const DECISION: &str = "authorization.k8s.io/decision";
const REASON: &str = "authorization.k8s.io/reason";

pub(super) struct Authorize {
    authorization: Arc<Authorization>,
    metrics: Arc<AccessMetrics>,
}

impl Authorize {
    pub(super) fn new(authorization: Arc<Authorization>, metrics: Arc<AccessMetrics>) -> Self {
        Self { authorization, metrics }
    }
}

impl Filter for Authorize {
    type Held = ();

    async fn before(&self, request: &mut Request) -> Result<(), Response> {
        let context = request.context();
        let attributes = Attributes::new(context.user(), request.info());
        let started = Instant::now();
        let decision = self.authorization.authorize(&attributes).await;
        let time = started.elapsed();
        context.latency().set(Step::Authorization, time);
        self.metrics.authorized(
            match decision.as_ref().map(|decision| decision.verdict) {
                Ok(Verdict::Allow) => Authorized::Allowed,
                Ok(Verdict::Deny) => Authorized::Denied,
                Ok(Verdict::NoOpinion) => Authorized::NoOpinion,
                Err(_) => Authorized::Failed,
            },
            time,
        );
        match decision {
            Ok(decision) if decision.verdict == Verdict::Allow => {
                context.annotate_audit(DECISION, "allow");
                context.annotate_audit(REASON, &decision.reason);
                Ok(())
            }
            Ok(decision) => {
                context.annotate_audit(DECISION, "forbid");
                context.annotate_audit(REASON, &decision.reason);
                let failure = attributes.forbidden(&decision.reason);
                debug!(audit_id = context.audit_id(), "{}", failure.message);
                Err(failure.into())
            }
            Err(reason) => {
                context.annotate_audit(REASON, "internal error");
                error!(audit_id = context.audit_id(), "cannot authorize: {reason}");
                Err(internal_error(request.uri(), reason))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authz::Mode;
    use crate::filters::testing::{Inside, access_metrics, request_of, through};

    /// Groups, method and URI; then the message and the details of a refusal.
    type Case = (&'static [&'static str], &'static str, &'static str, Result<(), &'static str>);

    #[tokio::test]
    async fn everybody_sees_health_and_version_and_nothing_else() {
        let cases: [Case; 13] = [
            (&["system:masters"], "DELETE", "/api/v1/nodes", Ok(())),
            (&[], "GET", "/healthz", Ok(())),
            (&[], "GET", "/livez", Ok(())),
            (&[], "GET", "/readyz", Ok(())),
            (&[], "GET", "/version", Ok(())),
            (&[], "GET", "/version/", Ok(())),
            (&[], "GET", "/api", Err("forbidden: User \"eve\" cannot get path \"/api\"|{}")),
            (&[], "GET", "/readyz/ping", Err("forbidden: User \"eve\" cannot get path \"/readyz/ping\"|{}")),
            (&[], "POST", "/livez", Err("forbidden: User \"eve\" cannot post path \"/livez\"|{}")),
            (&[], "GET", "/a%3Cb", Err("forbidden: User \"eve\" cannot get path \"/a&lt;b\"|{}")),
            (
                &[],
                "GET",
                "/api/v1/pods",
                Err("pods is forbidden: User \"eve\" cannot list resource \"pods\" in API group \"\" \
                     at the cluster scope|{\"kind\":\"pods\"}"),
            ),
            (
                &[],
                "GET",
                "/apis/apps/v1/namespaces/ns/deployments/web/scale",
                Err("deployments.apps \"web\" is forbidden: User \"eve\" cannot get resource \
                     \"deployments/scale\" in API group \"apps\" in the namespace \"ns\"|\
                     {\"name\":\"web\",\"group\":\"apps\",\"kind\":\"deployments\"}"),
            ),
            (
                &[],
                "DELETE",
                "/apis/apps/v1/namespaces/ns/deployments",
                Err("deployments.apps is forbidden: User \"eve\" cannot deletecollection resource \
                     \"deployments\" in API group \"apps\" in the namespace \"ns\"|\
                     {\"group\":\"apps\",\"kind\":\"deployments\"}"),
            ),
        ];
        for (groups, method, uri, expected) in cases {
            let inside = Inside::default();
            let filter = Authorize::new(Arc::new(Authorization::new(vec![Mode::PublicPaths])), access_metrics());
            let (code, headers, body) = through(filter, request_of("eve", groups, method, uri, &[]), &inside).await;
            match expected {
                Ok(()) => assert_eq!((code, inside.seen()), (200, 1), "{uri}"),
                Err(expected) => {
                    let status: serde_json::Value = serde_json::from_str(&body).unwrap();
                    let got = format!("{}|{}", status["message"].as_str().unwrap(), status["details"]);
                    assert_eq!((code, got.as_str(), inside.seen()), (403, expected, 0), "{uri}");
                    assert_eq!(headers["content-type"], "application/json");
                }
            }
        }
    }
}
