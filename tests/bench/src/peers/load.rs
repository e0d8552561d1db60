//! Requests from some connections at a time, each the next when the last is answered.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use futures::future::join_all;

use super::client::Target;

/// What some requests came to, or events.
#[derive(Default)]
pub(super) struct Load {
    pub(super) took: Duration,
    /// Of the server.
    pub(super) cpu: Duration,
    /// One for each.
    pub(super) latencies: Vec<Duration>,
}

impl Load {
    pub(super) fn add(&mut self, other: Load) {
        self.took += other.took;
        self.cpu += other.cpu;
        self.latencies.extend(other.latencies);
    }

    pub(super) fn cpu_seconds(&self) -> f64 {
        self.cpu.as_secs_f64() / self.latencies.len() as f64
    }

    pub(super) fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    /// Of the latencies, in milliseconds.
    pub(super) fn percentile(&self, percent: f64) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let at = (sorted.len() as f64 * percent / 100.0) as usize;
        sorted.get(at.min(sorted.len().saturating_sub(1))).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }
}

/// Sends whatever comes next, until nothing does.
pub(super) async fn run(target: &Target, clients: usize, next: impl FnMut() -> Option<Vec<u8>>) -> Load {
    let connections = join_all((0..clients).map(|_| target.connect())).await;
    let (next, latencies) = (RefCell::new(next), RefCell::new(Vec::new()));
    let (cpu, begun) = (target.cpu(), Instant::now());
    join_all(connections.into_iter().map(async |mut connection| {
        loop {
            let Some(request) = next.borrow_mut()() else { return };
            let asked = Instant::now();
            connection.exchange(&request).await;
            latencies.borrow_mut().push(asked.elapsed());
        }
    }))
    .await;
    Load { took: begun.elapsed(), cpu: target.cpu() - cpu, latencies: latencies.into_inner() }
}

/// Sends numbered requests for a while.
pub(super) async fn run_for(
    target: &Target,
    clients: usize,
    time: Duration,
    request: impl Fn(usize) -> Vec<u8>,
) -> Load {
    let (end, mut number) = (Instant::now() + time, 0);
    let next = || {
        number += 1;
        (Instant::now() < end).then(|| request(number))
    };
    run(target, clients, next).await
}
