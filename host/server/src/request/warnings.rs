//! What the client should know beside the answer: `Warning: 299` headers.

use http::HeaderValue;
use parking_lot::Mutex;

use crate::limits::{WARNING_CHARS_CUT, WARNING_CHARS_MAX, WARNINGS_MAX};

/// Collects warnings; repetitions count once.
#[derive(Debug, Default)]
pub struct Warnings(Mutex<Vec<String>>);

impl Warnings {
    pub fn add(&self, text: &str) {
        let mut warnings = self.0.lock();
        if text.is_empty() || warnings.len() == WARNINGS_MAX {
            return;
        }
        let end = text.char_indices().nth(WARNING_CHARS_MAX).map_or(text.len(), |(at, _)| at);
        let text = &text[..end];
        if !warnings.iter().any(|other| other == text) {
            warnings.push(text.to_owned());
        }
    }

    /// One header value for each, in their order.
    pub(crate) fn headers(&self) -> Vec<HeaderValue> {
        let warnings = self.0.lock();
        let total: usize = warnings.iter().map(|text| text.chars().count()).sum();
        if total <= WARNING_CHARS_MAX {
            return warnings.iter().filter_map(|text| header(text)).collect();
        }
        let mut left = WARNING_CHARS_MAX;
        let mut headers = Vec::new();
        for text in warnings.iter() {
            if left == 0 {
                break;
            }
            let cut: String = text.chars().take(WARNING_CHARS_CUT).collect();
            left = left.saturating_sub(cut.chars().count());
            headers.extend(header(&cut));
        }
        headers
    }
}

/// `299 - "text"`, with the text as a quoted string: control characters cannot be in one.
fn header(text: &str) -> Option<HeaderValue> {
    let mut value = String::with_capacity(text.len() + 8);
    value.push_str("299 - \"");
    for c in text.chars() {
        match c {
            '"' | '\\' => value.extend(['\\', c]),
            c if c.is_control() => return None,
            c => value.push(c),
        }
    }
    value.push('"');
    HeaderValue::from_bytes(value.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_quoted_and_count_once() {
        let warnings = Warnings::default();
        for text in ["unknown field \"spec.x\"", "", "b\\c", "unknown field \"spec.x\"", "bad\nline"] {
            warnings.add(text);
        }
        assert_eq!(warnings.headers(), ["299 - \"unknown field \\\"spec.x\\\"\"", "299 - \"b\\\\c\""]);
    }

    #[test]
    fn a_flood_of_warnings_is_bounded() {
        let warnings = Warnings::default();
        for n in 0..10 * WARNINGS_MAX {
            warnings.add(&format!("{n} {}", "ü".repeat(2 * WARNING_CHARS_MAX)));
        }
        let kept = warnings.0.lock();
        assert_eq!((kept.len(), kept[0].chars().count()), (WARNINGS_MAX, WARNING_CHARS_MAX));
    }

    #[test]
    fn too_many_characters_cut_each_warning() {
        let warnings = Warnings::default();
        for n in 0..40 {
            warnings.add(&format!("{n:02}{}", "x".repeat(300)));
        }
        let headers = warnings.headers();
        assert_eq!(headers.len(), 16);
        assert!(headers.iter().all(|header| header.len() == 256 + "299 - \"\"".len()));
    }
}
