//! Whether values have the types of upstream's structs.

use crate::codec::{json, quantity, time};
use crate::schema::{Object, Scalar, Schema, Shape, Wire};
use crate::tree::{Map, Value};

/// Finds the first value that upstream's struct cannot hold.
///
/// # Errors
/// Go's words for it: `json: cannot unmarshal number into Go struct field ConfigMap.data of
/// type string`.
pub fn types(schema: &Schema, value: &Value) -> Result<(), String> {
    let mut check = Check { owner: "", fields: Vec::new(), first: None };
    check.visit(schema, Wire::ByShape, "", value)?;
    check.first.map_or(Ok(()), Err)
}

/// Where the decoder is, as Go tells it: the innermost struct, and the fields that lead there
/// without indexes and keys.
struct Check<'a> {
    owner: &'a str,
    fields: Vec<&'a str>,
    /// Go notes the first mismatch and reads on; a type that decodes itself ends it at once.
    first: Option<String>,
}

impl<'a> Check<'a> {
    /// `go` is the value's Go type where the schema does not imply it.
    fn visit(&mut self, schema: &'a Schema, wire: Wire, go: &'a str, value: &'a Value) -> Result<(), String> {
        if value.is_null() {
            return Ok(());
        }
        match (&schema.shape, value) {
            (Shape::Any, _) => {}
            (Shape::Object(object), Value::Object(members)) => match &object.values {
                Some(values) => {
                    for value in members.values() {
                        self.visit(values, wire, element(go), value)?;
                    }
                }
                None => self.visit_struct(object, members)?,
            },
            (Shape::List(list), Value::Array(items)) => {
                for item in items {
                    self.visit(&list.items, wire, element(go), item)?;
                }
            }
            (Shape::Object(_) | Shape::List(_), _) => self.mismatch(json::kind(value), schema, wire, go),
            (Shape::Scalar(scalar), _) => self.scalar(*scalar, schema, wire, go, value)?,
        }
        Ok(())
    }

    fn visit_struct(&mut self, object: &'a Object, members: &'a Map) -> Result<(), String> {
        let owner = self.owner;
        for (name, value) in members {
            let Some(field) = object.fields.get(name) else { continue };
            self.owner = object.name.map_or("", short);
            let depth = self.fields.len();
            self.fields.extend(field.native.embedded);
            self.fields.push(&field.name);
            self.visit(&field.schema, field.wire, field.native.go.trim_start_matches('*'), value)?;
            self.fields.truncate(depth);
        }
        self.owner = owner;
        Ok(())
    }

    fn scalar(&mut self, scalar: Scalar, schema: &Schema, wire: Wire, go: &str, value: &Value) -> Result<(), String> {
        match (scalar, value) {
            (Scalar::Quantity, Value::String(text)) => return quantity::check(text),
            (Scalar::Quantity, value) => return quantity::check(&value.to_string()),
            (Scalar::IntOrString, Value::String(_)) => {}
            (Scalar::IntOrString, value) => {
                if value.as_i64().and_then(|number| i32::try_from(number).ok()).is_none() {
                    return Err(self.wording(&literal(value), "int32"));
                }
            }
            (Scalar::String, Value::String(text)) if wire == Wire::Time => {
                time::parse(text)?;
            }
            (Scalar::String, Value::String(text)) if wire == Wire::MicroTime => {
                time::parse_micro(text)?;
            }
            (Scalar::String, value) if matches!(wire, Wire::Time | Wire::MicroTime) => {
                return Err(self.wording(json::kind(value), "string"));
            }
            (Scalar::Bytes, Value::String(text)) => {
                if let Err(error) = crate::codec::base64::decode(text) {
                    self.first.get_or_insert(error);
                }
            }
            (Scalar::Bytes, Value::Array(items)) => {
                for item in items {
                    match item {
                        Value::Null => {}
                        Value::Number(number) if number.as_u64().is_some_and(|number| number <= 255) => {}
                        item => self.mismatch(&literal(item), schema, wire, "uint8"),
                    }
                }
            }
            (Scalar::String, Value::String(_))
            | (Scalar::Boolean, Value::Bool(_))
            | (Scalar::Number, Value::Number(_)) => {}
            (Scalar::Number, value @ Value::Raw(_)) if value.opened().is_number() => {}
            (Scalar::Integer | Scalar::Number, value @ Value::Raw(_)) => {
                self.mismatch(&literal(value), schema, wire, go);
            }
            (Scalar::Integer, Value::Number(number)) => {
                let fits = match wire {
                    Wire::Int32 => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
                    _ => number.is_i64(),
                };
                if !fits {
                    self.mismatch(&literal(value), schema, wire, go);
                }
            }
            _ => self.mismatch(json::kind(value), schema, wire, go),
        }
        Ok(())
    }

