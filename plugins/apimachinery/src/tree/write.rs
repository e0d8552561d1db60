//! Trees as compact JSON, into memory: what each write ends with.

use std::io::Write as _;

use super::words::is_plain;
use super::{Map, Value};

impl Value {
    /// The bytes that `serde_json` would write, without its detours: they are copied as they are
    /// where nothing in a text has to be written otherwise.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            // Memory takes whatever is written.
            Self::Number(number) => drop(write!(out, "{number}")),
            Self::String(text) => write_text(text, out),
            Self::Array(items) => {
                out.push(b'[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(members) => write_members(members, out),
        }
    }
}

fn write_members(members: &Map, out: &mut Vec<u8>) {
    out.push(b'{');
    for (place, (name, value)) in members.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write_text(name, out);
        out.push(b':');
        value.write(out);
    }
    out.push(b'}');
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    if !is_plain(text) {
        // A text is always written.
        return drop(serde_json::to_writer(out, text));
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
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
        assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string(&tree).unwrap());
    }
}
