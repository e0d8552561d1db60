//! Lets pass who may.

use tracing::debug;

use super::Filter;
use crate::authz::{Attributes, Decision, authorize};
use crate::request::Request;
use crate::response::Response;

pub(super) struct Authorize;

impl Filter for Authorize {
    type Held = ();

    async fn before(&self, request: &mut Request) -> Result<(), Response> {
        let attributes = Attributes::new(request.context().user(), request.info());
        match authorize(&attributes) {
            Decision::Allow => Ok(()),
            Decision::NoOpinion => {
                let failure = attributes.forbidden();
                debug!(audit_id = request.context().audit_id(), "{}", failure.message);
                Err(failure.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::{Inside, request_of, through};

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
            let (code, headers, body) = through(Authorize, request_of("eve", groups, method, uri, &[]), &inside).await;
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
