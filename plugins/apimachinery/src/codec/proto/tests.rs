use super::*;
use crate::codec::Path;
use crate::schema::sample::{self, Dice};
use crate::schema::{Shape, builtin, defaults};
use crate::tree::{Value, json};

/// What upstream's reader would have: unset fields written.
fn complete(schema: &Schema, mut value: Value) -> Value {
    defaults::write_unset(schema, &mut value);
    value
}

/// The first place where two trees differ: the trees are large.
fn difference(left: &Value, right: &Value, path: &Path<'_>) -> Option<String> {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) if left.len() == right.len() => right
            .iter()
            .find_map(|(key, value)| difference(left.get(key).unwrap_or(&Value::Null), value, &path.key(key))),
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            left.iter().zip(right).enumerate().find_map(|(at, (left, right))| difference(left, right, &path.index(at)))
        }
        _ => (left != right).then(|| format!("{path}: {left} {right}")),
    }
}

#[test]
fn every_type_comes_back_from_its_message() {
    for name in builtin::names() {
        let schema = builtin::schema(name);
        let Shape::Object(_) = schema.shape else { continue };
        for seed in 0..4 {
            let object = complete(schema, sample::object(schema, &mut Dice::new(seed)));
            let message = encode_message(schema, &object);
            let back = decode_message(schema, &message).unwrap_or_else(|error| panic!("{name}: {error}: {object}"));
            assert_eq!(difference(&complete(schema, back), &object, &Path::Root), None, "{name}");
        }
    }
}

#[test]
fn hostile_bytes_are_an_error_or_a_tree() {
    let mut dice = Dice::new(7);
    for name in ["io.k8s.api.core.v1.Pod", "io.k8s.api.apps.v1.Deployment", JSON_SCHEMA_PROPS] {
        let schema = builtin::schema(name);
        let messages = (0..9).map(|seed| encode_message(schema, &sample::object(schema, &mut Dice::new(seed))));
        let message = messages.filter(|message| message.len() > 200).min_by_key(Vec::len).unwrap();
        for end in (0..message.len()).step_by(1 + message.len() / 200) {
            let _ = decode_message(schema, &message[..end]);
        }
        for _ in 0..200 {
            let mut bytes = message.clone();
            for _ in 0..=dice.roll(4) {
                let at = dice.roll(bytes.len() as u64) as usize;
                bytes[at] = dice.roll(256) as u8;
            }
            if let Ok(value) = decode_message(schema, &bytes) {
                encode_message(schema, &value);
            }
        }
    }
}

#[test]
fn depth_is_bounded() {
    // A schema whose `not` is a schema whose `not` is ...
    let schema = builtin::schema(JSON_SCHEMA_PROPS);
    let not = schema.field("not").unwrap().number;
    let mut message = Vec::new();
    for _ in 0..1000 {
        let mut outer = wire::Writer::default();
        outer.bytes(not, &message);
        message = outer.finish();
    }
    assert_eq!(decode_message(schema, &message), Err("exceeded max depth".into()));
    // Each byte opens a group in the one before.
    assert_eq!(decode_message(schema, &vec![0x0b; 1 << 20]), Err("exceeded max depth".into()));
}

#[test]
fn objects_travel_in_envelopes() {
    let object = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}, "data": {"k": "v"}});
    let bytes = encode(&object, builtin::schema("io.k8s.api.core.v1.ConfigMap"));
    assert!(bytes.starts_with(b"k8s\0"));
    assert_eq!(decode(&bytes), Ok(object));
}

#[test]
fn what_is_no_envelope_is_refused_in_upstreams_words() {
    for (bytes, expected) in [
        (&b""[..], "empty data"),
        (b"{}", "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"),
        (b"k8s\0", "empty body"),
        (b"k8s\0\x0a\xff", "unexpected EOF"),
        (b"k8s\0\x12\x00", "Object 'Kind' is missing in 'APIVersion: \"\", Kind: \"\"'"),
    ] {
        assert_eq!(decode(bytes).unwrap_err(), expected);
    }
}

