//! Events: one object in two groups. It is stored as the core group has it; the other group
//! has other names for the same. Each is gone after an hour.

use apimachinery::status::FieldError;
use apimachinery::strategy::{Operation, Strategy};
use apimachinery::tree::{Map, Value};
use apimachinery::validation::names;

use crate::tree::text;

const TTL_SECONDS: u64 = 3600;
const NAME_BYTES_MAX: usize = 128;

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
        if !object["eventTime"].is_null() {
            reporter(object, "reportingComponent", errors);
        }
    }

    fn validate_name(&self, name: &str) -> Vec<String> {
        names::path_segment(name)
    }

    fn knows_finalizers(&self) -> bool {
        false
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
        let mut refuse = |field: &str, why: &str| errors.push(FieldError::invalid(field, &"".into(), why));
        for (own, field) in [
            ("deprecatedFirstTimestamp", "firstTimestamp"),
            ("deprecatedLastTimestamp", "lastTimestamp"),
            ("deprecatedCount", "count"),
            ("deprecatedSource", "source"),
        ] {
            let unset = match &object[own] {
                Value::Null => true,
                Value::Object(members) => members.values().all(|value| value == ""),
                other => *other == 0,
            };
            if !unset {
                refuse(field, "needs to be unset");
            }
        }
        let kind = text(object, "type");
        if !matches!(kind, "Normal" | "Warning") {
            refuse("type", &format!("has invalid value: {kind}"));
        }
        let series = &object["series"];
        if series.is_object() {
            if series["count"].as_i64().unwrap_or(0) < 2 {
                refuse("series.count", "should be at least 2");
            }
            if series["lastObservedTime"].is_null() {
                errors.push(FieldError::required("series.lastObservedTime", ""));
            }
        }
        let after = std::mem::take(errors);
        same_namespace(object, "regarding", errors);
        match object["eventTime"].is_null() {
            true => errors.push(FieldError::required("eventTime", "")),
            false => reporter(object, "reportingController", errors),
        }
        let (kinds, others): (Vec<_>, Vec<_>) = after.into_iter().partition(|error| error.field == "type");
        let (series, unset): (Vec<_>, Vec<_>) = others.into_iter().partition(|error| error.field.starts_with("series"));
        errors.extend(series.into_iter().chain(kinds).chain(unset));
    }

    /// Both are validated as the core group's.
    fn validated_group<'a>(&self, _own: &'a str) -> &'a str {
        ""
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
/// `default`. Upstream tells it by the core group's name of the field.
fn same_namespace(object: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let (about, own) = (text(&object[field], "namespace"), text(&object["metadata"], "namespace"));
    let fits = if about.is_empty() { matches!(own, "" | "default") } else { about == own };
    if !fits {
        errors.push(FieldError::invalid("involvedObject.namespace", &about.into(), "does not match event.namespace"));
    }
}

/// Who reports, and what: an event that has a time says so.
fn reporter(object: &Value, name: &str, errors: &mut Vec<FieldError>) {
    let controller = text(object, name);
    if controller.is_empty() {
        errors.push(FieldError::required(name, ""));
    }
    let found = names::qualified_name(controller);
    errors.extend(found.into_iter().map(|why| FieldError::invalid(name, &controller.into(), why)));
    for field in ["reportingInstance", "action", "reason"] {
        match text(object, field) {
            "" => errors.push(FieldError::required(field, "")),
            text if text.len() > NAME_BYTES_MAX => {
                let why = format!("can have at most {NAME_BYTES_MAX} characters");
                errors.push(FieldError::invalid(field, &"".into(), why));
            }
            _ => {}
        }
    }
}

fn rename(object: &mut Value, pair: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str)) {
    let Value::Object(map) = object else { return };
    let pairs = NAMES.map(pair);
    *map = std::mem::take(map)
        .into_iter()
        .map(|(key, value)| match pairs.iter().find(|(from, _)| *from == key) {
            Some((_, to)) => ((*to).into(), value),
            None => (key, value),
        })
        .collect::<Map>();
}

#[cfg(test)]
mod tests {
    use super::*;
    use apimachinery::tree::json;

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
