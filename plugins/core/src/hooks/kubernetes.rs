//! The `kubernetes` service: how what runs in the cluster reaches this server.

use std::net::IpAddr;

use apimachinery::definition::Definition;
use apimachinery::tree::{Value, json};
use plugin_sdk::lifecycle::{self, Signal};
use plugin_sdk::{HookContext, Result, configuration, log};

use super::endpoints::Endpoints;
use super::{ensure, ranges};
use crate::strategies::services::ranges::{Range, configured};

pub(super) const NAME: &str = "bootstrap-controller";
pub(super) const STOP: &str = "stop-kubernetes-service-controller";
const INTERVAL_MS: u64 = 10_000;
const HTTPS: u16 = 443;

/// Makes the service and says where it leads, and again when somebody took it away.
pub(super) async fn run(definitions: &[Definition], context: &HookContext) -> Result {
    let namespaces = ensure::definition(definitions, "", "namespaces")?;
    let services = ensure::definition(definitions, "", "services")?;
    let store = context.store();
    let (host, port) = reached_at();
    let endpoints = Endpoints::new(definitions, &store, port)?;
    let first = configured().first().map(|range| Range::first(range).to_string());
    loop {
        ensure::one(namespaces, &store, json!({"metadata": {"name": "default"}})).await?;
        let service = json!({
            "metadata": {
                "name": "kubernetes",
                "namespace": "default",
                "labels": {"component": "apiserver", "provider": "kubernetes"},
            },
            "spec": {
                "type": "ClusterIP",
                "clusterIP": first,
                "ipFamilyPolicy": "SingleStack",
                "ports": [{"name": "https", "port": HTTPS, "protocol": "TCP", "targetPort": port}],
            },
        });
        ranges::make(definitions, &store).await?;
        // Its range may be none that is ready, or somebody may have its address: the next look tries again.
        if let Err(error) = ensure::kept(services, &store, service, reconcile).await {
            log::warn!("the service `kubernetes` cannot be made: {}", error.message);
        }
        if let Some(host) = host.filter(|_| !is_ending())
            && let Err(error) = endpoints.keep(host).await
        {
            log::warn!("the endpoints of the service `kubernetes` cannot be written: {}", error.message);
        }
        context.ready();
        context.sleep(INTERVAL_MS).await;
        if context.is_cancelled() {
            return Ok(());
        }
    }
}

/// Nobody is to be sent here any more.
pub(super) async fn stop(definitions: &[Definition], context: &HookContext) -> Result {
    let (Some(host), port) = reached_at() else { return Ok(()) };
    let store = context.store();
    let left = Endpoints::new(definitions, &store, port)?.leave(host).await;
    left.map_err(|error| format!("this server stays an endpoint of `kubernetes`: {}", error.message).into())
}

/// Where the service leads is this server's to say.
fn reconcile(own: &mut Value, wanted: &Value) -> bool {
    let mut changed = false;
    for field in ["ports", "type"] {
        if own["spec"][field] != wanted["spec"][field] {
            own["spec"][field] = wanted["spec"][field].clone();
            changed = true;
        }
    }
    changed
}

/// Since then the other hook says that this server is gone.
fn is_ending() -> bool {
    lifecycle::has_fired(Signal::ShutdownInitiated)
}

/// The address and the port at which others reach this server. What only this machine reaches is no endpoint for
/// others.
fn reached_at() -> (Option<IpAddr>, u16) {
    let (host, port) = split(&configuration::fact("external-address").unwrap_or_default());
    (host.filter(|ip| !ip.is_loopback() && !ip.is_unspecified()), port)
}

/// The address and the port of `HOST:PORT`.
fn split(address: &str) -> (Option<IpAddr>, u16) {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    (host.trim_matches(['[', ']']).parse().ok(), port.parse().unwrap_or(HTTPS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_split() {
        for (address, host, port) in [
            ("10.1.2.3:6443", Some("10.1.2.3"), 6443),
            ("[fd00::1]:6443", Some("fd00::1"), 6443),
            ("api.example.com:443", None, 443),
            ("", None, 443),
        ] {
            assert_eq!(split(address), (host.map(|host| host.parse().unwrap()), port));
        }
    }
}
