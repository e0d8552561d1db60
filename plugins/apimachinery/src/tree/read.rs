//! JSON as it is read: names and texts go into the tree as they stand, and a value can be left a
//! text. Every request and every stored object that a guest looks at comes through here, which is
//! why it is not left to a library that goes by way of visitors.

mod skip;

use std::borrow::Cow;
use std::fmt;

use super::words::plain_length;
use super::{Map, Number, Text, Value};
use crate::codec::{DEPTH_MAX, STORED_DEPTH_MAX};

/// The text is no JSON, or too deep. What is wrong with it, `codec::json` finds out: nearly all are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is no JSON")
    }
}

impl std::error::Error for Unreadable {}

impl From<Unreadable> for String {
    fn from(unreadable: Unreadable) -> Self {
        unreadable.to_string()
    }
}

type Read<T> = Result<T, Unreadable>;

impl Value {
    /// Reads a text, all of it.
    ///
    /// # Errors
    /// If it is no JSON.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let mut reader = Reader::new(text);
        let value = reader.value()?;
        reader.end()?;
        Ok(value)
    }

    /// Keeps a text as the value that it is.
    ///
    /// # Errors
    /// If it is no JSON.
    pub fn keep(text: &str) -> Result<Self, Unreadable> {
        let mut reader = Reader::new(text);
        let value = reader.raw()?;
        reader.end()?;
        Ok(value)
    }

    /// As [`Self::read`], of bytes as they are stored.
    ///
    /// # Errors
    /// If they are no JSON.
    pub fn read_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        std::str::from_utf8(bytes).map_err(|_| Unreadable).and_then(Self::read_stored)
    }

    /// As [`Self::read`], of a text that is stored, or part of what is.
    pub(super) fn read_stored(text: &str) -> Result<Self, Unreadable> {
        let mut reader = Reader::stored(text);
        let value = reader.value()?;
        reader.end()?;
        Ok(value)
    }
}

