//! The span that a caller names in `traceparent`, as the W3C has it.

use http::HeaderMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
    pub(super) sampled: bool,
}

impl Parent {
    /// Nothing for one that cannot be read: it is as good as none.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get("traceparent")?.to_str().ok()?;
        let mut parts = text.split('-');
        let [version, trace, span, flags] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        let [version] = bytes(version)?;
        // Later versions may have more parts; the first has none.
        if version == 0xff || (version == 0 && parts.next().is_some()) {
            return None;
        }
        let (trace, span, [flags]) = (bytes(trace)?, bytes(span)?, bytes(flags)?);
        let is_valid = trace != [0; 16] && span != [0; 8];
        is_valid.then_some(Self { trace, span, sampled: flags & 1 == 1 })
    }
}

/// Lower-case hexadecimal, of exactly this length.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() != 2 * N || !is_hex {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_parent_is_read_or_there_is_none() {
        const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
        let cases = [
            (format!("00-{TRACE}-b7ad6b7169203331-01"), Some(true)),
            (format!("00-{TRACE}-b7ad6b7169203331-00"), Some(false)),
            (format!("cc-{TRACE}-b7ad6b7169203331-01-what-the-future-brings"), Some(true)),
            (format!("00-{TRACE}-b7ad6b7169203331-01-more"), None),
            (format!("ff-{TRACE}-b7ad6b7169203331-01"), None),
            (format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()), None),
            (format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)), None),
            (format!("00-{TRACE}-0000000000000000-01"), None),
            (format!("00-{TRACE}-b7ad6b71692033-01"), None),
            ("nonsense".to_owned(), None),
        ];
        for (text, sampled) in cases {
            let headers =
                HeaderMap::from_iter([("traceparent".parse().unwrap(), HeaderValue::from_str(&text).unwrap())]);
            assert_eq!(Parent::of(&headers).map(|parent| parent.sampled), sampled, "{text}");
        }
    }
}
