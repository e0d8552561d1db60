//! What a host says of itself while it is asked for something: how large its guests are, and what
//! share of its CPU time each step has.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use e2e::Host;

use crate::profile::Profile;
use crate::steps;

/// How long the profile of each kind of request is: the first part of them.
const PROFILE: Duration = Duration::from_secs(2);

/// What the memory that guests grow by for some requests is called.
pub(crate) const MEMORY: &str = "  guest memory grew, for each at a time";

/// A profile that is being taken.
pub(crate) struct Look(JoinHandle<Vec<u8>>);

impl Look {
    pub(crate) fn begin(host: &Host) -> Look {
        let client = host.client().clone();
        let path = format!("/debug/pprof/profile?seconds={}", PROFILE.as_secs());
        Look(thread::spawn(move || client.get(&path).expect(200).body))
    }

    /// Waits for its end. Steps with their percent of all samples, the largest first.
    pub(crate) fn shares(self) -> Vec<(&'static str, f64)> {
        let profile = self.0.join().expect("the host takes a profile");
        steps::shares(&Profile::read(&profile))
    }
}

/// Bytes of linear memory of the instances that serve pods.
pub(crate) fn guest_memory(host: &Host) -> u64 {
    let metrics = host.client().get("/metrics").text();
    let found = metrics.lines().find_map(|line| line.strip_prefix("host_plugin_memory_bytes{plugin=\"core\"} "));
    found.and_then(|bytes| bytes.parse().ok()).expect("the host tells it")
}
