//! Values as Go prints them in field errors.

use crate::tree::{Number, Value};
use crate::validation::quoted;

/// A value as it stands in `Invalid value: …`: strings quoted, numbers plain, all else as
/// Go's JSON, whose keys are sorted.
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Number(number) => plain(number),
        _ => json(value),
    }
}

/// Go's `%v` of a number.
pub fn plain(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float_text(float),
        _ => number.to_string(),
    }
}

/// Go's `%v` of a float: the shortest form, with an exponent outside of 1e-4 to 1e21.
pub fn float_text(float: f64) -> String {
    let magnitude = float.abs();
    if magnitude == 0.0 || (1e-4..1e21).contains(&magnitude) {
        return format!("{float}");
    }
    let text = format!("{float:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => match exponent.strip_prefix('-') {
            Some(digits) => format!("{mantissa}e-{digits:0>2}"),
            None => format!("{mantissa}e+{exponent:0>2}"),
        },
        None => text,
    }
}

/// Go's JSON: keys sorted, `<`, `>` and `&` escaped.
pub fn json(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| key.as_str());
                entries.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect()
            }
            Value::Array(items) => items.iter().map(sorted).collect(),
            // Go writes a float that is whole without its fraction.
            Value::Number(number) if number.is_f64() => match number.as_f64() {
                Some(float) if float.fract() == 0.0 && float.abs() < 1e18 => Value::from(float as i64),
                _ => value.clone(),
            },
            other => other.clone(),
        }
    }
    let text = sorted(value).to_string();
    if !text.contains(['<', '>', '&']) {
        return text;
    }
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json as value;

    #[test]
    fn values_are_shown_as_go_prints_them() {
        for (value, expected) in [
            (value!("a\"b\n"), r#""a\"b\n""#),
            (value!("<x>"), r#""<x>""#),
            (value!(11), "11"),
            (value!(1.5), "1.5"),
            (value!(1e21), "1e+21"),
            (value!(1000000.0), "1000000"),
            (value!(0.00001), "1e-05"),
            (value!({"b": 1, "a": "<"}), r#"{"a":"\u003c","b":1}"#),
            (value!([2.0, 0.5]), "[2,0.5]"),
            (value!(true), "true"),
            (value!(null), "null"),
        ] {
            assert_eq!(shown(&value), expected);
        }
    }
}
