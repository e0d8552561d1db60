//! Whether the file of a component has been written to its end.

/// Whether these bytes are a component's header and sections, and the last section is complete.
/// What is in the sections is the compiler's to judge.
pub fn is_whole(bytes: &[u8]) -> bool {
    // The magic number, a version, and that this is a component rather than a module.
    let [b'\0', b'a', b's', b'm', _, _, 1, 0, rest @ ..] = bytes else { return false };
    let mut rest = rest;
    while let Some((_id, after)) = rest.split_first() {
        match section(after) {
            Some(next) => rest = next,
            None => return false,
        }
    }
    true
}

/// What is behind a section, given what is behind its id.
fn section(bytes: &[u8]) -> Option<&[u8]> {
    let mut length: u64 = 0;
    // A LEB128 of 32 bits has at most five bytes.
    for (at, byte) in bytes.iter().enumerate().take(5) {
        length |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return bytes.get(at + 1 + usize::try_from(length).ok()?..);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_whole_at_the_ends_of_its_sections_only() {
        let long = "x".repeat(300);
        let text =
            format!(r#"(component (import "{long}" (func)) (core module (func (export "f"))) (@custom "a" "b"))"#);
        let bytes = wat::parse_str(&text).expect("it is a component");
        assert!(is_whole(&bytes));
        let whole: Vec<usize> = (0..bytes.len()).filter(|&end| is_whole(&bytes[..end])).collect();
        // Behind the header, and behind each section but the last.
        assert!(whole.contains(&8) && whole.len() >= 3, "{whole:?}");
        assert!(whole.len() < bytes.len() / 20, "{whole:?} of {}", bytes.len());
    }

    #[test]
    fn what_is_no_component_is_not_whole() {
        let module = wat::parse_str("(module)").expect("it is a module");
        for bytes in [
            &b""[..],
            b"\0asm",
            b"some text that is long enough",
            &module,
            b"\0asm\x0d\0\x01\0\0\xff\xff\xff\xff\xff\x01",
        ] {
            assert!(!is_whole(bytes), "{bytes:?}");
        }
    }
}
