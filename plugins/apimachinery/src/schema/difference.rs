//! Unified diffs as Python's `difflib` makes them, which upstream's library is a port of: the
//! longest run of equal lines first, then what is before and after it.

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

/// Lines of context around a change.
const CONTEXT: usize = 3;
/// From so many lines on, a line that is found too often does not count as a start.
const POPULAR_FROM: usize = 200;

/// What was done to reach one range from the other.
#[derive(Clone)]
struct Step {
    equal: bool,
    old: Range<usize>,
    new: Range<usize>,
}

/// The changes from `old` to `new`, without names of files.
pub(super) fn unified(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split('\n').collect(), new.split('\n').collect());
    let mut out = String::new();
    for group in groups(steps(&old, &new)) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let header = (range(first.old.start..last.old.end), range(first.new.start..last.new.end));
        let _ = writeln!(out, "@@ -{} +{} @@", header.0, header.1);
        for step in &group {
            let lines = |mark: char, lines: &[&str], out: &mut String| {
                for line in lines {
                    let _ = writeln!(out, "{mark}{line}");
                }
            };
            if step.equal {
                lines(' ', &old[step.old.clone()], &mut out);
            } else {
                lines('-', &old[step.old.clone()], &mut out);
                lines('+', &new[step.new.clone()], &mut out);
            }
        }
    }
    out
}

fn range(lines: Range<usize>) -> String {
    match lines.len() {
        1 => format!("{}", lines.start + 1),
        0 => format!("{},0", lines.start),
        count => format!("{},{count}", lines.start + 1),
    }
}

fn steps(old: &[&str], new: &[&str]) -> Vec<Step> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, line) in new.iter().enumerate() {
        places.entry(line).or_default().push(index);
    }
    if new.len() >= POPULAR_FROM {
        places.retain(|_, found| found.len() <= new.len() / 100 + 1);
    }
    let mut matched = Vec::new();
    blocks(old, new, &places, (0..old.len(), 0..new.len()), &mut matched);
    // What touches is one.
    let mut merged: Vec<(usize, usize, usize)> = Vec::new();
    for (at_old, at_new, size) in matched {
        match merged.last_mut() {
            Some((i, j, k)) if *i + *k == at_old && *j + *k == at_new => *k += size,
            _ => merged.push((at_old, at_new, size)),
        }
    }
    merged.push((old.len(), new.len(), 0));
    let mut steps = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (at_old, at_new, size) in merged {
        if i < at_old || j < at_new {
            steps.push(Step { equal: false, old: i..at_old, new: j..at_new });
        }
        (i, j) = (at_old + size, at_new + size);
        if size > 0 {
            steps.push(Step { equal: true, old: at_old..i, new: at_new..j });
        }
    }
    steps
}

fn blocks(
    old: &[&str],
    new: &[&str],
    places: &HashMap<&str, Vec<usize>>,
    (in_old, in_new): (Range<usize>, Range<usize>),
    matched: &mut Vec<(usize, usize, usize)>,
) {
    let (i, j, size) = longest(old, new, places, &in_old, &in_new);
    if size == 0 {
        return;
    }
    if in_old.start < i && in_new.start < j {
        blocks(old, new, places, (in_old.start..i, in_new.start..j), matched);
    }
    matched.push((i, j, size));
    if i + size < in_old.end && j + size < in_new.end {
        blocks(old, new, places, (i + size..in_old.end, j + size..in_new.end), matched);
    }
}

fn longest(
    old: &[&str],
    new: &[&str],
    places: &HashMap<&str, Vec<usize>>,
    in_old: &Range<usize>,
    in_new: &Range<usize>,
) -> (usize, usize, usize) {
    let (mut i, mut j, mut size) = (in_old.start, in_new.start, 0);
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for at_old in in_old.clone() {
        let mut longer = HashMap::new();
        let found = places.get(old[at_old]).map(Vec::as_slice).unwrap_or_default();
        for at_new in found.iter().copied().filter(|at| in_new.contains(at)) {
            let length = 1 + at_new.checked_sub(1).and_then(|before| lengths.get(&before)).copied().unwrap_or(0);
            longer.insert(at_new, length);
            if length > size {
                (i, j, size) = (at_old + 1 - length, at_new + 1 - length, length);
            }
        }
        lengths = longer;
    }
    // Lines that are found too often to start a run may still be part of one.
    while i > in_old.start && j > in_new.start && old[i - 1] == new[j - 1] {
        (i, j, size) = (i - 1, j - 1, size + 1);
    }
    while i + size < in_old.end && j + size < in_new.end && old[i + size] == new[j + size] {
        size += 1;
    }
    (i, j, size)
}

/// Steps with their context: what is further apart is another group.
fn groups(mut steps: Vec<Step>) -> Vec<Vec<Step>> {
    let head = |range: &Range<usize>| range.start..range.end.min(range.start + CONTEXT);
    let tail = |range: &Range<usize>| range.start.max(range.end.saturating_sub(CONTEXT))..range.end;
    if let Some(first) = steps.first_mut().filter(|step| step.equal) {
        *first = Step { equal: true, old: tail(&first.old), new: tail(&first.new) };
    }
    if let Some(last) = steps.last_mut().filter(|step| step.equal) {
        *last = Step { equal: true, old: head(&last.old), new: head(&last.new) };
    }
    let mut groups = Vec::new();
    let mut group = Vec::new();
    for mut step in steps {
        if step.equal && step.old.len() > 2 * CONTEXT {
            group.push(Step { equal: true, old: head(&step.old), new: head(&step.new) });
            groups.push(std::mem::take(&mut group));
            step = Step { equal: true, old: tail(&step.old), new: tail(&step.new) };
        }
        group.push(step);
    }
    groups.push(group);
    groups.retain(|group| group.iter().any(|step| !step.equal));
    groups
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn changes_stand_with_three_lines_around_them() {
        let lines = |changed: &[(usize, &str)]| {
            let lines: Vec<String> = (1..=20)
                .map(|number| {
                    changed
                        .iter()
                        .find(|(at, _)| *at == number)
                        .map_or(number.to_string(), |(_, text)| text.to_string())
                })
                .collect();
            lines.join("\n")
        };
        assert_eq!(unified(&lines(&[]), &lines(&[])), "");
        assert_eq!(
            unified(&lines(&[]), &lines(&[(2, "x"), (15, "y")])),
            "@@ -1,5 +1,5 @@\n 1\n-2\n+x\n 3\n 4\n 5\n@@ -12,7 +12,7 @@\n 12\n 13\n 14\n-15\n+y\n 16\n 17\n 18\n"
        );
        assert_eq!(unified("a", "a\nb"), "@@ -1 +1,2 @@\n a\n+b\n");
    }
}
