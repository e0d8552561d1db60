//! `format` of strings: what each name that upstream knows demands.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use regex::Regex;

/// Whether a schema's format is checked. All others mean nothing.
pub fn is_known(format: &str) -> bool {
    check_of(format).is_some()
}

/// Whether `text` has the format; a format that is not known always holds.
pub fn holds(format: &str, text: &str) -> bool {
    check_of(format).is_none_or(|check| check(text))
}

fn check_of(format: &str) -> Option<fn(&str) -> bool> {
    Some(match format.replace('-', "").as_str() {
        "bsonobjectid" => |text| text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "uri" => is_request_uri,
        "email" => is_email,
        "hostname" => is_hostname,
        "ipv4" => |text| is_ipv4(text) || (text.contains('.') && text.parse::<Ipv6Addr>().is_ok()),
        "ipv6" => |text| text.contains(':') && text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr,
        "mac" => is_mac,
        "uuid" => |text| is_uuid(text, None, false),
        "uuid3" => |text| is_uuid(text, Some(b'3'), false),
        "uuid4" => |text| is_uuid(text, Some(b'4'), true),
        "uuid5" => |text| is_uuid(text, Some(b'5'), true),
        "isbn" => |text| is_isbn10(text) || is_isbn13(text),
        "isbn10" => is_isbn10,
        "isbn13" => is_isbn13,
        "creditcard" => is_credit_card,
        "ssn" => is_ssn,
        "hexcolor" => is_hex_color,
        "rgbcolor" => is_rgb_color,
        "byte" => is_base64,
        "password" => |_| true,
        "date" => is_date,
        "duration" => is_duration,
        "datetime" => is_date_time,
        "k8sshortname" => |text| text.len() <= 63 && is_label(text),
        "k8slongname" => |text| text.len() <= 253 && text.split('.').all(is_label),
        _ => return None,
    })
}

/// What Go's `url.ParseRequestURI` accepts: an absolute path or a URI with a scheme.
fn is_request_uri(text: &str) -> bool {
    if text.is_empty() || text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return false;
    }
    let escapes_hold = |part: &str| {
        part.split('%').skip(1).all(|rest| {
            rest.len() >= 2 && rest.is_char_boundary(2) && rest[..2].bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    if text == "*" {
        return true;
    }
    let rest = match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => rest,
        Some(("", _)) => return false,
        _ if text.starts_with('/') => text,
        _ => return false,
    };
    let rest = rest.split('?').next().unwrap_or_default();
    let Some(authority_and_path) = rest.strip_prefix("//") else {
        return escapes_hold(rest);
    };
    let split = authority_and_path.find('/').unwrap_or(authority_and_path.len());
    let (authority, path) = authority_and_path.split_at(split);
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (name, port) = match host.strip_prefix('[') {
        Some(bracketed) => match bracketed.split_once(']') {
            Some((name, port)) => (name, port),
            None => return false,
        },
        None => host.rfind(':').map_or((host, ""), |colon| host.split_at(colon)),
    };
    let port_holds =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    let name_holds = !name.contains([' ', '"', '<', '>', '\\', '^', '`', '{', '|', '}']);
    port_holds && name_holds && escapes_hold(path)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// `a@b`, with or without a display name.
fn is_email(text: &str) -> bool {
    let text = text.trim();
    let address = match (text.strip_suffix('>'), text.rfind('<')) {
        (Some(bracketed), Some(start)) => &bracketed[start + 1..],
        _ => text,
    };
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let atom = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|char| char.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(char) || !char.is_ascii())
    };
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let literal = domain.starts_with('[') && domain.ends_with(']');
    (quoted || local.split('.').all(atom)) && (literal || domain.split('.').all(atom))
}

fn is_hostname(text: &str) -> bool {
    static SHAPE: OnceLock<Option<Regex>> = OnceLock::new();
    let shape = SHAPE.get_or_init(|| {
        const CHAR: &str = r"a-zA-Z0-9\p{S}\p{L}";
        let single = format!(r"[{CHAR}]((-?[{CHAR}]{{0,62}})?)");
        let qualified = format!(r"([{CHAR}](([{CHAR}\-]{{0,61}}[{CHAR}])?)(\.))+([a-zA-Z\p{{L}}]){{2,63}}");
        Regex::new(&format!("^({single}|{qualified})$")).ok()
    });
    text.len() <= 255
        && text.split('.').all(|label| label.len() <= 63)
        && shape.as_ref().is_some_and(|shape| shape.is_match(text))
}

/// Leading zeros are tolerated, as old Go did.
fn is_ipv4(text: &str) -> bool {
    let number =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) && part.parse::<u8>().is_ok();
    text.parse::<Ipv4Addr>().is_ok() || (text.split('.').count() == 4 && text.split('.').all(number))
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let most = match (is_ipv4(address), address.parse::<Ipv6Addr>()) {
        (true, _) => 32,
        (false, Ok(_)) => 128,
        _ => return false,
    };
    bits.bytes().all(|byte| byte.is_ascii_digit()) && bits.parse::<u32>().is_ok_and(|bits| bits <= most)
}

