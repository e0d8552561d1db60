//! Cluster addresses and node ports. Each one that is taken is an object of its own, written
//! in the transaction that writes the service: two services never get the same one, whoever
//! is faster, and nothing has to be repaired after a crash.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use apimachinery::rest::clock;
use apimachinery::rest::from_store;
use apimachinery::status::{ApiError, FieldError};
use apimachinery::strategy::{Companions, Operation};
use apimachinery::tree::{Value, json};
use plugin_sdk::storage::{Freshness, Guard, Operation as Write, Put};
use plugin_sdk::{Store, configuration};

use crate::small;
use crate::tree::{child, is_empty, items, items_mut, text};

const ADDRESSES_PREFIX: &str = "/registry/ipaddresses/";
/// One object for each node port that is taken.
pub(crate) const PORTS_PREFIX: &str = "/registry/ranges/servicenodeports/";
const DEFAULT_RANGE: &str = "10.0.0.0/24";
const NODE_PORTS: RangeInclusive<i64> = 30_000..=32_767;

/// Takes what a service needs and has not, and gives back what it no longer needs.
pub(super) async fn allocate(
    operation: &Operation<'_>,
    store: &Store,
    object: &mut Value,
    old: Option<&Value>,
) -> Result<Companions, ApiError> {
    let mut companions = Companions::default();
    address(operation, store, object, old, &mut companions).await?;
    ports(operation, store, object, old, &mut companions).await?;
    if operation.dry_run {
        return Ok(Companions::default());
    }
    Ok(companions)
}

/// Gives back all that a service has.
pub(super) fn release(object: &Value) -> Companions {
    let mut companions = Companions::default();
    let addresses = allocated_addresses(object).map(|address| format!("{ADDRESSES_PREFIX}{address}"));
    let ports = node_ports(object).into_iter().map(|port| format!("{PORTS_PREFIX}{port}"));
    companions.operations.extend(addresses.chain(ports).map(Write::Delete));
    companions
}

/// The cluster has one family. Who finds endpoints without a selector may have both.
fn one_family(operation: &Operation<'_>, spec: &Value) -> Result<(), ApiError> {
    if text(spec, "clusterIP") == "None" && is_empty(&spec["selector"]) {
        return Ok(());
    }
    if spec["ipFamilyPolicy"] == "RequireDualStack" {
        let why = "this cluster is not configured for dual-stack services";
        return Err(refused(operation, "spec.ipFamilyPolicy", &spec["ipFamilyPolicy"], why));
    }
    let families = spec["ipFamilies"].as_array().into_iter().flatten().enumerate();
    match families.into_iter().find(|(_, family)| *family == "IPv6") {
        Some((at, family)) => {
            Err(refused(operation, &format!("spec.ipFamilies[{at}]"), family, "not configured on this cluster"))
        }
        None => Ok(()),
    }
}

async fn address(
    operation: &Operation<'_>,
    store: &Store,
    object: &mut Value,
    old: Option<&Value>,
    companions: &mut Companions,
) -> Result<(), ApiError> {
    let had: Vec<String> = old.into_iter().flat_map(allocated_addresses).map(str::to_string).collect();
    let spec = child(object, "spec");
    if spec["type"] == "ExternalName" {
        give_back(&had, companions);
        return Ok(());
    }
    one_family(operation, spec)?;
    let asked = match text(spec, "clusterIP") {
        "" => spec["clusterIPs"][0].as_str().unwrap_or_default().to_string(),
        address => address.to_string(),
    };
    if asked == "None" {
        spec["clusterIP"] = "None".into();
        spec["clusterIPs"] = json!(["None"]);
        return Ok(());
    }
    if had.contains(&asked) {
        spec["clusterIPs"] = json!([asked]);
        return Ok(());
    }
    let range = Range::of_cluster();
    let chosen = if asked.is_empty() {
        free_address(store, &range).await?
    } else {
        let address = asked.parse::<Ipv4Addr>().ok();
        // A dry run asks the first range that there is, not the one that the address is of.
        if !operation.dry_run && address.is_some_and(|address| !range.covers(address)) {
            let why = format!("failed to allocate IP {asked}: the provided network does not match the current range");
            return Err(refused(operation, "spec.clusterIPs", &json!([asked]), why));
        }
        let Some(address) = address.filter(|address| range.contains(*address)) else {
            let why = format!(
                "failed to allocate IP {asked}: the provided IP ({asked}) is not in the valid range. \
                 The range of valid IPs is {}",
                range.text
            );
            return Err(refused(operation, "spec.clusterIPs", &json!([asked]), why));
        };
        if exists(store, &format!("{ADDRESSES_PREFIX}{address}")).await? {
            let why = format!("failed to allocate IP {asked}: provided IP is already allocated");
            return Err(refused(operation, "spec.clusterIPs", &json!([asked]), why));
        }
        address
    };
    spec["clusterIP"] = chosen.to_string().into();
    spec["clusterIPs"] = json!([chosen.to_string()]);
    give_back(&had, companions);
    let key = format!("{ADDRESSES_PREFIX}{chosen}");
    take(key, ip_address(&chosen.to_string(), operation), companions);
    Ok(())
}

