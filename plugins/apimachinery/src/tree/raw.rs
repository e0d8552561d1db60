//! Values that are kept as text, since they belong to somebody else: what upstream holds as raw
//! bytes. Whoever has to look inside opens them.

use std::borrow::Cow;

use super::read::Reader;
use super::{Map, Value, text};

impl Value {
    /// A value that has been read once and found good, as the text that it is.
    pub(crate) fn raw(text: &str) -> Self {
        match text {
            "null" => Self::Null,
            text => Self::Raw(text.into()),
        }
    }

    /// Itself, or what its text says.
    pub fn opened(&self) -> Cow<'_, Self> {
        match self {
            Self::Raw(text) => Cow::Owned(Self::read_stored(text).unwrap_or_default()),
            other => Cow::Borrowed(other),
        }
    }

    /// Becomes what its text says.
    pub fn open(&mut self) {
        if let Self::Raw(text) = self {
            *self = Self::read_stored(text).unwrap_or_default();
        }
    }

    /// The same of this object or list alone: what is in it stays text. So a change of one part of it
    /// leaves the others as they were written.
    pub(crate) fn open_level(&mut self) {
        let Self::Raw(text) = self else { return };
        let opened = match text.as_bytes().first() {
            Some(b'{') => {
                let mut members = Map::new();
                let read = Reader::stored(text).members(|reader, name| {
                    members.set(name, reader.raw()?);
                    Ok::<(), super::Unreadable>(())
                });
                read.map(|()| Self::Object(members))
            }
            Some(b'[') => {
                let mut items = Vec::new();
                let read = Reader::stored(text).items(|reader, _| {
                    items.push(reader.raw()?);
                    Ok::<(), super::Unreadable>(())
                });
                read.map(|()| Self::Array(items))
            }
            _ => return,
        };
        *self = opened.unwrap_or_default();
    }

    /// Becomes a text, as Go writes what it has taken apart: names in order.
    pub(crate) fn close(&mut self) {
        if matches!(self, Self::Null | Self::Raw(_)) {
            return;
        }
        self.sort_all_objects();
        let mut out = Vec::new();
        self.write_as_go(&mut out);
        *self = Self::raw(std::str::from_utf8(&out).unwrap_or("null"));
    }

    /// How many bytes it has: as its writer wrote it, or as a compact text if it is none.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Raw(text) => text.len(),
            tree => tree.to_string().len(),
        }
    }

    /// Whether it is an object, as text or as a tree.
    pub fn says_object(&self) -> bool {
        match self {
            Self::Raw(text) => text.starts_with('{'),
            other => other.is_object(),
        }
    }
}

/// Numbers count as they are spelled, and names in their order, between two texts; between a text and
/// a tree, what they say.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a == b,
            (Self::Object(a), Self::Object(b)) => a == b,
            (Self::Raw(a), Self::Raw(b)) => text::same(a, b),
            (Self::Raw(_), tree) | (tree, Self::Raw(_)) if !tree.is_null() => self.opened() == other.opened(),
            _ => false,
        }
    }
}

impl Eq for Value {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    const TEXT: &str = r#"{"z": 12345678901234567890, "b":[1.0, {"y":1,"x":null}], "b":[1e2], "<": "\u0041"}"#;

    #[test]
    fn a_text_is_written_as_it_was_but_for_white_space() {
        let value = Value::raw(TEXT);
        assert_eq!(
            value.to_string(),
            r#"{"z":12345678901234567890,"b":[1.0,{"y":1,"x":null}],"b":[1e2],"<":"\u0041"}"#
        );
        assert_eq!(value.bytes(), TEXT.len());
        assert!(value.says_object() && !value.is_object());
        assert_eq!(Value::raw("null"), Value::Null);
    }

    #[test]
    fn what_a_text_says_is_there_on_demand() {
        let mut value = Value::raw(TEXT);
        assert_eq!(*value.opened(), json!({"z": 12345678901234567890.0, "b": [100.0], "<": "A"}));
        value.open_level();
        assert_eq!(value.to_string(), r#"{"z":12345678901234567890,"b":[1e2],"<":"\u0041"}"#);
        value.close();
        assert_eq!(value.to_string(), r#"{"\u003c":"\u0041","b":[1e2],"z":12345678901234567890}"#);
        let mut text = Value::raw("\"x\"");
        text.open_level();
        assert_eq!(text, Value::raw("\"x\""));
    }

    #[test]
    fn texts_are_compared_as_texts_and_with_trees_by_what_they_say() {
        for (a, b, equal) in [
            (Value::raw("{\"a\":1}"), Value::raw("{ \"a\" : 1 }"), true),
            (Value::raw("{\"a\":1}"), Value::raw("{\"a\":1.0}"), false),
            (Value::raw("{\"a\":1,\"b\":2}"), Value::raw("{\"b\":2,\"a\":1}"), false),
            (Value::raw("{\"b\":2,\"a\":1}"), json!({"a": 1, "b": 2}), true),
            (Value::raw("{\"b\":2,\"a\":1}"), json!({"a": 1, "b": 3}), false),
            (Value::raw("{}"), Value::Null, false),
            (Value::raw("1"), 1.into(), true),
        ] {
            assert_eq!(a == b, equal, "{a} {b}");
            assert_eq!(b == a, equal, "{b} {a}");
        }
    }
}
