//! Bounds of numbers.

use super::path::Path;
use super::text::float_text;
use crate::schema::{Scalar, Schema, Shape};
use crate::tree::{Number, Value};

pub(super) enum Finding {
    /// A bound does not hold.
    Bound(String),
    /// `multipleOf` makes no sense: its value.
    Factor(Value, String),
    /// The number, or a bound, does not fit into the type and format.
    Range(String),
}

pub(super) fn check(schema: &Schema, number: &Number, path: &Path<'_>, found: &mut Vec<Finding>) {
    let rules = &schema.rules;
    let form = Form::of(schema);
    let value = number.as_f64().unwrap_or(f64::NAN);
    form.must_hold("Checked value", number, path, found);
    // Bounds of whole numbers are compared as whole numbers, if they are some.
    let mut bound = |what: &str, bound: f64| {
        let Some(as_number) = Number::from_f64(bound) else { return bound };
        match form.must_hold(what, &as_number, path, found) && number.is_i64() {
            true => bound.trunc(),
            false => bound,
        }
    };
    let factor = rules.multiple_of.map(|factor| bound("MultipleOf value", factor));
    let most = rules.maximum.map(|most| bound("Maximum boundary value", most));
    let least = rules.minimum.map(|least| bound("Minimum boundary value", least));
    if let Some(factor) = factor {
        if factor <= 0.0 {
            let why = format!("factor MultipleOf declared for {path} must be positive: {}", float_text(factor));
            found.push(Finding::Factor(crate::tree::json!(factor), why));
        } else if !is_multiple(value, factor) {
            found.push(Finding::Bound(format!("{path} in body should be a multiple of {}", float_text(factor))));
        }
    }
    let mut bad = |what: &str, bound: f64| {
        found.push(Finding::Bound(format!("{path} in body should be {what} {}", float_text(bound))));
    };
    match (least, rules.exclusive_minimum) {
        (Some(least), true) if value <= least => bad("greater than", least),
        (Some(least), false) if value < least => bad("greater than or equal to", least),
        _ => {}
    }
    match (most, rules.exclusive_maximum) {
        (Some(most), true) if value >= most => bad("less than", most),
        (Some(most), false) if value > most => bad("less than or equal to", most),
        _ => {}
    }
}

fn is_multiple(value: f64, factor: f64) -> bool {
    is_whole(if factor < 1.0 { (1.0 / factor) * value } else { value / factor })
}

/// Whether a float is a whole number, or as good as one. Beyond 2^53 it cannot be told.
pub(super) fn is_whole(value: f64) -> bool {
    const MOST: f64 = 9_007_199_254_740_991.0;
    let (whole, size) = (value.trunc(), value.abs() + value.trunc().abs());
    value.abs() <= MOST && (value == whole || (whole != 0.0 && (value - whole).abs() / size < 1e-9))
}

/// What numbers a type and format hold.
struct Form<'a> {
    integer: bool,
    number: bool,
    format: &'a str,
}

impl<'a> Form<'a> {
    fn of(schema: &'a Schema) -> Self {
        let is = |scalar| !schema.rules.untyped && matches!(schema.shape, Shape::Scalar(known) if known == scalar);
        let (integer, number) = (is(Scalar::Integer), is(Scalar::Number));
        let format = match schema.rules.format.as_deref().unwrap_or_default() {
            format @ ("int32" | "int64") if integer => format,
            format @ ("float" | "double") if number => format,
            _ => "",
        };
        Self { integer, number, format }
    }

    /// Whether the number fits; if not it is said of `what`.
    fn must_hold(&self, what: &str, number: &Number, path: &Path<'_>, found: &mut Vec<Finding>) -> bool {
        let fits = match (self.integer, self.format) {
            (true, "int32") => fits_integer(number, i32::MIN.into(), i32::MAX.into()),
            (true, _) => fits_integer(number, i64::MIN, i64::MAX),
            (false, "float") => number.as_f64().is_some_and(|value| value.abs() <= f64::from(f32::MAX)),
            (false, _) => true,
        };
        if !fits {
            let kind = if self.number { "number" } else { "integer" };
            let kind = match self.format {
                "" => format!("{kind} (default format)"),
                format => format!("{kind} with format {format}"),
            };
            found.push(Finding::Range(format!("{what} must be of type {kind} in {path}")));
        }
        fits
    }
}

/// Whether the number, written without an exponent, is a whole one in this range.
fn fits_integer(number: &Number, least: i64, most: i64) -> bool {
    match (number.as_i64(), number.as_f64()) {
        (Some(integer), _) => (least..=most).contains(&integer),
        (None, Some(float)) => format!("{float}").parse::<i64>().is_ok_and(|integer| (least..=most).contains(&integer)),
        _ => false,
    }
}
