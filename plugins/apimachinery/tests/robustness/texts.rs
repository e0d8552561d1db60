//! Bodies, and the small languages in queries and fields.

use apimachinery::codec::{self, proto, quantity, time, yaml};
use apimachinery::definition::Definition;
use apimachinery::jsonpath::Path;
use apimachinery::schema::{Schema, builtin};
use apimachinery::selector;
use apimachinery::strategy::Plain;
use apimachinery::tree::{Value, json};
use apimachinery::validation;

use crate::draw::{Draw, Panics, rounds};

#[test]
fn parsers_answer_whatever_the_text() {
    let mut draw = Draw::new(3);
    let mut panics = Panics::default();
    let pods = Definition::builtin("", "v1", "pods", &Plain);
    for _ in 0..rounds(20_000) {
        let text = if draw.once_in(3) { draw.noise() } else { [draw.text(), draw.noise()].concat() };
        panics.attempt("parsed", &text.as_str().into(), || {
            let _ = selector::parse_labels(&text);
            let _ = selector::parse_fields(&text, &pods);
            if let Ok(path) = Path::parse(&text) {
                let _ = path.find(&json!({"a": [{"a": 1}], "1": null}));
            }
            let _ = validation::names::qualified_name(&text);
            let _ = validation::names::mask_trailing_dash(&text);
            let _ = validation::quoted(&text);
            let _ = quantity::canonical(&text);
            let _ = quantity::Quantity::parse(&text).map(|amount| amount.plus(&amount).nanos());
            let _ = time::parse(&text).map(time::format);
            let _ = time::parse_micro(&text).map(time::format_micro);
        });
    }
    panics.assert_none();
}

#[test]
fn bodies_are_read_or_refused_whatever_their_bytes() {
    let mut draw = Draw::new(4);
    let mut panics = Panics::default();
    for facts in builtin::resources() {
        let schema = facts.of.schema();
        for _ in 0..rounds(8) {
            let mut object = draw.object(schema);
            if !object.is_object() {
                continue;
            }
            object["kind"] = facts.kind.into();
            object["apiVersion"] = [facts.group, "/", facts.version].concat().trim_start_matches('/').into();
            panics.attempt("read", &object, || {
                for (read, written) in [
                    (read_json as fn(&[u8], _), codec::json::encode(&object)),
                    (read_yaml, yaml::encode(&object)),
                    (read_proto, proto::encode(&object, schema)),
                ] {
                    for _ in 0..8 {
                        read(&draw.damaged(written.clone()), schema);
                    }
                }
            });
        }
    }
    panics.assert_none();
}

#[test]
fn what_is_kept_as_text_comes_back_as_it_was() {
    let mut draw = Draw::new(7);
    let schema = builtin::kind_of("apps/v1", "ControllerRevision").expect("it is built in").schema();
    for _ in 0..rounds(1_000) {
        let text = draw.kept_text(4);
        let data = Value::keep(&text).expect("it is JSON");
        // Half of a pair of surrogates is replaced, so that everybody can read the rest.
        let text = text.replace("\\ud83d", "\\ufffd");
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        let object = json!({"kind": "ControllerRevision", "apiVersion": "apps/v1", "data": data, "revision": 1});
        let is_kept = |back: &Value| matches!(back, Value::Raw(kept) if *kept == text) || text == "null";

        let message = proto::encode(&object, schema);
        assert!(is_kept(&proto::decode(&message).expect("it was written")["data"]), "{text}");

        // In JSON there is no white space between its pieces.
        let written = object.to_string();
        for read in [
            codec::json::decode_as(written.as_bytes(), schema).expect("it was written").value,
            codec::json::decode_stored(written.as_bytes(), schema).expect("it was written"),
        ] {
            assert_eq!(read["data"], data, "{text}");
            assert_eq!(read.to_string(), written, "{text}");
        }
        let pretty = String::from_utf8(codec::json::encode_pretty(&object)).expect("it is text");
        let pretty = Value::read(&pretty).expect("it was written");
        assert_eq!(pretty["data"], *data.opened(), "{text}");
    }
}

#[test]
fn texts_are_read_if_they_are_json() {
    let mut draw = Draw::new(8);
    for _ in 0..rounds(20_000) {
        let text = draw.kept_text(4).into_bytes();
        let text = String::from_utf8_lossy(&draw.damaged(text)).into_owned();
        let (read, kept) = (Value::read(&text), Value::keep(&text));
        assert_eq!(read.is_ok(), kept.is_ok(), "{text}");
        // What the library refuses of escapes, Go reads.
        if !text.contains("\\u") {
            assert_eq!(read.is_ok(), serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        }
    }
}

fn read_json(bytes: &[u8], schema: &Schema) {
    let _ = codec::json::decode(bytes);
    let _ = codec::json::decode_as(bytes, schema);
}

fn read_yaml(bytes: &[u8], _: &Schema) {
    let _ = yaml::decode(bytes).map(|decoded| yaml::encode(&decoded.value));
}

fn read_proto(bytes: &[u8], _: &Schema) {
    if let Ok(object) = proto::decode(bytes) {
        let kind = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
        let of = builtin::kind_of(kind("apiVersion"), kind("kind")).expect("it was read as this kind");
        let _ = proto::encode(&object, of.schema());
    }
}

#[test]
fn depth_is_an_error_and_not_the_end() {
    const DEEP: usize = 100_000;
    for (open, close) in
        [("[", "]"), ("{\"a\":", "}"), ("{a: ", "}"), ("- ", ""), ("? ", ""), ("&a [", "]"), ("(", ")")]
    {
        let text = [open.repeat(DEEP), close.repeat(DEEP)].concat();
        let _ = codec::json::decode(text.as_bytes());
        let _ = yaml::decode(text.as_bytes());
        let _ = selector::parse_labels(&text);
        let _ = Path::parse(&text);
    }
}

impl Draw {
    /// Bytes of which some were changed, taken out, doubled or cut off.
    fn damaged(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..self.below(5) {
            if bytes.is_empty() {
                break;
            }
            let at = self.below(bytes.len());
            match self.below(6) {
                0 => bytes.truncate(at),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, self.below(256) as u8),
                3 => {
                    let piece = bytes[at..(at + 9).min(bytes.len())].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
                4 => {
                    let piece = self.noise();
                    bytes.splice(at..at, piece.bytes());
                }
                _ => bytes[at] = self.below(256) as u8,
            }
        }
        bytes
    }
}
