//! Repair of node ports: each that a service has is taken, and each that is taken is some service's. Both are
//! written together, so this finds what another server wrote, or what was there before.

use std::collections::BTreeSet;

use apimachinery::rest::from_store;
use apimachinery::rest::object::meta;
use apimachinery::status::ApiError;
use apimachinery::tree::Value;
use plugin_sdk::storage::{Freshness, Guard, ListQuery, Operation, Put, TxnResult};
use plugin_sdk::{Store, log};

use super::events::Events;
use super::repair::{PAGE, Read};
use crate::strategies::services::ports::{NODE_PORTS, PORTS_PREFIX, node_ports, port_object};
use crate::tree::text;

pub(super) const REPORTER: &str = "portallocator-repair-controller";
const ACTION: &str = "PortAllocation";

/// One look at all services and all ports.
pub(super) struct Pass<'a> {
    pub(super) store: &'a Store,
    /// The prefix of their keys.
    pub(super) services: &'a str,
    pub(super) events: Events<'a>,
}

impl Pass<'_> {
    pub(super) async fn run(mut self) -> Result<(), ApiError> {
        let all = self.store.list(ListQuery::below(self.services)).await.map_err(from_store)?;
        let freshness = Freshness::NotOlder(all.revision());
        let mut seen = BTreeSet::new();
        for service in all.objects(PAGE).filter_map(Read::of) {
            for port in node_ports(&service.value["spec"]) {
                self.service(&service, port, freshness, seen.insert(port)).await?;
            }
        }
        self.leaked().await
    }

    /// Takes a port for the service that has it.
    async fn service(
        &mut self,
        service: &Read,
        port: i64,
        freshness: Freshness,
        is_first: bool,
    ) -> Result<(), ApiError> {
        if !NODE_PORTS.contains(&port) {
            let range = format!("{}-{}", NODE_PORTS.start(), NODE_PORTS.end());
            let why = format!("Port {port} is not within the port range {range}; please recreate service");
            self.events.warn(&service.value, "PortOutOfRange", ACTION, why).await;
            return Ok(());
        }
        if !is_first {
            let why = format!("Port {port} was assigned to multiple services; please recreate service");
            self.events.warn(&service.value, "PortAlreadyAllocated", ACTION, why).await;
            return Ok(());
        }
        let key = format!("{PORTS_PREFIX}{port}");
        if self.store.get(key.clone(), freshness).await.map_err(from_store)?.is_some() {
            return Ok(());
        }
        let (namespace, name) = (meta(&service.value, "namespace"), meta(&service.value, "name"));
        let value = port_object(port, namespace, name).to_string().into_bytes();
        let guards = vec![service.guard(), Guard { key: key.clone(), revision: 0 }];
        let put = Operation::Put(Put { key, value, ttl_seconds: None });
        // Whoever was faster may have repaired it.
        if matches!(self.store.txn(guards, vec![put]).await.map_err(from_store)?, TxnResult::Applied(_)) {
            let why = format!("Port {port} is not allocated; repairing");
            self.events.warn(&service.value, "PortNotAllocated", ACTION, why).await;
        }
        Ok(())
    }

    /// Gives back ports of services that have none such. Upstream, which writes them apart, waits some passes.
    async fn leaked(&self) -> Result<(), ApiError> {
        let all = self.store.list(ListQuery::below(PORTS_PREFIX)).await.map_err(from_store)?;
        for taken in all.objects(PAGE).filter_map(Read::of) {
            let key = format!("{}{}", self.services, text(&taken.value, "data"));
            let service = self.store.get(key.clone(), Freshness::NotOlder(all.revision())).await.map_err(from_store)?;
            let service = service.and_then(Read::of);
            if service.as_ref().is_some_and(|service| has(&service.value, meta(&taken.value, "name"))) {
                continue;
            }
            let guard = service.map_or(Guard { key, revision: 0 }, |service| service.guard());
            let operations = vec![Operation::Delete(taken.object.key())];
            let given_back = self.store.txn(vec![guard, taken.guard()], operations).await.map_err(from_store)?;
            if matches!(given_back, TxnResult::Applied(_)) {
                log::warn!("the node port {} appears to have leaked: cleaning up", meta(&taken.value, "name"));
            }
        }
        Ok(())
    }
}

fn has(service: &Value, port: &str) -> bool {
    port.parse().is_ok_and(|port: i64| node_ports(&service["spec"]).contains(&port))
}
