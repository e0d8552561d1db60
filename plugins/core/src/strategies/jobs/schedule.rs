//! Schedules as cron reads them, and what it says of those that are none.

/// What the cron library says of a schedule that is none.
pub(super) fn error(schedule: &str) -> Option<String> {
    if schedule.starts_with('@') {
        const NAMED: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
        if let Some(duration) = schedule.strip_prefix("@every ") {
            let wrong = duration_error(duration);
            return wrong.map(|why| format!("failed to parse duration {schedule}: time: {why}"));
        }
        return (!NAMED.contains(&schedule)).then(|| format!("unrecognized descriptor: {schedule}"));
    }
    // A zone in front is another matter.
    let zoned = schedule.starts_with("TZ=") || schedule.starts_with("CRON_TZ=");
    let schedule = if zoned { schedule.split_once(' ').map_or("", |(_, rest)| rest) } else { schedule };
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != 5 {
        return Some(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    }
    const BOUNDS: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];
    fields.iter().zip(BOUNDS).enumerate().find_map(|(index, (field, bounds))| field_error(index, field, bounds))
}

/// What Go says of a duration that is none.
fn duration_error(text: &str) -> Option<String> {
    const UNITS: [&str; 8] = ["ns", "us", "\u{b5}s", "\u{3bc}s", "ms", "s", "m", "h"];
    let shown = apimachinery::validation::quoted(text);
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return None;
    }
    if rest.is_empty() {
        return Some(format!("invalid duration {shown}"));
    }
    while !rest.is_empty() {
        let number = rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len());
        let (digits, after) = rest.split_at(number);
        if !digits.bytes().any(|byte| byte.is_ascii_digit()) || digits.matches('.').count() > 1 {
            return Some(format!("invalid duration {shown}"));
        }
        let end = after.find(|char: char| char.is_ascii_digit() || char == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        match unit {
            "" => return Some(format!("missing unit in duration {shown}")),
            unit if !UNITS.contains(&unit) => {
                let unit = apimachinery::validation::quoted(unit);
                return Some(format!("unknown unit {unit} in duration {shown}"));
            }
            _ => rest = next,
        }
    }
    None
}

fn field_error(index: usize, field: &str, (low, high): (u32, u32)) -> Option<String> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let number = |text: &str| -> Result<u32, String> {
        let named = match index {
            3 => MONTHS.iter().position(|name| text.eq_ignore_ascii_case(name)).map(|at| at + 1),
            4 => DAYS.iter().position(|name| text.eq_ignore_ascii_case(name)),
            _ => None,
        };
        if let Some(named) = named {
            return Ok(named as u32);
        }
        text.parse().map_err(|_| {
            format!(
                "failed to parse int from {text}: strconv.Atoi: parsing {}: invalid syntax",
                apimachinery::validation::quoted(text)
            )
        })
    };
    let part = |part: &str| -> Result<(), String> {
        if part.matches('/').count() > 1 {
            return Err(format!("too many slashes: {part}"));
        }
        if part.split('/').next().is_some_and(|range| range.matches('-').count() > 1) {
            return Err(format!("too many hyphens: {part}"));
        }
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        if let Some(step) = step
            && number(step)? == 0
        {
            return Err(format!("step of range should be a positive number: {part}"));
        }
        let (start, end) = range.split_once('-').unwrap_or((range, range));
        // Whatever it would end with.
        if matches!(start, "*" | "?") {
            return Ok(());
        }
        let (start, end) = (number(start)?, number(end)?);
        if start < low {
            return Err(format!("beginning of range ({start}) below minimum ({low}): {part}"));
        }
        if end > high {
            return Err(format!("end of range ({end}) above maximum ({high}): {part}"));
        }
        if start > end {
            return Err(format!("beginning of range ({start}) beyond end of range ({end}): {part}"));
        }
        Ok(())
    };
    field.split(',').find_map(|text| part(text).err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read_as_cron_reads_them() {
        for (schedule, want) in [
            ("*/5 * * * *-", None),
            ("*/5 * * * *", None),
            ("@daily", None),
            ("0 12 1-15 jan,mar mon-fri", None),
            ("soon", Some("expected exactly 5 fields, found 1: [soon]")),
            ("60 * * * *", Some("end of range (60) above maximum (59): 60")),
            ("x * * * *", Some("failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax")),
            ("@never", Some("unrecognized descriptor: @never")),
            ("@every 1h30m", None),
            ("@every 1x", Some("failed to parse duration @every 1x: time: unknown unit \"x\" in duration \"1x\"")),
            ("@every 5", Some("failed to parse duration @every 5: time: missing unit in duration \"5\"")),
        ] {
            assert_eq!(error(schedule).as_deref(), want, "{schedule}");
        }
    }
}
