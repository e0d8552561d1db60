//! The `kubernetes` service: how what runs in the cluster reaches this server.

use std::net::IpAddr;

use apimachinery::definition::Definition;
use apimachinery::tree::json;
use plugin_sdk::{HookContext, Result, configuration, log};

use super::{ensure, ranges};
use crate::strategies::services::families::Family;
use crate::strategies::services::ranges::{Range, configured};

pub(super) const NAME: &str = "bootstrap-controller";
const INTERVAL_MS: u64 = 10_000;
const HTTPS: u16 = 443;

/// Makes the service and says where it leads, and again when somebody took it away.
pub(super) async fn run(definitions: &[Definition], context: &HookContext) -> Result {
    let namespaces = ensure::definition(definitions, "", "namespaces")?;
    let services = ensure::definition(definitions, "", "services")?;
    let endpoints = ensure::definition(definitions, "", "endpoints")?;
    let slices = ensure::definition(definitions, "discovery.k8s.io", "endpointslices")?;
    let store = context.store();
    let address = configuration::fact("external-address").unwrap_or_default();
    let (host, port) = split(&address);
    let first = configured().first().map(|range| Range::first(range).to_string());
    let metadata = json!({"name": "kubernetes", "namespace": "default"});
    loop {
        ensure::one(namespaces, &store, json!({"metadata": {"name": "default"}})).await?;
        let mut service = json!({
            "metadata": metadata,
            "spec": {
                "type": "ClusterIP",
                "clusterIP": first,
                "ipFamilyPolicy": "SingleStack",
                "ports": [{"name": "https", "port": HTTPS, "protocol": "TCP", "targetPort": port}],
            },
        });
        service["metadata"]["labels"] = json!({"component": "apiserver", "provider": "kubernetes"});
        ranges::make(definitions, &store).await?;
        // Its range may be none that is ready, or somebody may have its address: the next look tries again.
        if let Err(error) = ensure::one(services, &store, service).await {
            log::warn!("the service `kubernetes` cannot be made: {}", error.message);
        }
        // What listens on this machine alone is no endpoint for others.
        if let Some(ip) = host.filter(|ip| !ip.is_loopback() && !ip.is_unspecified()) {
            let mut object = json!({
                "metadata": metadata,
                "subsets": [{
                    "addresses": [{"ip": ip.to_string()}],
                    "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
                }],
            });
            object["metadata"]["labels"] = json!({"endpointslice.kubernetes.io/skip-mirror": "true"});
            ensure::one(endpoints, &store, object).await?;
            let slice = json!({
                "metadata": {
                    "name": "kubernetes",
                    "namespace": "default",
                    "labels": {"kubernetes.io/service-name": "kubernetes"},
                },
                "addressType": Family::of(ip).name(),
                "endpoints": [{"addresses": [ip.to_string()], "conditions": {"ready": true}}],
                "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
            });
            ensure::one(slices, &store, slice).await?;
        }
        context.ready();
        context.sleep(INTERVAL_MS).await;
        if context.is_cancelled() {
            return Ok(());
        }
    }
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
