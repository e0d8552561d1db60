//! RFC 3339 times as upstream reads and writes them.

/// Seconds since 1970, and nanoseconds above them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    pub seconds: i64,
    pub nanos: u32,
}

/// Go's zero time, which is written as null: the first instant of year 1.
const ZERO: Instant = Instant { seconds: -62_135_596_800, nanos: 0 };

/// The layouts by Go's names for their elements, as errors show them.
const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";
const LAYOUT_MICRO: &str = "2006-01-02T15:04:05.000000Z07:00";

impl Instant {
    pub fn is_zero(self) -> bool {
        self == ZERO
    }

    /// Whether its year has four digits, as the formats have.
    pub fn is_writable(self) -> bool {
        (-62_167_219_200..=253_402_300_799).contains(&self.seconds)
    }
}

/// Reads a `metav1.Time`.
///
/// # Errors
/// What does not fit, in Go's words.
pub fn parse(text: &str) -> Result<Instant, String> {
    Reader { text, rest: text, layout: LAYOUT }.instant(false)
}

/// Reads a `metav1.MicroTime`, which must have six digits of a second.
///
/// # Errors
/// What does not fit, in Go's words.
pub fn parse_micro(text: &str) -> Result<Instant, String> {
    Reader { text, rest: text, layout: LAYOUT_MICRO }.instant(true)
}

/// `2006-01-02T15:04:05Z`: whole seconds, in UTC.
pub fn format(instant: Instant) -> String {
    let (days, second) = (instant.seconds.div_euclid(86_400), instant.seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// `2006-01-02T15:04:05.000000Z`.
pub fn format_micro(instant: Instant) -> String {
    let mut text = format(instant);
    text.pop();
    text + &format!(".{:06}Z", instant.nanos / 1000)
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    layout: &'static str,
}

impl Reader<'_> {
    fn instant(mut self, micro: bool) -> Result<Instant, String> {
        let year = self.number(4, "2006", 0..=9999, "year")?;
        self.literal("-")?;
        let month = self.number(2, "01", 1..=12, "month")?;
        self.literal("-")?;
        // Whether the day is in its month is known only later, and said last.
        let day = self.number(2, "02", 0..=99, "day")?;
        self.literal("T")?;
        let hour = self.number(2, "15", 0..=23, "hour")?;
        self.literal(":")?;
        let minute = self.number(2, "04", 0..=59, "minute")?;
        self.literal(":")?;
        let second = self.number(2, "05", 0..=59, "second")?;
        let nanos = if micro { self.micros()? } else { self.fraction() };
        let offset = self.offset()?;
        if !self.rest.is_empty() {
            return Err(self.error(&format!(": extra text: {}", quote(self.rest))));
        }
        if day < 1 || day > days_in(year, month) {
            return Err(self.error(": day out of range"));
        }
        let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
        Ok(Instant { seconds, nanos })
    }

    fn number(
        &mut self,
        width: usize,
        element: &str,
        range: std::ops::RangeInclusive<i64>,
        what: &str,
    ) -> Result<i64, String> {
        let bytes = self.rest.as_bytes();
        if bytes.len() < width || !bytes[..width].iter().all(u8::is_ascii_digit) {
            return Err(self.mismatch(element));
        }
        let number = self.rest[..width].parse().expect("digits are a number");
        self.rest = &self.rest[width..];
        match range.contains(&number) {
            true => Ok(number),
            false => Err(self.error(&format!(": {what} out of range"))),
        }
    }

    fn literal(&mut self, literal: &str) -> Result<(), String> {
        self.rest = self.rest.strip_prefix(literal).ok_or_else(|| self.mismatch(literal))?;
        Ok(())
    }

    /// Digits after a point or comma, which the layout need not have.
    fn fraction(&mut self) -> u32 {
        let bytes = self.rest.as_bytes();
        let digits = bytes.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
        if !matches!(bytes.first(), Some(b'.' | b',')) || digits == 0 {
            return 0;
        }
        let nanos = (0..9).fold(0, |nanos, i| {
            let digit = if i < digits { bytes[1 + i] - b'0' } else { 0 };
            nanos * 10 + u32::from(digit)
        });
        self.rest = &self.rest[1 + digits..];
        nanos
    }

    fn micros(&mut self) -> Result<u32, String> {
        let bytes = self.rest.as_bytes();
        let fits = bytes.len() >= 7 && matches!(bytes[0], b'.' | b',') && bytes[1..7].iter().all(u8::is_ascii_digit);
        if !fits {
            return Err(self.mismatch(".000000"));
        }
        let micros: u32 = self.rest[1..7].parse().expect("digits are a number");
        self.rest = &self.rest[7..];
        Ok(micros * 1000)
    }

    /// Seconds east of UTC.
    fn offset(&mut self) -> Result<i64, String> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let bytes = self.rest.as_bytes();
        let digit = |at: usize| bytes.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| i64::from(byte - b'0'));
        let sign = match bytes.first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(self.mismatch("Z07:00")),
        };
        let (Some(a), Some(b), Some(b':'), Some(c), Some(d)) = (digit(1), digit(2), bytes.get(3), digit(4), digit(5))
        else {
            return Err(self.mismatch("Z07:00"));
        };
        self.rest = &self.rest[6..];
        let (hours, minutes) = (a * 10 + b, c * 10 + d);
        if hours > 24 {
            return Err(self.error(": time zone offset hour out of range"));
        }
        if minutes > 60 {
            return Err(self.error(": time zone offset minute out of range"));
        }
        Ok(sign * (hours * 3600 + minutes * 60))
    }

    fn mismatch(&self, element: &str) -> String {
        format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quote(self.text),
            quote(self.layout),
            quote(self.rest),
            quote(element)
        )
    }

    fn error(&self, message: &str) -> String {
        format!("parsing time {}{message}", quote(self.text))
    }
}

