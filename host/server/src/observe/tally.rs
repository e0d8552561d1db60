//! A histogram for what happens with each request and event: two additions, and nothing that is shared is read before.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::proto::{Bucket, Histogram};

/// How many whole numbers were at most each of `N` bounds, which rise, and what they are together.
#[derive(Debug)]
pub struct Tally<const N: usize> {
    bounds: &'static [u64; N],
    counts: [AtomicU64; N],
    beyond: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Tally<N> {
    pub fn new(bounds: &'static [u64; N]) -> Self {
        Self { bounds, counts: [const { AtomicU64::new(0) }; N], beyond: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    pub fn add(&self, number: u64) {
        // Most are small.
        let place = self.bounds.iter().position(|bound| number <= *bound);
        place.map_or(&self.beyond, |place| &self.counts[place]).fetch_add(1, Ordering::Relaxed);
        if number > 0 {
            self.sum.fetch_add(number, Ordering::Relaxed);
        }
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().chain([&self.beyond]).map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// What `/metrics` shows, in a unit that so many of these make one of.
    pub fn shown(&self, per_unit: f64) -> Histogram {
        let mut below = 0;
        let buckets = self.bounds.iter().zip(&self.counts).map(|(bound, count)| {
            below += count.load(Ordering::Relaxed);
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*bound as f64 / per_unit);
            bucket.set_cumulative_count(below);
            bucket
        });
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(below + self.beyond.load(Ordering::Relaxed));
        histogram.set_sample_sum(self.sum.load(Ordering::Relaxed) as f64 / per_unit);
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_below_their_bounds() {
        let tally = Tally::new(&[10, 1_000]);
        [0, 10, 11, 1_001].into_iter().for_each(|number| tally.add(number));
        let shown = tally.shown(10.0);
        let buckets = shown.get_bucket().iter().map(|bucket| (bucket.upper_bound(), bucket.cumulative_count()));
        assert_eq!(buckets.collect::<Vec<_>>(), [(1.0, 2), (100.0, 3)]);
        assert_eq!((shown.get_sample_count(), shown.get_sample_sum(), tally.count()), (4, 102.2, 4));
    }
}
