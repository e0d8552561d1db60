//! The tree as one that can be written as YAML.

use std::borrow::Cow;

use forms::yaml::{self, Node, Tree};

use crate::tree::Value;

pub fn encode(value: &Value) -> Vec<u8> {
    yaml::encode(value)
}

impl Tree for Value {
    fn node(&self) -> Node<'_, Self> {
        match self {
            // What is kept as text has been opened.
            Self::Null | Self::Raw(_) => Node::Null,
            Self::Bool(value) => Node::Bool(*value),
            Self::Number(number) => Node::Number(number),
            Self::String(text) => Node::Text(text),
            Self::Array(items) => Node::List(items),
            Self::Object(members) => Node::Members(members.iter().map(|(name, value)| (&**name, value)).collect()),
        }
    }

    /// Upstream reads it as YAML, which has larger numbers.
    fn opened(&self) -> Cow<'_, Self> {
        match self {
            Self::Raw(text) => Cow::Owned(serde_json::from_str(text).unwrap_or_default()),
            other => Cow::Borrowed(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::yaml::decode;
    use crate::tree::json;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let tree = json!({
            "texts": ["yes", "1", "", "a: b", "line\nmore\n", " lead", "2026-11-21T00:00:00Z", "- x", "é😀", "\u{1}\r"],
            "key with\nnl": {"": [[], {}, [["a"]], {"b": null}]}, "numbers": [0, -1, 1.5, 1e30, 0.000001], "y": true,
            "long": "aaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb cccccccccccccccccccccc dddddddddddd eeee",
        });
        assert_eq!(decode(&encode(&tree)).map(|decoded| decoded.value), Ok(tree));
    }

    #[test]
    fn what_is_kept_as_text_is_opened() {
        let tree = json!({"a": Value::raw("{\"z\":18446744073709551615,\"b\":[1.0]}")});
        assert_eq!(String::from_utf8_lossy(&encode(&tree)), "a:\n  b:\n  - 1\n  z: 18446744073709551615\n");
    }
}
