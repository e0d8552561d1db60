//! The addresses that services get: `--service-cluster-ip-range`.

use std::net::{IpAddr, Ipv4Addr};

use super::check::Checks;

/// The addresses that services get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRange {
    /// As typed: the range, or one for each family.
    pub cidr: String,
    /// The address of the service `kubernetes`.
    pub first: IpAddr,
}

/// As upstream's: which address is taken is looked for among all.
const HOST_BITS_MAX: u32 = 20;
/// Eight addresses, also upstream's.
const HOST_BITS_MIN: u32 = 3;

/// One network of a family.
#[derive(Clone, Copy)]
struct Network {
    address: IpAddr,
    host_bits: u32,
}

impl ServiceRange {
    /// Reads the flag, with upstream's words for what upstream refuses, too.
    pub(super) fn read(text: &str, checks: &mut Checks) -> Self {
        let before = checks.errors().len();
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        if parts.len() > 2 {
            checks.error(format!("--service-cluster-ip-range must not contain more than two entries: `{text}`"));
        }
        let networks: Vec<Network> = parts.iter().zip(0..2).filter_map(|(part, n)| network(part, n, checks)).collect();
        match networks[..] {
            _ if checks.errors().len() > before => {}
            [first, second] if first.address.is_ipv4() == second.address.is_ipv4() => checks.error(format!(
                "--service-cluster-ip-range[0] and --service-cluster-ip-range[1] must be of different IP family: `{text}`"
            )),
            [first, ..] if first.address.is_ipv6() => checks.error(format!(
                "--service-cluster-ip-range[0] must be of IPv4, which is what services get here: `{text}`"
            )),
            [_, second] => {
                let unused = second.address;
                checks.warn(format!("services get no address of the second family of --service-cluster-ip-range: `{unused}`"));
            }
            _ => {}
        }
        let first = networks.first().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), Network::first_usable);
        Self { cidr: text.to_owned(), first }
    }
}

/// One entry of the flag; it is an error if it is none, too large or too small.
fn network(text: &str, entry: usize, checks: &mut Checks) -> Option<Network> {
    let Some(network) = Network::parse(text) else {
        checks.error(format!("--service-cluster-ip-range[{entry}] is not a valid cidr: `{text}`"));
        return None;
    };
    let bits = network.bits();
    if network.host_bits > HOST_BITS_MAX {
        checks.error(format!(
            "specified --service-cluster-ip-range is too large; for {bits}-bit addresses, the mask must be >= {}: `{text}`",
            bits - HOST_BITS_MAX
        ));
    } else if network.host_bits < HOST_BITS_MIN {
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

    /// The address after the network's own.
    fn first_usable(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => {
                let network = u32::from(address).checked_shr(self.host_bits).unwrap_or(0);
                IpAddr::V4((network.checked_shl(self.host_bits).unwrap_or(0) | 1).into())
            }
            IpAddr::V6(address) => {
                let network = u128::from(address).checked_shr(self.host_bits).unwrap_or(0);
                IpAddr::V6((network.checked_shl(self.host_bits).unwrap_or(0) | 1).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_taken_or_it_is_said_why_not() {
        for (text, expected) in [
            ("10.0.0.0/24", Ok("10.0.0.1")),
            ("10.7.0.77/12", Ok("10.0.0.1")),
            ("10.0.0.0/29", Ok("10.0.0.1")),
            ("10.0.0.0/24, fd00::/108", Ok("10.0.0.1")),
            ("10.0.0.0/11", Err("is too large; for 32-bit addresses, the mask must be >= 12")),
            ("0.0.0.0/0", Err("is too large; for 32-bit addresses, the mask must be >= 12")),
            ("10.0.0.0/30", Err("must be at least 8 IP addresses")),
            ("10.0.0.0/24,fd00::/64", Err("is too large; for 128-bit addresses, the mask must be >= 108")),
            ("10.0.0.0/24,10.1.0.0/24", Err("must be of different IP family")),
            ("10.0.0.0/24,fd00::/108,fd01::/108", Err("must not contain more than two entries")),
            ("fd00::/108", Err("--service-cluster-ip-range[0] must be of IPv4")),
            ("fd00::/108,10.0.0.0/24", Err("--service-cluster-ip-range[0] must be of IPv4")),
            ("10.0.0.0", Err("--service-cluster-ip-range[0] is not a valid cidr")),
            ("10.0.0.0/33", Err("--service-cluster-ip-range[0] is not a valid cidr")),
            ("10.0.0.0/24,x", Err("--service-cluster-ip-range[1] is not a valid cidr")),
            ("", Err("--service-cluster-ip-range[0] is not a valid cidr")),
        ] {
            let mut checks = Checks::default();
            let range = ServiceRange::read(text, &mut checks);
            match (expected, checks.errors()) {
                (Ok(first), []) => assert_eq!(range.first.to_string(), first, "{text}"),
                (Err(part), [error]) => assert!(error.contains(part), "{text}: {error}"),
                (_, errors) => panic!("{text}: {errors:?}"),
            }
        }
    }
}
