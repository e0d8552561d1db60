//! Drawing one of many that is free.

use apimachinery::rest::clock;

/// What can be drawn: the first are for who asks for one of them, and are given to others when there are no
/// more. Anywhere in what is left: what was just given back is not given again at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bands {
    pub(super) asked_for: u128,
    pub(super) size: u128,
}

impl Bands {
    /// Where to look, in this order: from where on, how many, and at which of them to begin.
    pub(super) fn turns(self) -> impl Iterator<Item = Turn> {
        let first = self.asked_for.min(self.size);
        let bands = [(first, self.size - first), (0, first)];
        bands.into_iter().filter(|(_, count)| *count > 0).map(|(first, count)| Turn {
            first,
            count,
            begin: below(count),
        })
    }
}

/// A band, looked at from one of its places on, once around.
pub(super) struct Turn {
    first: u128,
    count: u128,
    begin: u128,
}

impl Turn {
    pub(super) fn count(&self) -> u128 {
        self.count
    }

    /// The place that is looked at after so many others.
    pub(super) fn place(&self, step: u128) -> u128 {
        let to_end = self.count - self.begin;
        self.first + if step < to_end { self.begin + step } else { step - to_end }
    }

    /// The inverse: when a place is looked at.
    pub(super) fn step(&self, place: u128) -> Option<u128> {
        let at = place.checked_sub(self.first).filter(|at| *at < self.count)?;
        Some(if at >= self.begin { at - self.begin } else { at + (self.count - self.begin) })
    }
}

/// Any number below this one.
pub(super) fn below(bound: u128) -> u128 {
    // The digits of a fresh uid are random enough to spread.
    let mix = |hash: u128, byte: u8| hash.wrapping_mul(0x0100_0000_01b3).wrapping_add(byte.into());
    (clock::uid().bytes().fold(0, mix) >> u32::BITS) % bound.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_looked_at_once_and_the_first_ones_last() {
        for (asked_for, size) in [(0, 5), (3, 10), (4, 4), (9, 4), (0, 0), (1, 2)] {
            let places: Vec<u128> = Bands { asked_for, size }
                .turns()
                .flat_map(|turn| {
                    let places: Vec<u128> = (0..turn.count()).map(|step| turn.place(step)).collect();
                    places.iter().zip(0..).for_each(|(place, step)| assert_eq!(turn.step(*place), Some(step)));
                    places
                })
                .collect();
            let mut sorted = places.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..size).collect::<Vec<_>>());
            let ordinary = size.saturating_sub(asked_for) as usize;
            assert!(places[..ordinary].iter().all(|place| *place >= asked_for), "{places:?}");
        }
    }

    #[test]
    fn numbers_are_spread_over_what_they_are_drawn_from() {
        for bound in [1, 2, 3_000, 1 << 64] {
            let drawn: Vec<u128> = (0..64).map(|_| below(bound)).collect();
            assert!(drawn.iter().all(|number| *number < bound));
            // Each half is missed by chance once in 2^64 times.
            assert!(bound == 1 || drawn.iter().any(|number| *number >= bound / 2), "{bound}");
            assert!(bound == 1 || drawn.iter().any(|number| *number < bound.div_ceil(2)), "{bound}");
        }
    }
}
