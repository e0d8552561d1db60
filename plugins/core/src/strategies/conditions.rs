//! Conditions of the common type (`metav1.Condition`), where a status has them.

use std::collections::BTreeSet;

use apimachinery::validation::place::{Findings, Place};

const STATUSES: [&str; 3] = ["False", "True", "Unknown"];
const REASON_LENGTH_MAX: usize = 1024;
const MESSAGE_LENGTH_MAX: usize = 32 * 1024;
const REASON: &str = "a condition reason must start with alphabetic character, optionally followed by a string of \
                      alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. \
                      'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used \
                      for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')";

pub(super) fn conditions(conditions: &Place<'_, '_>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for condition in conditions.items() {
        let kind = condition.at("type");
        if !seen.insert(kind.text()) {
            kind.duplicate(findings);
        }
        self::condition(&condition, findings);
    }
}

fn condition(condition: &Place<'_, '_>, findings: &mut Findings) {
    condition.at("type").label_name(findings);
    let status = condition.at("status");
    if !STATUSES.contains(&status.text()) {
        status.unsupported(&STATUSES, findings);
    }
    let generation = condition.at("observedGeneration");
    if generation.number().is_some_and(|generation| generation < 0) {
        generation.invalid("must be greater than or equal to zero", findings);
    }
    if !condition.at("lastTransitionTime").is_given() {
        condition.at("lastTransitionTime").required("", findings);
    }
    let (reason, message) = (condition.at("reason"), condition.at("message"));
    if reason.is_empty() {
        reason.required("", findings);
    } else {
        if !is_reason(reason.text()) {
            reason.invalid(REASON, findings);
        }
        if reason.text().len() > REASON_LENGTH_MAX {
            reason.too_long(REASON_LENGTH_MAX, findings);
        }
    }
    if message.text().len() > MESSAGE_LENGTH_MAX {
        message.too_long(MESSAGE_LENGTH_MAX, findings);
    }
}

fn is_reason(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b',' | b':');
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    first.is_ascii_alphabetic() && bytes.iter().copied().all(inside) && !matches!(last, b',' | b':')
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn a_condition_says_what_and_since_when() {
        let whole =
            json!({"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "A:b_"});
        for (conditions, expected) in [
            (json!([whole]), vec![]),
            (json!([whole, whole]), vec!["c[1].type: Duplicate value: \"Ready\""]),
            (
                json!([{"type": "Ready", "status": "x", "observedGeneration": -1}]),
                vec![
                    "c[0].status: Unsupported value: \"x\": supported values: \"False\", \"True\", \"Unknown\"",
                    "c[0].observedGeneration: Invalid value: -1: must be greater than or equal to zero",
                    "c[0].lastTransitionTime: Required value",
                    "c[0].reason: Required value",
                ],
            ),
        ] {
            let mut findings = Findings::new();
            super::conditions(&Place::named("c", &conditions), &mut findings);
            let found: Vec<String> = findings.iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{conditions}");
        }
        assert!(is_reason("ReasonA,ReasonB") && !is_reason("a,") && !is_reason("1a"));
    }
}
