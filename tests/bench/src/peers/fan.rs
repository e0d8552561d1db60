//! One object that is written again and again, and many who watch it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::client::{Connection, Target, get, post, put};
use super::config_map;
use super::load::Load;

/// A namespace in which there is nothing else.
const NAMESPACE: &str = "fan";
const WATCHED: &str = "/api/v1/namespaces/fan/configmaps";
/// Writes that may be ahead of the slowest watcher.
const AHEAD_MAX: usize = 8;
/// Watchers that connect at a time.
const CONNECTING: usize = 50;

pub(super) struct Fan {
    target: Target,
    seen: Arc<Seen>,
    watchers: usize,
    /// They end with it.
    _tasks: JoinSet<()>,
}

/// What was written, and who has seen it. The first event of a watcher is the object as it was.
struct Seen {
    written: Mutex<Vec<Instant>>,
    latencies: Mutex<Vec<Duration>>,
    /// Of all watchers.
    events: AtomicUsize,
    arrived: Notify,
}

impl Fan {
    /// Connects the watchers, and waits until each watches.
    pub(super) async fn open(target: &Target, watchers: usize) -> Fan {
        let now = Mutex::new(vec![Instant::now()]);
        let seen =
            Seen { written: now, latencies: Mutex::default(), events: AtomicUsize::new(0), arrived: Notify::new() };
        let (seen, mut tasks) = (Arc::new(seen), JoinSet::new());
        for first in (0..watchers).step_by(CONNECTING) {
            let connecting = (first..watchers.min(first + CONNECTING)).map(async |_| {
                let mut connection = target.connect().await;
                let head = connection.ask(&get(&format!("{WATCHED}?watch=1&timeoutSeconds=3600"))).await;
                assert_eq!(head.expect("the server answers").status, 200, "a watch");
                connection
            });
            for connection in join_all(connecting).await {
                tasks.spawn(watch(connection, seen.clone()));
            }
        }
        seen.reached(watchers).await;
        Fan { target: target.clone(), seen, watchers, _tasks: tasks }
    }

    /// What is watched.
    pub(super) async fn prepare(target: &Target) {
        let mut connection = target.connect().await;
        connection.exchange(&post("/api/v1/namespaces", &super::namespace(NAMESPACE))).await;
        connection.exchange(&post(WATCHED, &config_map(0))).await;
    }

    /// Writes for a while, and waits until everybody has seen all of it.
    pub(super) async fn run(&self, time: Duration) -> Load {
        let mut writer = self.target.connect().await;
        self.seen.latencies().clear();
        let (cpu, begun) = (self.target.cpu(), Instant::now());
        while begun.elapsed() < time {
            let number = {
                let mut written = self.seen.written.lock().expect("nobody panics with it");
                written.push(Instant::now());
                written.len() - 1
            };
            let path = format!("{WATCHED}/{}", super::object_name(0));
            let mut object = config_map(0);
            object["data"]["number"] = number.to_string().into();
            writer.exchange(&put(&path, &object)).await;
            self.seen.reached(self.watchers * number.saturating_sub(AHEAD_MAX)).await;
        }
        let written = self.seen.written.lock().expect("nobody panics with it").len();
        self.seen.reached(self.watchers * written).await;
        let latencies = std::mem::take(&mut *self.seen.latencies());
        Load { took: begun.elapsed(), cpu: self.target.cpu() - cpu, latencies }
    }
}

impl Seen {
    /// Returns when so many events have arrived.
    async fn reached(&self, events: usize) {
        while self.events.load(Ordering::Relaxed) < events {
            self.arrived.notified().await;
        }
    }

    fn latencies(&self) -> std::sync::MutexGuard<'_, Vec<Duration>> {
        self.latencies.lock().expect("nobody panics with it")
    }
}

/// Takes the events of one watcher: each is a line.
async fn watch(mut connection: Connection, seen: Arc<Seen>) {
    let mut number = 0;
    loop {
        let mut lines = 0;
        let goes_on = connection.chunk(|piece| lines += piece.iter().filter(|byte| **byte == b'\n').count()).await;
        assert!(goes_on, "a watcher was cut off");
        let now = Instant::now();
        for _ in 0..lines {
            let written = seen.written.lock().expect("nobody panics with it")[number];
            seen.latencies().push(now - written);
            number += 1;
            seen.events.fetch_add(1, Ordering::Relaxed);
            seen.arrived.notify_one();
        }
    }
}