async fn ports(
    operation: &Operation<'_>,
    store: &Store,
    object: &mut Value,
    old: Option<&Value>,
    companions: &mut Companions,
) -> Result<(), ApiError> {
    let had = old.map(node_ports).unwrap_or_default();
    let spec = child(object, "spec");
    let wanted = match text(spec, "type") {
        "NodePort" => true,
        "LoadBalancer" => spec["allocateLoadBalancerNodePorts"] != false,
        _ => false,
    };
    let balanced = spec["type"] == "LoadBalancer";
    let mut taken = Taken { had, new: BTreeMap::new(), used: None, dry_run: operation.dry_run };
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
            (0, None) if old.is_none() && elsewhere() != 0 => taken.ask(store, operation, index, elsewhere()).await?,
            (0, None) => taken.any(store).await?,
            (asked, _) => taken.ask(store, operation, index, asked).await?,
        };
        taken.new.entry(own).or_insert(node_port);
        port["nodePort"] = node_port.into();
    }
    let had = taken.had;
    let taken = if wanted || balanced { node_ports(object) } else { Vec::new() };
    for port in taken.iter().filter(|port| !had.contains(port)) {
        take(format!("{PORTS_PREFIX}{port}"), port_object(*port, operation), companions);
    }
    let gone = had.iter().filter(|port| !taken.contains(port));
    companions.operations.extend(gone.map(|port| Write::Delete(format!("{PORTS_PREFIX}{port}"))));
    Ok(())
}

/// Node ports that a service had, and those that it takes, by the port that they are for.
struct Taken {
    had: Vec<i64>,
    new: BTreeMap<i64, i64>,
    /// Those of all services, once they were asked for.
    used: Option<Vec<i64>>,
    dry_run: bool,
}

impl Taken {
    async fn ask(&self, store: &Store, operation: &Operation<'_>, index: usize, port: i64) -> Result<i64, ApiError> {
        let refuse = |why: &str| {
            let field = format!("spec.ports[{index}].nodePort");
            Err(refused(operation, &field, &port.into(), why))
        };
        if self.had.contains(&port) {
            return Ok(port);
        }
        // Upstream's allocator is not asked for the range when nothing is to be taken.
        if !self.dry_run && !NODE_PORTS.contains(&port) {
            return refuse("provided port is not in the valid range. The range of valid ports is 30000-32767");
        }
        if self.new.values().any(|taken| *taken == port) || exists(store, &format!("{PORTS_PREFIX}{port}")).await? {
            return refuse("provided port is already allocated");
        }
        Ok(port)
    }

    async fn any(&mut self, store: &Store) -> Result<i64, ApiError> {
        let used = match self.used.take() {
            Some(used) => used,
            None => used_ports(store).await?,
        };
        let taken: Vec<i64> = self.new.values().copied().collect();
        free_port(self.used.insert(used), &taken)
            .ok_or_else(|| ApiError::internal("all node ports of the range 30000-32767 are taken"))
    }
}

fn number(port: &Value, key: &str) -> i64 {
    port[key].as_i64().unwrap_or(0)
}

fn take(key: String, value: Value, companions: &mut Companions) {
    companions.guards.push(Guard { key: key.clone(), revision: 0 });
    companions.operations.push(Write::Put(Put { key, value: value.to_string().into_bytes(), ttl_seconds: None }));
}

fn give_back(addresses: &[String], companions: &mut Companions) {
    companions.operations.extend(addresses.iter().map(|address| Write::Delete(format!("{ADDRESSES_PREFIX}{address}"))));
}

