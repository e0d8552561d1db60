//! Functions that Kubernetes adds: addresses, quantities, URLs, formats and versions.

use std::net::IpAddr;
use std::rc::Rc;

use super::eval::{Failure, Outcome};
use super::value::{Semver, Url, Val};
use crate::codec::quantity::Quantity;
use crate::schema::validate::formats;
use crate::validation::names;

const NANOS: i128 = 1_000_000_000;

pub(super) fn call<'a>(name: &str, member: bool, args: &[Val<'a>]) -> Option<Outcome<'a>> {
    if let Some(format) = name.strip_prefix("format.") {
        return Some(Ok(match (format, args) {
            ("named", [Val::Text(name)]) => {
                format_named(name).map_or(Val::Optional(None), |name| Val::some(Val::Format(name)))
            }
            _ => Val::Format(format_named(format)?),
        }));
    }
    match args.first()? {
        Val::Text(text) if !member => of_text(name, text, args.get(1)),
        Val::Url(url) => url_part(name, url),
        Val::Quantity(amount) => quantity(name, *amount, args.get(1)),
        Val::Ip(ip) => address(name, *ip).map(Ok),
        Val::Cidr(ip, bits) => range(name, *ip, *bits, args.get(1)),
        Val::Semver(version) => semver(name, version, args.get(1)),
        Val::Format(format) if name == "validate" => {
            let Some(Val::Text(text)) = args.get(1) else { return None };
            let found = violations(format, text);
            Some(Ok(match found.is_empty() {
                true => Val::Optional(None),
                false => Val::some(Val::list(found.into_iter().map(Val::text).collect())),
            }))
        }
        _ => None,
    }
}

/// What is made of a text, or asked of it.
fn of_text<'a>(name: &str, text: &str, option: Option<&Val<'a>>) -> Option<Outcome<'a>> {
    let lenient = matches!(option, Some(Val::Bool(true)));
    let made = match name {
        "isURL" | "url" => parse_url(text).map(|url| Val::Url(Rc::new(url))),
        "isQuantity" | "quantity" => {
            Quantity::parse(text).map(|amount| Val::Quantity(amount.nanos())).map_err(str::to_string)
        }
        "isIP" | "ip" | "ip.isCanonical" => parse_ip(text).map(Val::Ip),
        "isCIDR" | "cidr" => parse_cidr(text).map(|(ip, bits)| Val::Cidr(ip, bits)),
        "isSemver" | "semver" => parse_semver(text, lenient).map(|version| Val::Semver(Rc::new(version))),
        _ => return None,
    };
    Some(match name {
        "ip.isCanonical" => made.map_err(Failure::new).map(|ip| match ip {
            Val::Ip(ip) => Val::Bool(ip.to_string() == text),
            other => other,
        }),
        _ if name.starts_with("is") => Ok(Val::Bool(made.is_ok())),
        _ => made.map_err(Failure::new),
    })
}

fn parse_url(text: &str) -> Result<Url, String> {
    let wrong = || format!("URL parse error during conversion from string: parse \"{text}\": invalid URI for request");
    if !formats::holds("uri", text) {
        return Err(wrong());
    }
    let (main, query) = text.split_once('?').unwrap_or((text, ""));
    let (scheme, rest) = main.split_once(':').filter(|(scheme, _)| !scheme.contains('/')).unwrap_or(("", main));
    let (host, path) = match rest.strip_prefix("//") {
        Some(rest) => match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        },
        None => ("", rest),
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_string());
    Ok(Url { scheme, host, path: path.to_string(), query: query.to_string() })
}

fn url_part<'a>(name: &str, url: &Url) -> Option<Outcome<'a>> {
    let (host, port) = match url.host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (url.host.as_str(), ""),
    };
    let text = match name {
        "getScheme" => &url.scheme,
        "getHost" => &url.host,
        "getHostname" => host.trim_start_matches('[').trim_end_matches(']'),
        "getPort" => port,
        "getEscapedPath" => &url.path,
        "getQuery" => {
            let mut query: Vec<(String, Vec<Val<'a>>)> = Vec::new();
            for (key, value) in form_urlencoded::parse(url.query.as_bytes()) {
                let value = Val::text(value.into_owned());
                match query.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, values)) => values.push(value),
                    None => query.push((key.into_owned(), vec![value])),
                }
            }
            let entries = query.into_iter().map(|(key, values)| (Val::text(key), Val::list(values)));
            return Some(Ok(Val::Map(Rc::new(entries.collect()))));
        }
        _ => return None,
    };
    Some(Ok(Val::text(text.to_string())))
}

