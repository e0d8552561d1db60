//! What failed and succeeded pods mean for a job.

use std::collections::BTreeSet;

use apimachinery::status::{FieldError, FieldErrorKind};
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

const RULES_MAX: usize = 20;
const CODES_MAX: usize = 255;
const PATTERNS_MAX: usize = 20;
const INDEXES_LENGTH_MAX: usize = 64 * 1024;

pub(super) fn failure_policy(spec: &Place<'_, '_>, policy: &Place<'_, '_>, findings: &mut Findings) {
    const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];
    let rules = policy.at("rules");
    if rules.count() > RULES_MAX {
        rules.too_many(rules.count(), RULES_MAX, findings);
    }
    for rule in rules.items() {
        let action = rule.at("action");
        match action.text() {
            "" => action.required("valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]", findings),
            "FailIndex" if !spec.at("backoffLimitPerIndex").is_given() => {
                action.invalid("requires the backoffLimitPerIndex to be set", findings);
            }
            _ => action.none_or_one_of(&ACTIONS, findings),
        }
        let (codes, conditions) = (rule.at("onExitCodes"), rule.at("onPodConditions"));
        if codes.is_given() {
            exit_codes(spec, &codes, findings);
        }
        pod_conditions(&conditions, findings);
        let why = match (codes.is_given(), conditions.is_empty()) {
            (true, false) => "specifying both OnExitCodes and OnPodConditions is not supported",
            (false, true) => "specifying one of OnExitCodes and OnPodConditions is required",
            _ => continue,
        };
        without_value(&rule, why, findings);
    }
}

/// A finding whose value upstream leaves out.
pub(super) fn without_value(place: &Place<'_, '_>, why: &str, findings: &mut Findings) {
    findings.push(FieldError::new(FieldErrorKind::InvalidOmitted, place.path(), "", why));
}

fn exit_codes(spec: &Place<'_, '_>, codes: &Place<'_, '_>, findings: &mut Findings) {
    let operator = codes.at("operator");
    match operator.is_empty() {
        true => operator.required("valid values: [\"In\" \"NotIn\"]", findings),
        false => operator.none_or_one_of(&["In", "NotIn"], findings),
    }
    let container = codes.at("containerName");
    let named =
        |list: &str| spec.at("template.spec").at(list).items().any(|other| other.at("name").text() == container.text());
    if container.is_given() && !named("containers") && !named("initContainers") {
        container.invalid("must be one of the container or initContainer names in the pod template", findings);
    }
    let values = codes.at("values");
    if values.is_empty() {
        values.invalid_as(values.value(), "at least one value is required", findings);
    } else if values.count() > CODES_MAX {
        values.too_many(values.count(), CODES_MAX, findings);
    }
    let mut seen = BTreeSet::new();
    let mut last = None;
    let mut ordered = true;
    for value in values.items() {
        let number = value.number().unwrap_or(0);
        if operator.text() == "In" && number == 0 {
            value.invalid("must not be 0 for the In operator", findings);
        }
        if !seen.insert(number) {
            value.duplicate(findings);
        }
        ordered &= last.is_none_or(|last| last <= number);
        last = Some(number);
    }
    if !ordered {
        values.invalid("must be ordered", findings);
    }
}

fn pod_conditions(patterns: &Place<'_, '_>, findings: &mut Findings) {
    if patterns.count() > PATTERNS_MAX {
        patterns.too_many(patterns.count(), PATTERNS_MAX, findings);
    }
    for pattern in patterns.items() {
        pattern.at("type").shaped(names::qualified_name, findings);
        let status = pattern.at("status");
        match status.is_empty() {
            true => status.required("valid values: [\"False\" \"True\" \"Unknown\"]", findings),
            false => status.none_or_one_of(&["False", "True", "Unknown"], findings),
        }
    }
}

pub(super) fn success_policy(spec: &Place<'_, '_>, policy: &Place<'_, '_>, findings: &mut Findings) {
    let rules = policy.at("rules");
    if rules.is_empty() {
        rules.required("at least one rules must be specified when the successPolicy is specified", findings);
    }
    if rules.count() > RULES_MAX {
        rules.too_many(rules.count(), RULES_MAX, findings);
    }
    let completions = spec.at("completions").number().unwrap_or(0);
    for rule in rules.items() {
        let (count, indexes) = (rule.at("succeededCount"), rule.at("succeededIndexes"));
        if !count.is_given() && !indexes.is_given() {
            rule.required("at least one of succeededCount or succeededIndexes must be specified", findings);
        }
        let mut total = 0;
        if indexes.is_given() {
            if indexes.text().len() > INDEXES_LENGTH_MAX {
                indexes.too_long(INDEXES_LENGTH_MAX, findings);
            }
            match count_indexes(indexes.text(), completions) {
                Ok(number) => total = number,
                Err(why) => indexes.invalid(format!("error parsing succeededIndexes: {why}"), findings),
            }
        }
        let Some(number) = count.number() else { continue };
        count.not_negative(findings);
        if number > completions {
            let why = format!("must be less than or equal to {completions} (the number of specified completions)");
            count.invalid(why, findings);
        }
        if indexes.is_given() && number > total {
            let why = format!(
                "must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
            );
            count.invalid(why, findings);
        }
    }
}

/// How many indexes `1,3-5` names, or what is wrong with it.
pub(super) fn count_indexes(text: &str, completions: i64) -> Result<i64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let index = |text: &str| -> Result<i64, String> {
        let quoted = apimachinery::validation::quoted(text);
        let number: i64 = text.parse().map_err(|_| format!("cannot convert string to integer for index: {quoted}"))?;
        if number >= completions { Err(format!("too large index: {quoted}")) } else { Ok(number) }
    };
    let (mut total, mut last) = (0, None);
    for interval in text.split(',') {
        let parts: Vec<&str> = interval.split('-').collect();
        if parts.len() > 2 {
            let quoted = apimachinery::validation::quoted(interval);
            return Err(format!(
                "the fragment {quoted} violates the requirement that an index interval can have at most two parts \
                 separated by '-'"
            ));
        }
        let start = index(parts[0])?;
        let end = match parts.get(1) {
            Some(end) => index(end)?,
            None => start,
        };
        if parts.len() == 2 && start >= end {
            return Err(format!("non-increasing order, previous: {start}, current: {end}"));
        }
        if let Some(last) = last.filter(|last| *last >= start) {
            return Err(format!("non-increasing order, previous: {last}, current: {start}"));
        }
        total += end - start + 1;
        last = Some(end);
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::count_indexes;

    #[test]
    fn indexes_are_counted() {
        for (text, want) in [
            ("", Ok(0)),
            ("1,3-5", Ok(4)),
            ("3-1", Err("non-increasing order, previous: 3, current: 1")),
            ("9", Err("too large index: \"9\"")),
            ("a", Err("cannot convert string to integer for index: \"a\"")),
            ("1,1", Err("non-increasing order, previous: 1, current: 1")),
        ] {
            assert_eq!(count_indexes(text, 8), want.map_err(str::to_string), "{text}");
        }
    }
}