    fn mismatch(&mut self, what: &str, schema: &Schema, wire: Wire, go: &str) {
        if self.first.is_none() {
            let wanted = if go.is_empty() { go_type(schema, wire) } else { go.to_string() };
            self.first = Some(self.wording(what, &wanted));
        }
    }

    fn wording(&self, what: &str, wanted: &str) -> String {
        match self.fields.is_empty() {
            true => format!("json: cannot unmarshal {what} into Go value of type {wanted}"),
            false => {
                let (owner, fields) = (self.owner, self.fields.join("."));
                format!("json: cannot unmarshal {what} into Go struct field {owner}.{fields} of type {wanted}")
            }
        }
    }
}

/// The Go type that the schema implies.
fn go_type(schema: &Schema, wire: Wire) -> String {
    match &schema.shape {
        Shape::Object(Object { name: Some(name), .. }) => qualified(name).to_string(),
        Shape::Object(Object { values: Some(values), .. }) => format!("map[string]{}", go_type(values, wire)),
        Shape::Object(_) | Shape::Any => "map[string]interface {}".into(),
        Shape::List(list) => format!("[]{}", go_type(&list.items, wire)),
        Shape::Scalar(scalar) => match scalar {
            Scalar::Integer if wire == Wire::Int32 => "int32",
            Scalar::Integer => "int64",
            Scalar::Number => "float64",
            Scalar::Boolean => "bool",
            Scalar::Bytes => "[]uint8",
            Scalar::Quantity => "resource.Quantity",
            Scalar::IntOrString => "intstr.IntOrString",
            Scalar::String => match wire {
                Wire::Time => "v1.Time",
                Wire::MicroTime => "v1.MicroTime",
                _ => "string",
            },
        }
        .into(),
    }
}

/// The element's type of a written-out list or map type; a named one does not tell.
fn element(go: &str) -> &str {
    match go.strip_prefix("[]") {
        Some(element) => element,
        None => go.strip_prefix("map[").and_then(|rest| rest.split_once(']')).map_or("", |(_, element)| element),
    }
    .trim_start_matches('*')
}

/// `v1.Pod` of `io.k8s.api.core.v1.Pod`.
fn qualified(name: &str) -> &str {
    let start = name.rmatch_indices('.').nth(1).map_or(0, |(at, _)| at + 1);
    &name[start..]
}

fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Of numbers that do not fit, Go tells the number.
fn literal(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("number {number}"),
        Value::Raw(text) if json::kind(value) == "number" => format!("number {text}"),
        value => json::kind(value).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::builtin;
    use crate::tree::json;

    #[test]
    fn mismatches_are_worded_as_go_words_them() {
        for (kind, value, expected) in [
            ("ConfigMap", json!({"data": {"a": 1}}), "number into Go struct field ConfigMap.data of type string"),
            ("ConfigMap", json!({"data": []}), "array into Go struct field ConfigMap.data of type map[string]string"),
            ("Secret", json!({"data": {"a": ["x"]}}), "string into Go struct field Secret.data of type uint8"),
            ("Secret", json!({"data": {"a": [256]}}), "number 256 into Go struct field Secret.data of type uint8"),
            (
                "ConfigMap",
                json!({"metadata": 1}),
                "number into Go struct field ConfigMap.metadata of type v1.ObjectMeta",
            ),
            ("ConfigMap", json!({"immutable": "x"}), "string into Go struct field ConfigMap.immutable of type bool"),
            (
                "Pod",
                json!({"spec": {"containers": [{"env": [{"name": "A", "value": 1}]}]}}),
                "number into Go struct field EnvVar.spec.containers.env.value of type string",
            ),
            (
                "Pod",
                json!({"spec": {"containers": {}}}),
                "object into Go struct field PodSpec.spec.containers of type []v1.Container",
            ),
            (
                "Pod",
                json!({"spec": {"containers": [{"ports": [{"containerPort": 4294967296_i64}]}]}}),
                "number 4294967296 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32",
            ),
            (
                "Pod",
                json!({"spec": {"containers": [{"ports": [{"protocol": 1}]}]}}),
                "number into Go struct field ContainerPort.spec.containers.ports.protocol of type v1.Protocol",
            ),
            (
                "Pod",
                json!({"spec": {"priority": 1.5}}),
                "number 1.5 into Go struct field PodSpec.spec.priority of type int32",
            ),
            (
                "Pod",
                json!({"spec": {"volumes": [{"configMap": {"defaultMode": "x"}}]}}),
                "string into Go struct field ConfigMapVolumeSource.spec.volumes.VolumeSource.configMap.defaultMode of type int32",
            ),
            (
                "Pod",
                json!({"spec": {"containers": [{"resources": {"limits": 1}}]}}),
                "number into Go struct field ResourceRequirements.spec.containers.resources.limits of type v1.ResourceList",
            ),
            ("Secret", json!({"data": {"a": 1}}), "number into Go struct field Secret.data of type []uint8"),
        ] {
            let schema = builtin::schema(&format!("io.k8s.api.core.v1.{kind}"));
            assert_eq!(types(schema, &value).unwrap_err(), format!("json: cannot unmarshal {expected}"), "{value}");
        }
    }

    #[test]
    fn types_that_decode_themselves_have_their_own_words() {
        for (value, expected) in [
            (
                json!({"spec": {"containers": [{"resources": {"limits": {"cpu": "x"}}}]}}),
                "quantities must match the regular",
            ),
            (json!({"metadata": {"creationTimestamp": "x"}}), "parsing time \"x\""),
            (
                json!({"metadata": {"creationTimestamp": 1}}),
                "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
            ),
            (
                json!({"spec": {"containers": [{"livenessProbe": {"httpGet": {"port": true}}}]}}),
                "json: cannot unmarshal bool into Go struct field HTTPGetAction.spec.containers.livenessProbe.ProbeHandler.httpGet.port of type int32",
            ),
        ] {
            let error = types(builtin::schema("io.k8s.api.core.v1.Pod"), &value).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        let secret = types(builtin::schema("io.k8s.api.core.v1.Secret"), &json!({"data": {"a": "!"}})).unwrap_err();
        assert_eq!(secret, "illegal base64 data at input byte 0");
    }

    #[test]
    fn null_fits_everywhere() {
        let pod = builtin::schema("io.k8s.api.core.v1.Pod");
        assert_eq!(types(pod, &json!({"metadata": null, "spec": {"containers": null, "hostNetwork": null}})), Ok(()));
    }

    #[test]
    fn the_first_mismatch_is_told() {
        let config_map = builtin::schema("io.k8s.api.core.v1.ConfigMap");
        let error = types(config_map, &json!({"immutable": 1, "data": {"a": 1}})).unwrap_err();
        assert!(error.contains("ConfigMap.immutable"), "{error}");
    }
}
