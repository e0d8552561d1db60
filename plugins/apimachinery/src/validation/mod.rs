//! The rules that many kinds share: names, labels, metadata, numbers, addresses, quantities.
//! Owns upstream's wording for them; knows no particular kind.

pub mod labels;
pub mod metadata;
pub mod names;
pub mod network;
pub mod place;
mod repeats;
pub mod webhooks;

use std::fmt::Write;

/// `text` as Go's `%q` prints it, which is how values stand in messages.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            printable if is_printable(printable) => out.push(printable),
            control if (control as u32) < 0x80 => {
                let _ = write!(out, "\\x{:02x}", control as u32);
            }
            other if (other as u32) < 0x10000 => {
                let _ = write!(out, "\\u{:04x}", other as u32);
            }
            other => {
                let _ = write!(out, "\\U{:08x}", other as u32);
            }
        }
    }
    out.push('"');
    out
}

/// Go's `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII space.
pub fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    !character.is_control() && !character.is_whitespace() && character.escape_debug().count() == 1
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_as_go_does() {
        for (text, expected) in [
            ("", r#""""#),
            ("a b", r#""a b""#),
            ("it's \"so\"", r#""it's \"so\"""#),
            ("\\\n\t\0\u{7f}", r#""\\\n\t\x00\x7f""#),
            ("Grüße", r#""Grüße""#),
            ("\u{a0}\u{200b}", r#""\u00a0\u200b""#),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
