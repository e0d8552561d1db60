//! The three endpoints and their texts, word for word kube-apiserver's.

use std::collections::BTreeSet;
use std::fmt::Write;

use futures_util::future::join_all;
use http::StatusCode;
use http::header::X_CONTENT_TYPE_OPTIONS;
use tracing::{debug, warn};

use super::{Check, Health};
use crate::request::info;
use crate::response::{Response, plain, text};

/// Where checks are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Deprecated, and asked by everybody.
    Healthz,
    /// Restart me if this fails.
    Livez,
    /// Send me no requests while this fails.
    Readyz,
}

impl Endpoint {
    pub const ALL: [Endpoint; 3] = [Self::Healthz, Self::Livez, Self::Readyz];

    pub fn name(self) -> &'static str {
        match self {
            Self::Healthz => "healthz",
            Self::Livez => "livez",
            Self::Readyz => "readyz",
        }
    }
}

/// A path below one of the endpoints.
pub(crate) struct HealthRequest<'p> {
    endpoint: Endpoint,
    /// Names may have slashes: `poststarthook/rbac/bootstrap-roles`.
    check: Option<&'p str>,
}

impl<'p> HealthRequest<'p> {
    pub(crate) fn of(path: &'p str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let (first, rest) = match path.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        let endpoint = Endpoint::ALL.into_iter().find(|endpoint| endpoint.name() == first)?;
        Some(Self { endpoint, check: rest })
    }
}

impl Health {
    /// The paths that are served, for the index.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        for endpoint in Endpoint::ALL {
            paths.push(format!("/{}", endpoint.name()));
            let checks = self.of(endpoint);
            paths.extend(checks.iter().map(|check| format!("/{}/{}", endpoint.name(), check.name)));
        }
        paths
    }

    /// Nothing if there is no such check: somebody else may serve the path.
    pub(crate) async fn respond(&self, request: &HealthRequest<'_>, query: &str) -> Option<Response> {
        match request.check {
            None => Some(self.respond_all(request.endpoint, query).await),
            Some(name) => self.respond_one(request.endpoint, name).await,
        }
    }

    async fn respond_one(&self, endpoint: Endpoint, name: &str) -> Option<Response> {
        let check = self.of(endpoint).into_iter().find(|check| check.name == name)?;
        Some(match self.run(endpoint, &check).await {
            // Without a word about guessing, as upstream.
            Ok(()) => {
                let mut response = plain(StatusCode::OK, "ok");
                response.headers_mut().remove(X_CONTENT_TYPE_OPTIONS);
                response
            }
            Err(reason) => text(StatusCode::INTERNAL_SERVER_ERROR, format_args!("internal server error: {reason}")),
        })
    }

    async fn respond_all(&self, endpoint: Endpoint, query: &str) -> Response {
        let excluded: BTreeSet<String> = info::values(query, "exclude").map(Into::into).collect();
        let mut unknown = excluded.clone();
        let checks = self.of(endpoint);
        // By its own name, or its group's.
        let exclusion = |check: &Check| {
            let names = [Some(&check.name), check.group.as_ref()];
            names.into_iter().flatten().find(|name| excluded.contains(*name)).cloned()
        };
        // At once, since some may take until their deadline.
        let results = join_all(checks.iter().map(async |check| match exclusion(check) {
            Some(name) => Err(name),
            None => Ok(self.run(endpoint, check).await),
        }));
        let mut output = String::new();
        let mut failures = Vec::new();
        for (check, result) in checks.iter().zip(results.await) {
            let name = &check.name;
            let _ = match result {
                Err(excluded) => {
                    unknown.remove(&excluded);
                    match excluded == *name {
                        true => writeln!(output, "[+]{name} excluded: ok"),
                        false => writeln!(output, "[+]{name} excluded with {excluded}: ok"),
                    }
                }
                Ok(Ok(())) => {
                    self.metrics.observe(name, endpoint, true);
                    writeln!(output, "[+]{name} ok")
                }
                Ok(Err(reason)) if !check.required => {
                    self.metrics.observe(name, endpoint, false);
                    debug!(endpoint = endpoint.name(), check = name, reason, "a check that is not required failed");
                    writeln!(output, "[-]{name} failed: not required")
                }
                Ok(Err(reason)) => {
                    self.metrics.observe(name, endpoint, false);
                    failures.push(format!("{name}: {reason}"));
                    // The endpoint is public; the reason goes to the log.
                    writeln!(output, "[-]{name} failed: reason withheld")
                }
            };
        }
        if !unknown.is_empty() {
            let names: Vec<String> = unknown.iter().map(|name| format!("{name:?}")).collect();
            let names = names.join(",");
            debug!(endpoint = endpoint.name(), %names, "some health checks cannot be excluded");
            let _ = writeln!(output, "warn: some health checks cannot be excluded: no matches for {names}");
        }
        if !failures.is_empty() {
            warn!(endpoint = endpoint.name(), failed = failures.join("; "), "health check failed");
            return text(StatusCode::INTERNAL_SERVER_ERROR, format_args!("{output}{} check failed", endpoint.name()));
        }
        self.passed(endpoint);
        if info::first(query, "verbose").is_none() {
            return plain(StatusCode::OK, "ok");
        }
        text(StatusCode::OK, format_args!("{output}{} check passed", endpoint.name()))
    }
}
