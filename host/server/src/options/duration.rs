//! Durations as Go writes and reads them: `60s`, `1m30s`, `1.5h`, `100ms`.

use std::time::Duration;

/// Units that `time.ParseDuration` knows, in nanoseconds.
const UNITS: [(&str, f64); 8] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)];

/// A duration with its sign: Go's are signed, and clients send negative ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoDuration {
    pub negative: bool,
    pub length: Duration,
}

impl GoDuration {
    /// Reads what Go's `time.ParseDuration` reads, with its errors.
    pub fn parse(text: &str) -> Result<Self, String> {
        let invalid = || format!("time: invalid duration {text:?}");
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self { negative: false, length: Duration::ZERO });
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut nanoseconds = 0.0;
        while !rest.is_empty() {
            let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, after) = rest.split_at(number_end);
            if number.is_empty() || number == "." || number.matches('.').count() > 1 {
                return Err(invalid());
            }
            let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
            let (unit, after) = after.split_at(unit_end);
            if unit.is_empty() {
                return Err(format!("time: missing unit in duration {text:?}"));
            }
            let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
                return Err(format!("time: unknown unit {unit:?} in duration {text:?}"));
            };
            nanoseconds += number.trim_end_matches('.').parse::<f64>().map_err(|_| invalid())? * scale;
            rest = after;
        }
        if nanoseconds > i64::MAX as f64 {
            return Err(invalid());
        }
        Ok(Self { negative, length: Duration::from_nanos(nanoseconds.round() as u64) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        let cases: [(&str, Result<u64, &str>); 14] = [
            ("0", Ok(0)),
            ("60s", Ok(60_000)),
            ("1m30s", Ok(90_000)),
            ("1.5h", Ok(5_400_000)),
            (".5s", Ok(500)),
            ("5.s", Ok(5_000)),
            ("+250ms", Ok(250)),
            ("", Err("time: invalid duration \"\"")),
            ("abc", Err("time: invalid duration \"abc\"")),
            ("10", Err("time: missing unit in duration \"10\"")),
            ("10x", Err("time: unknown unit \"x\" in duration \"10x\"")),
            ("1.2.3s", Err("time: invalid duration \"1.2.3s\"")),
            ("-", Err("time: invalid duration \"-\"")),
            ("999999999h", Err("time: invalid duration \"999999999h\"")),
        ];
        for (text, expected) in cases {
            let got = GoDuration::parse(text).map(|d| d.length.as_millis() as u64);
            assert_eq!(got, expected.map_err(str::to_owned), "{text:?}");
        }
        assert!(GoDuration::parse("-5s").unwrap().negative);
    }
}
