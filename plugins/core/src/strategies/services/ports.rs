//! Node ports. Each one that is taken is an object of its own, written in the transaction that writes the
//! service: two services never get the same one, whoever is faster, and what is refused takes nothing.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use apimachinery::rest::clock;
use apimachinery::status::ApiError;
use apimachinery::strategy::{Companions, Operation};
use apimachinery::tree::{Value, json};
use plugin_sdk::Store;
use plugin_sdk::storage::Operation as Write;

use super::draw::Bands;
use super::validate::needs_health_check;
use super::{exists, refused, take};
use crate::small;
use crate::tree::{items, items_mut, text};

/// One object for each node port that is taken.
pub(crate) const PORTS_PREFIX: &str = "/registry/ranges/servicenodeports/";
pub(crate) const NODE_PORTS: RangeInclusive<i64> = 30_000..=32_767;
/// How many ports at the beginning of their range are for who asks for one: as many as upstream keeps
/// (KEP-3668, a thirty-second of the range).
const PORTS_ASKED_FOR: u128 = 86;
const HEALTH_CHECK: &str = "healthCheckNodePort";

/// Takes what a service needs and has not, and gives back what it no longer needs. `old` is null for a new one.
pub(super) async fn allocate(
    operation: &Operation<'_>,
    store: &Store,
    spec: &mut Value,
    old: &Value,
    companions: &mut Companions,
) -> Result<(), ApiError> {
    let had = node_ports(old);
    let wanted = match text(spec, "type") {
        "NodePort" => true,
        "LoadBalancer" => spec["allocateLoadBalancerNodePorts"] != false,
        _ => false,
    };
    let balanced = spec["type"] == "LoadBalancer";
    let mut taken = Taken { had, new: BTreeMap::new(), all: Vec::new(), used: None, dry_run: operation.dry_run };
    let asked: Vec<(i64, i64)> =
        items(spec, "ports").map(|port| (number(port, "port"), number(port, "nodePort"))).collect();
    for (index, port) in items_mut(spec, "ports").enumerate() {
        let (own, asked_here) = asked[index];
        if !wanted && (asked_here == 0 || !balanced) {
            continue;
        }
        // A port that is there for several protocols has one node port, whichever of them names it.
        let of_port = taken.new.get(&own).copied();
        let elsewhere =
            || asked.iter().find(|(port, asked)| *port == own && *asked != 0).map_or(0, |(_, asked)| *asked);
        let node_port = match (asked_here, of_port) {
            (0, Some(found)) => found,
            (asked, Some(found)) if asked == found => found,
            (0, None) if old.is_null() && elsewhere() != 0 => taken.ask(store, operation, index, elsewhere()).await?,
            (0, None) => taken.any(store).await?,
            (asked, _) => taken.ask(store, operation, index, asked).await?,
        };
        taken.new.entry(own).or_insert(node_port);
        taken.all.push(node_port);
        port["nodePort"] = node_port.into();
    }
    if needs_health_check(spec) && !needs_health_check(old) {
        spec[HEALTH_CHECK] = taken.health_check(store, number(spec, HEALTH_CHECK)).await?.into();
    }
    let had = taken.had;
    let taken = if wanted || balanced { node_ports(spec) } else { Vec::new() };
    for port in taken.iter().filter(|port| !had.contains(port)) {
        take(format!("{PORTS_PREFIX}{port}"), port_object(*port, operation.namespace, operation.name), companions);
    }
    let gone = had.iter().filter(|port| !taken.contains(port));
    companions.operations.extend(gone.map(|port| Write::Delete(format!("{PORTS_PREFIX}{port}"))));
    Ok(())
}

/// Gives back all that a service has.
pub(super) fn release(spec: &Value, companions: &mut Companions) {
    let keys = node_ports(spec).into_iter().map(|port| format!("{PORTS_PREFIX}{port}"));
    companions.operations.extend(keys.map(Write::Delete));
}

/// Node ports that a service had, and those that it takes, by the port that they are for.
struct Taken {
    had: Vec<i64>,
    new: BTreeMap<i64, i64>,
    /// All that it takes: a port may have one for each protocol.
    all: Vec<i64>,
    /// Those of all services, once they were asked for.
    used: Option<Vec<i64>>,
    dry_run: bool,
}

impl Taken {
    async fn ask(&self, store: &Store, operation: &Operation<'_>, index: usize, port: i64) -> Result<i64, ApiError> {
        if self.had.contains(&port) {
            return Ok(port);
        }
        match self.obstacle(store, port).await? {
            Some(why) => {
                let field = format!("spec.ports[{index}].nodePort");
                Err(refused(operation.name, &field, &port.into(), why))
            }
            None => Ok(port),
        }
    }

