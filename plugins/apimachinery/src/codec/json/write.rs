//! Writes a tree as Go writes it: `<`, `>` and `&` escaped, numbers in Go's form.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use crate::tree::Value;

/// The compact form.
pub fn encode(value: &Value) -> Vec<u8> {
    write(value, CompactFormatter)
}

/// Indented, for people (`?pretty`).
pub fn encode_pretty(value: &Value) -> Vec<u8> {
    write(value, PrettyFormatter::new())
}

fn write(value: &Value, layout: impl Formatter) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    let mut serializer = Serializer::with_formatter(&mut out, Go(layout));
    value.serialize(&mut serializer).expect("a tree is written to memory");
    out
}

/// Go's scalars in another formatter's layout.
struct Go<F>(F);

impl<F: Formatter> Formatter for Go<F> {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let size = value.abs();
        if size != 0.0 && !(1e-6..1e21).contains(&size) {
            // Go writes `1e-07` as `1e-7`, and a sign in any case.
            let text = format!("{value:e}");
            return match text.contains("e-") {
                true => writer.write_all(text.as_bytes()),
                false => writer.write_all(text.replace('e', "e+").as_bytes()),
            };
        }
        write!(writer, "{value}")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let bytes = fragment.as_bytes();
        let mut written = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            let (escape, length): (&[u8], usize) = match byte {
                b'<' => (b"\\u003c", 1),
                b'>' => (b"\\u003e", 1),
                b'&' => (b"\\u0026", 1),
                // The line and paragraph separators, which JavaScript does not allow.
                0xe2 if bytes[at..].starts_with("\u{2028}".as_bytes()) => (b"\\u2028", 3),
                0xe2 if bytes[at..].starts_with("\u{2029}".as_bytes()) => (b"\\u2029", 3),
                _ => continue,
            };
            writer.write_all(&bytes[written..at])?;
            writer.write_all(escape)?;
            written = at + length;
        }
        writer.write_all(&bytes[written..])
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    #[test]
    fn scalars_are_written_as_go_writes_them() {
        for (value, expected) in [
            (json!("<a> & \u{2028}\u{2029}é\u{7f}"), r#""\u003ca\u003e \u0026 \u2028\u2029é"#.to_string() + "\u{7f}\""),
            (json!("\u{1}\n\t\u{8}\u{c}\"\\/"), r#""\u0001\n\t\b\f\"\\/""#.into()),
            (json!(1.0), "1".into()),
            (json!(-0.5), "-0.5".into()),
            (json!(0.000001), "0.000001".into()),
            (json!(1e-7), "1e-7".into()),
            (json!(1e20), "100000000000000000000".into()),
            (json!(1e21), "1e+21".into()),
            (json!(1.5e300), "1.5e+300".into()),
            (json!(9007199254740993_i64), "9007199254740993".into()),
        ] {
            assert_eq!(String::from_utf8(encode(&value)).unwrap(), expected);
        }
    }

    #[test]
    fn layouts_are_compact_and_pretty() {
        let value = json!({"b": [1, {}], "a": []});
        assert_eq!(encode(&value), br#"{"b":[1,{}],"a":[]}"#);
        assert_eq!(encode_pretty(&value), b"{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": []\n}");
    }
}