/// 6, 8 or 20 bytes, as pairs with `:` or `-` or as fours with `.`.
fn is_mac(text: &str) -> bool {
    let groups = |separator: char, width: usize| {
        let mut count = 0;
        let holds = text.split(separator).all(|group| {
            count += 1;
            group.len() == width && group.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        holds && matches!(count * width / 2, 6 | 8 | 20)
    };
    groups(':', 2) || groups('-', 2) || groups('.', 4)
}

/// 32 digits with optional dashes; `version` and `variant` as RFC 4122 has them.
fn is_uuid(text: &str, version: Option<u8>, variant: bool) -> bool {
    let mut rest = text.as_bytes();
    for (index, width) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0 && rest.first() == Some(&b'-') {
            rest = &rest[1..];
        }
        let Some((group, after)) = rest.split_at_checked(width) else { return false };
        let digit = group[0].to_ascii_lowercase();
        let first_holds = match index {
            2 => version.is_none_or(|version| version == digit),
            3 => !variant || b"89ab".contains(&digit),
            _ => true,
        };
        if !first_holds || !group.iter().all(u8::is_ascii_hexdigit) {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

fn is_isbn10(text: &str) -> bool {
    let digits: Vec<u8> = text.bytes().filter(|byte| !b"- ".contains(byte)).collect();
    let shape = digits.len() == 10
        && digits[..9].iter().all(u8::is_ascii_digit)
        && (digits[9].is_ascii_digit() || digits[9] == b'X');
    let value = |digit: &u8| if *digit == b'X' { 10 } else { u32::from(digit - b'0') };
    shape && digits.iter().zip(1..).map(|(digit, weight)| weight * value(digit)).sum::<u32>() % 11 == 0
}

fn is_isbn13(text: &str) -> bool {
    let digits: Vec<u8> = text.bytes().filter(|byte| !b"- ".contains(byte)).collect();
    let shape = digits.len() == 13 && digits.iter().all(u8::is_ascii_digit);
    let weights = [1, 3].into_iter().cycle();
    shape && digits.iter().zip(weights).map(|(digit, weight)| weight * u32::from(digit - b'0')).sum::<u32>() % 10 == 0
}

/// A known issuer's number of digits and a Luhn checksum.
fn is_credit_card(text: &str) -> bool {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect();
    let number = digits.iter().map(|digit| char::from(digit + b'0')).collect::<String>();
    let in_range = |length: usize, low: u32, high: u32| {
        let width = low.to_string().len();
        digits.len() == length && number[..width].parse::<u32>().is_ok_and(|prefix| (low..=high).contains(&prefix))
    };
    let issued = in_range(13, 4, 4)
        || in_range(16, 4, 4)
        || in_range(16, 51, 55)
        || in_range(16, 6011, 6011)
        || in_range(15, 650, 659)
        || in_range(15, 34, 34)
        || in_range(15, 37, 37)
        || in_range(14, 300, 305)
        || in_range(14, 36, 36)
        || in_range(14, 38, 38)
        || in_range(15, 2131, 2131)
        || in_range(15, 1800, 1800)
        || in_range(16, 35, 35);
    let doubled = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(i, d)| u32::from(if i % 2 == 1 { doubled(*d) } else { *d })).sum();
    issued && sum.is_multiple_of(10)
}

fn is_ssn(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let rest = text.trim_start_matches(|char: char| char.is_ascii_digit());
    let (first, rest) = (text.len() - rest.len(), rest.strip_prefix(['-', ' ']).unwrap_or(rest));
    let last = rest.trim_start_matches(|char: char| char.is_ascii_digit());
    let middle = rest.len() - last.len();
    digits == 9 && matches!((first, middle, last.len()), (3, 2, 5) | (3, 6, 0) | (5, 4, 0) | (9, 0, 0))
}

fn is_hex_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or(text);
    matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_rgb_color(text: &str) -> bool {
    let Some(inside) = text.strip_prefix("rgb(").and_then(|text| text.strip_suffix(')')) else { return false };
    let part = |part: &str| {
        let part = part.trim();
        part.bytes().all(|byte| byte.is_ascii_digit()) && part.parse::<u8>().is_ok_and(|n| n.to_string() == part)
    };
    inside.split(',').count() == 3 && inside.split(',').all(part)
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    !digits.is_empty()
        && padding <= 2
        && text.len().is_multiple_of(4)
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte))
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = bytes.len() == 10
        && bytes.iter().enumerate().all(|(i, b)| if matches!(i, 4 | 7) { *b == b'-' } else { b.is_ascii_digit() });
    if !shape {
        return false;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<u32>().unwrap_or_default();
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// RFC 3339, with any character before the fraction, as upstream's expression has it.
fn is_date_time(text: &str) -> bool {
    static TIME: OnceLock<Option<Regex>> = OnceLock::new();
    let time =
        TIME.get_or_init(|| Regex::new("^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$").ok());
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(clock)) = (parts.next(), parts.next()) else { return false };
    let Some(captures) = time.as_ref().and_then(|time| time.captures(clock)) else { return false };
    is_date(date) && &captures[1] <= "23" && &captures[2] <= "59" && &captures[3] <= "59"
}

/// Go's durations (`1h30m`), or numbers with spelled-out units (`2 days`).
fn is_duration(text: &str) -> bool {
    is_go_duration(text) || is_worded_duration(text)
}

fn is_go_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|char: char| char.is_ascii_digit() || char == '.');
        let number = &rest[..rest.len() - unit.len()];
        if !number.bytes().any(|byte| byte.is_ascii_digit()) || number.matches('.').count() > 1 {
            return false;
        }
        const UNITS: [&str; 8] = ["ns", "us", "\u{b5}s", "\u{3bc}s", "ms", "s", "m", "h"];
        let Some(length) = UNITS.iter().filter(|known| unit.starts_with(**known)).map(|known| known.len()).max() else {
            return false;
        };
        rest = &unit[length..];
    }
    true
}