fn quantity<'a>(name: &str, amount: i128, other: Option<&Val<'a>>) -> Option<Outcome<'a>> {
    let other = match other {
        Some(Val::Quantity(other)) => *other,
        Some(Val::Int(number)) => i128::from(*number) * NANOS,
        _ => 0,
    };
    let whole = (amount % NANOS == 0).then(|| i64::try_from(amount / NANOS).ok()).flatten();
    Some(Ok(match name {
        "sign" => Val::Int(amount.signum() as i64),
        "isGreaterThan" => Val::Bool(amount > other),
        "isLessThan" => Val::Bool(amount < other),
        "compareTo" => Val::Int(amount.cmp(&other) as i64),
        "asApproximateFloat" => Val::Double(amount as f64 / NANOS as f64),
        "isInteger" => Val::Bool(whole.is_some()),
        "asInteger" => return Some(whole.map(Val::Int).ok_or_else(|| Failure::new("cannot convert value to integer"))),
        "add" => Val::Quantity(amount.saturating_add(other)),
        "sub" => Val::Quantity(amount.saturating_sub(other)),
        _ => return None,
    }))
}

fn parse_ip(text: &str) -> Result<IpAddr, String> {
    let ip: IpAddr = text.parse().map_err(|_| {
        format!(
            "IP Address '{text}' parse error during conversion from string: ParseAddr(\"{text}\"): unable to parse IP"
        )
    })?;
    match ip {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => {
            Err(format!("IPv4-mapped IPv6 address {} is not allowed", crate::validation::quoted(text)))
        }
        _ => Ok(ip),
    }
}

fn parse_cidr(text: &str) -> Result<(IpAddr, u8), String> {
    let wrong =
        || format!("network address parse error during conversion from string: netip.ParsePrefix(\"{text}\"): no '/'");
    let (ip, bits) = text.split_once('/').ok_or_else(wrong)?;
    let ip = parse_ip(ip).map_err(|_| wrong())?;
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let canonical = bits == "0" || !bits.starts_with(['0', '+']);
    match bits.parse() {
        Ok(bits) if canonical && bits <= most => Ok((ip, bits)),
        _ => Err(wrong()),
    }
}

fn address<'a>(name: &str, ip: IpAddr) -> Option<Val<'a>> {
    let local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.segments()[0] & 0xffc0 == 0xfe80,
    };
    let local_multicast = match ip {
        IpAddr::V4(ip) => ip.octets()[..3] == [224, 0, 0],
        IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
    };
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    Some(match name {
        "family" => Val::Int(if ip.is_ipv4() { 4 } else { 6 }),
        "isUnspecified" => Val::Bool(ip.is_unspecified()),
        "isLoopback" => Val::Bool(ip.is_loopback()),
        "isLinkLocalMulticast" => Val::Bool(local_multicast),
        "isLinkLocalUnicast" => Val::Bool(local),
        "isGlobalUnicast" => {
            Val::Bool(!(ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || local || broadcast))
        }
        _ => return None,
    })
}

/// The address as a number, its most significant bit first, and how many bits it has.
fn bits_of(ip: IpAddr) -> (u128, u32) {
    match ip {
        IpAddr::V4(ip) => (u128::from(ip.to_bits()) << 96, 32),
        IpAddr::V6(ip) => (ip.to_bits(), 128),
    }
}

fn within(ip: IpAddr, range: IpAddr, bits: u8) -> bool {
    let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
    ip.is_ipv4() == range.is_ipv4() && bits_of(ip).0 & mask == bits_of(range).0 & mask
}