#[test]
fn options_are_a_kind_of_every_group() {
    let options = json!({"kind": "DeleteOptions", "apiVersion": "apps/v1", "gracePeriodSeconds": 0});
    let bytes = encode(&options, builtin::schema("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"));
    assert_eq!(decode(&bytes), Ok(options));
}

#[test]
fn whole_numbers_are_read_as_they_are_from_json() {
    let schema = builtin::schema(JSON_SCHEMA_PROPS);
    for bounds in [json!({"maximum": -2}), json!({"maximum": 1.5}), json!({"maximum": 1e30})] {
        assert_eq!(decode_message(schema, &encode_message(schema, &bounds)), Ok(bounds));
    }
}

#[test]
fn packed_numbers_are_read() {
    let schema = builtin::schema("io.k8s.api.core.v1.PodSecurityContext");
    let mut writer = wire::Writer::default();
    writer.bytes(4, &[1, 0x80, 1]);
    writer.varint(4, 7);
    assert_eq!(decode_message(schema, &writer.finish()), Ok(json!({"supplementalGroups": [7, 1, 128]})));
}

#[test]
fn unknown_fields_are_skipped_and_parts_merged() {
    let schema = builtin::schema("io.k8s.api.core.v1.ConfigMap");
    let part = |name: &str, value: &str| {
        let mut writer = wire::Writer::default();
        writer.bytes(if name == "name" { 1 } else { 3 }, value.as_bytes());
        writer.finish()
    };
    let mut writer = wire::Writer::default();
    writer.fixed64(1000, 1);
    writer.bytes(1, &part("namespace", "n"));
    writer.varint(999, 5);
    writer.bytes(1, &part("name", "a"));
    assert_eq!(decode_message(schema, &writer.finish()), Ok(json!({"metadata": {"name": "a", "namespace": "n"}})));
}

#[test]
fn a_field_of_another_wire_type_is_an_error() {
    let schema = builtin::schema("io.k8s.api.core.v1.ConfigMap");
    let mut writer = wire::Writer::default();
    writer.varint(1, 1);
    assert_eq!(decode_message(schema, &writer.finish()).unwrap_err(), "proto: wrong wireType = 0 for field Metadata");
}

#[test]
fn objects_are_no_deeper_than_what_can_be_read_again() {
    const TOO_DEEP: &str = "exceeded max depth";
    let read = |object: &Value, schema: &str| decode(&encode(object, builtin::schema(schema))).map(drop);
    let revision = |depth: usize| {
        let data = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        json!({"kind": "ControllerRevision", "apiVersion": "apps/v1", "data": Value::keep(&data).unwrap(), "revision": 1})
    };
    // Each message of a property is two levels of the tree.
    let definition = |properties: usize| {
        let schema = (0..properties).fold(json!({}), |schema, _| json!({"properties": {"a": schema}}));
        json!({"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1",
               "spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}})
    };
    for (depth, result) in [(DEPTH_MAX - 1, Ok(())), (DEPTH_MAX, Err(TOO_DEEP.into()))] {
        assert_eq!(read(&revision(depth), "io.k8s.api.apps.v1.ControllerRevision"), result, "{depth}");
    }
    let schema = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition";
    for (properties, result) in [(57, Ok(())), (58, Err(TOO_DEEP.into()))] {
        assert_eq!(read(&definition(properties), schema), result, "{properties}");
    }
    // Objects in objects are messages in messages.
    let revision_of = |object: &[u8]| {
        let (mut data, mut message) = (wire::Writer::default(), wire::Writer::default());
        data.bytes(1, object);
        message.bytes(2, &data.finish());
        envelope("apps/v1", "ControllerRevision", &message.finish())
    };
    let nested = (0..2000).fold(Vec::new(), |object, _| revision_of(&object));
    assert_eq!(decode(&nested).map(drop), Err(TOO_DEEP.into()));
}
