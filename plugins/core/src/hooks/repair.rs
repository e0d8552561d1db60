//! Repair of service addresses: each has an object that says whose it is, and each such object has its service.
//! Both are written together, so this finds what somebody took away, or what another server wrote.

use std::net::IpAddr;

use apimachinery::definition::Definition;
use apimachinery::rest::from_store;
use apimachinery::rest::object::{meta, set_meta};
use apimachinery::status::ApiError;
use apimachinery::tree::Value;
use apimachinery::validation::network::Address;
use plugin_sdk::storage::{
    Freshness, Guard, LabelRequirement, ListQuery, Object, Operation, Operator, Put, Selector, TxnResult,
};
use plugin_sdk::{HookContext, Store, log};

use super::events::Events;
use super::{ensure, node_ports};
use crate::strategies::services::addresses::{ADDRESSES_PREFIX, FAMILY_LABEL, MANAGER, MANAGER_LABEL, ip_address, key};
use crate::strategies::services::families::Family;
use crate::strategies::services::{ranges, texts};

pub(super) const NAME: &str = "start-service-ip-repair-controllers";
const REPORTER: &str = "ipallocator-repair-controller";
/// As upstream.
const INTERVAL_MS: u64 = 3 * 60_000;
/// Objects that are held at a time: nothing of a pass is kept, however many services there are.
pub(super) const PAGE: u32 = 500;

/// Looks at all services, all addresses and all node ports, and again after a while. Ready once it has.
pub(super) async fn run(definitions: &[Definition], context: &HookContext) -> plugin_sdk::Result {
    let store = context.store();
    // What is of no range is not repaired.
    super::ranges::make(definitions, &store).await?;
    let services = &*ensure::definition(definitions, "", "services")?.storage_prefix;
    loop {
        let events = Events::new(definitions, &store, REPORTER)?;
        let mut pass = Pass { store: &store, services, ranges: Vec::new(), events, revision: 0 };
        if let Err(error) = pass.services().await.and(pass.addresses().await) {
            log::warn!("service addresses cannot be repaired, the next look tries again: {}", error.message);
        }
        let events = Events::new(definitions, &store, node_ports::REPORTER)?;
        let pass = node_ports::Pass { store: &store, services, events };
        if let Err(error) = pass.run().await {
            log::warn!("node ports cannot be repaired, the next look tries again: {}", error.message);
        }
        context.ready();
        context.sleep(INTERVAL_MS).await;
        if context.is_cancelled() {
            return Ok(());
        }
    }
}

struct Pass<'a> {
    store: &'a Store,
    /// The prefix of their keys.
    services: &'a str,
    /// Of all ServiceCIDRs.
    ranges: Vec<ranges::Range>,
    events: Events<'a>,
    /// That of the list whose objects are looked at: what belongs to them is not read as it was before.
    revision: u64,
}

/// An object and what it was read from.
pub(super) struct Read {
    pub(super) object: Object,
    pub(super) value: Value,
}

impl Read {
    pub(super) fn of(object: Object) -> Option<Self> {
        let value = serde_json::from_slice(&object.value()).ok()?;
        Some(Self { object, value })
    }

    /// Holds while nobody has written it.
    pub(super) fn guard(&self) -> Guard {
        Guard { key: self.object.key(), revision: self.object.revision() }
    }

    fn parent(&self, key: &str) -> &str {
        self.value["spec"]["parentRef"][key].as_str().unwrap_or_default()
    }

    fn is_of_service(&self) -> bool {
        self.parent("group").is_empty() && self.parent("resource") == "services"
    }

    fn is_labelled(&self, address: IpAddr) -> bool {
        let labels = &self.value["metadata"]["labels"];
        labels[FAMILY_LABEL] == Family::of(address).name() && labels[MANAGER_LABEL] == MANAGER
    }

    fn has(&self, address: IpAddr) -> bool {
        addresses_of(&self.value).any(|(_, own)| own == Some(address))
    }
}

/// Addresses of a service as they are written, and as they are read; none of a headless one.
fn addresses_of(service: &Value) -> impl Iterator<Item = (&str, Option<IpAddr>)> {
    let listed =
        if service["spec"]["type"] == "ExternalName" { Vec::new() } else { texts(&service["spec"]["clusterIPs"]) };
    let taken = listed.into_iter().filter(|address| !matches!(*address, "" | "None"));
    taken.map(|address| (address, Address::parse(address).map(|address| address.ip)))
}

