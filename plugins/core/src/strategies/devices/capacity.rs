//! How much of a device one claim may take, where several share it.

use apimachinery::codec::quantity::Quantity;
use apimachinery::validation::place::{Findings, Place};

const VALUES_MAX: usize = 10;
const ONE: i128 = 1_000_000_000;

/// Of a device that one claim has for itself.
pub(super) fn unshared(capacity: &Place<'_, '_>, findings: &mut Findings) {
    let policy = capacity.at("requestPolicy");
    if policy.is_given() {
        policy.forbidden("allowMultipleAllocations must be true", findings);
    }
}

/// Of a device that claims share.
pub(super) fn shared(capacity: &Place<'_, '_>, findings: &mut Findings) {
    let (whole, policy) = (Amount::at(&capacity.at("value")), capacity.at("requestPolicy"));
    let (values, range, default) = (policy.at("validValues"), policy.at("validRange"), policy.at("default"));
    let says_default = |of: &str, findings: &mut Findings| {
        if !default.is_given() {
            default.required(&format!("required when {of} is defined"), findings);
        }
        default.is_given()
    };
    match (!values.is_empty(), range.is_given()) {
        (true, true) => {
            let why = "exactly one policy can be specified, cannot specify \"validValues\" and \"validRange\" at the \
                       same time";
            policy.forbidden(why, findings);
        }
        (true, false) if says_default("validValues", findings) => {
            self::values(&values, &whole, &Amount::at(&default), findings);
        }
        (false, true) if says_default("validRange", findings) => {
            self::range(&range, &whole, &Amount::at(&default), findings);
        }
        _ => {}
    }
}

/// An amount and how it is written.
struct Amount<'v> {
    text: &'v str,
    quantity: Quantity,
}

impl<'v> Amount<'v> {
    fn at(place: &Place<'_, 'v>) -> Self {
        let text = if place.is_empty() { "0" } else { place.text() };
        Self { text, quantity: Quantity::parse(text).unwrap_or_else(|_| Quantity::of_nanos(0)) }
    }

    fn nanos(&self) -> i128 {
        self.quantity.nanos()
    }

    /// Whole ones, the last one begun counted.
    fn ones(&self) -> i128 {
        -(-self.nanos()).div_euclid(ONE)
    }
}

fn values(values: &Place<'_, '_>, whole: &Amount<'_>, default: &Amount<'_>, findings: &mut Findings) {
    let all: Vec<(Place<'_, '_>, Amount<'_>)> = values.items().map(|value| (value, Amount::at(&value))).collect();
    for (before, (place, amount)) in all.iter().zip(all.iter().skip(1)) {
        if before.1.nanos() > amount.nanos() {
            place.invalid("values must be sorted in ascending order", findings);
        }
    }
    let mut has_default = false;
    if all.len() > VALUES_MAX {
        values.too_many(all.len(), VALUES_MAX, findings);
    } else {
        for (place, amount) in &all {
            if amount.nanos() > whole.nanos() {
                place.invalid(format!("option is larger than capacity value: {}", whole.text), findings);
            }
            has_default |= amount.nanos() == default.nanos();
        }
        for (index, (place, amount)) in all.iter().enumerate() {
            if all[..index].iter().any(|(_, other)| other.ones() == amount.ones()) {
                place.duplicate_as(&amount.ones().to_string().into(), findings);
            }
        }
    }
    if !has_default {
        values.invalid_as(&default.text.into(), "default value is not valid according to the requestPolicy", findings);
    }
}

fn range(range: &Place<'_, '_>, whole: &Amount<'_>, default: &Amount<'_>, findings: &mut Findings) {
    let (min_place, max_place, step_place) = (range.at("min"), range.at("max"), range.at("step"));
    if !min_place.is_given() {
        return min_place.required("required when validRange is defined", findings);
    }
    let refuse = |place: &Place<'_, '_>, shown: &Amount<'_>, why: String, findings: &mut Findings| {
        place.invalid_as(&shown.text.into(), why, findings);
    };
    let min = Amount::at(&min_place);
    if min.nanos() > whole.nanos() {
        refuse(&min_place, &min, format!("min is larger than capacity value: {}", whole.text), findings);
    }
    if default.nanos() < min.nanos() {
        refuse(&min_place, default, format!("default is less than min: {}", min.text), findings);
    }
    let max = max_place.is_given().then(|| Amount::at(&max_place));
    if let Some(max) = &max {
        if min.nanos() > max.nanos() {
            refuse(&max_place, &min, format!("min is larger than max: {}", max.text), findings);
        }
        if max.nanos() > whole.nanos() {
            refuse(&max_place, max, format!("max is larger than capacity value: {}", whole.text), findings);
        }
        if default.nanos() > max.nanos() {
            refuse(&max_place, default, format!("default is more than max: {}", max.text), findings);
        }
    }
    if !step_place.is_given() {
        return;
    }
    let step = Amount::at(&step_place);
    let first = min.quantity.plus(&step.quantity);
    if first.nanos() > whole.nanos() {
        let why = format!("one step {first} is larger than capacity value: {}", whole.text);
        refuse(&step_place, &step, why, findings);
    }
    for amount in std::iter::once(default).chain(&max) {
        // Upstream divides by a step of nothing, and falls.
        if (amount.ones() - min.ones()).checked_rem(step.ones()).is_some_and(|rest| rest != 0) {
            let why = format!("value is not a multiple of a given step ({}) from ({})", step.text, min.text);
            refuse(&step_place, amount, why, findings);
        }
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::{Value, json};

    use super::*;

    fn found(policy: Value) -> Vec<String> {
        let (capacity, mut findings) = (json!({"value": "10", "requestPolicy": policy}), Vec::new());
        shared(&Place::named("c", &capacity), &mut findings);
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_may_be_asked_for_holds_the_default() {
        for (policy, expected) in [
            (json!({}), vec![]),
            (json!({"default": "1", "validValues": ["1", "2"]}), vec![]),
            (json!({"default": "2", "validRange": {"min": "1", "max": "9", "step": "1"}}), vec![]),
            (
                json!({"validValues": ["1"]}),
                vec!["c.requestPolicy.default: Required value: required when validValues is defined"],
            ),
            (
                json!({"default": "3", "validValues": ["2", "1", "1", "11"]}),
                vec![
                    "c.requestPolicy.validValues[1]: Invalid value: \"1\": values must be sorted in ascending order",
                    "c.requestPolicy.validValues[3]: Invalid value: \"11\": option is larger than capacity value: 10",
                    "c.requestPolicy.validValues[2]: Duplicate value: \"1\"",
                    "c.requestPolicy.validValues: Invalid value: \"3\": default value is not valid according to the \
                     requestPolicy",
                ],
            ),
            (
                json!({"default": "0", "validRange": {"min": "2", "max": "11", "step": "9"}}),
                vec![
                    "c.requestPolicy.validRange.min: Invalid value: \"0\": default is less than min: 2",
                    "c.requestPolicy.validRange.max: Invalid value: \"11\": max is larger than capacity value: 10",
                    "c.requestPolicy.validRange.step: Invalid value: \"9\": one step 11 is larger than capacity value: 10",
                    "c.requestPolicy.validRange.step: Invalid value: \"0\": value is not a multiple of a given step (9) \
                     from (2)",
                ],
            ),
        ] {
            assert_eq!(found(policy.clone()), expected, "{policy}");
        }
    }
}