fn quote(text: &str) -> String {
    format!("{text:?}")
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970 of a date. Counts years from March, so that the leap day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (month, day) = ((shifted + 2) % 12 + 1, day_of_year - (153 * shifted + 2) / 5 + 1);
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_in_utc() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("2026-11-21T13:18:40+02:00", "2026-11-21T11:18:40Z"),
            ("2024-02-29T23:59:59-01:30", "2024-03-01T01:29:59Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("2000-12-31T00:00:00.5Z", "2000-12-31T00:00:00Z"),
        ] {
            assert_eq!(format(parse(text).unwrap()), expected, "{text}");
        }
        assert_eq!(format_micro(parse_micro("2026-01-01T00:00:00.000100Z").unwrap()), "2026-01-01T00:00:00.000100Z");
        assert!(parse("0001-01-01T00:00:00Z").unwrap().is_zero());
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for days in -146_097..=146_097 {
            let (year, month, day) = civil(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn errors_are_worded_as_go_words_them() {
        for (text, expected) in [
            ("x", r#"parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006""#),
            ("2020-01-01", r#"parsing time "2020-01-01" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T""#),
            ("2020-13-01T00:00:00Z", r#"parsing time "2020-13-01T00:00:00Z": month out of range"#),
            ("2021-02-29T00:00:00Z", r#"parsing time "2021-02-29T00:00:00Z": day out of range"#),
            (
                "2021-02-20T00:00:00",
                r#"parsing time "2021-02-20T00:00:00" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00""#,
            ),
            ("2021-02-20T00:00:00Zx", r#"parsing time "2021-02-20T00:00:00Zx": extra text: "x""#),
        ] {
            assert_eq!(parse(text).unwrap_err(), expected);
        }
        let expected = r#"parsing time "2020-01-01T00:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000""#;
        assert_eq!(parse_micro("2020-01-01T00:00:00Z").unwrap_err(), expected);
    }
}
