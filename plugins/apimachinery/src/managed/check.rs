//! Whether what is applied fits the schema, in the words of structured-merge-diff.

use std::collections::BTreeSet;

use super::element::PathElement;
use super::types::{Atom, Type};
use crate::schema::Scalar;
use crate::tree::Value;
use crate::validation::quoted;

/// Every place that does not fit.
///
/// # Errors
/// All of them in one text.
pub(super) fn check(of: Type<'_>, value: &Value) -> Result<(), String> {
    Problems::default().of(of, value)
}

/// The same of what is stored, where an item may be there twice.
pub(super) fn check_stored(of: Type<'_>, value: &Value) -> Result<(), String> {
    Problems { duplicates_allowed: true, ..Problems::default() }.of(of, value)
}

#[derive(Default)]
struct Problems {
    found: Vec<String>,
    duplicates_allowed: bool,
}

impl Problems {
    fn of(mut self, of: Type<'_>, value: &Value) -> Result<(), String> {
        walk(of, value, &mut String::new(), &mut self);
        match self.found.as_slice() {
            [] => Ok(()),
            [one] => Err(one.clone()),
            several => Err(format!("errors:\n  {}", several.join("\n  "))),
        }
    }

    fn push(&mut self, path: &str, problem: &str) {
        self.found.push(if path.is_empty() { problem.to_string() } else { format!("{path}: {problem}") });
    }
}

fn walk(of: Type<'_>, value: &Value, path: &mut String, problems: &mut Problems) {
    if value.is_null() {
        return;
    }
    let length = path.len();
    match of.atom(Some(value)) {
        Atom::Scalar(kind) => {
            if let Some(problem) = scalar_problem(kind, value) {
                problems.push(path, &problem);
            }
        }
        // What is inside has no owner of its own, but a type.
        Atom::Leaf => match (of.items(), value) {
            (Some(items_of), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    path.push_str(&format!("[{index}]"));
                    walk(items_of, item, path, problems);
                    path.truncate(length);
                }
            }
            (Some(_), other) => problems.push(path, &format!("expected list, got {}", pointer(other))),
            (None, Value::Object(_)) => walk_map(of, value, path, problems),
            (None, other) => {
                if of.is_map() {
                    problems.push(path, &format!("expected map, got {}", pointer(other)));
                }
            }
        },
        Atom::List(list) => {
            let Value::Array(items) = value else {
                problems.push(path, &format!("expected list, got {}", pointer(value)));
                return;
            };
            let mut seen = BTreeSet::new();
            for (index, item) in items.iter().enumerate() {
                let element = match list.element(item) {
                    Ok(element) => element,
                    Err(why) => {
                        problems.push(path, &format!("element {index}: {why}"));
                        return;
                    }
                };
                let text = element.to_string();
                if !seen.insert(element) && !problems.duplicates_allowed {
                    problems.push(path, &format!("duplicate entries for key {text}"));
                }
                path.push_str(&text);
                walk(list.items, item, path, problems);
                path.truncate(length);
            }
        }
        Atom::Map(_) => match value {
            Value::Object(_) => walk_map(of, value, path, problems),
            other => problems.push(path, &format!("expected map, got {}", pointer(other))),
        },
    }
}

fn walk_map(of: Type<'_>, value: &Value, path: &mut String, problems: &mut Problems) {
    let length = path.len();
    for (name, value) in value.as_object().into_iter().flatten() {
        path.push_str(&PathElement::field(name).to_string());
        match of.member(name) {
            Some(of) => walk(of, value, path, problems),
            None => {
                problems.push(path, "field not declared in schema");
                path.truncate(length);
                return;
            }
        }
        path.truncate(length);
    }
}

fn scalar_problem(kind: Option<Scalar>, value: &Value) -> Option<String> {
    match (kind, value) {
        (Some(Scalar::Integer | Scalar::Number), value) if !value.is_number() => {
            Some(format!("expected numeric (int or float), got {}", go_type(value)))
        }
        (Some(Scalar::String | Scalar::Bytes), value) if !value.is_string() => {
            Some(format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_syntax(value)))
        }
        (Some(Scalar::Boolean), value) if !value.is_boolean() => {
            Some(format!("expected boolean, got {}", pointer(value)))
        }
        (_, Value::Array(_) | Value::Object(_)) => Some(format!("expected any scalar, got {}", pointer(value))),
        _ => None,
    }
}

/// `%v` of upstream's pointer to a value.
fn pointer(value: &Value) -> String {
    format!("&{{{}}}", plain(value))
}

/// `%v`.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::String(text) => text.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let mut members: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{}", plain(value))).collect();
            members.sort_unstable();
            format!("map[{}]", members.join(" "))
        }
        other => other.to_string(),
    }
}

/// `%#v`.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".into(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(go_syntax).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) => {
            let mut members: Vec<String> =
                map.iter().map(|(key, value)| format!("{}:{}", quoted(key), go_syntax(value))).collect();
            members.sort_unstable();
            format!("map[string]interface {{}}{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// `%T`.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        Value::Raw(_) => go_type(&value.opened()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::builtin;
    use crate::schema::structural::from_openapi;
    use crate::tree::json;

    #[test]
    fn what_does_not_fit_is_named() {
        let pod =
            |spec: Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a": "b"}}, "spec": spec});
        for (object, expected) in [
            (pod(json!({"containers": [{"name": "a", "args": ["x"], "resources": {"limits": {"cpu": 1}}}]})), Ok(())),
            (pod(json!(null)), Ok(())),
            (json!({"nonsense": 1}), Err(".nonsense: field not declared in schema")),
            (pod(json!({"x": 1})), Err(".spec.x: field not declared in schema")),
            (pod(json!([])), Err(".spec: expected map, got &{[]}")),
            (pod(json!({"containers": {"a": "b"}})), Err(".spec.containers: expected list, got &{map[a:b]}")),
            (
                pod(json!({"containers": [{"name": "a"}, {"name": "a", "image": 1}]})),
                Err("errors:\n  .spec.containers: duplicate entries for key [name=\"a\"]\n  \
                     .spec.containers[name=\"a\"].image: expected string, got &value.valueUnstructured{Value:1}"),
            ),
            // A key that is written even if nobody sets it has a default.
            (pod(json!({"containers": [{"image": "x"}]})), Ok(())),
            (
                pod(json!({"containers": [{"name": "a", "args": [true]}]})),
                Err(".spec.containers[name=\"a\"].args[0]: expected string, got &value.valueUnstructured{Value:true}"),
            ),
            (pod(json!({"priority": "high"})), Err(".spec.priority: expected numeric (int or float), got string")),
            (pod(json!({"hostNetwork": "yes"})), Err(".spec.hostNetwork: expected boolean, got &{yes}")),
            (
                json!({"metadata": {"labels": {"a": 1}}}),
                Err(".metadata.labels.a: expected string, got &value.valueUnstructured{Value:1}"),
            ),
        ] {
            let schema = builtin::schema("io.k8s.api.core.v1.Pod");
            assert_eq!(check(Type::Root(schema), &object), expected.map_err(str::to_string), "{object}");
        }
    }

    #[test]
    fn items_of_custom_resources_need_a_key() {
        let schema = from_openapi(&json!({"type": "object", "properties": {"list": {"type": "array",
            "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "properties": {"name": {"type": "string"}, "x": {"type": "string"}}}}}}));
        let expected = ".list: element 0: associative list with keys has an element that omits all key fields \
                        [\"name\"] (and doesn't have default values for any key fields)";
        assert_eq!(check(Type::Root(&schema), &json!({"list": [{"x": "y"}]})), Err(expected.to_string()));
    }
}
