//! Values that are passed over and not read: what is kept as text, found good and no deeper than others.

use super::{Read, Reader, Unreadable};
use crate::tree::Value;
use crate::tree::words::plain_length;

/// Whole numbers of so many digits fit into a float, though not exactly.
const FINITE_DIGITS: usize = 300;

/// How deep a text may be of which nothing is kept, as upstream's library has it.
const SKIPPED_DEPTH_MAX: usize = 10_000;

impl Reader<'_> {
    /// A value as the text that it is.
    pub(crate) fn raw(&mut self) -> Read<Value> {
        self.peek()?;
        let start = self.at;
        (self.has_infinite, self.has_lone_surrogate) = (false, false);
        let depth = self.skip()?;
        // Upstream's generic form of an object cannot be made with such a number: a request that sends
        // it ends in a panic there.
        if self.depth + depth > self.depth_max || self.has_infinite {
            return Err(Unreadable);
        }
        let text = &self.text[start..self.at];
        Ok(if self.has_lone_surrogate { Value::raw(&without_lone_surrogates(text)) } else { Value::raw(text) })
    }

    /// Passes over a value, however deep: it is not recursion. Answers how deep it was.
    pub(crate) fn skip(&mut self) -> Read<usize> {
        let (mut open, mut deepest) = (Vec::new(), 0);
        loop {
            let opened = match self.peek()? {
                b'{' => Some(b'}'),
                b'[' => Some(b']'),
                b'"' => {
                    self.skip_string()?;
                    None
                }
                _ => {
                    self.skip_plain()?;
                    None
                }
            };
            if let Some(end) = opened {
                self.at += 1;
                deepest = deepest.max(open.len() + 1);
                if self.depth + deepest > SKIPPED_DEPTH_MAX {
                    return Err(Unreadable);
                }
                open.push(end);
                if self.peek()? != end {
                    if end == b'}' {
                        self.skip_name()?;
                    }
                    continue;
                }
            }
            loop {
                let Some(end) = open.last() else { return Ok(deepest) };
                match self.peek()? {
                    byte if byte == *end => {
                        self.at += 1;
                        open.pop();
                    }
                    b',' => {
                        self.at += 1;
                        if *end == b'}' {
                            self.skip_name()?;
                        }
                        break;
                    }
                    _ => return Err(Unreadable),
                }
            }
        }
    }

    fn skip_name(&mut self) -> Read<()> {
        self.peek()?;
        self.skip_string()?;
        self.colon()
    }

    fn skip_string(&mut self) -> Read<()> {
        if self.byte()? != b'"' {
            return Err(Unreadable);
        }
        loop {
            self.at += plain_length(&self.text.as_bytes()[self.at..]);
            match self.byte()? {
                b'"' => return Ok(()),
                b'\\' => match self.byte()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => {
                        let unit = self.unit()?;
                        if char::from_u32(unit).is_none() {
                            self.has_lone_surrogate |= self.pair(unit) == char::REPLACEMENT_CHARACTER;
                        }
                    }
                    _ => return Err(Unreadable),
                },
                _ => return Err(Unreadable),
            }
        }
    }

    /// A literal or a number.
    fn skip_plain(&mut self) -> Read<()> {
        match self.peek()? {
            b't' => self.literal("true", ()),
            b'f' => self.literal("false", ()),
            b'n' => self.literal("null", ()),
            _ => {
                let start = self.at;
                let is_whole = self.skip_number()?;
                let number = &self.text[start..self.at];
                self.has_infinite |= (!is_whole || number.len() > FINITE_DIGITS) && !is_finite(number);
                Ok(())
            }
        }
    }
}

/// A good text that everybody can read: what half of a pair stands for is written in its place.
#[cold]
fn without_lone_surrogates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut reader, mut written) = (Reader::new(text), 0);
    while let Some(plain) = text[reader.at..].find('\\') {
        let start = reader.at + plain;
        reader.at = start + 1;
        if reader.escape() == Ok(char::REPLACEMENT_CHARACTER) {
            out.push_str(&text[written..start]);
            out.push_str("\\ufffd");
            written = reader.at;
        }
    }
    out.push_str(&text[written..]);
    out
}

fn is_finite(number: &str) -> bool {
    number.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_tree_can_hold_are_not_kept() {
        let digits = |count| "9".repeat(count);
        for (text, is_kept) in [
            ("[1e308,-1.5e-999]".into(), true),
            ("{\"a\":[\"1e999\"]}".into(), true),
            (digits(305), true),
            ("{\"a\":[1e309]}".into(), false),
            ("-1.5e999".into(), false),
            (digits(400), false),
        ] {
            assert_eq!(Value::keep(&text).is_ok(), is_kept, "{text}");
        }
    }

    #[test]
    fn in_what_is_kept_a_surrogate_alone_is_written_as_what_it_stands_for() {
        for (text, expected) in [
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#),
            (r#"["\ude42\ud83d\u0041\n", 1.0]"#, r#"["\ufffd\ufffd\u0041\n",1.0]"#),
            (r#"{"\ud83dé":"\ud83d\ud83d\ude42"}"#, r#"{"\ufffdé":"\ufffd\ud83d\ude42"}"#),
            (r#""\\ud83d \ud83d\ude42 \"""#, r#""\\ud83d \ud83d\ude42 \"""#),
        ] {
            let kept = Value::keep(text).map(|value| value.to_string());
            assert_eq!(kept.as_deref(), Ok(expected), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(expected).is_ok(), "{expected}");
        }
        assert_eq!(Value::keep(r#""\ud83d\u12""#), Err(Unreadable));
    }
}
