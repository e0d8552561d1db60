//! Names of images, as far as defaults depend on them.

const NAME_BYTES_MAX: usize = 255;
const TAG_BYTES_MAX: usize = 128;
const DIGEST_DIGITS_MIN: usize = 32;

/// Whether a name is of the image that moves: it has the tag `latest`, or neither a tag nor a digest.
/// What is no name of an image is of none.
pub(super) fn is_latest(image: &str) -> bool {
    let (rest, digest) = match image.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (image, None),
    };
    let slash = rest.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match rest[slash..].find(':') {
        Some(colon) => (&rest[..slash + colon], Some(&rest[slash + colon + 1..])),
        None => (rest, None),
    };
    let valid = is_name(name) && tag.is_none_or(is_tag) && digest.is_none_or(is_digest);
    valid && tag.map_or(digest.is_none(), |tag| tag == "latest")
}

/// A path, perhaps behind a registry's host.
fn is_name(name: &str) -> bool {
    let path = match name.split_once('/') {
        Some((host, path)) if host == "localhost" || host.contains(['.', ':']) || host != host.to_lowercase() => {
            if !is_host(host) {
                return false;
            }
            path
        }
        _ => name,
    };
    // That would be an image's identity.
    let is_identity = name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    !is_identity && path.len() <= NAME_BYTES_MAX && path.split('/').all(is_component)
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.rfind(':') {
        Some(colon) if !host.ends_with(']') => (&host[..colon], Some(&host[colon + 1..])),
        _ => (host, None),
    };
    let is_label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        inner && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_address = |address: &str| address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
    let named = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => !address.is_empty() && is_address(address),
        None => name.split('.').all(is_label),
    };
    named && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Small letters and digits, with separators between them: `.`, `_`, `__` or dashes.
fn is_component(component: &str) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let ends = [bytes.first(), bytes.last()].into_iter().all(|end| end.is_some_and(is_letter));
    ends && bytes
        .split(is_letter)
        .all(|separator| matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-'))
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= TAG_BYTES_MAX
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, digits)) = digest.split_once(':') else { return false };
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    algorithm.split(['-', '_', '+', '.']).all(is_part)
        && digits.len() >= DIGEST_DIGITS_MIN
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_without_a_fixed_tag_are_always_pulled() {
        let digest = format!("sha256:{}", "0".repeat(64));
        for (image, latest) in [
            ("a", true),
            ("a:1", false),
            ("a:latest", true),
            ("example.com:5000/a", true),
            ("example.com:5000/a:1", false),
            ("Example.com/a", true),
            ("[::1]:5000/a", true),
            ("a/b__c/d.e-f--g", true),
            (&format!("a@{digest}"), false),
            (&format!("a:1@{digest}"), false),
            (&format!("a:latest@{digest}"), true),
            // No names of images.
            ("", false),
            ("a@sha256:0", false),
            ("Capital", false),
            ("a..b", false),
            ("a/", false),
            ("not good", false),
            ("scheme://example.com/a", false),
            (&"0".repeat(64), false),
        ] {
            assert_eq!(is_latest(image), latest, "{image}");
        }
    }
}
