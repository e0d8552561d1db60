//! Events: one object in two groups. It is stored as the core group has it; the other group
//! has other names for the same. Each is gone after an hour.

use apimachinery::schema::internal;
use apimachinery::status::FieldError;
use apimachinery::strategy::{Operation, Strategy};
use apimachinery::tree::{Map, Value};
use apimachinery::validation::{metadata, names};

use crate::tree::text;

const TTL_SECONDS: u64 = 3600;
const NAME_BYTES_MAX: usize = 128;
const MESSAGE_BYTES_MAX: usize = 1024;

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
        common(object, &OLD, errors);
    }

    fn validates_metadata(&self) -> bool {
        true
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, _old: &Value, errors: &mut Vec<FieldError>) {
        self.validate(operation, object, errors);
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
    fn validate(&self, operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        common(object, &NEW, errors);
        metadata::create(operation.definition, object, errors);
        series(&object["series"], errors);
        if object["eventTime"].is_null() {
            errors.push(FieldError::required("eventTime", ""));
        }
        let mut refuse = |field: &str, why: &str| errors.push(FieldError::invalid(field, &"".into(), why));
        let kind = text(object, "type");
        if !matches!(kind, "Normal" | "Warning") {
            refuse("type", &format!("has invalid value: {kind}"));
        }
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
    }

    fn validates_metadata(&self) -> bool {
        true
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        common(object, &NEW, errors);
        metadata::between(operation.definition, operation.subresource, object, old, errors);
        if object["series"] != old["series"] {
            series(&object["series"], errors);
        }
        for (own, field, of) in FIXED {
            if object[own] != old[own] {
                // Numbers and texts are always there; what nobody sends of them is nothing.
                let unset = match own {
                    "reason" | "note" | "type" | "action" | "reportingController" | "reportingInstance" => "".into(),
                    "deprecatedCount" => 0.into(),
                    _ => Value::Null,
                };
                let value = if object[own].is_null() { &unset } else { &object[own] };
                let shown = internal::show(of, value);
                errors.push(FieldError::invalid(field, &shown, "field is immutable"));
            }
        }
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

/// What a group calls the members that both look at.
struct Members {
    about: &'static str,
    message: &'static str,
    reporter: &'static str,
}

const OLD: Members = Members { about: "involvedObject", message: "message", reporter: "reportingComponent" };
const NEW: Members = Members { about: "regarding", message: "note", reporter: "reportingController" };

/// What the newer group lets nobody change: the member, its name in messages, its type there.
const FIXED: [(&str, &str, &str); 14] = [
    ("regarding", "involvedObject", "io.k8s.api.core.v1.ObjectReference"),
    ("reason", "reason", ""),
    ("note", "message", ""),
    ("deprecatedSource", "source", "io.k8s.api.core.v1.EventSource"),
    ("deprecatedFirstTimestamp", "firstTimestamp", ""),
    ("deprecatedLastTimestamp", "lastTimestamp", ""),
    ("deprecatedCount", "count", ""),
    ("reason", "reason", ""),
    ("type", "type", ""),
    ("eventTime", "eventTime", ""),
    ("action", "action", ""),
    ("related", "related", "io.k8s.api.core.v1.ObjectReference"),
    ("reportingController", "reportingController", ""),
    ("reportingInstance", "reportingInstance", ""),
];

/// What both groups ask. Without a time of its own an event is where the object is that it is about;
/// those about objects without a namespace are in `default`.
fn common(object: &Value, members: &Members, errors: &mut Vec<FieldError>) {
    let (about, own) = (text(&object[members.about], "namespace"), text(&object["metadata"], "namespace"));
    let timed = !object["eventTime"].is_null();
    let fits = match about {
        "" => matches!(own, "" | "default") || (timed && own == "kube-system"),
        about => timed || about == own,
    };
    if !fits {
        errors.push(FieldError::invalid("involvedObject.namespace", &about.into(), "does not match event.namespace"));
    }
    if timed {
        reporter(object, members.reporter, errors);
        if text(object, members.message).len() > MESSAGE_BYTES_MAX {
            let why = format!("can have at most {MESSAGE_BYTES_MAX} characters");
            errors.push(FieldError::invalid("message", &"".into(), why));
        }
    }
}

fn series(series: &Value, errors: &mut Vec<FieldError>) {
    if !series.is_object() {
        return;
    }
    if series["count"].as_i64().unwrap_or(0) < 2 {
        errors.push(FieldError::invalid("series.count", &"".into(), "should be at least 2"));
    }
    if series["lastObservedTime"].is_null() {
        errors.push(FieldError::required("series.lastObservedTime", ""));
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
