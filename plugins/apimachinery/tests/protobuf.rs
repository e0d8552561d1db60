//! Protobuf against what upstream's own library wrote: one object of every kind, made up by
//! `data/go` (`go run . fixtures`).

use apimachinery::codec::proto;
use apimachinery::schema::{Schema, builtin, check, defaults};
use apimachinery::tree::Value;
use base64::prelude::{BASE64_STANDARD, Engine};

struct Fixture {
    schema: &'static Schema,
    object: Value,
    message: Vec<u8>,
}

fn fixtures() -> Vec<Fixture> {
    let lines = include_str!("fixtures/protobuf.jsonl").lines();
    let fixtures: Vec<_> = lines
        .map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let message = BASE64_STANDARD.decode(line["protobuf"].as_str().unwrap()).unwrap();
            let object = line["json"].take();
            let of = builtin::kind_of(object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
            Fixture { schema: of.unwrap().schema(), object, message }
        })
        .collect();
    assert!(fixtures.len() > 70);
    fixtures
}

fn name(object: &Value) -> String {
    format!("{} {}", object["apiVersion"], object["kind"])
}

/// The first place where two trees differ: the trees are large.
fn difference(left: &Value, right: &Value, path: &str) -> Option<String> {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) if left.len() == right.len() => {
            right.iter().find_map(|(key, value)| {
                difference(left.get(key).unwrap_or(&Value::Null), value, &format!("{path}.{key}"))
            })
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            left.iter().zip(right).find_map(|(left, right)| difference(left, right, &format!("{path}[]")))
        }
        _ => (left != right).then(|| format!("{path}: {left} is not {right}")),
    }
}

#[test]
fn upstreams_messages_are_read_as_upstream_reads_them() {
    for Fixture { schema, object, message } in fixtures() {
        let mut read = proto::decode(&message).unwrap_or_else(|error| panic!("{}: {error}", name(&object)));
        defaults::write_unset(schema, &mut read);
        assert_eq!(difference(&read, &object, ""), None, "{}", name(&object));
    }
}

#[test]
fn messages_are_written_as_upstream_writes_them() {
    for Fixture { schema, object, message } in fixtures() {
        let written = proto::encode(&object, schema);
        if written != message {
            let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
            panic!("{}:\n{}\nis not\n{}", name(&object), text(&written), text(&message));
        }
    }
}

#[test]
fn what_upstream_wrote_is_already_in_normal_form() {
    for Fixture { schema, object, .. } in fixtures() {
        let mut normal = object.clone();
        assert_eq!(check::unknown_fields(schema, &mut normal, true), [""; 0], "{}", name(&object));
        assert_eq!(check::types(schema, &normal), Ok(()), "{}", name(&object));
        defaults::normalize(schema, &mut normal);
        defaults::write_unset(schema, &mut normal);
        assert_eq!(difference(&normal, &object, ""), None, "{}", name(&object));
    }
}
