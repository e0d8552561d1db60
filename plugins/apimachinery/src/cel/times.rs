//! Parts of times and durations.

use super::eval::{Failure, Outcome};
use super::value::Val;

const SECOND: i128 = 1_000_000_000;

pub(super) fn call<'a>(name: &str, args: &[Val<'a>]) -> Option<Outcome<'a>> {
    match args {
        [Val::Duration(nanos)] => {
            let unit = match name {
                "getHours" => 3600 * SECOND,
                "getMinutes" => 60 * SECOND,
                "getSeconds" => SECOND,
                "getMilliseconds" => return Some(Ok(Val::Int((nanos / 1_000_000 % 1000) as i64))),
                _ => return None,
            };
            Some(Ok(Val::Int((nanos / unit) as i64)))
        }
        [Val::Timestamp(nanos)] => part(name, *nanos).map(|part| Ok(Val::Int(part))),
        [Val::Timestamp(nanos), Val::Text(zone)] => match offset(zone) {
            Some(offset) => part(name, nanos + offset).map(|part| Ok(Val::Int(part))),
            None => Some(Err(Failure::new(format!("unknown time zone {zone}")))),
        },
        _ => None,
    }
}

fn part(name: &str, nanos: i128) -> Option<i64> {
    let seconds = nanos.div_euclid(SECOND);
    let (days, rest) = (seconds.div_euclid(86_400) as i64, seconds.rem_euclid(86_400) as i64);
    let text = crate::rest::clock::rfc3339(days * 86_400);
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<i64>().ok());
    Some(match name {
        "getFullYear" => number(0..4)?,
        "getMonth" => number(5..7)? - 1,
        "getDate" => number(8..10)?,
        "getDayOfMonth" => number(8..10)? - 1,
        "getDayOfWeek" => (days + 4).rem_euclid(7),
        "getDayOfYear" => {
            let first = crate::rest::clock::parse(&format!("{}-01-01T00:00:00Z", text.get(0..4)?))?;
            days - first / 86_400
        }
        "getHours" => rest / 3600,
        "getMinutes" => rest / 60 % 60,
        "getSeconds" => rest % 60,
        "getMilliseconds" => (nanos.rem_euclid(SECOND) / 1_000_000) as i64,
        _ => return None,
    })
}

/// Of `UTC`, or `+02:00`.
fn offset(zone: &str) -> Option<i128> {
    if matches!(zone, "" | "UTC" | "Etc/UTC") {
        return Some(0);
    }
    let (sign, rest) = match zone.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, zone.strip_prefix('+').unwrap_or(zone)),
    };
    let (hours, minutes) = rest.split_once(':')?;
    Some(sign * (hours.parse::<i128>().ok()? * 3600 + minutes.parse::<i128>().ok()? * 60) * SECOND)
}
