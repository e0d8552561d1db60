//! Says what is wrong with a JSON text as Go's parser does: clients and their tests match on
//! the words. Runs only when reading has failed.

use crate::codec::DEPTH_MAX;

/// The first error of a text that could not be read.
pub(super) fn error(text: &[u8]) -> String {
    first(text).unwrap_or_else(|| "invalid JSON".into())
}

fn first(text: &[u8]) -> Option<String> {
    let mut scanner = Scanner { text, at: 0, open: Vec::new() };
    scanner.document().err()
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    /// The objects and lists that are open.
    open: Vec<Open>,
}

#[derive(Clone, Copy, PartialEq)]
enum Open {
    Object,
    List,
}

type Scan = Result<(), String>;

impl Scanner<'_> {
    fn document(&mut self) -> Scan {
        self.value()?;
        loop {
            self.space();
            let Some(open) = self.open.last().copied() else { break };
            // A value has ended; what may follow depends on where it stood.
            match (open, self.byte()?) {
                (Open::Object, b',') => self.key_and_value()?,
                (Open::List, b',') => self.value()?,
                (Open::Object, b'}') | (Open::List, b']') => {
                    self.open.pop();
                }
                (Open::Object, byte) => return invalid(byte, "after object key:value pair"),
                (Open::List, byte) => return invalid(byte, "after array element"),
            }
        }
        match self.text.get(self.at) {
            Some(&byte) => invalid(byte, "after top-level value"),
            None => Ok(()),
        }
    }

    /// A value up to its end; of an object or a list up to the end of its first value.
    fn value(&mut self) -> Scan {
        loop {
            self.space();
            match self.byte()? {
                b'{' => {
                    self.enter(Open::Object)?;
                    if self.ends_with(b'}') {
                        return Ok(());
                    }
                    self.key()?;
                }
                b'[' => {
                    self.enter(Open::List)?;
                    if self.ends_with(b']') {
                        return Ok(());
                    }
                }
                b'"' => return self.string(),
                b't' => return self.literal("true"),
                b'f' => return self.literal("false"),
                b'n' => return self.literal("null"),
                byte @ (b'-' | b'0'..=b'9') => return self.number(byte),
                byte => return invalid(byte, "looking for beginning of value"),
            }
        }
    }

    fn key_and_value(&mut self) -> Scan {
        self.key()?;
        self.value()
    }

    fn key(&mut self) -> Scan {
        self.space();
        match self.byte()? {
            b'"' => self.string()?,
            byte => return invalid(byte, "looking for beginning of object key string"),
        }
        self.space();
        match self.byte()? {
            b':' => Ok(()),
            byte => invalid(byte, "after object key"),
        }
    }

    fn enter(&mut self, open: Open) -> Scan {
        if self.open.len() == DEPTH_MAX {
            let begin = if matches!(open, Open::Object) { '{' } else { '[' };
            return Err(format!("invalid character '{begin}' exceeded max depth"));
        }
        self.open.push(open);
        Ok(())
    }

    /// Whether what was just entered is empty.
    fn ends_with(&mut self, end: u8) -> bool {
        self.space();
        let ends = self.text.get(self.at) == Some(&end);
        if ends {
            self.at += 1;
            self.open.pop();
        }
        ends
    }

    fn string(&mut self) -> Scan {
        loop {
            match self.byte()? {
                b'"' => return Ok(()),
                b'\\' => match self.byte()? {
                    b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => {}
                    b'u' => {
                        for _ in 0..4 {
                            let byte = self.byte()?;
                            if !byte.is_ascii_hexdigit() {
                                return invalid(byte, "in \\u hexadecimal character escape");
                            }
                        }
                    }
                    byte => return invalid(byte, "in string escape code"),
                },
                byte if byte < 0x20 => return invalid(byte, "in string literal"),
                _ => {}
            }
        }
    }

    fn literal(&mut self, literal: &str) -> Scan {
        for expected in literal.bytes().skip(1) {
            let byte = self.byte_or_space();
            if byte != expected {
                return invalid(byte, &format!("in literal {literal} (expecting '{}')", char::from(expected)));
            }
        }
        Ok(())
    }

    fn number(&mut self, first: u8) -> Scan {
        let start = self.at - 1;
        let first = match first {
            b'-' => match self.byte_or_space() {
                byte if byte.is_ascii_digit() => byte,
                byte => return invalid(byte, "in numeric literal"),
            },
            byte => byte,
        };
        if first != b'0' {
            self.digits();
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digit("after decimal point in numeric literal")?;
            self.digits();
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digit("in exponent of numeric literal")?;
            self.digits();
        }
        let text = String::from_utf8_lossy(&self.text[start..self.at]);
        match text.parse::<f64>() {
            Ok(number) if number.is_infinite() => {
                Err(format!("json: cannot unmarshal number {text} into Go value of type float64"))
            }
            _ => Ok(()),
        }
    }

    fn digit(&mut self, context: &str) -> Scan {
        match self.byte_or_space() {
            byte if byte.is_ascii_digit() => Ok(()),
            byte => invalid(byte, context),
        }
    }

    fn digits(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    fn space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Go's parser reads a space at the end, to see whether a number is complete.
    fn byte_or_space(&mut self) -> u8 {
        self.byte().unwrap_or(b' ')
    }

    fn byte(&mut self) -> Result<u8, String> {
        let byte = self.text.get(self.at).copied().ok_or("unexpected end of JSON input")?;
        self.at += 1;
        Ok(byte)
    }
}

