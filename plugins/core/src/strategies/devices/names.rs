//! How drivers, pools, attributes and shares are named.

use apimachinery::tree::Value;
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

const DRIVER_BYTES_MAX: usize = 63;
const POOL_BYTES_MAX: usize = 253;
const IDENTIFIER_BYTES_MAX: usize = 32;
/// A domain, a slash and an identifier.
pub(super) const QUALIFIED_BYTES_MAX: usize = DRIVER_BYTES_MAX + 1 + IDENTIFIER_BYTES_MAX;
const UUID_BYTES: usize = 36;

/// As drivers of storage are named.
pub(super) fn driver(name: &Place<'_, '_>, findings: &mut Findings) {
    if name.is_empty() {
        return name.required("", findings);
    }
    if name.text().len() > DRIVER_BYTES_MAX {
        name.too_long(DRIVER_BYTES_MAX, findings);
    }
    name.shaped(|name| names::dns1123_subdomain(&name.to_lowercase()), findings);
}

pub(super) fn pool(name: &Place<'_, '_>, findings: &mut Findings) {
    if name.is_empty() {
        return name.required("", findings);
    }
    if name.text().len() > POOL_BYTES_MAX {
        name.too_long(POOL_BYTES_MAX, findings);
    }
    for part in name.text().split('/') {
        name.with(&part.into()).shaped(names::dns1123_subdomain, findings);
    }
}

/// Of an attribute that several drivers may have.
pub(super) fn fully_qualified(name: &Place<'_, '_>, findings: &mut Findings) {
    qualified(name, findings);
    if !name.text().contains('/') {
        name.invalid("a fully qualified name must be a domain and a name separated by a slash", findings);
    }
}

/// Of an attribute or an amount, with its driver's domain or without. What has more than one slash
/// is anything, as upstream has it.
pub(super) fn qualified(name: &Place<'_, '_>, findings: &mut Findings) {
    match name.text().split('/').collect::<Vec<_>>()[..] {
        [own] => identifier(&name.with(&own.into()), findings),
        [domain, own] => {
            match domain {
                "" => name.invalid_as(&"".into(), "the domain must not be empty", findings),
                domain => driver(&name.with(&domain.into()), findings),
            }
            match own {
                "" => name.invalid_as(&"".into(), "the name must not be empty", findings),
                own => identifier(&name.with(&own.into()), findings),
            }
        }
        _ => {}
    }
}

fn identifier(name: &Place<'_, '_>, findings: &mut Findings) {
    if name.text().len() > IDENTIFIER_BYTES_MAX {
        name.too_long(IDENTIFIER_BYTES_MAX, findings);
    }
    let starts = name.text().starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !starts || !name.text().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        let why = "a valid C identifier must start with alphabetic character or '_', followed by a string of \
                   alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for \
                   validation is '[A-Za-z_][A-Za-z0-9_]*')";
        name.invalid(why, findings);
    }
}

/// Of a share of a device: a UUID in the usual form.
pub(super) fn share(id: &Place<'_, '_>, findings: &mut Findings) {
    if !id.is_given() {
        return;
    }
    let text = id.text();
    if let Err(why) = uuid(text) {
        id.invalid(format!("error validating uid: {why}"), findings);
    } else if text.len() != UUID_BYTES || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let why = "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase \
                   hexadecimal characters";
        id.invalid(why, findings);
    }
}

/// In each form that upstream's library knows: plain, in braces, without dashes, as a URN.
fn uuid(text: &str) -> Result<(), String> {
    const URN: &str = "urn:uuid:";
    const FORMAT: &str = "invalid UUID format";
    let bytes = text.as_bytes();
    let plain = match bytes.len() {
        32 => return if bytes.iter().all(u8::is_ascii_hexdigit) { Ok(()) } else { Err(FORMAT.into()) },
        UUID_BYTES => bytes,
        38 if bytes[0] == b'{' && bytes[37] == b'}' => &bytes[1..37],
        38 => return Err("invalid bracketed UUID format".into()),
        45 if bytes[..9].eq_ignore_ascii_case(URN.as_bytes()) => &bytes[9..],
        45 => return Err(format!("invalid urn prefix: \"{}\"", String::from_utf8_lossy(&bytes[..9]))),
        length => return Err(format!("invalid UUID length: {length}")),
    };
    let is_right = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    if plain.iter().enumerate().all(is_right) { Ok(()) } else { Err(FORMAT.into()) }
}

/// A name that is too long to be told whole, without its middle.
pub(super) fn shortened(name: &str, bytes_max: usize) -> String {
    const DOTS: &str = "...";
    if name.len() <= bytes_max {
        return name.to_string();
    }
    let kept = bytes_max - DOTS.len();
    let (start, end) = (name.floor_char_boundary(kept.div_ceil(2)), name.ceil_char_boundary(name.len() - kept / 2));
    format!("{}{DOTS}{}", &name[..start], &name[end..])
}

/// The members of a map, whose keys are checked where the map is.
pub(super) fn each_entry(
    map: &Place<'_, '_>,
    key_bytes_max: usize,
    key: impl Fn(&Place<'_, '_>, &mut Findings),
    each: impl Fn(&Place<'_, '_>, &mut Findings),
    findings: &mut Findings,
) {
    for (name, entry) in map.entries() {
        key(&map.with(&Value::from(name)), findings);
        each(&map.entry(&shortened(name, key_bytes_max)).with(entry.value()), findings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_a_uuid_in_its_usual_form() {
        let found = |text: &str| {
            let (value, mut findings) = (Value::from(text), Vec::new());
            share(&Place::named("id", &value), &mut findings);
            findings.pop().map(|finding| finding.detail.split(',').next().unwrap_or_default().to_string())
        };
        let id = "a0b1c2d3-e4f5-4678-9abc-def012345678";
        assert_eq!(found(id), None);
        for (text, why) in [
            (id.to_uppercase(), "uid must be in RFC 4122 normalized form"),
            (id.replace('-', ""), "uid must be in RFC 4122 normalized form"),
            (format!("{{{id}}}"), "uid must be in RFC 4122 normalized form"),
            (format!("urn:uuid:{id}"), "uid must be in RFC 4122 normalized form"),
            (id.replace('a', "x"), "error validating uid: invalid UUID format"),
            (format!("({id})"), "error validating uid: invalid bracketed UUID format"),
            (format!("urn-uuid:{id}"), "error validating uid: invalid urn prefix: \"urn-uuid:\""),
            ("x".into(), "error validating uid: invalid UUID length: 1"),
        ] {
            assert_eq!(found(&text).as_deref(), Some(why), "{text}");
        }
    }

    #[test]
    fn long_names_lose_their_middle() {
        assert_eq!(shortened("abc", 16), "abc");
        assert_eq!(shortened("abcdefghijklmnopqrst", 16), "abcdefg...opqrst");
    }

    #[test]
    fn attributes_have_a_domain_and_an_identifier() {
        for (name, count) in
            [("a", 0), ("a.com/b", 0), ("/b", 1), ("a.com/", 1), ("/", 2), ("A b/1", 2), ("a/b/c", 0), ("", 1)]
        {
            let (value, mut findings) = (Value::from(name), Vec::new());
            qualified(&Place::named("n", &value), &mut findings);
            assert_eq!(findings.len(), count, "{name}: {findings:?}");
        }
    }
}
