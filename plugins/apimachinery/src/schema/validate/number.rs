//! Bounds of numbers.

use serde_json::Number;

use super::path::Path;
use super::text::{float_text, plain};
use crate::schema::{Scalar, Schema, Shape};

pub(super) enum Finding {
    /// A bound does not hold.
    Bound(String),
    /// The number does not fit into its type and format.
    Range(String),
}

pub(super) fn check(schema: &Schema, number: &Number, path: &Path<'_>, found: &mut Vec<Finding>) {
    let rules = &schema.rules;
    let format = rules.format.as_deref().unwrap_or_default();
    let value = number.as_f64().unwrap_or(f64::NAN);
    let integer = !rules.untyped && matches!(schema.shape, Shape::Scalar(Scalar::Integer));
    let outside = match (integer, format) {
        (true, "int32") => !fits_integer(number, i32::MIN.into(), i32::MAX.into()),
        (true, _) => !fits_integer(number, i64::MIN, i64::MAX),
        (false, "float") => value.abs() > f64::from(f32::MAX),
        (false, _) => false,
    };
    if outside {
        let kind = match (integer, format) {
            (true, "int32" | "int64") => format!("integer with format {format}"),
            (true, _) => "integer (default format)".to_string(),
            (false, _) => format!("number with format {format}"),
        };
        found.push(Finding::Range(format!("Checked value must be of type {kind} in {path}")));
    }
    // Bounds of whole numbers are whole numbers, as upstream compares them.
    let bound = |bound: f64| if number.is_i64() { bound.trunc() } else { bound };
    let mut bad = |what: &str, bound: f64| {
        found.push(Finding::Bound(format!("{path} in body should be {what} {}", float_text(bound))));
    };
    if let Some(factor) = rules.multiple_of.map(bound) {
        let quotient = if factor < 1.0 { (1.0 / factor) * value } else { value / factor };
        if factor <= 0.0 {
            let factor = float_text(factor);
            found.push(Finding::Bound(format!("factor MultipleOf declared for {path} must be positive: {factor}")));
            return;
        }
        let nearest = quotient.round();
        let whole = quotient == nearest || ((quotient - nearest) / nearest).abs() < 1e-9;
        if !whole {
            bad("a multiple of", factor);
        }
    }
    if let Some(least) = rules.minimum.map(bound) {
        match rules.exclusive_minimum {
            true if value <= least => bad("greater than", least),
            false if value < least => bad("greater than or equal to", least),
            _ => {}
        }
    }
    if let Some(most) = rules.maximum.map(bound) {
        match rules.exclusive_maximum {
            true if value >= most => bad("less than", most),
            false if value > most => bad("less than or equal to", most),
            _ => {}
        }
    }
}

fn fits_integer(number: &Number, least: i64, most: i64) -> bool {
    match number.as_i64() {
        Some(integer) => (least..=most).contains(&integer),
        None => plain(number).parse::<i64>().is_ok_and(|integer| (least..=most).contains(&integer)),
    }
}