fn allocated_addresses(object: &Value) -> impl Iterator<Item = &str> {
    items(&object["spec"], "clusterIPs").filter_map(Value::as_str).filter(|address| !matches!(*address, "" | "None"))
}

fn node_ports(object: &Value) -> Vec<i64> {
    let mut ports: Vec<i64> = items(&object["spec"], "ports")
        .filter_map(|port| port["nodePort"].as_i64())
        .filter(|port| *port != 0)
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// The object that says whose an address is, as upstream's allocator writes it.
fn ip_address(address: &str, operation: &Operation<'_>) -> Value {
    json!({
        "kind": "IPAddress",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": {
            "name": address,
            "uid": clock::uid(),
            "creationTimestamp": clock::now(),
            "labels": {
                "ipaddress.kubernetes.io/ip-family": "IPv4",
                "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
            },
        },
        "spec": {"parentRef": {"resource": "services", "namespace": operation.namespace, "name": operation.name}},
    })
}

fn port_object(port: i64, operation: &Operation<'_>) -> Value {
    json!({
        "kind": "RangeAllocation",
        "apiVersion": "v1",
        "metadata": {"name": port.to_string(), "uid": clock::uid(), "creationTimestamp": clock::now()},
        "range": port.to_string(),
        "data": format!("{}/{}", operation.namespace, operation.name),
    })
}

async fn exists(store: &Store, key: &str) -> Result<bool, ApiError> {
    Ok(store.get(key.to_string(), Freshness::Latest).await.map_err(from_store)?.is_some())
}

async fn free_address(store: &Store, range: &Range) -> Result<Ipv4Addr, ApiError> {
    let used = small::names(store, ADDRESSES_PREFIX).await?;
    let taken = |address: &Ipv4Addr| used.contains(&address.to_string());
    let found = draw(range.size(), range.asked_for(), |index| taken(&range.at(index))).map(|index| range.at(index));
    found.ok_or_else(|| ApiError::internal(format!("failed to allocate a serviceIP: range {} is full", range.text)))
}

async fn used_ports(store: &Store) -> Result<Vec<i64>, ApiError> {
    Ok(small::names(store, PORTS_PREFIX).await?.iter().filter_map(|name| name.parse().ok()).collect())
}

fn free_port(used: &[i64], taken: &[i64]) -> Option<i64> {
    let port = |index: u32| NODE_PORTS.start() + i64::from(index);
    let is_taken = |index| used.contains(&port(index)) || taken.contains(&port(index));
    draw((NODE_PORTS.end() - NODE_PORTS.start() + 1) as u32, PORTS_ASKED_FOR, is_taken).map(port)
}

/// How many ports at the beginning of their range are for who asks for one: as many as upstream keeps
/// (KEP-3668, a thirty-second of the range).
const PORTS_ASKED_FOR: u32 = 86;

/// One of `size` that is free. The first `asked_for` of them are for who asks for one, and are given to
/// others when there are no more. Anywhere in what is left: what was just given back is not given again at
/// once.
fn draw(size: u32, asked_for: u32, is_taken: impl Fn(u32) -> bool) -> Option<u32> {
    let among = |first: u32, count: u32| {
        let offset = random_below(count);
        (0..count).map(|step| first + (offset + step) % count).find(|index| !is_taken(*index))
    };
    among(asked_for, size - asked_for).or_else(|| among(0, asked_for))
}

fn refused(operation: &Operation<'_>, field: &str, value: &Value, why: impl Into<String>) -> ApiError {
    let error = FieldError::invalid(field, value, why);
    ApiError::invalid("", "Service", operation.name, &[error])
}

fn random_below(bound: u32) -> u32 {
    let mut hash = 0u32;
    // The digits of a fresh uid are random enough to spread.
    for byte in clock::uid().bytes() {
        hash = hash.wrapping_mul(31).wrapping_add(u32::from(byte));
    }
    hash % bound.max(1)
}

/// The addresses of services: all of the range but its first, which is the network's, the
/// second, which is the `kubernetes` service's, and its last.
pub(crate) struct Range {
    text: String,
    first: u32,
    size: u32,
}

impl Range {
    pub(crate) fn of_cluster() -> Self {
        let text = configuration::fact("service-cluster-ip-range").unwrap_or_default();
        Self::parse(&text).or_else(|| Self::parse(DEFAULT_RANGE)).expect("the default is a range")
    }