impl Pass<'_> {
    /// Gives services the objects of their addresses.
    async fn services(&mut self) -> Result<(), ApiError> {
        let all = self.store.list(ListQuery::below(self.services)).await.map_err(from_store)?;
        self.revision = all.revision();
        self.ranges = ranges::of_any_size(self.store).await?;
        for service in all.objects(PAGE).filter_map(Read::of) {
            for (written, address) in addresses_of(&service.value) {
                match address {
                    Some(address) => self.service(&service, address).await?,
                    None => {
                        let why = format!("Cluster IP {written} is not a valid IP; please recreate Service");
                        self.events.warn(&service.value, "ClusterIPNotValid", "ClusterIPValidation", why).await;
                    }
                }
            }
        }
        Ok(())
    }

    async fn service(&mut self, service: &Read, address: IpAddr) -> Result<(), ApiError> {
        const ACTION: &str = "ClusterIPAllocation";
        let (namespace, name) = (meta(&service.value, "namespace"), meta(&service.value, "name"));
        let shown = format!("[{}]: {address}", Family::of(address).name());
        if !self.ranges.iter().any(|range| range.contains(address)) {
            let why = format!("Cluster IP {shown} is not within any configured Service CIDR; please recreate service");
            self.events.warn(&service.value, "ClusterIPOutOfRange", ACTION, why).await;
            return Ok(());
        }
        let Some(found) = self.read(key(address)).await? else {
            let object = ip_address(address, namespace, name);
            if self.write(vec![service.guard(), Guard { key: key(address), revision: 0 }], address, &object).await? {
                let why = format!("Cluster IP {shown} is not allocated; repairing");
                self.events.warn(&service.value, "ClusterIPNotAllocated", ACTION, why).await;
            }
            return Ok(());
        };
        let is_own = found.is_of_service() && found.parent("namespace") == namespace && found.parent("name") == name;
        if is_own && found.is_labelled(address) {
            return Ok(());
        }
        if !is_own && found.is_of_service() {
            let other =
                self.read(format!("{}{}/{}", self.services, found.parent("namespace"), found.parent("name"))).await?;
            if other.is_some_and(|other| other.has(address)) {
                let shown = shown.replacen(": ", ":", 1);
                let why = format!("Cluster IP {shown} was assigned to multiple services; please recreate service");
                self.events.warn(&service.value, "ClusterIPAlreadyAllocated", ACTION, why).await;
                return Ok(());
            }
        }
        let mut object = ip_address(address, namespace, name);
        for key in ["uid", "creationTimestamp"] {
            set_meta(&mut object, key, meta(&found.value, key));
        }
        if self.write(vec![service.guard(), found.guard()], address, &object).await? && !is_own {
            let why = format!("the ClusterIP {shown} for Service {namespace}/{name} has a wrong reference; repairing");
            self.events.warn(&service.value, "ClusterIPNotAllocated", ACTION, why).await;
        }
        Ok(())
    }

    /// Takes away objects of addresses that no service has.
    async fn addresses(&mut self) -> Result<(), ApiError> {
        const ACTION: &str = "IPAddressAllocation";
        let ours =
            LabelRequirement { key: MANAGER_LABEL.into(), operator: Operator::Equals, values: vec![MANAGER.into()] };
        let selector = Selector { labels: vec![ours], fields: Vec::new() };
        let query = ListQuery { selector, ..ListQuery::below(ADDRESSES_PREFIX) };
        let all = self.store.list(query).await.map_err(from_store)?;
        self.revision = all.revision();
        for found in all.objects(PAGE).filter_map(Read::of) {
            let name = meta(&found.value, "name");
            let (namespace, service) = (found.parent("namespace"), found.parent("name"));
            if !found.is_of_service() {
                let (group, resource) = (found.parent("group"), found.parent("resource"));
                let shown = format!("Group:{group},Resource:{resource},Namespace:{namespace},Name:{service},");
                let why = format!(
                    "IPAddress {name} appears to have been modified, not referencing a Service &ParentReference{{{shown}}}: \
                     cleaning up"
                );
                self.remove(&found, None, "IPAddressNotAllocated", ACTION, why).await?;
                continue;
            }
            let at = format!("{}{namespace}/{service}", self.services);
            let (guard, reason, why) = match self.read(at.clone()).await? {
                Some(service) if name.parse().is_ok_and(|address| service.has(address)) => continue,
                Some(service) => (service.guard(), "IPAddressWrongReference", "has a wrong reference;"),
                None => (Guard { key: at, revision: 0 }, "IPAddressNotAllocated", "appears to have leaked:"),
            };
            let why = format!("IPAddress: {name} for Service {namespace}/{service} {why} cleaning up");
            self.remove(&found, Some(guard), reason, ACTION, why).await?;
        }
        Ok(())
    }

    async fn read(&self, key: String) -> Result<Option<Read>, ApiError> {
        Ok(self.store.get(key, Freshness::NotOlder(self.revision)).await.map_err(from_store)?.and_then(Read::of))
    }

    /// False if somebody was faster, who may have repaired it.
    async fn write(&self, guards: Vec<Guard>, address: IpAddr, object: &Value) -> Result<bool, ApiError> {
        let put = Put { key: key(address), value: object.to_string().into_bytes(), ttl_seconds: None };
        let written = self.store.txn(guards, vec![Operation::Put(put)]).await.map_err(from_store)?;
        Ok(matches!(written, TxnResult::Applied(_)))
    }

    async fn remove(
        &mut self,
        found: &Read,
        guard: Option<Guard>,
        reason: &str,
        action: &str,
        why: String,
    ) -> Result<(), ApiError> {
        let guards = guard.into_iter().chain([found.guard()]).collect();
        let removed = self.store.txn(guards, vec![Operation::Delete(found.object.key())]).await.map_err(from_store)?;
        if matches!(removed, TxnResult::Applied(_)) {
            self.events.warn(&found.value, reason, action, why).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn addresses_are_those_that_were_taken() {
        for (spec, want) in [
            (json!({"clusterIPs": ["10.0.0.9", "FD00::9"]}), vec![Some("10.0.0.9"), Some("fd00::9")]),
            (json!({"clusterIPs": ["None"]}), vec![]),
            (json!({"clusterIPs": ["x"]}), vec![None]),
            (json!({"type": "ExternalName", "clusterIPs": ["10.0.0.9"]}), vec![]),
            (json!({}), vec![]),
        ] {
            let service = json!({"spec": spec});
            let found: Vec<_> = addresses_of(&service).map(|(_, address)| address).collect();
            let want: Vec<Option<IpAddr>> = want.into_iter().map(|address| Some(address?.parse().unwrap())).collect();
            assert_eq!(found, want, "{service}");
        }
    }
}