fn range<'a>(name: &str, ip: IpAddr, bits: u8, other: Option<&Val<'a>>) -> Option<Outcome<'a>> {
    let other_ip = |other: &Val<'a>| match other {
        Val::Ip(ip) => Ok(*ip),
        Val::Text(text) => parse_ip(text),
        _ => Err(String::new()),
    };
    let other_range = |other: &Val<'a>| match other {
        Val::Cidr(ip, bits) => Ok((*ip, *bits)),
        Val::Text(text) => parse_cidr(text),
        _ => Err(String::new()),
    };
    Some(match name {
        "containsIP" => other_ip(other?).map(|other| Val::Bool(within(other, ip, bits))).map_err(Failure::new),
        "containsCIDR" => other_range(other?)
            .map(|(other, length)| Val::Bool(length >= bits && within(other, ip, bits)))
            .map_err(Failure::new),
        "ip" => Ok(Val::Ip(ip)),
        "prefixLength" => Ok(Val::Int(bits.into())),
        "masked" => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            let first = bits_of(ip).0 & mask;
            Ok(Val::Cidr(
                match ip {
                    IpAddr::V4(_) => IpAddr::V4(((first >> 96) as u32).into()),
                    IpAddr::V6(_) => IpAddr::V6(first.into()),
                },
                bits,
            ))
        }
        _ => return None,
    })
}

fn parse_semver(text: &str, lenient: bool) -> Result<Semver, String> {
    let mut text = text;
    if lenient {
        text = text.strip_prefix('v').unwrap_or(text);
    }
    let (main, _build) = text.split_once('+').unwrap_or((text, ""));
    let (main, pre) = main.split_once('-').map_or((main, None), |(main, pre)| (main, Some(pre)));
    let mut parts: Vec<&str> = main.split('.').collect();
    if lenient {
        parts.resize(parts.len().max(3), "0");
    }
    let [major, minor, patch] = parts.as_slice() else {
        return Err("No Major.Minor.Patch elements found".to_string());
    };
    let number = |text: &str| {
        let text = if lenient { text.trim_start_matches('0') } else { text };
        let text = if text.is_empty() && lenient { "0" } else { text };
        if text.len() > 1 && text.starts_with('0') {
            return Err(format!("Version number must not contain leading zeroes \"{text}\""));
        }
        text.parse::<u32>()
            .map(i64::from)
            .map_err(|_| format!("Invalid character(s) found in version number \"{text}\""))
    };
    let pre: Vec<String> = pre.into_iter().flat_map(|pre| pre.split('.')).map(String::from).collect();
    if pre.iter().any(|part| part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
    {
        return Err("Prerelease is empty or has invalid characters".to_string());
    }
    Ok(Semver { numbers: [number(major)?, number(minor)?, number(patch)?], pre })
}

fn semver<'a>(name: &str, version: &Rc<Semver>, other: Option<&Val<'a>>) -> Option<Outcome<'a>> {
    let order = || Val::Semver(version.clone()).compare(other?);
    Some(Ok(match name {
        "major" => Val::Int(version.numbers[0]),
        "minor" => Val::Int(version.numbers[1]),
        "patch" => Val::Int(version.numbers[2]),
        "isGreaterThan" => Val::Bool(order()?.is_gt()),
        "isLessThan" => Val::Bool(order()?.is_lt()),
        "compareTo" => Val::Int(order()? as i64),
        _ => return None,
    }))
}

fn format_named(name: &str) -> Option<&'static str> {
    const NAMES: [&str; 13] = [
        "dns1123Label",
        "dns1123Subdomain",
        "dns1035Label",
        "qualifiedName",
        "dns1123LabelPrefix",
        "dns1123SubdomainPrefix",
        "dns1035LabelPrefix",
        "labelValue",
        "uri",
        "uuid",
        "byte",
        "date",
        "datetime",
    ];
    NAMES.into_iter().find(|known| *known == name)
}

fn violations(format: &str, text: &str) -> Vec<String> {
    let held = |name: &str, why: &str| match formats::holds(name, text) {
        true => Vec::new(),
        false => vec![why.to_string()],
    };
    let prefix = |check: fn(&str) -> Vec<String>| check(&format!("{}a", text.trim_end_matches('-')));
    match format {
        "dns1123Label" => names::dns1123_label(text),
        "dns1123Subdomain" => names::dns1123_subdomain(text),
        "dns1035Label" => names::dns1035_label(text),
        "qualifiedName" => names::qualified_name(text),
        "dns1123LabelPrefix" => prefix(names::dns1123_label),
        "dns1123SubdomainPrefix" => prefix(names::dns1123_subdomain),
        "dns1035LabelPrefix" => prefix(names::dns1035_label),
        "labelValue" => names::label_value(text),
        "uri" => held("uri", "invalid URI for request"),
        "uuid" => held("uuid", "does not match the UUID format"),
        "byte" => held("byte", "invalid base64"),
        "date" => held("date", "invalid date"),
        _ => held("date-time", "invalid datetime"),
    }
}
