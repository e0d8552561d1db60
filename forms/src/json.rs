//! What Go writes otherwise in JSON than others do.

/// Escapes, in JSON that was written from a place on, what might mean something to a page or a script that it is put
/// into. These characters stand in strings alone.
pub fn escape_from(start: usize, json: &mut Vec<u8>) {
    // The line and paragraph separators, which JavaScript does not allow, begin with 0xe2.
    if !json[start..].iter().any(|byte| matches!(byte, b'<' | b'>' | b'&' | 0xe2)) {
        return;
    }
    let written = json.split_off(start);
    let mut at = 0;
    while let Some(byte) = written.get(at) {
        let (escaped, length): (&[u8], usize) = match byte {
            b'<' => (b"\\u003c", 1),
            b'>' => (b"\\u003e", 1),
            b'&' => (b"\\u0026", 1),
            0xe2 if written[at..].starts_with("\u{2028}".as_bytes()) => (b"\\u2028", 3),
            0xe2 if written[at..].starts_with("\u{2029}".as_bytes()) => (b"\\u2029", 3),
            byte => (std::slice::from_ref(byte), 1),
        };
        json.extend_from_slice(escaped);
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pages_and_scripts_misread_is_escaped() {
        let mut json = "<\"<é&\u{2027}\u{2028}\u{2029}>\"".as_bytes().to_vec();
        escape_from(1, &mut json);
        assert_eq!(std::str::from_utf8(&json), Ok("<\"\\u003cé\\u0026\u{2027}\\u2028\\u2029\\u003e\""));
    }
}
