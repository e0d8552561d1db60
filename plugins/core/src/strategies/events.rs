//! Events: one object in two groups. It is stored as the core group has it; the other group
//! has other names for the same. Each is gone after an hour.

use apimachinery::status::FieldError;
use apimachinery::strategy::{Operation, Strategy};
use serde_json::{Map, Value};

use crate::tree::text;

const TTL_SECONDS: u64 = 3600;

pub(super) struct Events;
pub(super) struct NewEvents;

/// The names of the core group and of `events.k8s.io`.
const NAMES: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

impl Strategy for Events {
    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        same_namespace(object, "involvedObject", errors);
    }

    fn create_on_update(&self) -> bool {
        true
    }

    fn garbage_collected(&self) -> bool {
        false
    }

    fn ttl_seconds(&self) -> Option<u64> {
        Some(TTL_SECONDS)
    }
}

impl Strategy for NewEvents {
    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        same_namespace(object, "regarding", errors);
        if object["eventTime"].is_null() {
            errors.push(FieldError::required("eventTime", ""));
        }
        for field in ["reportingController", "reportingInstance", "action", "reason", "type"] {
            if text(object, field).is_empty() {
                errors.push(FieldError::required(field, ""));
            }
        }
    }

    fn create_on_update(&self) -> bool {
        true
    }

    fn garbage_collected(&self) -> bool {
        false
    }

    fn ttl_seconds(&self) -> Option<u64> {
        Some(TTL_SECONDS)
    }

    fn converts(&self) -> bool {
        true
    }

    fn reshape_to_store(&self, object: &mut Value) {
        rename(object, |(old, new)| (new, old));
        // The core group writes these even if they are empty.
        for key in ["reportingComponent", "reportingInstance"] {
            if object[key].is_null() {
                object[key] = "".into();
            }
        }
    }

    fn reshape_to_serve(&self, object: &mut Value) {
        rename(object, |(old, new)| (old, new));
        if let Value::Object(map) = object {
            map.retain(|key, value| {
                !(matches!(key.as_str(), "reportingController" | "reportingInstance") && *value == "")
            });
        }
    }
}

/// An event is where the object is that it is about; those without a namespace are in
/// `default`.
fn same_namespace(object: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let (about, own) = (text(&object[field], "namespace"), text(&object["metadata"], "namespace"));
    if !about.is_empty() && about != own {
        let value = &object[field]["namespace"];
        errors.push(FieldError::invalid(format!("{field}.namespace"), value, "does not match event.namespace"));
    }
}

fn rename(object: &mut Value, pair: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str)) {
    let Value::Object(map) = object else { return };
    let pairs = NAMES.map(pair);
    *map = std::mem::take(map)
        .into_iter()
        .map(|(key, value)| match pairs.iter().find(|(from, _)| *from == key) {
            Some((_, to)) => ((*to).to_string(), value),
            None => (key, value),
        })
        .collect::<Map<_, _>>();
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_event_has_two_forms() {
        let stored = json!({"involvedObject": {"kind": "Pod"}, "message": "m", "source": {}, "count": 1,
            "reportingComponent": "", "reportingInstance": "", "type": "Normal"});
        let mut served = stored.clone();
        NewEvents.reshape_to_serve(&mut served);
        assert_eq!(
            served,
            json!({"regarding": {"kind": "Pod"}, "note": "m", "deprecatedSource": {}, "deprecatedCount": 1, "type": "Normal"})
        );
        NewEvents.reshape_to_store(&mut served);
        assert_eq!(served, stored);
    }
}
