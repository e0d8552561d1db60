//! One step of a path to a field, and how it is written in `FieldsV1`.

use std::cmp::Ordering;
use std::fmt;

use crate::tree::{Text, TextBuilder, Value, is_plain, write_text};
use crate::validation::quoted;

/// A step into an object: a field, or an item of a list by what identifies it.
#[derive(Debug, Clone)]
pub enum PathElement {
    /// `f:name`, of a struct or a map.
    Field(Text),
    /// `k:{"name":"main"}`: the item of a keyed list, its keys sorted by name.
    Key(Vec<(Text, Value)>),
    /// `v:"a"`: the item of a set.
    Value(Value),
    /// `i:0`: an item by its place.
    Index(i64),
}

/// The text is no path element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Written by a newer version: to be left out.
    Unknown,
    Malformed(String),
}

impl PathElement {
    pub fn field(name: &str) -> Self {
        Self::Field(name.into())
    }

    /// As it stands in `FieldsV1`.
    pub(super) fn serialize(&self) -> Text {
        let mut out = TextBuilder::new();
        match self {
            Self::Field(name) => {
                out.push_str("f:");
                out.push_str(name);
            }
            Self::Key(keys) => {
                out.push_str("k:{");
                for (position, (name, value)) in keys.iter().enumerate() {
                    out.push_str(if position > 0 { "," } else { "" });
                    push_text(&mut out, name);
                    out.push(':');
                    push(&mut out, value);
                }
                out.push('}');
            }
            Self::Value(value) => {
                out.push_str("v:");
                push(&mut out, value);
            }
            Self::Index(index) => {
                out.push_str("i:");
                out.push_str(&index.to_string());
            }
        }
        out.finish()
    }

    /// The same as a JSON string.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Field(name) if is_plain(name) => {
                out.extend_from_slice(b"\"f:");
                out.extend_from_slice(name.as_bytes());
                out.push(b'"');
            }
            other => write_text(&other.serialize(), out),
        }
    }

    pub(super) fn deserialize(text: &str) -> Result<Self, Unreadable> {
        let malformed = |why: &str| Unreadable::Malformed(format!("{why}: {text}"));
        let (kind, content) = match text.as_bytes() {
            [kind, b':', ..] => (*kind, &text[2..]),
            [_, _, ..] => return Err(malformed("missing colon")),
            _ => return Err(malformed("key must be 2 characters long:")),
        };
        let json = || Value::read(content).map_err(|error| Unreadable::Malformed(error.to_string()));
        match kind {
            b'f' => Ok(Self::field(content)),
            b'v' => Ok(Self::Value(json()?)),
            b'k' => match json()? {
                Value::Object(keys) => {
                    let mut keys: Vec<_> = keys.into_iter().collect();
                    keys.sort_by(|a, b| a.0.cmp(&b.0));
                    Ok(Self::Key(keys))
                }
                _ => Err(malformed("key is not an object")),
            },
            b'i' => content.parse().map(Self::Index).map_err(|_| malformed("index is not a number")),
            _ => Err(Unreadable::Unknown),
        }
    }
}

/// `.name`, `[name="main"]`, `[="a"]`, `[0]`: as paths stand in messages.
impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(keys) => {
                f.write_str("[")?;
                for (position, (name, value)) in keys.iter().enumerate() {
                    let comma = if position > 0 { "," } else { "" };
                    write!(f, "{comma}{name}={}", text(value))?;
                }
                f.write_str("]")
            }
            Self::Value(value) => write!(f, "[={}]", text(value)),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl Ord for PathElement {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => a.cmp(b),
            (Self::Key(a), Self::Key(b)) => {
                let names_and_values = a.iter().zip(b).map(|(a, b)| a.0.cmp(&b.0).then_with(|| compare(&a.1, &b.1)));
                let first = names_and_values.into_iter().find(|order| order.is_ne());
                first.unwrap_or_else(|| a.len().cmp(&b.len()))
            }
            (Self::Value(a), Self::Value(b)) => compare(a, b),
            (Self::Index(a), Self::Index(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PathElement {
    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

impl PartialOrd for PathElement {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PathElement {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for PathElement {}

/// Upstream's order of values: numbers, strings, booleans, lists, maps, null.
fn compare(a: &Value, b: &Value) -> Ordering {
    fn rank(value: &Value) -> u8 {
        match value {
            Value::Number(_) => 0,
            Value::String(_) => 1,
            Value::Bool(_) => 2,
            Value::Array(_) => 3,
            Value::Object(_) => 4,
            Value::Raw(_) => 5,
            Value::Null => 6,
        }
    }
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.as_f64().unwrap_or_default().total_cmp(&b.as_f64().unwrap_or_default()),
        },
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        // Neither identifies anything; any order will do.
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => a.to_string().cmp(&b.to_string()),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(string) => quoted(string),
        Value::Array(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(",")),
        Value::Object(members) => members.iter().map(|(name, value)| format!("{name}={}", text(value))).collect(),
        other => other.to_string(),
    }
}

/// Adds a value as JSON.
fn push(out: &mut TextBuilder, value: &Value) {
    match value {
        Value::String(text) => push_text(out, text),
        other => out.push_str(&other.to_text_as_go()),
    }
}

/// Adds a text as JSON: as it is, if nothing in it has to be written otherwise.
fn push_text(out: &mut TextBuilder, text: &str) {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&');
    if !text.bytes().all(plain) {
        return out.push_str(&escape_html(Value::from(text).to_string()));
    }
    out.push('"');
    out.push_str(text);
    out.push('"');
}

/// Go's JSON writes these characters of a string so, and clients compare the keys as bytes.
fn escape_html(json: String) -> String {
    if !json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 5);
    for character in json.chars() {
        match character {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_written() {
        for (written, shown) in [
            ("f:spec", ".spec"),
            ("f:", "."),
            (r#"k:{"containerPort":80,"protocol":"TCP"}"#, r#"[containerPort=80,protocol="TCP"]"#),
            (r#"v:"a""#, r#"[="a"]"#),
            (r#"v:"\u003ca\u003e""#, r#"[="<a>"]"#),
            ("v:3", "[=3]"),
            ("i:7", "[7]"),
        ] {
            let element = PathElement::deserialize(written).unwrap_or_else(|error| panic!("{written}: {error:?}"));
            assert_eq!(element.serialize(), written);
            assert_eq!(element.to_string(), shown);
        }
        let unsorted = PathElement::deserialize(r#"k:{"b":1,"a":2}"#);
        assert_eq!(unsorted.map(|element| element.serialize()).as_deref(), Ok(r#"k:{"a":2,"b":1}"#));
    }

    #[test]
    fn unreadable_texts() {
        assert_eq!(PathElement::deserialize("x:new"), Err(Unreadable::Unknown));
        for text in ["", "f", "name", "k:1", "k:{", "i:x", "v:"] {
            assert!(matches!(PathElement::deserialize(text), Err(Unreadable::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn order() {
        let sorted = [
            "f:a",
            "f:b",
            r#"k:{"a":1}"#,
            r#"k:{"a":1,"b":1}"#,
            r#"k:{"a":2}"#,
            r#"k:{"a":"x"}"#,
            "v:1",
            "v:1.5",
            r#"v:"a""#,
            "v:true",
            "v:null",
            "i:0",
            "i:10",
        ];
        let elements = sorted.map(|text| PathElement::deserialize(text).expect("a path element"));
        for pair in elements.windows(2) {
            assert!(pair[0] < pair[1], "{} before {}", pair[0], pair[1]);
        }
    }
}
