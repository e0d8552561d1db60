//! Writes a tree as Go writes it: `<`, `>` and `&` escaped, numbers in Go's form.

use crate::tree::{Value, indented};

/// What most answers fit into, so that the bytes need not be moved.
const ENCODED_BYTES: usize = 1024;

/// The compact form.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(ENCODED_BYTES);
    value.write_as_go(&mut out);
    out
}

/// Indented, for people (`?pretty`).
pub fn encode_pretty(value: &Value) -> Vec<u8> {
    indented(&String::from_utf8_lossy(&encode(value)), "  ").into_bytes()
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
    fn a_text_that_was_kept_is_escaped_and_laid_out_alike() {
        let kept = Value::raw("{ \"b\":1.0,\"b\":[\"<\u{2028}\\u003c\"] }");
        assert_eq!(String::from_utf8(encode(&kept)).unwrap(), r#"{"b":1.0,"b":["\u003c\u2028\u003c"]}"#);
        assert_eq!(encode_pretty(&kept), b"{\n  \"b\": 1.0,\n  \"b\": [\n    \"\\u003c\\u2028\\u003c\"\n  ]\n}");
    }

    #[test]
    fn layouts_are_compact_and_pretty() {
        let value = json!({"b": [1, {}], "a": []});
        assert_eq!(encode(&value), br#"{"b":[1,{}],"a":[]}"#);
        assert_eq!(encode_pretty(&value), b"{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": []\n}");
    }
}
