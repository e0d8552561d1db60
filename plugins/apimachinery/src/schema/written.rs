//! The order in which upstream writes what it has taken from a struct: fields as the struct has them,
//! maps by their keys. What it has no struct for is sorted ([`Value::sort_all_objects`]).

use super::{Field, Object, Schema, Shape};
use crate::tree::Value;

/// Of so many members of an object the ranks are kept, so that each is looked up once.
const KNOWN: usize = 32;

/// Brings all members of a built-in object into that order.
pub fn arrange(schema: &Schema, value: &mut Value) {
    match (&schema.shape, value) {
        (Shape::Object(object), Value::Object(members)) if object.fields.is_empty() => {
            members.sort_keys();
            if let Some(values) = &object.values {
                each(values, members.values_mut());
            }
        }
        (Shape::Object(object), Value::Object(members)) => {
            let (mut ranks, mut before, mut is_arranged) = ([0; KNOWN], 0, true);
            for (at, (name, value)) in members.iter_mut().enumerate() {
                let found = object.fields.find(name);
                let rank = rank(object, name, found);
                is_arranged &= before <= rank;
                before = rank;
                if let Some(known) = ranks.get_mut(at) {
                    *known = rank;
                }
                if let Some((_, field)) = found
                    && is_nested(value)
                {
                    arrange(&field.schema, value);
                }
            }
            match members.len() {
                _ if is_arranged => {}
                count @ ..=KNOWN => members.arrange_by(&mut ranks[..count]),
                _ => members.arrange(|name| rank(object, name, object.fields.find(name)).into()),
            }
        }
        (Shape::List(list), Value::Array(items)) => each(&list.items, items.iter_mut()),
        _ => {}
    }
}

fn each<'v>(schema: &Schema, values: impl Iterator<Item = &'v mut Value>) {
    values.filter(|value| is_nested(value)).for_each(|value| arrange(schema, value));
}

fn is_nested(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::Array(_))
}

/// What an object embeds it begins with; what its type does not know is behind.
fn rank(object: &Object, name: &str, found: Option<(usize, &Field)>) -> u16 {
    match (name, found) {
        ("kind", Some(_)) if is_whole(object) => 0,
        ("apiVersion", Some(_)) if is_whole(object) => 1,
        (_, Some((rank, _))) => u16::try_from(rank + 1).unwrap_or(u16::MAX),
        (_, None) => u16::MAX,
    }
}

fn is_whole(object: &Object) -> bool {
    object.fields.get("metadata").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::builtin;
    use crate::tree::json;

    #[test]
    fn members_stand_as_in_the_struct() {
        let mut pod = json!({"spec": {"containers": [{"env": [], "envFrom": [], "name": "c"}]},
            "metadata": {"ownerReferences": [{"uid": "u", "kind": "K", "apiVersion": "v1"}], "labels": {"b": "1", "a": "2"}},
            "apiVersion": "v1", "unknown": 1, "kind": "Pod"});
        arrange(builtin::schema("io.k8s.api.core.v1.Pod"), &mut pod);
        assert_eq!(
            pod.to_string(),
            concat!(
                r#"{"kind":"Pod","apiVersion":"v1","metadata":{"labels":{"a":"2","b":"1"},"ownerReferences":[{"apiVersion":"v1","#,
                r#""kind":"K","uid":"u"}]},"spec":{"containers":[{"name":"c","envFrom":[],"env":[]}]},"unknown":1}"#
            )
        );
    }
}
