//! Conditions in a definition's status.

use apimachinery::tree::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    True,
    False,
}

impl Status {
    fn text(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
        }
    }
}

/// Sets a condition, behind the others if it is new. Its time is that of the last change of
/// its status.
pub(crate) fn set(object: &mut Value, kind: &str, status: Status, reason: &str, message: &str, now: &str) {
    let conditions = &mut object["status"]["conditions"];
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let Value::Array(conditions) = conditions else { return };
    let old = conditions.iter_mut().find(|condition| condition["type"] == kind);
    let since = match &old {
        Some(old) if old["status"] == status.text() => {
            old["lastTransitionTime"].as_str().filter(|since| !since.is_empty()).unwrap_or(now)
        }
        _ => now,
    };
    let new = json!({
        "type": kind,
        "status": status.text(),
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    });
    match old {
        Some(old) => *old = new,
        None => conditions.push(new),
    }
}

/// Removes a condition.
pub(crate) fn remove(object: &mut Value, kind: &str) {
    if let Some(conditions) = object["status"]["conditions"].as_array_mut() {
        conditions.retain(|condition| condition["type"] != kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_keeps_its_time_until_its_status_changes() {
        let mut object = json!({});
        set(&mut object, "A", Status::False, "One", "first", "t1");
        set(&mut object, "B", Status::True, "Other", "", "t1");
        set(&mut object, "A", Status::False, "Two", "second", "t2");
        let condition = |object: &Value| object["status"]["conditions"][0].clone();
        assert_eq!(condition(&object)["lastTransitionTime"], "t1");
        assert_eq!(condition(&object)["reason"], "Two");
        set(&mut object, "A", Status::True, "Three", "third", "t3");
        assert_eq!(condition(&object)["lastTransitionTime"], "t3");
        remove(&mut object, "A");
        assert_eq!(condition(&object)["type"], "B");
    }
}
