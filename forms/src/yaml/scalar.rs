//! What a scalar means: YAML 1.1 as upstream's library takes it.

/// The meaning of a plain scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar<'t> {
    Null,
    Bool(bool),
    Integer(i64),
    /// What only an unsigned integer holds.
    Large(u64),
    /// Finite, and with a fraction, or too large for an integer.
    Float(f64),
    Text(&'t str),
}

impl<'t> Scalar<'t> {
    /// # Errors
    /// If it is a float that JSON has no form for.
    pub fn read(text: &'t str) -> Result<Self, String> {
        Ok(match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Self::Bool(true),
            "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Self::Bool(false),
            ".nan" | ".NaN" | ".NAN" => return Err("json: unsupported value: NaN".into()),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
                return Err("json: unsupported value: +Inf".into());
            }
            "-.inf" | "-.Inf" | "-.INF" => return Err("json: unsupported value: -Inf".into()),
            _ => number(text).unwrap_or(Self::Text(text)),
        })
    }
}

/// Whether the text, written plainly, is read as itself.
pub(super) fn is_string(text: &str) -> bool {
    matches!(Scalar::read(text), Ok(Scalar::Text(_))) && !is_base_60(text) && !is_timestamp(text)
}

fn number(text: &str) -> Option<Scalar<'static>> {
    match text.as_bytes().first()? {
        b'.' => float(text),
        b'+' | b'-' | b'0'..=b'9' => {
            let text = text.replace('_', "");
            integer(&text).or_else(|| float(&text))
        }
        _ => None,
    }
}

/// `12`, `-0x1f`, `0o17`, `017`, `0b11`.
fn integer(text: &str) -> Option<Scalar<'static>> {
    let (negative, digits) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let prefix = digits.get(..2).unwrap_or("").to_ascii_lowercase();
    let (radix, digits) = match prefix.as_str() {
        "0x" => (16, &digits[2..]),
        "0o" => (8, &digits[2..]),
        "0b" => (2, &digits[2..]),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.starts_with(|first: char| first.is_digit(radix)) {
        return None;
    }
    let amount = i128::from_str_radix(digits, radix).ok()?;
    let amount = if negative { -amount } else { amount };
    match i64::try_from(amount) {
        Ok(amount) => Some(Scalar::Integer(amount)),
        Err(_) => u64::try_from(amount).ok().map(Scalar::Large),
    }
}

fn float(text: &str) -> Option<Scalar<'static>> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte)) {
        return None;
    }
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    // Whole numbers lose their fraction on the way through JSON.
    let whole = value as i64;
    let is_whole = whole as f64 == value && whole != i64::MAX;
    Some(if is_whole { Scalar::Integer(whole) } else { Scalar::Float(value) })
}

/// `2026-11-21`, and with a time; one digit of a month or a day is enough.
fn is_timestamp(text: &str) -> bool {
    let number = |part: &str, width: std::ops::RangeInclusive<usize>, range: std::ops::RangeInclusive<u32>| {
        width.contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && part.parse().is_ok_and(|number| range.contains(&number))
    };
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(&text[at..])),
        None => (text, None),
    };
    let parts: Vec<&str> = date.split('-').collect();
    let is_date = matches!(parts[..], [year, month, day]
        if number(year, 4..=4, 0..=9999) && number(month, 1..=2, 1..=12) && number(day, 1..=2, 1..=31));
    let Some(time) = time else { return is_date };
    let (clock, zoned) = match (&time[..1], time[1..].find(['Z', '+', '-'])) {
        (" ", None) => (&time[1..], true),
        (" ", Some(_)) => return false,
        (_, Some(at)) => (&time[1..=at], is_zone(&time[1 + at..])),
        (_, None) => return false,
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let parts: Vec<&str> = clock.split(':').collect();
    let is_clock = matches!(parts[..], [hour, minute, second]
        if number(hour, 1..=2, 0..=23) && number(minute, 1..=2, 0..=59) && number(second, 1..=2, 0..=59));
    is_date && is_clock && zoned && fraction.bytes().all(|byte| byte.is_ascii_digit())
}

/// `Z` or `+01:00`.
fn is_zone(zone: &str) -> bool {
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    zone == "Z" || zone[1..].split_once(':').is_some_and(|(hours, minutes)| digits(hours) && digits(minutes))
}

/// `1:30`, which other readers of YAML 1.1 take for ninety.
fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = unsigned.split(':');
    let first = parts.next().unwrap_or("");
    let mut rest = parts.peekable();
    if rest.peek().is_none() || !first.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    if !first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
        return false;
    }
    while let Some(part) = rest.next() {
        let part = match (rest.peek(), part.split_once('.')) {
            (None, Some((part, fraction))) if fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_') => part,
            _ => part,
        };
        if !part.bytes().all(|byte| byte.is_ascii_digit()) || part.is_empty() || part.parse().is_ok_and(|n: u64| n > 59)
        {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::Scalar::{Bool, Float, Integer, Large, Null, Text};
    use super::*;

    #[test]
    fn plain_scalars_mean_what_yaml_1_1_says() {
        for (text, expected) in [
            ("yes", Bool(true)),
            ("On", Bool(true)),
            ("n", Bool(false)),
            ("~", Null),
            ("", Null),
            ("010", Integer(8)),
            ("0o10", Integer(8)),
            ("0x1F", Integer(31)),
            ("-0b11", Integer(-3)),
            ("1_000", Integer(1000)),
            ("+5", Integer(5)),
            ("09", Integer(9)),
            ("1.0", Integer(1)),
            ("1e3", Integer(1000)),
            ("1.5", Float(1.5)),
            (".5", Float(0.5)),
            ("18446744073709551615", Large(u64::MAX)),
            ("1.2.3", Text("1.2.3")),
            ("1:30", Text("1:30")),
            ("2026-11-21", Text("2026-11-21")),
            ("1e", Text("1e")),
            ("0x", Text("0x")),
            ("-", Text("-")),
            ("nope", Text("nope")),
            ("12h", Text("12h")),
            ("1e999", Text("1e999")),
        ] {
            assert_eq!(Scalar::read(text), Ok(expected), "{text}");
        }
        assert!(Scalar::read(".inf").is_err());
    }

    #[test]
    fn strings_that_would_be_read_as_something_else_are_known() {
        for text in [
            "yes",
            "1",
            "",
            "1:30",
            "-1:30:59.5",
            "null",
            "1.5",
            "2026-11-21",
            "2026-1-2T3:4:5.6+01:00",
            "2026-01-02 03:04:05",
        ] {
            assert!(!is_string(text), "{text}");
        }
        for text in ["a", "1:60", "a:30", "1.2.3", "2026-13-21", "2026-11", "2026-01-02T03:04:05"] {
            assert!(is_string(text), "{text}");
        }
    }
}
