//! Cluster addresses. Each one that is taken is an IPAddress, written in the transaction that writes the
//! service: two services never get the same one, whoever is faster, and what is refused takes nothing.

use std::net::IpAddr;

use apimachinery::rest::{clock, from_store};
use apimachinery::status::ApiError;
use apimachinery::strategy::{Companions, Operation};
use apimachinery::tree::{Value, json};
use apimachinery::validation::network::Address;
use plugin_sdk::Store;
use plugin_sdk::storage::{ListQuery, Operation as Write};

use super::families::{Family, keeps_preference};
use super::ranges::{self, Range};
use super::{draw, exists, headless, refused, take, texts};

pub(crate) const ADDRESSES_PREFIX: &str = "/registry/ipaddresses/";
/// How many places are tried by themselves before all addresses are looked at: a range that is half full
/// has a free one among them but once in 65 536 times.
const TRIES_MAX: u128 = 16;
/// How many places are looked at together, a bit for each.
const WINDOW: u128 = 1 << 20;
/// Addresses that are held at a time while all are looked at.
const PAGE: u32 = 500;

/// Takes what a service needs and has not, and gives back what it no longer needs. `old` is null for a new one.
pub(super) async fn allocate(
    operation: &Operation<'_>,
    store: &Store,
    spec: &mut Value,
    old: &Value,
    companions: &mut Companions,
) -> Result<(), ApiError> {
    if keeps_preference(spec, old) {
        return Ok(());
    }
    let families =
        |spec: &Value| -> Vec<Family> { texts(&spec["ipFamilies"]).into_iter().filter_map(Family::parse).collect() };
    let (had, has) = (families(old), families(spec));
    let is_name = spec["type"] == "ExternalName";
    if old.is_null() || old["type"] == "ExternalName" {
        if !is_name && !headless(spec) {
            Taking { operation, store, companions }.take(spec, &has, 0).await?;
        }
    } else if headless(old) {
        // There is nothing to give back, and it cannot become anything else.
    } else if is_name {
        give_back(texts(&old["clusterIPs"]), companions);
    } else if had.len() == 1 && has.len() == 2 {
        Taking { operation, store, companions }.take(spec, &has, 1).await?;
    } else if had.len() == 2 && has.len() == 1 {
        give_back(texts(&old["clusterIPs"]).into_iter().skip(1), companions);
    }
    Ok(())
}

/// Gives back all that a service has.
pub(super) fn release(spec: &Value, companions: &mut Companions) {
    if spec["type"] != "ExternalName" && !headless(spec) {
        give_back(texts(&spec["clusterIPs"]), companions);
    }
}

fn give_back<'a>(addresses: impl IntoIterator<Item = &'a str>, companions: &mut Companions) {
    let keys = addresses.into_iter().filter_map(Address::parse).map(|address| key(address.ip));
    companions.operations.extend(keys.map(Write::Delete));
}

/// Where the object of an address is, however it is written.
pub(crate) fn key(address: IpAddr) -> String {
    format!("{ADDRESSES_PREFIX}{address}")
}

struct Taking<'a> {
    operation: &'a Operation<'a>,
    store: &'a Store,
    companions: &'a mut Companions,
}

impl Taking<'_> {
    /// Takes an address of each of these families, from one of them on: the one that the service asks for, or any.
    async fn take(&mut self, spec: &mut Value, families: &[Family], from: usize) -> Result<(), ApiError> {
        let mut addresses: Vec<String> = texts(&spec["clusterIPs"]).into_iter().map(str::to_string).collect();
        addresses.resize(addresses.len().max(families.len()), String::new());
        let shown = json!(addresses);
        for (index, family) in families.iter().enumerate().skip(from) {
            if addresses[index].is_empty() {
                addresses[index] = self.any(*family, &shown).await?.to_string();
            } else {
                self.this(*family, &addresses[index], &shown).await?;
            }
        }
        spec["clusterIP"] = addresses[0].as_str().into();
        spec["clusterIPs"] = json!(addresses);
        Ok(())
    }

    /// One that the service asks for. A dry run asks one range alone, and not whether somebody has it.
    async fn this(&mut self, family: Family, asked: &str, shown: &Value) -> Result<(), ApiError> {
        let ranges = ranges::ready(self.store, family).await?;
        let refuse = |why: String| {
            let why = format!("failed to allocate IP {asked}: {why}");
            Err(refused(self.operation.name, "spec.clusterIPs", shown, why))
        };
        let Some(address) = Address::parse(asked).map(|address| address.ip) else {
            return Err(ApiError::internal(format!("failed to parse service IP \"{asked}\"")));
        };
        if self.operation.dry_run {
            return match ranges.first() {
                None => refuse(NOT_READY.into()),
                Some(range) if range.contains(address) => Ok(()),
                Some(range) => refuse(format!(
                    "the provided IP ({address}) is not in the valid range. The range of valid IPs is {range}"
                )),
            };
        }
        if !ranges.iter().any(|range| range.contains(address)) {
            return refuse("the provided network does not match the current range".into());
        }
        if exists(self.store, &key(address)).await? {
            return refuse("provided IP is already allocated".into());
        }
        self.have(address);
        Ok(())
    }

    /// One that nobody has, of any range that is ready. A dry run gets none that somebody could have.
    async fn any(&mut self, family: Family, shown: &Value) -> Result<IpAddr, ApiError> {
        let mut ranges = ranges::ready(self.store, family).await?;
        let name = self.operation.name;
        if self.operation.dry_run {
            let why = format!("failed to allocate IP: {NOT_READY}");
            return ranges.first().map(Range::network).ok_or_else(|| refused(name, "spec.clusterIPs", shown, why));
        }
        let begin = draw::below(ranges.len() as u128) as usize;
        ranges.rotate_left(begin);
        for range in &ranges {
            if let Some(address) = free(self.store, range).await? {
                self.have(address);
                return Ok(address);
            }
        }
        Err(ApiError::internal(format!("failed to allocate a serviceIP for Service \"{name}\": range is full")))
    }

    fn have(&mut self, address: IpAddr) {
        take(key(address), ip_address(address, self.operation.namespace, self.operation.name), self.companions);
    }
}