/// A place in a text.
pub(crate) struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    depth_max: usize,
    /// Whether numbers that a tree would spell otherwise stay texts.
    exact: bool,
    /// Whether a number was passed over that no tree can hold.
    has_infinite: bool,
    /// Whether half of a pair of surrogates was passed over without the other.
    has_lone_surrogate: bool,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            depth_max: DEPTH_MAX,
            exact: false,
            has_infinite: false,
            has_lone_surrogate: false,
        }
    }

    /// One of what is stored, or part of it, which is deeper than what was sent.
    pub(crate) fn stored(text: &'t str) -> Self {
        Self { depth_max: STORED_DEPTH_MAX, ..Self::new(text) }
    }

    /// One that leaves numbers as they were written, where a tree does not know them so.
    pub(crate) fn exact(text: &'t str) -> Self {
        Self { exact: true, ..Self::new(text) }
    }

    pub(crate) fn value(&mut self) -> Read<Value> {
        match self.peek()? {
            b'{' => {
                let mut members = Map::new();
                self.members(|reader, name| {
                    let value = reader.value()?;
                    members.set(name, value);
                    Ok::<(), Unreadable>(())
                })?;
                Ok(members.into())
            }
            b'[' => {
                let mut items = Vec::new();
                self.items(|reader, _| {
                    items.push(reader.value()?);
                    Ok::<(), Unreadable>(())
                })?;
                Ok(Value::Array(items))
            }
            _ => self.scalar(),
        }
    }

    /// A value that is no object and no list.
    pub(crate) fn scalar(&mut self) -> Read<Value> {
        match self.peek()? {
            b'"' => self.string().map(|text| Value::String(into_text(text))),
            b't' => self.literal("true", Value::Bool(true)),
            b'f' => self.literal("false", Value::Bool(false)),
            b'n' => self.literal("null", Value::Null),
            _ => self.number(),
        }
    }

    /// The members of an object, one after the other: whoever is called with a name reads its value.
    pub(crate) fn members<E: From<Unreadable>>(
        &mut self,
        mut each: impl FnMut(&mut Self, Cow<'t, str>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.enter(b'{')?;
        if self.peek()? == b'}' {
            self.leave();
            return Ok(());
        }
        loop {
            let name = self.name()?;
            each(self, name)?;
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => break,
                _ => return Err(Unreadable.into()),
            }
        }
        self.leave();
        Ok(())
    }

    /// The items of a list, as [`Self::members`].
    pub(crate) fn items<E: From<Unreadable>>(
        &mut self,
        mut each: impl FnMut(&mut Self, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        self.enter(b'[')?;
        if self.peek()? == b']' {
            self.leave();
            return Ok(());
        }
        for index in 0.. {
            each(self, index)?;
            match self.peek()? {
                b',' => self.at += 1,
                b']' => break,
                _ => return Err(Unreadable.into()),
            }
        }
        self.leave();
        Ok(())
    }

    /// The first byte of what comes next.
    #[inline]
    pub(crate) fn peek(&mut self) -> Read<u8> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(Unreadable),
            }
        }
    }

    /// Nothing comes any more.
    pub(crate) fn end(&mut self) -> Read<()> {
        if self.peek().is_ok() { Err(Unreadable) } else { Ok(()) }
    }

    fn enter(&mut self, begin: u8) -> Read<()> {
        if self.peek()? != begin || self.depth == self.depth_max {
            return Err(Unreadable);
        }
        self.at += 1;
        self.depth += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.at += 1;
        self.depth -= 1;
    }

    fn name(&mut self) -> Read<Cow<'t, str>> {
        let name = self.string()?;
        self.colon()?;
        Ok(name)
    }

    fn colon(&mut self) -> Read<()> {
        match self.peek()? {
            b':' => {
                self.at += 1;
                Ok(())
            }
            _ => Err(Unreadable),
        }
    }

    fn string(&mut self) -> Read<Cow<'t, str>> {
        if self.peek()? != b'"' {
            return Err(Unreadable);
        }
        let start = self.at + 1;
        let end = start + plain_length(&self.text.as_bytes()[start..]);
        match self.text.as_bytes().get(end) {
            Some(b'"') => {
                self.at = end + 1;
                Ok(Cow::Borrowed(&self.text[start..end]))
            }
            Some(b'\\') => {
                self.at = end;
                self.escaped(start).map(Cow::Owned)
            }
            _ => Err(Unreadable),
        }
    }

    /// A text from its first escape on, with what is before.
    #[cold]
    fn escaped(&mut self, start: usize) -> Read<String> {
        let mut out = self.text[start..self.at].to_string();
        loop {
            let rest = &self.text[self.at..];
            let plain = plain_length(rest.as_bytes());
            out.push_str(&rest[..plain]);
            self.at += plain;
            match self.byte()? {
                b'"' => return Ok(out),
                b'\\' => out.push(self.escape()?),
                _ => return Err(Unreadable),
            }
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Read<char> {
        Ok(match self.byte()? {
            character @ (b'"' | b'\\' | b'/') => char::from(character),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                char::from_u32(unit).unwrap_or_else(|| self.pair(unit))
            }
            _ => return Err(Unreadable),
        })
    }

    /// The character of a surrogate and the one behind it. One alone stands for nothing, as to Go.
    fn pair(&mut self, high: u32) -> char {
        let behind = self.at;
        if self.text[behind..].starts_with("\\u") {
            self.at += 2;
            if let Ok(low @ 0xdc00..=0xdfff) = self.unit()
                && high < 0xdc00
                && let Some(character) = char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
            {
                return character;
            }
            self.at = behind;
        }
        char::REPLACEMENT_CHARACTER
    }

    fn unit(&mut self) -> Read<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit << 4 | char::from(self.byte()?).to_digit(16).ok_or(Unreadable)?;
        }
        Ok(unit)
    }

    fn literal<T>(&mut self, literal: &str, value: T) -> Read<T> {
        if !self.text[self.at..].starts_with(literal) {
            return Err(Unreadable);
        }
        self.at += literal.len();
        Ok(value)
    }

    /// Upstream keeps what fits into a signed integer, the rest becomes a float.
    fn number(&mut self) -> Read<Value> {
        let start = self.at;
        let is_whole = self.skip_number()?;
        let text = &self.text[start..self.at];
        if is_whole && let Ok(number) = text.parse::<i64>() {
            return Ok(if self.exact && text == "-0" { Value::raw(text) } else { number.into() });
        }
        let number = text.parse::<f64>().ok().and_then(Number::from_f64).ok_or(Unreadable)?;
        Ok(if self.exact { Value::raw(text) } else { number.into() })
    }

    /// A number as a text, but for a whole one that a tree spells as it was written.
    pub(crate) fn written_number(&mut self) -> Read<Value> {
        let start = self.at;
        let is_whole = self.skip_number()?;
        let text = &self.text[start..self.at];
        match text.parse::<i64>() {
            Ok(number) if is_whole && text != "-0" => Ok(number.into()),
            _ => Ok(Value::raw(text)),
        }
    }

    /// Answers whether it has neither fraction nor exponent.
    fn skip_number(&mut self) -> Read<bool> {
        if self.next_is(b'-') {
            self.at += 1;
        }
        match self.byte()? {
            b'0' => {}
            b'1'..=b'9' => self.skip_digits(),
            _ => return Err(Unreadable),
        }
        let whole = self.at;
        if self.next_is(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if self.next_is(b'e') || self.next_is(b'E') {
            self.at += 1;
            if self.next_is(b'+') || self.next_is(b'-') {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(self.at == whole)
    }

    fn some_digits(&mut self) -> Read<()> {
        if !self.byte()?.is_ascii_digit() {
            return Err(Unreadable);
        }
        self.skip_digits();
        Ok(())
    }

    fn skip_digits(&mut self) {
        while self.text.as_bytes().get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    fn next_is(&self, byte: u8) -> bool {
        self.text.as_bytes().get(self.at) == Some(&byte)
    }

    fn byte(&mut self) -> Read<u8> {
        let byte = self.text.as_bytes().get(self.at).copied().ok_or(Unreadable)?;
        self.at += 1;
        Ok(byte)
    }
}

pub(crate) fn into_text(text: Cow<'_, str>) -> Text {
    match text {
        Cow::Borrowed(text) => text.into(),
        Cow::Owned(text) => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    #[test]
    fn what_is_read_is_what_the_library_reads() {
        for text in [
            r#" {"b" : 1 , "a":{"":null}, "l":[true,false,-1,1.5,-0.5e-7,9223372036854775807], "a":{} } "#,
            r#"["", "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude42 é🙂", "a text of more than twenty-three bytes \\ \u0041"]"#,
            "[]",
            "0",
            "1e300",
            "\t\"x\"\r\n",
        ] {
            assert_eq!(Value::read(text).ok(), serde_json::from_str(text).ok(), "{text}");
        }
        assert_eq!(Value::read("[18446744073709551615, -0]"), Ok(json!([18446744073709551615.0, 0])));
    }

    #[test]
    fn what_is_no_json_is_not_read() {
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "[1 2]",
            "01",
            "-",
            "1.",
            "1e",
            ".5",
            "+1",
            "nul",
            "\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12é4\"",
            "\"a\nb\"",
            "1 1",
            "[}",
            "1e999",
            "é",
            "tru\u{e9}",
        ] {
            assert_eq!(Value::read(text), Err(Unreadable), "{text}");
            assert_eq!(Value::keep(text), Err(Unreadable), "{text}");
        }
    }

    #[test]
    fn a_surrogate_alone_stands_for_nothing() {
        for (text, expected) in [
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\ude42\ud83d\u0041""#, "\u{fffd}\u{fffd}A"),
            (r#""\ud83dx""#, "\u{fffd}x"),
        ] {
            assert_eq!(Value::read(text), Ok(expected.into()), "{text}");
        }
    }

    #[test]
    fn numbers_stay_as_they_were_written_where_a_tree_would_spell_them_otherwise() {
        let text = "[1,-1,1.0,1e2,-0,12345678901234567890,\"1.0\"]";
        let mut reader = Reader::exact(text);
        assert_eq!(reader.value().map(|value| value.to_string()), Ok(text.into()));
    }
}
