//! Addresses and ranges of addresses. Fields that are older than upstream's strict rules say
//! what is wrong with an address; newer ones ask for its one canonical form.

use std::net::IpAddr;

use super::place::{Findings, Place};
use super::quoted;

const NO_ADDRESS: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const NO_RANGE: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/// An address, and whether upstream's strict rules would take it as it is written.
pub struct Address {
    pub ip: IpAddr,
    leading_zeros: bool,
}

impl Address {
    /// Reads an address as upstream's old parser does, which let numbers start with zeros.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(ip) = text.parse() {
            return Some(Self { ip, leading_zeros: false });
        }
        let (start, octets) = match text.rsplit_once(':') {
            Some((start, octets)) => (format!("{start}:"), octets),
            None => (String::new(), text),
        };
        let octets: Option<Vec<u8>> = octets.split('.').map(decimal).collect();
        let octets = octets.filter(|octets| octets.len() == 4)?;
        let plain = format!("{start}{}.{}.{}.{}", octets[0], octets[1], octets[2], octets[3]);
        Some(Self { ip: plain.parse().ok()?, leading_zeros: true })
    }

    /// An address of the old family that is written as one of the new.
    fn is_mapped(&self) -> bool {
        matches!(self.ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some())
    }

    /// Whether only upstream's old rules take it.
    pub fn is_odd(&self) -> bool {
        self.leading_zeros || self.is_mapped()
    }

    /// As Go writes it: a mapped address shows as the one that it stands for.
    pub fn canonical(&self) -> String {
        self.ip.to_canonical().to_string()
    }
}

fn decimal(text: &str) -> Option<u8> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// An address with the length of a prefix.
pub struct Range {
    pub ip: IpAddr,
    pub bits: u8,
    leading_zeros: bool,
    mapped: bool,
}

impl Range {
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let address = Address::parse(address)?;
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let bits: u8 = length.parse().ok()?;
        let most = if address.ip.is_ipv4() { 32 } else { 128 };
        let leading_zeros = address.leading_zeros || (length.len() > 1 && length.starts_with('0'));
        (bits <= most).then(|| Self { ip: address.ip, bits, leading_zeros, mapped: address.is_mapped() })
    }

    /// The first address of the range.
    pub fn first(&self) -> IpAddr {
        match self.ip {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                IpAddr::V4((u32::from(ip) & mask).into())
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                IpAddr::V6((u128::from(ip) & mask).into())
            }
        }
    }

    /// Whether only upstream's old rules take it.
    pub fn is_odd(&self) -> bool {
        self.leading_zeros || self.mapped
    }

    pub fn canonical(&self) -> String {
        format!("{}/{}", self.first(), self.bits)
    }

    /// Whether the range has all of the other.
    pub fn contains(&self, other: &Self) -> bool {
        let own = Self { ip: other.ip, bits: self.bits, leading_zeros: false, mapped: false };
        self.ip.is_ipv4() == other.ip.is_ipv4() && self.bits <= other.bits && own.first() == self.first()
    }
}

impl Place<'_, '_> {
    /// An address in a field that is older than the strict rules: one of `before` may stay.
    pub fn address(&self, before: &[&str], findings: &mut Findings) {
        if before.contains(&self.text()) {
            return;
        }
        match Address::parse(self.text()) {
            None => self.invalid(NO_ADDRESS, findings),
            Some(address) => {
                if address.leading_zeros {
                    self.invalid("must not have leading 0s", findings);
                } else if address.is_mapped() {
                    self.invalid("must not be an IPv4-mapped IPv6 address", findings);
                }
            }
        }
    }

    /// An address in its canonical form.
    pub fn canonical_address(&self, findings: &mut Findings) {
        let before = findings.len();
        self.address(&[], findings);
        if findings.len() == before
            && let Some(address) = Address::parse(self.text())
            && address.canonical() != self.text()
        {
            self.invalid(format!("must be in canonical form ({})", quoted(&address.canonical())), findings);
        }
    }

    /// A range in a field that is older than the strict rules: one of `before` may stay.
    pub fn range(&self, before: &[&str], findings: &mut Findings) {
        if before.contains(&self.text()) {
            return;
        }
        match Range::parse(self.text()) {
            None => self.invalid(NO_RANGE, findings),
            Some(range) if range.leading_zeros => {
                self.invalid("must not have leading 0s in IP or prefix length", findings);
            }
            Some(range) if range.mapped => self.invalid("must not have an IPv4-mapped IPv6 address", findings),
            Some(range) if range.first() != range.ip => {
                self.invalid("must not have bits set beyond the prefix length", findings);
            }
            Some(_) => {}
        }
    }

