//! The order in which upstream writes what it has taken from a struct: fields as the struct has them,
//! maps by their keys.

use super::{Object, Schema, Shape};
use crate::tree::Value;

/// Brings all members of a built-in object into that order.
pub fn arrange(schema: &Schema, value: &mut Value) {
    match (&schema.shape, value) {
        (Shape::Object(object), Value::Object(members)) => {
            match object.fields.is_empty() {
                true => members.sort_keys(),
                false => members.arrange(|name| rank(object, name)),
            }
            for (name, value) in members.iter_mut() {
                if let Some(member) = schema.member(name) {
                    arrange(member, value);
                }
            }
        }
        (Shape::List(list), Value::Array(items)) => items.iter_mut().for_each(|item| arrange(&list.items, item)),
        _ => {}
    }
}

fn rank(object: &Object, name: &str) -> usize {
    match (name, object.fields.iter().position(|field| &*field.name == name)) {
        // What embeds these begins with them.
        ("kind" | "apiVersion", Some(_)) if object.fields.get("metadata").is_some() => 0,
        (_, Some(at)) => match object.fields.get(name).map_or(0, |field| field.native.at) {
            0 => at + 1,
            at => usize::from(at),
        },
        _ => usize::MAX,
    }
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
            "kind": "Pod"});
        arrange(builtin::schema("io.k8s.api.core.v1.Pod"), &mut pod);
        assert_eq!(
            pod.to_string(),
            concat!(
                r#"{"kind":"Pod","metadata":{"labels":{"a":"2","b":"1"},"ownerReferences":[{"apiVersion":"v1","#,
                r#""kind":"K","uid":"u"}]},"spec":{"containers":[{"name":"c","envFrom":[],"env":[]}]}}"#
            )
        );
    }
}