    fn parse(text: &str) -> Option<Self> {
        // With two families the first is the cluster's own.
        let text = text.split(',').next().unwrap_or_default().trim();
        let (address, bits) = text.split_once('/')?;
        let (address, bits) = (address.parse::<Ipv4Addr>().ok()?, bits.parse::<u32>().ok()?);
        let hosts = 32u32.checked_sub(bits).filter(|hosts| (2..=20).contains(hosts))?;
        let first = u32::from(address) >> hosts << hosts;
        Some(Self { text: text.to_string(), first, size: 1 << hosts })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The address of the `kubernetes` service.
    pub(crate) fn first(&self) -> Ipv4Addr {
        Ipv4Addr::from(self.first + 1)
    }

    /// Whether it is of the range, even if it cannot be given to anybody.
    fn covers(&self, address: Ipv4Addr) -> bool {
        u32::from(address).checked_sub(self.first).is_some_and(|offset| offset < self.size)
    }

    fn contains(&self, address: Ipv4Addr) -> bool {
        let address = u32::from(address);
        address > self.first && address < self.first + self.size - 1
    }

    fn size(&self) -> u32 {
        self.size - 3
    }

    fn at(&self, index: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.first + 2 + index)
    }

    /// How many addresses at the beginning are for who asks for one: a sixteenth, within bounds, of which the
    /// `kubernetes` service has the first (KEP-3070).
    fn asked_for(&self) -> u32 {
        if self.size < 16 { 0 } else { (self.size / 16).clamp(16, 256).min(self.size()) - 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_its_addresses() {
        let range = Range::parse("10.0.0.0/24,fd00::/108").unwrap();
        assert_eq!(range.first().to_string(), "10.0.0.1");
        assert_eq!(
            (range.at(0).to_string(), range.at(range.size() - 1).to_string()),
            ("10.0.0.2".into(), "10.0.0.254".into())
        );
        assert!(range.contains("10.0.0.1".parse().unwrap()) && !range.contains("10.0.0.255".parse().unwrap()));
        assert!(Range::parse("nonsense").is_none() && Range::parse("10.0.0.0/31").is_none());
    }

    #[test]
    fn the_first_addresses_are_for_those_who_ask_for_one() {
        for (range, asked_for) in [
            ("10.0.0.0/24", 15),
            ("10.0.0.0/20", 255),
            ("10.0.0.0/12", 255),
            ("10.0.0.0/22", 63),
            ("10.0.0.0/28", 12),
            ("10.0.0.0/29", 0),
        ] {
            let range = Range::parse(range).unwrap();
            assert_eq!(range.asked_for(), asked_for, "{}", range.text);
            for _ in 0..100 {
                let index = draw(range.size(), range.asked_for(), |_| false);
                assert!(index.is_none_or(|index| index >= asked_for), "{index:?} of {}", range.text);
            }
            let last = draw(range.size(), range.asked_for(), |index| index >= asked_for);
            assert_eq!(last.is_some(), asked_for > 0, "{}", range.text);
        }
    }

    #[test]
    fn a_service_gives_back_what_it_has() {
        let companions = release(
            &json!({"spec": {"clusterIPs": ["10.0.0.9"], "ports": [{"nodePort": 30001}, {"nodePort": 30001}]}}),
        );
        let keys: Vec<_> = companions.operations.iter().map(|operation| format!("{operation:?}")).collect();
        assert_eq!(keys.len(), 2, "{keys:?}");
    }

    #[test]
    fn ports_are_taken_where_they_are_free() {
        let used: Vec<i64> = NODE_PORTS.filter(|port| *port != 31_234).collect();
        assert_eq!(free_port(&used, &[]), Some(31_234));
        assert_eq!(free_port(&used, &[31_234]), None);
        for _ in 0..1_000 {
            let port = free_port(&[], &[]).unwrap();
            assert!(
                port >= NODE_PORTS.start() + i64::from(PORTS_ASKED_FOR),
                "{port} is one of those that are asked for"
            );
        }
        let above: Vec<i64> = (NODE_PORTS.start() + i64::from(PORTS_ASKED_FOR)..=*NODE_PORTS.end()).collect();
        let below = free_port(&above, &[]).unwrap();
        assert!(NODE_PORTS.contains(&below) && !above.contains(&below));
    }
}
