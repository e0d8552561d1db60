//! Lines of numbers, each beside its goal.

/// What a number ought to be.
pub(crate) enum Goal {
    None,
    Below(f64),
    AtLeast(f64),
}

/// Writes a line at once: a run takes minutes.
pub(crate) fn line(what: &str, value: f64, unit: &str, goal: Goal) {
    let verdict = match goal {
        Goal::None => String::new(),
        Goal::Below(limit) => format!("goal: below {limit} {unit}, {}", said(value < limit)),
        Goal::AtLeast(limit) => format!("goal: at least {limit} {unit}, {}", said(value >= limit)),
    };
    println!("{}", format!("{what:38} {value:>10.1} {unit:11} {verdict}").trim_end());
}

fn said(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
