//! Trees as compact JSON, into memory: what each write ends with.

use std::io::Write as _;

use forms::json::escape_from;

use super::text::compact;
use super::words::{is_plain, plain_length};
use super::{Map, Number, Value};

impl Value {
    /// The bytes that `serde_json` would write, without its detours: they are copied as they are
    /// where nothing in a text has to be written otherwise.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.spell::<AsStored>(out);
    }

    /// Compact JSON as Go writes it: see [`Self::write_as_go`].
    pub fn to_text_as_go(&self) -> String {
        let mut out = Vec::new();
        self.write_as_go(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    /// Compact JSON with numbers as they are and texts as Go writes them.
    pub(crate) fn to_escaped_text(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        escape_from(0, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    /// The same as Go writes it: `<`, `>` and `&` escaped, numbers in its form.
    pub(crate) fn write_as_go(&self, out: &mut Vec<u8>) {
        self.spell::<AsGo>(out);
    }

    fn spell<S: Spelling>(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Number(number) => S::number(number, out),
            Self::String(text) => S::text(text, out),
            Self::Array(items) => {
                out.push(b'[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    item.spell::<S>(out);
                }
                out.push(b']');
            }
            Self::Object(members) => spell_members::<S>(members, out),
            Self::Raw(text) => S::kept(text, out),
        }
    }
}

/// What is written in one way or another: the rest of JSON is the same everywhere.
trait Spelling {
    fn number(number: &Number, out: &mut Vec<u8>);
    fn text(text: &str, out: &mut Vec<u8>);
    /// A value that is kept as text.
    fn kept(text: &str, out: &mut Vec<u8>);
}

struct AsStored;

impl Spelling for AsStored {
    fn number(number: &Number, out: &mut Vec<u8>) {
        // Memory takes whatever is written, and the library does without `fmt`.
        drop(serde_json::to_writer(out, number));
    }

    fn text(text: &str, out: &mut Vec<u8>) {
        write_text(text, out);
    }

    fn kept(text: &str, out: &mut Vec<u8>) {
        compact(text, out);
    }
}

struct AsGo;

impl Spelling for AsGo {
    fn number(number: &Number, out: &mut Vec<u8>) {
        let Some(value) = number.as_f64().filter(|_| number.is_f64()) else { return AsStored::number(number, out) };
        let size = value.abs();
        if size == 0.0 || (1e-6..1e21).contains(&size) {
            // Memory takes whatever is written.
            return drop(write!(out, "{value}"));
        }
        // Go writes `1e-07` as `1e-7`, and a sign in any case.
        let text = format!("{value:e}");
        let text = if text.contains("e-") { text } else { text.replace('e', "e+") };
        out.extend_from_slice(text.as_bytes());
    }

    fn text(text: &str, out: &mut Vec<u8>) {
        let start = out.len();
        write_text(text, out);
        escape_from(start, out);
    }

    fn kept(text: &str, out: &mut Vec<u8>) {
        let start = out.len();
        compact(text, out);
        escape_from(start, out);
    }
}

fn spell_members<S: Spelling>(members: &Map, out: &mut Vec<u8>) {
    out.push(b'{');
    for (place, (name, value)) in members.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        S::text(name, out);
        out.push(b':');
        value.spell::<S>(out);
    }
    out.push(b'}');
}

pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    // Nearly all are, and to see that costs least.
    if is_plain(text) {
        out.extend_from_slice(bytes);
        return out.push(b'"');
    }
    let mut written = 0;
    loop {
        let special = written + plain_length(&bytes[written..]);
        out.extend_from_slice(&bytes[written..special]);
        let Some(byte) = bytes.get(special) else { break };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            0x8 => out.extend_from_slice(b"\\b"),
            0xc => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            // Memory takes whatever is written.
            control => drop(write!(out, "\\u{control:04x}")),
        }
        written = special + 1;
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use crate::tree::{Value, json};

    #[test]
    fn trees_are_written_as_by_the_library() {
        let mut texts: Vec<Value> = vec!["é\u{2028}<&>\u{7f}".into(), "🙂🙂🙂🙂".into()];
        for special in ['\0', '\n', '\u{1f}', ' ', '!', '"', '#', '\\', '\u{80}', 'ÿ'] {
            for place in 0..20 {
                let mut text: String = "abcdefghijklmnopqrst".into();
                text.insert(place, special);
                texts.push(text.into());
            }
        }
        let tree = json!({
            "texts": texts, "a \"name\"": null, "bools": [true, false], "": {}, "none": [],
            "numbers": [0, -1, 1.5, 1e300, -0.0, u64::MAX, i64::MIN],
        });
        let mut written = Vec::new();
        tree.write(&mut written);
        let by_library: serde_json::Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), by_library.to_string());
        assert_eq!(serde_json::from_value::<Value>(by_library).unwrap(), tree);
    }
}
