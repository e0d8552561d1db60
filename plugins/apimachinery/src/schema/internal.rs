//! How upstream's internal types show in messages: as structs under Go's names, all fields
//! there. The generated table (`internal-types.json`) says which those are.

use super::{Field, Schema, Shape, builtin};
use crate::tree::{self, Map, Value};

/// A field of an internal struct.
pub(super) struct InternalField {
    /// Empty for metadata, whose members stand among the struct's own.
    pub(super) go: &'static str,
    /// Where the value is in the served form; `../` leads to the object around.
    pub(super) json: &'static str,
    pub(super) absent: Absent,
    /// The struct that it holds, itself, in a list or in a map.
    pub(super) of: &'static str,
}

/// What shows of a field that is not set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    Null,
    Text,
    Number,
    Bool,
    Struct,
    Quantity,
    Nothing,
    Metadata,
}

include!(concat!(env!("OUT_DIR"), "/internal.rs"));

fn fields(name: &str) -> Option<&'static [InternalField]> {
    TYPES.binary_search_by_key(&name, |(name, _)| name).ok().map(|found| TYPES[found].1)
}

/// A value of a built-in type as upstream shows it.
pub fn show(name: &str, value: &Value) -> Value {
    convert(name, value, &Value::Null)
}

/// A map in the order in which Go writes one.
pub fn sorted(value: &Value) -> Value {
    let mut value = value.clone();
    value.sort_all_objects();
    value
}

/// What changed, as upstream shows it: a unified diff of both values' indented forms.
pub fn diff(name: &str, old: &Value, new: &Value) -> String {
    diff_shown(&show(name, old), &show(name, new))
}

/// As [`diff`], of values that are shown already.
pub fn diff_shown(old: &Value, new: &Value) -> String {
    super::difference::unified(&indented(old), &indented(new))
}

fn indented(value: &Value) -> String {
    tree::indented(&value.to_string(), " ")
}

/// A value in the place of a struct: the struct, or a list or map of it.
fn convert(name: &str, value: &Value, around: &Value) -> Value {
    match (value, fields(name)) {
        (Value::Array(items), _) => items.iter().map(|item| convert(name, item, around)).collect(),
        (Value::Object(_), Some(fields)) => {
            let mut shown = Map::new();
            for field in fields {
                field.write(value, around, &mut shown);
            }
            Value::Object(shown)
        }
        // A type that shows under the names that it is served with.
        (Value::Object(_), None) => match builtin::Type::find(name) {
            Some(of) => in_order(of.schema(), value),
            None => sorted(value),
        },
        _ => value.clone(),
    }
}

/// In the order of the struct's fields, without the lists and maps that are left out if they are empty.
fn in_order(schema: &Schema, value: &Value) -> Value {
    match (&schema.shape, value) {
        (Shape::Object(shape), Value::Object(object)) if !shape.fields.is_empty() => {
            let is_left_out = |field: &Field, value: &Value| {
                let empty = match (&field.schema.shape, value) {
                    (Shape::Object(of), Value::Object(map)) => of.values.is_some() && map.is_empty(),
                    (_, Value::Array(items)) => items.is_empty(),
                    _ => false,
                };
                empty && field.when_unset.is_none()
            };
            // One struct's fields are in another order than their numbers.
            let first = shape.name.filter(|name| name.ends_with(".OwnerReference")).and(shape.fields.get("apiVersion"));
            let others = shape.fields.iter().filter(|field| first.is_none() || &*field.name != "apiVersion");
            let fields = first.into_iter().chain(others);
            let fields = fields.filter_map(|field| Some((field, object.get(&field.name)?)));
            let shown = fields.filter(|(field, value)| !is_left_out(field, value));
            shown.map(|(field, value)| (field.name.to_string(), in_order(&field.schema, value))).collect()
        }
        (Shape::List(list), Value::Array(items)) => items.iter().map(|item| in_order(&list.items, item)).collect(),
        _ => sorted(value),
    }
}

impl InternalField {
    fn write(&self, object: &Value, around: &Value, shown: &mut Map) {
        let value = match self.json.strip_prefix("../") {
            Some(key) => &around[key],
            None if self.json.is_empty() => &Value::Null,
            None => self.json.split('.').fold(object, |value, key| &value[key]),
        };
        if self.absent == Absent::Metadata {
            return metadata(value, shown);
        }
        let unset = || match self.absent {
            Absent::Text => Value::from(""),
            Absent::Number => Value::from(0),
            Absent::Bool => Value::from(false),
            Absent::Quantity => Value::from("0"),
            // What belongs to somebody else is nothing then.
            Absent::Struct if self.of.ends_with(".RawExtension") => Value::Null,
            Absent::Struct => convert(self.of, &Value::Object(Map::new()), object),
            _ => Value::Null,
        };
        let value = match value {
            Value::Null if self.absent == Absent::Nothing => return,
            Value::Null => unset(),
            value if self.of.is_empty() => sorted(value),
            value => convert(self.of, value, object),
        };
        shown.insert(self.go.to_string(), value);
    }
}

fn metadata(value: &Value, shown: &mut Map) {
    if let Value::Object(object) = convert("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", value, &Value::Null) {
        shown.extend(object);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    #[test]
    fn a_struct_shows_all_of_its_fields_under_gos_names() {
        assert_eq!(
            show("io.k8s.api.rbac.v1.RoleRef", &json!({"name": "r", "kind": "Role", "apiGroup": "g"})).to_string(),
            r#"{"APIGroup":"g","Kind":"Role","Name":"r"}"#
        );
        assert_eq!(
            show("io.k8s.api.core.v1.SeccompProfile", &json!({"type": "X"})).to_string(),
            r#"{"Type":"X","LocalhostProfile":null}"#
        );
    }

    #[test]
    fn values_of_somebody_else_and_owners_have_shapes_of_their_own() {
        let config = show("io.k8s.api.resource.v1.OpaqueDeviceConfiguration", &json!({"driver": "d"}));
        assert_eq!(config.to_string(), r#"{"Driver":"d","Parameters":null}"#);
        let owner = json!([{"kind": "K", "name": "n", "uid": "u", "apiVersion": "v"}]);
        let shown = show("io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference", &owner);
        assert_eq!(shown.to_string(), r#"[{"apiVersion":"v","kind":"K","name":"n","uid":"u"}]"#);
    }

    #[test]
    fn what_moved_is_found_around() {
        let spec = show("io.k8s.api.core.v1.PodSpec", &json!({"hostNetwork": true, "securityContext": {}}));
        assert_eq!(spec["SecurityContext"]["HostNetwork"], true);
        assert_eq!(spec["RestartPolicy"], "");
        assert_eq!(spec["Containers"], Value::Null);
    }

    #[test]
    fn a_difference_shows_lines_around_it() {
        let spec = |policy: &str| json!({"restartPolicy": policy, "dnsPolicy": "ClusterFirst"});
        assert_eq!(
            diff("io.k8s.api.core.v1.PodSpec", &spec("Always"), &spec("Never")),
            "@@ -3,7 +3,7 @@\n  \"InitContainers\": null,\n  \"Containers\": null,\n  \"EphemeralContainers\": null,\n\
             - \"RestartPolicy\": \"Always\",\n+ \"RestartPolicy\": \"Never\",\n  \
             \"TerminationGracePeriodSeconds\": null,\n  \"ActiveDeadlineSeconds\": null,\n  \"DNSPolicy\": \"ClusterFirst\",\n"
        );
    }
}
