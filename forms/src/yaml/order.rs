//! Upstream's order of keys, which is none: `1a` is before `9`, `9` before `10`, and `10` before `1a`. The library's
//! sorts may panic on such, and whoever writes an object chooses its keys.

use std::cmp::Ordering;

/// Brings entries into the order of their keys: where that goes in a circle, into one of those that go.
pub(super) fn sort<T: Copy>(entries: &mut Vec<(&str, T)>) {
    let mut spare = Vec::with_capacity(entries.len());
    let mut width = 1;
    while width < entries.len() {
        for run in entries.chunks(2 * width) {
            let (mut left, mut right) = run.split_at(width.min(run.len()));
            while let (Some(first), Some(second)) = (left.first(), right.first()) {
                let side = if natural(first.0, second.0).is_gt() { &mut right } else { &mut left };
                spare.push(side[0]);
                *side = &side[1..];
            }
            spare.extend_from_slice(left);
            spare.extend_from_slice(right);
        }
        std::mem::swap(entries, &mut spare);
        spare.clear();
        width *= 2;
    }
}

/// `a2` before `a10`, letters last.
fn natural(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(a, b)| a != b) else {
        return a.len().cmp(&b.len());
    };
    match (a[at].is_alphabetic(), b[at].is_alphabetic()) {
        (true, true) => return a[at].cmp(&b[at]),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // A zero inside of a number is a digit like others; one that leads is not.
    let inside = (a[at] == '0' || b[at] == '0')
        && a[..at].iter().rev().take_while(|char| char.is_ascii_digit()).any(|&char| char != '0');
    let number = |text: &[char]| {
        let digits = text[at..].iter().take_while(|char| char.is_ascii_digit());
        digits.fold((u64::from(inside), 0), |(number, length), &char| {
            (number.wrapping_mul(10).wrapping_add(u64::from(char) - u64::from('0')), length + 1)
        })
    };
    number(&a).cmp(&number(&b)).then(a[at].cmp(&b[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted<'t>(keys: &[&'t str]) -> Vec<&'t str> {
        let mut entries: Vec<_> = keys.iter().map(|key| (*key, key)).collect();
        sort(&mut entries);
        entries.into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn numbers_in_keys_count() {
        let expected = ["", "-", "1", "01", "2", "10", "A", "a2", "a10", "aB", "ab"];
        let mut keys = expected;
        keys.reverse();
        assert_eq!(sorted(&keys), expected);
        assert_eq!(sorted(&["b"]), ["b"]);
        assert_eq!(sorted(&[]), [""; 0]);
    }

    #[test]
    fn keys_whose_order_is_a_circle_are_all_there() {
        let circles = [["1a", "9", "10"], ["18446744073709551615", "18446744073709551616", "2"]];
        for circle in circles {
            let order = |at: usize| natural(circle[at], circle[(at + 1) % 3]);
            assert_eq!([0, 1, 2].map(order), [Ordering::Less; 3]);
        }
        // The library's stable sort ends these in a panic.
        let large = [-34, -23, -16, -15, -11, -10, -8, 9, 19, 27].map(|step| (1_i128 << 64) + step);
        let small = [15, 2, 31, 34, 39, 4, 46, 47, 50, 57, 58, 59, 6, 9];
        let keys: Vec<String> = large.iter().chain(&small).map(ToString::to_string).collect();
        let mut keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        keys.sort_unstable();
        let mut found = sorted(&keys);
        found.sort_unstable();
        assert_eq!(found, keys);
    }
}
