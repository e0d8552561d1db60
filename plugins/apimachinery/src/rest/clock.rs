//! Times and random names, as they stand in objects.

use std::time::{SystemTime, UNIX_EPOCH};

/// Letters of generated names: no vowels and nothing that is mistaken for another, so that no
/// words come out.
const SUFFIX: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH: usize = 5;
/// A generated name with its suffix is a valid DNS label.
const GENERATED_PREFIX_MAX: usize = 63 - SUFFIX_LENGTH;

/// Seconds since 1970.
pub fn now_seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

/// Now, as `metav1.Time`: `2026-01-31T12:00:00Z`.
pub fn now() -> String {
    rfc3339(now_seconds())
}

/// Now, as `metav1.MicroTime`: `2026-01-31T12:00:00.000000Z`.
pub fn now_micro() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:06}Z", rfc3339(since.as_secs() as i64).trim_end_matches('Z'), since.subsec_micros())
}

/// Seconds since 1970 as `metav1.Time`.
pub fn rfc3339(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    if !(0..10_000).contains(&year) {
        return format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    }
    // Each write has several times in it, and `fmt` takes ten times as long.
    let mut text = *b"0000-00-00T00:00:00Z";
    let digit = |number: i64| b'0' + (number % 10) as u8;
    let pairs = [(0, year / 100), (2, year), (5, month), (8, day), (11, hour), (14, minute), (17, second)];
    for (at, number) in pairs {
        (text[at], text[at + 1]) = (digit(number / 10), digit(number));
    }
    text.iter().copied().map(char::from).collect()
}

/// The inverse of [`rfc3339`], for times that this module wrote.
pub fn parse(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Year, month and day of a day counted from 1970, by the Gregorian rules: years begin in
/// March, so that the leap day is the last one.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The inverse of [`civil`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let march_month = (month + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// A fresh `metadata.uid`.
pub fn uid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A name that begins with `prefix` and that nothing else is likely to have.
pub fn generate_name(prefix: &str) -> String {
    let end = (0..=prefix.len().min(GENERATED_PREFIX_MAX)).rev().find(|at| prefix.is_char_boundary(*at)).unwrap_or(0);
    let mut name = prefix[..end].to_string();
    let random = uuid::Uuid::new_v4();
    // Bytes 6 and 8 hold the version: not random.
    let bytes = random.as_bytes().iter().enumerate().filter(|(at, _)| *at != 6 && *at != 8);
    name.extend(bytes.take(SUFFIX_LENGTH).map(|(_, byte)| char::from(SUFFIX[usize::from(*byte) % SUFFIX.len()])));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
            assert_eq!(parse(text), Some(seconds));
        }
    }

    #[test]
    fn generated_names_keep_their_prefix_and_fit_a_label() {
        let name = generate_name("web-");
        assert!(name.starts_with("web-") && name.len() == 9, "{name}");
        assert_eq!(generate_name(&"x".repeat(100)).len(), 63);
        assert_ne!(generate_name("a"), generate_name("a"));
    }
}
