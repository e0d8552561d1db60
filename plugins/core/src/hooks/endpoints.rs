//! Where servers are reached: the endpoints of the service `kubernetes`. Each server holds a lease on its own
//! address, so that those that share a store make one list of all, and what one leaves behind goes with its lease.

use std::collections::BTreeSet;
use std::net::IpAddr;

use apimachinery::definition::Definition;
use apimachinery::rest::from_store;
use apimachinery::rest::options::DeleteOptions;
use apimachinery::rest::registry::Registry;
use apimachinery::status::ApiError;
use apimachinery::tree::{Value, json};
use plugin_sdk::Store;
use plugin_sdk::storage::{Operation, Put};

use super::ensure;
use crate::small;
use crate::strategies::services::families::Family;

pub(crate) const LEASES_PREFIX: &str = "/registry/masterleases/";
/// As upstream; renewed each ten seconds.
const LEASE_SECONDS: u64 = 15;

/// What has to be written for one server.
pub(super) struct Endpoints<'a> {
    endpoints: &'a Definition,
    slices: &'a Definition,
    store: &'a Store,
    port: u16,
}

impl<'a> Endpoints<'a> {
    pub(super) fn new(definitions: &'a [Definition], store: &'a Store, port: u16) -> Result<Self, String> {
        let endpoints = ensure::definition(definitions, "", "endpoints")?;
        let slices = ensure::definition(definitions, "discovery.k8s.io", "endpointslices")?;
        Ok(Self { endpoints, slices, store, port })
    }

    /// Says that a server is there, and makes the list of all who are.
    pub(super) async fn keep(&self, address: IpAddr) -> Result<(), ApiError> {
        let lease = json!({
            "kind": "Endpoints",
            "apiVersion": "v1",
            "metadata": {},
            "subsets": [{"addresses": [{"ip": address.to_string()}]}],
        });
        let value = lease.to_string().into_bytes();
        let put = Put { key: lease_key(address), value, ttl_seconds: Some(LEASE_SECONDS) };
        self.store.txn(Vec::new(), vec![Operation::Put(put)]).await.map_err(from_store)?;
        self.list().await
    }

    /// Says that a server is gone.
    pub(super) async fn leave(&self, address: IpAddr) -> Result<(), ApiError> {
        let operation = Operation::Delete(lease_key(address));
        self.store.txn(Vec::new(), vec![operation]).await.map_err(from_store)?;
        self.list().await
    }

    async fn list(&self) -> Result<(), ApiError> {
        let leases = small::values(self.store, LEASES_PREFIX).await?;
        let addresses: BTreeSet<&str> =
            leases.iter().filter_map(|lease| lease["subsets"][0]["addresses"][0]["ip"].as_str()).collect();
        ensure::kept(self.endpoints, self.store, endpoints(&addresses, self.port), listed).await?;
        let slice = slice(&addresses, self.port);
        self.remove_of_another_family(&slice).await?;
        ensure::kept(self.slices, self.store, slice, sliced).await
    }

    /// A slice cannot become one of another family.
    async fn remove_of_another_family(&self, wanted: &Value) -> Result<(), ApiError> {
        let groups = ["system:masters".to_string()];
        let registry = Registry::for_server(self.slices, self.store, &groups);
        let own = registry.find("default", "kubernetes").await?;
        if own.is_none_or(|own| own.value["addressType"] == wanted["addressType"]) {
            return Ok(());
        }
        match registry.delete("default", "kubernetes", &DeleteOptions::default()).await {
            Err(error) if error.code == 404 => Ok(()),
            other => other.map(drop),
        }
    }
}

fn lease_key(address: IpAddr) -> String {
    format!("{LEASES_PREFIX}{address}")
}

fn endpoints(addresses: &BTreeSet<&str>, port: u16) -> Value {
    let mut object = json!({
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"},
        },
    });
    if !addresses.is_empty() {
        let addresses: Vec<Value> = addresses.iter().map(|ip| json!({"ip": *ip})).collect();
        let ports = json!([{"name": "https", "port": port, "protocol": "TCP"}]);
        object["subsets"] = json!([{"addresses": addresses, "ports": ports}]);
    }
    object
}

/// Of the new family if all servers are; else of the others.
fn slice(addresses: &BTreeSet<&str>, port: u16) -> Value {
    let family_of = |address: &str| address.parse().map_or(Family::IPv4, Family::of);
    let is_new = !addresses.is_empty() && addresses.iter().all(|address| family_of(address) == Family::IPv6);
    let family = if is_new { Family::IPv6 } else { Family::IPv4 };
    let own = addresses.iter().filter(|address| family_of(address) == family);
    let mut object = json!({
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "addressType": family.name(),
        "endpoints": own.map(|ip| json!({"addresses": [*ip], "conditions": {"ready": true}})).collect::<Vec<_>>(),
    });
    if !addresses.is_empty() {
        object["ports"] = json!([{"name": "https", "port": port, "protocol": "TCP"}]);
    }
    object
}

fn listed(own: &mut Value, wanted: &Value) -> bool {
    take(own, wanted, &["subsets"], "endpointslice.kubernetes.io/skip-mirror")
}

fn sliced(own: &mut Value, wanted: &Value) -> bool {
    take(own, wanted, &["endpoints", "ports"], "kubernetes.io/service-name")
}

/// Fields and a label of what is wanted; false if it has them.
fn take(own: &mut Value, wanted: &Value, fields: &[&str], label: &str) -> bool {
    let mut changed = false;
    for field in fields {
        if own[*field] != wanted[*field] {
            own[*field] = wanted[*field].clone();
            changed = true;
        }
    }
    let value = &wanted["metadata"]["labels"][label];
    if own["metadata"]["labels"][label] != *value {
        own["metadata"]["labels"][label] = value.clone();
        changed = true;
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_changed_becomes_what_it_was() {
        let wanted = endpoints(&BTreeSet::from(["192.0.2.7", "192.0.2.8"]), 6443);
        let mut own = wanted.clone();
        assert!(!listed(&mut own, &wanted));
        own["metadata"]["labels"]["more"] = json!("kept");
        own["subsets"] = json!([{"addresses": [{"ip": "192.0.2.9"}]}]);
        assert!(listed(&mut own, &wanted));
        assert_eq!((&own["subsets"], &own["metadata"]["labels"]["more"]), (&wanted["subsets"], &json!("kept")));
        let nobody = endpoints(&BTreeSet::new(), 6443);
        assert!(listed(&mut own, &nobody));
        assert!(own["subsets"].is_null());
    }

    #[test]
    fn a_slice_is_of_the_family_of_its_addresses() {
        for (addresses, family, count) in [
            (&["192.0.2.7"][..], "IPv4", 1),
            (&["2001:db8::1"], "IPv6", 1),
            (&["192.0.2.7", "192.0.2.8", "2001:db8::1"], "IPv4", 2),
            (&[], "IPv4", 0),
        ] {
            let slice = slice(&addresses.iter().copied().collect(), 6443);
            assert_eq!(slice["addressType"], json!(family), "{addresses:?}");
            assert_eq!(slice["endpoints"].as_array().map(Vec::len), Some(count), "{addresses:?}");
        }
    }
}
