//! Ranges that services get their addresses from: those that the server was started with say which
//! families there are, and those of ServiceCIDRs what may be taken.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use apimachinery::rest::object::meta;
use apimachinery::status::ApiError;
use apimachinery::tree::Value;
use apimachinery::validation::network;
use plugin_sdk::{Store, configuration};

use super::draw::Bands;
use super::families::Family;
use crate::small;
use crate::tree::items;

pub(crate) const RANGES_PREFIX: &str = "/registry/servicecidrs/";
const DEFAULT_RANGE: &str = "10.0.0.0/24";
/// Upstream's allocator does not count further.
const HOST_BITS_MAX: u32 = 64;
/// How many addresses at the beginning are for who asks for one: a sixteenth, within these bounds; none of
/// a range that has no more than the least (KEP-3070).
const ASKED_FOR_SHARE: u128 = 16;
const ASKED_FOR_MIN: u128 = 16;
const ASKED_FOR_MAX: u128 = 256;

/// A network, without its own address; of the old family, without its last one either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) family: Family,
    base: u128,
    host_bits: u32,
}

impl Range {
    /// A range that can be allocated from.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::of_any_size(text).filter(|range| range.host_bits <= HOST_BITS_MAX)
    }

    fn of_any_size(text: &str) -> Option<Self> {
        let range = network::Range::parse(text)?;
        let family = Family::of(range.ip);
        Some(Self { family, base: number(range.first()), host_bits: family.bits() - u32::from(range.bits) })
    }

    /// The address that is the range's own.
    pub(crate) fn network(&self) -> IpAddr {
        self.address(self.base)
    }

    /// The first that can be given to somebody: with the first range, the `kubernetes` service.
    pub(crate) fn first(&self) -> IpAddr {
        self.at(0)
    }

    /// Whether it is one that can be given to somebody.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        Family::of(address) == self.family && self.position(address).is_some()
    }

    /// Where it is among those that can be given to somebody.
    pub(super) fn position(&self, address: IpAddr) -> Option<u128> {
        let position = number(address).checked_sub(self.base)?.checked_sub(1)?;
        (position < self.size()).then_some(position)
    }

    pub(super) fn at(&self, position: u128) -> IpAddr {
        self.address(self.base.saturating_add(1).saturating_add(position))
    }

    pub(super) fn bands(&self) -> Bands {
        let all = self.total();
        let asked_for = match all {
            0..=ASKED_FOR_MIN => 0,
            _ => (all / ASKED_FOR_SHARE).clamp(ASKED_FOR_MIN, ASKED_FOR_MAX),
        };
        Bands { asked_for, size: self.size() }
    }

    fn size(&self) -> u128 {
        self.total().saturating_sub(match self.family {
            Family::IPv4 => 2,
            Family::IPv6 => 1,
        })
    }

    fn total(&self) -> u128 {
        1u128.checked_shl(self.host_bits).unwrap_or(u128::MAX)
    }

    fn address(&self, number: u128) -> IpAddr {
        match self.family {
            // It was widened.
            Family::IPv4 => Ipv4Addr::from(number as u32).into(),
            Family::IPv6 => Ipv6Addr::from(number).into(),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.network(), self.family.bits() - self.host_bits)
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

/// Those that the server was started with: one, or one of each family.
pub(crate) fn configured() -> Vec<Range> {
    let text = configuration::fact("service-cluster-ip-range").unwrap_or_default();
    let found: Vec<Range> = text.split(',').filter_map(Range::of_any_size).collect();
    match found[..] {
        [] => Range::parse(DEFAULT_RANGE).into_iter().collect(),
        _ => found,
    }
}

/// The ranges of a family that are ready: addresses of others are not given to anybody.
pub(super) async fn ready(store: &Store, family: Family) -> Result<Vec<Range>, ApiError> {
    let objects = small::remembered(store, RANGES_PREFIX).await?;
    let mut found: Vec<Range> = Vec::new();
    for range in objects.iter().filter(|object| is_ready(object)).flat_map(|object| ranges(object, Range::parse)) {
        if range.family == family && !found.contains(&range) {
            found.push(range);
        }
    }
    Ok(found)
}

/// All ranges that there are.
pub(crate) async fn of_any_size(store: &Store) -> Result<Vec<Range>, ApiError> {
    let objects = small::remembered(store, RANGES_PREFIX).await?;
    Ok(objects.iter().flat_map(|object| ranges(object, Range::of_any_size)).collect())
}

fn ranges(object: &Value, parse: fn(&str) -> Option<Range>) -> impl Iterator<Item = Range> {
    items(&object["spec"], "cidrs").filter_map(Value::as_str).filter_map(parse)
}

/// One of which nobody has said anything is, since there need be no controller manager to say so.
fn is_ready(object: &Value) -> bool {
    let condition = items(&object["status"], "conditions").find(|condition| condition["type"] == "Ready");
    meta(object, "deletionTimestamp").is_empty() && condition.is_none_or(|condition| condition["status"] == "True")
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn a_range_has_its_addresses() {
        for (text, shown, first, last) in [
            ("10.0.0.0/24", "10.0.0.0/24", "10.0.0.1", "10.0.0.254"),
            ("10.7.0.77/12", "10.0.0.0/12", "10.0.0.1", "10.15.255.254"),
            ("10.0.0.0/30", "10.0.0.0/30", "10.0.0.1", "10.0.0.2"),
            ("fd00::77/108", "fd00::/108", "fd00::1", "fd00::f:ffff"),
            ("fd00::/127", "fd00::/127", "fd00::1", "fd00::1"),
            ("fd00:0:0:1::/64", "fd00:0:0:1::/64", "fd00:0:0:1::1", "fd00::1:ffff:ffff:ffff:ffff"),
        ] {
            let range = Range::parse(text).unwrap();
            assert_eq!(range.to_string(), shown);
            assert_eq!(
                (range.first().to_string(), range.at(range.size() - 1).to_string()),
                (first.into(), last.into())
            );
            for (address, is_of_it) in
                [(range.network(), false), (range.first(), true), (range.at(range.size()), false)]
            {
                assert_eq!(range.contains(address), is_of_it, "{address} of {text}");
            }
        }
        for text in ["10.0.0.0/32", "10.0.0.0/31", "fd00::/128"] {
            assert_eq!(Range::parse(text).unwrap().size(), 0, "{text}");
        }
        for text in ["nonsense", "10.0.0.0", "10.0.0.0/33", "fd00::/63"] {
            assert_eq!(Range::parse(text), None);
        }
        assert!(!Range::parse("10.0.0.0/24").unwrap().contains("::a00:1".parse().unwrap()));
    }

    #[test]
    fn the_first_addresses_are_for_those_who_ask_for_one() {
        for (range, asked_for) in [
            ("10.0.0.0/24", 16),
            ("10.0.0.0/20", 256),
            ("10.0.0.0/8", 256),
            ("10.0.0.0/22", 64),
            ("10.0.0.0/27", 16),
            ("10.0.0.0/28", 0),
            ("fd00::/120", 16),
            ("fd00::/64", 256),
        ] {
            assert_eq!(Range::parse(range).unwrap().bands().asked_for, asked_for, "{range}");
        }
    }

    #[test]
    fn a_range_is_ready_until_somebody_says_otherwise() {
        let says = |status: &str| json!({"status": {"conditions": [{"type": "Ready", "status": status}]}});
        for (object, ready) in [
            (json!({}), true),
            (json!({"status": {"conditions": [{"type": "Other", "status": "False"}]}}), true),
            (says("True"), true),
            (says("False"), false),
            (says("Unknown"), false),
            (json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}), false),
        ] {
            assert_eq!(is_ready(&object), ready, "{object}");
        }
    }
}
