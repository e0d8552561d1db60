//! The routes that are the server's own; everything else is the director's.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use crate::authn::Discovery;
use crate::director::Director;
use crate::filters::Handler;
use crate::health::{Health, HealthRequest};
use crate::lifecycle::Signals;
use crate::observe::Metrics;
use crate::profiling;
use crate::request::Request;
use crate::response::{Response, exposition, found, json};
use crate::routed::Routed;
use crate::version::version;

const VERSION: Routed = Routed { path: "/version", media_type: "application/json", takes_json: true };

pub(crate) struct Routes<D> {
    pub(crate) signals: Arc<Signals>,
    pub(crate) health: Arc<Health>,
    pub(crate) metrics: Arc<Metrics>,
    /// Nothing if the issuer of tokens is not one that OpenID allows.
    pub(crate) discovery: Option<Discovery>,
    pub(crate) director: Arc<D>,
    /// `--profiling`.
    pub(crate) profiling: bool,
}

impl<D: Director> Handler for Routes<D> {
    async fn handle(&self, request: Request) -> Response {
        if !request.info().is_resource_request()
            && let Some(response) = self.own(&request).await
        {
            return response;
        }
        // As large as all that the director calls: better moved around as a pointer.
        Box::pin(self.director.serve(request)).await
    }
}

impl<D: Director> Routes<D> {
    async fn own(&self, request: &Request) -> Option<Response> {
        match request.info().path() {
            "/" | "/index.html" => Some(json(format!("{:#}", json!({ "paths": self.paths() })))),
            "/metrics" => Some(exposition(self.metrics.text())),
            "/metrics/slis" => Some(exposition(self.health.metrics_text())),
            "/debug/pprof" if self.profiling => Some(found("/debug/pprof/")),
            "/debug/pprof/" if self.profiling => Some(profiling::index()),
            "/debug/pprof/profile" if self.profiling => {
                Some(profiling::profile(self.director.code(), request.query(), &self.signals).await)
            }
            path => {
                if let Some(admitted) = VERSION.admit(request) {
                    return Some(admitted.map_or_else(Response::from, |()| json(version())));
                }
                if let Some(response) = self.discovery.as_ref().and_then(|discovery| discovery.respond(request)) {
                    return Some(response);
                }
                let health = HealthRequest::of(path)?;
                self.health.respond(&health, request.query()).await
            }
        }
    }

    /// Sorted, each once.
    fn paths(&self) -> BTreeSet<String> {
        let own = ["/metrics", "/metrics/slis", "/version"].into_iter();
        let discovery = self.discovery.iter().flat_map(|_| Discovery::PATHS);
        own.chain(discovery).map(str::to_owned).chain(self.health.paths()).chain(self.director.paths()).collect()
    }
}