    /// An address of an interface with the length of its network's prefix, in its canonical form.
    pub fn interface_address(&self, findings: &mut Findings) {
        let Some(Range { ip, bits, .. }) = Range::parse(self.text()) else {
            let why = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)";
            return self.invalid(why, findings);
        };
        let ip = ip.to_canonical();
        // Of an address that stands for one of the old family, so does the prefix.
        let bits = if ip.is_ipv4() && bits > 32 { bits - 96 } else { bits };
        let canonical = format!("{ip}/{bits}");
        if self.text() != canonical {
            self.invalid(format!("must be in canonical form ({})", quoted(&canonical)), findings);
        }
    }

    /// A range in its canonical form.
    pub fn canonical_range(&self, findings: &mut Findings) {
        let before = findings.len();
        self.range(&[], findings);
        if findings.len() == before
            && let Some(range) = Range::parse(self.text())
            && range.canonical() != self.text()
        {
            self.invalid(format!("must be in canonical form ({})", quoted(&range.canonical())), findings);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Value;

    fn found(text: &str, check: impl Fn(Place<'_, '_>, &mut Findings)) -> Vec<String> {
        let (value, mut findings) = (Value::from(text), Vec::new());
        check(Place::named("ip", &value), &mut findings);
        findings.into_iter().map(|finding| finding.detail).collect()
    }

    #[test]
    fn addresses_are_read_as_upstream_reads_them() {
        for (text, old, new) in [
            ("10.0.0.1", vec![], vec![]),
            ("2001:db8::1", vec![], vec![]),
            ("nonsense", vec![NO_ADDRESS], vec![NO_ADDRESS]),
            ("10.0.0", vec![NO_ADDRESS], vec![NO_ADDRESS]),
            ("010.0.0.1", vec!["must not have leading 0s"], vec!["must not have leading 0s"]),
            (
                "::ffff:1.2.3.4",
                vec!["must not be an IPv4-mapped IPv6 address"],
                vec!["must not be an IPv4-mapped IPv6 address"],
            ),
            ("2001:DB8::1", vec![], vec!["must be in canonical form (\"2001:db8::1\")"]),
        ] {
            assert_eq!(found(text, |place, findings| place.address(&[], findings)), old, "{text}");
            assert_eq!(found(text, |place, findings| place.canonical_address(findings)), new, "{text}");
        }
    }

    #[test]
    fn ranges_are_read_as_upstream_reads_them() {
        for (text, wrong) in [
            ("10.0.0.0/8", vec![]),
            ("0.0.0.0/0", vec![]),
            ("::/0", vec![]),
            ("10.0.0.0/33", vec![NO_RANGE]),
            ("10.0.0.0", vec![NO_RANGE]),
            ("10.0.0.0/08", vec!["must not have leading 0s in IP or prefix length"]),
            ("10.0.0.1/8", vec!["must not have bits set beyond the prefix length"]),
        ] {
            assert_eq!(found(text, |place, findings| place.range(&[], findings)), wrong, "{text}");
        }
    }

    #[test]
    fn interfaces_have_addresses_in_their_networks() {
        for (text, wrong) in [
            ("10.9.8.7/24", ""),
            ("2001:db8::1/64", ""),
            ("10.9.8.7", "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"),
            ("010.9.8.7/24", "must be in canonical form (\"10.9.8.7/24\")"),
            ("::ffff:10.9.8.7/120", "must be in canonical form (\"10.9.8.7/24\")"),
        ] {
            assert_eq!(found(text, |place, findings| place.interface_address(findings)).join(""), wrong, "{text}");
        }
    }

    #[test]
    fn a_range_has_others_in_it() {
        let range = |text: &str| Range::parse(text).unwrap();
        assert!(range("10.0.0.0/8").contains(&range("10.1.0.0/16")));
        assert!(!range("10.1.0.0/16").contains(&range("10.0.0.0/8")));
        assert!(!range("10.0.0.0/8").contains(&range("11.0.0.0/16")));
    }
}