const NOT_READY: &str = "allocator not ready";

/// An address that nobody has. What this costs does not depend on how many addresses there are, unless the
/// range is crowded; what it needs of memory is bounded at any rate.
async fn free(store: &Store, range: &Range) -> Result<Option<IpAddr>, ApiError> {
    for turn in range.bands().turns() {
        for step in 0..turn.count().min(TRIES_MAX) {
            let address = range.at(turn.place(step));
            if !exists(store, &key(address)).await? {
                return Ok(Some(address));
            }
        }
        let mut begin = TRIES_MAX;
        while begin < turn.count() {
            let count = WINDOW.min(turn.count() - begin);
            let mut window = Window::new(count as usize);
            let taken = store.list(ListQuery::below(ADDRESSES_PREFIX)).await.map_err(from_store)?;
            for object in taken.objects(PAGE) {
                let address = object.key().strip_prefix(ADDRESSES_PREFIX).and_then(|name| name.parse().ok());
                let place =
                    address.filter(|address| range.contains(*address)).and_then(|address| range.position(address));
                if let Some(step) = place.and_then(|place| turn.step(place)?.checked_sub(begin))
                    && step < count
                {
                    window.take(step as usize);
                }
            }
            if let Some(step) = window.free() {
                return Ok(Some(range.at(turn.place(begin + step as u128))));
            }
            begin += count;
        }
    }
    Ok(None)
}

/// Which of some places are taken.
struct Window {
    count: usize,
    bits: Vec<u64>,
}

impl Window {
    fn new(count: usize) -> Self {
        Self { count, bits: vec![0; count.div_ceil(64)] }
    }

    fn take(&mut self, place: usize) {
        self.bits[place / 64] |= 1 << (place % 64);
    }

    /// The first that is not.
    fn free(&self) -> Option<usize> {
        let word = self.bits.iter().position(|word| *word != u64::MAX)?;
        Some(word * 64 + self.bits[word].trailing_ones() as usize).filter(|place| *place < self.count)
    }
}

/// The object that says whose an address is, as upstream's allocator writes it.
pub(crate) fn ip_address(address: IpAddr, namespace: &str, service: &str) -> Value {
    let now = clock::now();
    let name = address.to_string();
    let (family, labels) = (Family::of(address).name(), "f:ipaddress.kubernetes.io");
    json!({
        "kind": "IPAddress",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": {
            "name": name,
            "uid": clock::uid(),
            "creationTimestamp": now,
            "labels": {FAMILY_LABEL: family, MANAGER_LABEL: MANAGER},
            "managedFields": [{
                "manager": "kube-apiserver",
                "operation": "Update",
                "apiVersion": "networking.k8s.io/v1",
                "time": now,
                "fieldsType": "FieldsV1",
                "fieldsV1": {
                    "f:metadata": {"f:labels": {
                        ".": {},
                        format!("{labels}/ip-family"): {},
                        format!("{labels}/managed-by"): {},
                    }},
                    "f:spec": {"f:parentRef": {".": {}, "f:name": {}, "f:namespace": {}, "f:resource": {}}},
                },
            }],
        },
        "spec": {"parentRef": {"resource": "services", "namespace": namespace, "name": service}},
    })
}

pub(crate) const FAMILY_LABEL: &str = "ipaddress.kubernetes.io/ip-family";
pub(crate) const MANAGER_LABEL: &str = "ipaddress.kubernetes.io/managed-by";
pub(crate) const MANAGER: &str = "ipallocator.k8s.io";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_gives_back_what_it_has() {
        for (spec, keys) in [
            (
                json!({"clusterIPs": ["10.0.0.9", "FD00:0::9"]}),
                vec!["/registry/ipaddresses/10.0.0.9", "/registry/ipaddresses/fd00::9"],
            ),
            (json!({"clusterIPs": ["None"]}), vec![]),
            (json!({"type": "ExternalName"}), vec![]),
        ] {
            let mut companions = Companions::default();
            release(&spec, &mut companions);
            let deleted = companions.operations.iter().map(|operation| match operation {
                Write::Delete(key) => key.as_str(),
                Write::Put(put) => panic!("{} is written", put.key),
            });
            assert_eq!(deleted.collect::<Vec<_>>(), keys);
        }
    }

    #[test]
    fn the_first_free_place_of_a_window_is_found() {
        for (count, taken, free) in
            [(3, 0..0, Some(0)), (3, 0..2, Some(2)), (3, 0..3, None), (130, 0..129, Some(129)), (64, 0..64, None)]
        {
            let mut window = Window::new(count);
            taken.for_each(|place| window.take(place));
            assert_eq!(window.free(), free, "of {count}");
        }
    }

    #[test]
    fn an_address_says_whose_it_is() {
        let object = ip_address("fd00::9".parse().unwrap(), "n", "s");
        assert_eq!(object["metadata"]["name"], "fd00::9");
        assert_eq!(object["metadata"]["labels"], json!({FAMILY_LABEL: "IPv6", MANAGER_LABEL: MANAGER}));
        assert_eq!(object["spec"]["parentRef"], json!({"resource": "services", "namespace": "n", "name": "s"}));
    }
}
