//! Durations for humans: two or three digits that matter.

use crate::codec::time::Instant;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// Whole seconds from `start` to `end`, cut towards zero.
pub(super) fn seconds_between(start: Instant, end: Instant) -> i64 {
    let nanos = |instant: Instant| i128::from(instant.seconds) * 1_000_000_000 + i128::from(instant.nanos);
    ((nanos(end) - nanos(start)) / 1_000_000_000) as i64
}

/// `5m`, `3h20m`, `17d`. Clocks that differ by a second are no reason for alarm.
pub(super) fn human(seconds: i64) -> String {
    let (minutes, hours, days, years) = (seconds / MINUTE, seconds / HOUR, seconds / DAY, seconds / YEAR);
    let pair = |large: i64, unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{large}{unit}"),
        small => format!("{large}{unit}{small}{small_unit}"),
    };
    match seconds {
        ..-1 => "<invalid>".into(),
        -1 => "0s".into(),
        _ if seconds < 2 * MINUTE => format!("{seconds}s"),
        _ if minutes < 10 => pair(minutes, "m", seconds % MINUTE, "s"),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => pair(hours, "h", minutes % 60, "m"),
        _ if hours < 48 => format!("{hours}h"),
        _ if hours < 192 => pair(days, "d", hours % 24, "h"),
        _ if years < 2 => format!("{days}d"),
        _ if years < 8 => pair(years, "y", days % 365, "d"),
        _ => format!("{years}y"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (seconds, text) in [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (125, "2m5s"),
            (600, "10m"),
            (179 * MINUTE + 59, "179m"),
            (3 * HOUR, "3h"),
            (7 * HOUR + 59 * MINUTE, "7h59m"),
            (8 * HOUR + 59 * MINUTE, "8h"),
            (47 * HOUR, "47h"),
            (48 * HOUR, "2d"),
            (50 * HOUR, "2d2h"),
            (8 * DAY + HOUR, "8d"),
            (2 * YEAR - 1, "729d"),
            (2 * YEAR, "2y"),
            (2 * YEAR + DAY, "2y1d"),
            (8 * YEAR + DAY, "8y"),
        ] {
            assert_eq!(human(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn seconds_are_cut_towards_zero() {
        let at = |seconds, nanos| Instant { seconds, nanos };
        for (start, end, seconds) in [
            (at(10, 0), at(12, 0), 2),
            (at(10, 500_000_000), at(12, 0), 1),
            (at(12, 0), at(10, 500_000_000), -1),
            (at(10, 900_000_000), at(10, 0), 0),
        ] {
            assert_eq!(seconds_between(start, end), seconds);
        }
    }
}