fn is_worded_duration(text: &str) -> bool {
    static PART: OnceLock<Option<Regex>> = OnceLock::new();
    let part = PART.get_or_init(|| Regex::new("([0-9]+)[ \t\n\r\u{c}]*([A-Za-z\u{b5}]+)").ok());
    const EXACT: [&str; 12] = ["ns", "us", "\u{b5}s", "ms", "s", "m", "h", "hr", "d", "w", "wk", "min"];
    const BEGINS: [&str; 8] = ["nano", "micro", "milli", "sec", "min", "hour", "day", "week"];
    part.as_ref().is_some_and(|part| {
        part.captures_iter(text).any(|captures| {
            let unit = captures[2].to_lowercase();
            EXACT.contains(&unit.as_str()) || BEGINS.iter().any(|begin| unit.starts_with(begin))
        })
    })
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !text.is_empty()
        && text.bytes().all(|byte| inner(byte) || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_hold_as_upstream_has_them() {
        for (format, good, bad) in [
            (
                "date-time",
                &["2014-12-15T19:30:20.000Z", "2014-12-15t19:30:20+01:00"][..],
                &["yesterday", "2014-12-15", "2014-13-15T19:30:20Z"][..],
            ),
            ("date", &["2024-02-29"], &["2023-02-29", "2024-2-9", "2024-02-29T00:00:00Z"]),
            ("duration", &["1h30m", "0", "2 days", "1.5s", "10 sec"], &["", "x", "10", "5 foo"]),
            ("ipv4", &["10.0.0.1", "010.0.0.1"], &["10.0.0", "::1", "256.0.0.1"]),
            ("ipv6", &["::1", "fe80::1"], &["10.0.0.1", "fe80::g"]),
            ("cidr", &["10.0.0.0/8", "fd00::/64"], &["10.0.0.0", "10.0.0.0/33", "x/8"]),
            ("mac", &["01:23:45:67:89:ab", "0123.4567.89ab"], &["01:23:45:67:89", "01:23:45:67:89:zz"]),
            ("uuid", &["123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000"], &["123e4567"]),
            ("uuid4", &["123e4567-e89b-42d3-a456-426614174000"], &["123e4567-e89b-12d3-a456-426614174000"]),
            (
                "uri",
                &["https://example.com/a?b=c", "/a/b", "mailto:x@y"],
                &["", "a b", "example.com", "http://[::1", "http://x/%zz"],
            ),
            ("email", &["a@b.example", "A <a@b.example>"], &["a", "a@", "@b"]),
            ("hostname", &["a", "example.com", "x-1.example.org"], &["", "-a", "a..b", "a_b"]),
            ("byte", &["YQ==", "YWJj"], &["", "YQ=", "Y Q="]),
            ("isbn10", &["0321751043"], &["0321751044"]),
            ("isbn13", &["978-0321751041"], &["978-0321751042"]),
            ("creditcard", &["4111-1111-1111-1111"], &["4111-1111-1111-1112"]),
            ("ssn", &["111-11-1111", "111111111"], &["11-111-1111", "111-11-11111"]),
            ("hexcolor", &["#FFFFFF", "abc"], &["#FFFF", "#GGG"]),
            ("rgbcolor", &["rgb(255,0, 1)"], &["rgb(256,0,0)", "rgb(1,2)"]),
            ("k8s-short-name", &["a-b"], &["A", "-a", "a.b"]),
            ("k8s-long-name", &["a-b.c"], &["a..b", "a."]),
        ] {
            for text in good {
                assert!(holds(format, text), "{text} is a {format}");
            }
            for text in bad {
                assert!(!holds(format, text), "{text} is no {format}");
            }
        }
        assert!(!is_known("made-up") && holds("made-up", "x"));
    }
}