    /// The port where a load balancer asks whether a node has pods of the service.
    async fn health_check(&mut self, store: &Store, asked: i64) -> Result<i64, ApiError> {
        if asked == 0 {
            return self.any(store).await;
        }
        match self.obstacle(store, asked).await? {
            Some(why) => {
                Err(ApiError::internal(format!("failed to allocate requested HealthCheck NodePort {asked}: {why}")))
            }
            None => Ok(asked),
        }
    }

    /// Why a port cannot be taken, if so.
    async fn obstacle(&self, store: &Store, port: i64) -> Result<Option<&'static str>, ApiError> {
        // Upstream's allocator is not asked for the range when nothing is to be taken.
        if !self.dry_run && !NODE_PORTS.contains(&port) {
            return Ok(Some("provided port is not in the valid range. The range of valid ports is 30000-32767"));
        }
        let is_taken = self.all.contains(&port) || exists(store, &format!("{PORTS_PREFIX}{port}")).await?;
        Ok(is_taken.then_some("provided port is already allocated"))
    }

    async fn any(&mut self, store: &Store) -> Result<i64, ApiError> {
        let used = match self.used.take() {
            Some(used) => used,
            None => used_ports(store).await?,
        };
        free_port(self.used.insert(used), &self.all)
            .ok_or_else(|| ApiError::internal("all node ports of the range 30000-32767 are taken"))
    }
}

fn number(object: &Value, key: &str) -> i64 {
    object[key].as_i64().unwrap_or(0)
}

/// All that a service has, its health check's among them.
pub(crate) fn node_ports(spec: &Value) -> Vec<i64> {
    let health_check = if needs_health_check(spec) { number(spec, HEALTH_CHECK) } else { 0 };
    let ports = items(spec, "ports").map(|port| number(port, "nodePort"));
    let mut ports: Vec<i64> = ports.chain([health_check]).filter(|port| *port != 0).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// That a port is taken, and whose it is.
pub(crate) fn port_object(port: i64, namespace: &str, name: &str) -> Value {
    json!({
        "kind": "RangeAllocation",
        "apiVersion": "v1",
        "metadata": {"name": port.to_string(), "uid": clock::uid(), "creationTimestamp": clock::now()},
        "range": port.to_string(),
        "data": format!("{namespace}/{name}"),
    })
}

async fn used_ports(store: &Store) -> Result<Vec<i64>, ApiError> {
    Ok(small::names(store, PORTS_PREFIX).await?.iter().filter_map(|name| name.parse().ok()).collect())
}

fn free_port(used: &[i64], taken: &[i64]) -> Option<i64> {
    let bands = Bands { asked_for: PORTS_ASKED_FOR, size: (NODE_PORTS.end() - NODE_PORTS.start() + 1) as u128 };
    let mut ports = bands.turns().flat_map(|turn| {
        let places = 0..turn.count();
        places.map(move |step| NODE_PORTS.start() + turn.place(step) as i64)
    });
    ports.find(|port| !used.contains(port) && !taken.contains(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_gives_back_each_port_once() {
        let mut companions = Companions::default();
        release(&json!({"ports": [{"nodePort": 30001}, {"nodePort": 30001}, {}]}), &mut companions);
        assert!(matches!(&companions.operations[..], [Write::Delete(key)] if key.ends_with("/30001")));
    }

    #[test]
    fn a_health_check_has_a_port_where_it_is_needed() {
        for (kind, policy, ports) in [
            ("LoadBalancer", "Local", vec![30_001, 30_002]),
            ("LoadBalancer", "Cluster", vec![30_001]),
            ("NodePort", "Local", vec![30_001]),
        ] {
            let spec = json!({
                "type": kind, "externalTrafficPolicy": policy, "healthCheckNodePort": 30002, "ports": [{"nodePort": 30001}],
            });
            assert_eq!(node_ports(&spec), ports, "{kind} {policy}");
        }
    }

    #[test]
    fn ports_are_taken_where_they_are_free() {
        let used: Vec<i64> = NODE_PORTS.filter(|port| *port != 31_234).collect();
        assert_eq!(free_port(&used, &[]), Some(31_234));
        assert_eq!(free_port(&used, &[31_234]), None);
        for _ in 0..1_000 {
            let port = free_port(&[], &[]).unwrap();
            assert!(port >= NODE_PORTS.start() + PORTS_ASKED_FOR as i64, "{port} is one of those that are asked for");
        }
        let above: Vec<i64> = (NODE_PORTS.start() + PORTS_ASKED_FOR as i64..=*NODE_PORTS.end()).collect();
        let below = free_port(&above, &[]).unwrap();
        assert!(NODE_PORTS.contains(&below) && !above.contains(&below));
    }
}
