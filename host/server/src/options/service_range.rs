//! The addresses that services get: `--service-cluster-ip-range`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use super::check::Checks;

/// The addresses that services get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRange {
    /// The range, or one for each family, in the form that all have: without what no network has.
    pub cidr: String,
    /// The address of the service `kubernetes`.
    pub first: IpAddr,
}

/// Eight addresses: upstream's bound, for the first range.
const HOST_BITS_MIN: u32 = 3;
/// Further than that upstream's allocators do not count.
const HOST_BITS_MAX: u32 = 64;

/// One network of a family.
#[derive(Clone, Copy)]
struct Network {
    address: IpAddr,
    host_bits: u32,
}

impl ServiceRange {
    /// Reads the flag, with upstream's words for what upstream refuses, too. Who says where others reach him is an
    /// endpoint of the service `kubernetes`, and so has to be of its family.
    pub(super) fn read(text: &str, public_address: IpAddr, checks: &mut Checks) -> Self {
        let before = checks.errors().len();
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        if parts.len() > 2 {
            checks.error(format!("--service-cluster-ip-range must not contain more than two entries: `{text}`"));
        }
        let networks: Vec<Network> = parts.iter().zip(0..2).filter_map(|(part, n)| network(part, n, checks)).collect();
        let is_endpoint = !public_address.is_loopback() && !public_address.is_unspecified();
        match networks[..] {
            _ if checks.errors().len() > before => {}
            [first, second] if first.address.is_ipv4() == second.address.is_ipv4() => checks.error(format!(
                "--service-cluster-ip-range[0] and --service-cluster-ip-range[1] must be of different IP family: `{text}`"
            )),
            [first, ..] if is_endpoint && first.address.is_ipv4() != public_address.is_ipv4() => checks.error(format!(
                "service IP family \"{first}\" must match public address family \"{public_address}\": begin \
                 --service-cluster-ip-range with a range of that family, or change --advertise-address"
            )),
            _ => {}
        }
        let first = networks.first().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |network| network.address(1));
        let cidr = networks.iter().map(Network::to_string).collect::<Vec<_>>().join(",");
        Self { cidr, first }
    }
}

/// One entry of the flag; it is an error if it is none, too large or too small.
fn network(text: &str, entry: usize, checks: &mut Checks) -> Option<Network> {
    let Some(network) = Network::parse(text) else {
        let what = if entry == 0 { "a valid cidr" } else { "an ip net" };
        checks.error(format!("service-cluster-ip-range[{entry}] is not {what}: `{text}`"));
        return None;
    };
    if network.host_bits > HOST_BITS_MAX {
        checks.error(format!(
            "shortest allowed prefix length for service CIDR is {}, got {}: --service-cluster-ip-range has `{text}`",
            network.bits() - HOST_BITS_MAX,
            network.bits() - network.host_bits
        ));
    } else if entry == 0 && network.host_bits < HOST_BITS_MIN {
        checks.error(format!(
            "the service cluster IP range must be at least {} IP addresses: --service-cluster-ip-range has `{text}`",
            1 << HOST_BITS_MIN
        ));
    }
    Some(network)
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let (address, length) = (address.parse().ok()?, length.parse::<u32>().ok()?);
        let host_bits = (if matches!(address, IpAddr::V4(_)) { 32_u32 } else { 128 }).checked_sub(length)?;
        Some(Self { address, host_bits })
    }

    fn bits(&self) -> u32 {
        if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// The address that is so far behind the network's own.
    fn address(&self, offset: u8) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => {
                let network = u32::from(address).checked_shr(self.host_bits).unwrap_or(0);
                IpAddr::V4((network.checked_shl(self.host_bits).unwrap_or(0) | u32::from(offset)).into())
            }
            IpAddr::V6(address) => {
                let network = u128::from(address).checked_shr(self.host_bits).unwrap_or(0);
                IpAddr::V6((network.checked_shl(self.host_bits).unwrap_or(0) | u128::from(offset)).into())
            }
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address(0), self.bits() - self.host_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_taken_or_it_is_said_why_not() {
        const LOOPBACK: &str = "127.0.0.1";
        for (text, public_address, expected) in [
            ("10.0.0.0/24", LOOPBACK, Ok(("10.0.0.1", "10.0.0.0/24"))),
            ("10.7.0.77/12", LOOPBACK, Ok(("10.0.0.1", "10.0.0.0/12"))),
            ("10.0.0.0/29", LOOPBACK, Ok(("10.0.0.1", "10.0.0.0/29"))),
            ("10.0.0.0/8", LOOPBACK, Ok(("10.0.0.1", "10.0.0.0/8"))),
            ("10.0.0.0/24, fd00::7/108", "10.1.2.3", Ok(("10.0.0.1", "10.0.0.0/24,fd00::/108"))),
            ("10.0.0.0/24,fd00::/126", LOOPBACK, Ok(("10.0.0.1", "10.0.0.0/24,fd00::/126"))),
            ("fd00::/64", LOOPBACK, Ok(("fd00::1", "fd00::/64"))),
            ("fd00::/108,10.0.0.0/24", "2001:db8::1", Ok(("fd00::1", "fd00::/108,10.0.0.0/24"))),
            ("fd00::/108,10.0.0.0/24", "0.0.0.0", Ok(("fd00::1", "fd00::/108,10.0.0.0/24"))),
            (
                "fd00::/108",
                "10.1.2.3",
                Err("service IP family \"fd00::/108\" must match public address family \"10.1.2.3\""),
            ),
            ("10.0.0.0/30", LOOPBACK, Err("must be at least 8 IP addresses")),
            ("10.0.0.0/24,fd00::/63", LOOPBACK, Err("shortest allowed prefix length for service CIDR is 64, got 63")),
            ("10.0.0.0/24,10.1.0.0/24", LOOPBACK, Err("must be of different IP family")),
            ("10.0.0.0/24,fd00::/108,fd01::/108", LOOPBACK, Err("must not contain more than two entries")),
            ("10.0.0.0", LOOPBACK, Err("service-cluster-ip-range[0] is not a valid cidr")),
            ("10.0.0.0/33", LOOPBACK, Err("service-cluster-ip-range[0] is not a valid cidr")),
            ("10.0.0.0/24,x", LOOPBACK, Err("service-cluster-ip-range[1] is not an ip net")),
            ("", LOOPBACK, Err("service-cluster-ip-range[0] is not a valid cidr")),
        ] {
            let mut checks = Checks::default();
            let range = ServiceRange::read(text, public_address.parse().unwrap(), &mut checks);
            match (expected, checks.errors()) {
                (Ok((first, cidr)), []) => {
                    assert_eq!((range.first.to_string(), range.cidr), (first.into(), cidr.into()))
                }
                (Err(part), [error]) => assert!(error.contains(part), "{text}: {error}"),
                (_, errors) => panic!("{text}: {errors:?}"),
            }
        }
    }
}