fn invalid(byte: u8, context: &str) -> Scan {
    Err(format!("invalid character {} {context}", quote(byte)))
}

/// The byte as a quoted Go character: it is taken for a code point, whatever it was part of.
fn quote(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".into(),
        b'\\' => r"'\\'".into(),
        0x07 => r"'\a'".into(),
        0x08 => r"'\b'".into(),
        0x0b => r"'\v'".into(),
        0x0c => r"'\f'".into(),
        b'\n' => r"'\n'".into(),
        b'\r' => r"'\r'".into(),
        b'\t' => r"'\t'".into(),
        0..0x20 | 0x7f => format!(r"'\x{byte:02x}'"),
        0x80..=0xa0 | 0xad => format!(r"'\u{byte:04x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn errors_are_worded_as_go_words_them() {
        for (text, expected) in [
            ("{not json", "invalid character 'n' looking for beginning of object key string"),
            ("", "unexpected end of JSON input"),
            ("  ", "unexpected end of JSON input"),
            ("{\"a\":1", "unexpected end of JSON input"),
            ("\"abc", "unexpected end of JSON input"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair"),
            ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            ("[1 2]", "invalid character '2' after array element"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("{} x", "invalid character 'x' after top-level value"),
            ("01", "invalid character '1' after top-level value"),
            ("-a", "invalid character 'a' in numeric literal"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("1e+", "invalid character ' ' in exponent of numeric literal"),
            ("1ex", "invalid character 'x' in exponent of numeric literal"),
            ("f", "invalid character ' ' in literal false (expecting 'a')"),
            ("-", "invalid character ' ' in numeric literal"),
            ("1.", "invalid character ' ' after decimal point in numeric literal"),
            ("\"f", "unexpected end of JSON input"),
            ("tru3", "invalid character '3' in literal true (expecting 'e')"),
            ("nil", "invalid character 'i' in literal null (expecting 'u')"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("\"\\u00g0\"", "invalid character 'g' in \\u hexadecimal character escape"),
            ("\"a\nb\"", "invalid character '\\n' in string literal"),
            ("'a'", "invalid character '\\'' looking for beginning of value"),
            ("\u{e9}", "invalid character '\u{c3}' looking for beginning of value"),
            ("<a/>", "invalid character '<' looking for beginning of value"),
        ] {
            assert_eq!(first(text.as_bytes()).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(first(b"[\x9e]").as_deref(), Some("invalid character '\\u009e' looking for beginning of value"));
    }

    #[test]
    fn valid_texts_have_no_error() {
        for text in ["{}", "[]", " [ {} , [ ] , \"\\u00e9\" ] ", "-0.5e-10", "{\"a\":{\"b\":[null,true,false]}}"] {
            assert_eq!(first(text.as_bytes()), None, "{text}");
        }
    }
}
