//! One object that is written again and again, and many who watch it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::client::{Connection, Target, get, post, put};
use super::config_map;
use super::http2::{Http2, Streamed};
use super::load::Load;

/// A namespace in which there is nothing else.
const NAMESPACE: &str = "fan";
const WATCHED: &str = "/api/v1/namespaces/fan/configmaps";
/// Writes that may be ahead of the slowest watcher.
const AHEAD_MAX: usize = 8;
/// Watchers that connect at a time.
const CONNECTING: usize = 50;
/// Watches on an HTTP/2 connection: what the servers take.
const SHARING: usize = 100;

/// How watchers come to their events.
#[derive(Clone, Copy)]
pub(super) enum Over {
    /// Each on a connection of its own.
    Http1,
    /// Many on each connection.
    Http2,
}

pub(super) struct Fan {
    target: Target,
    seen: Arc<Seen>,
    watchers: usize,
    /// They end with it.
    _tasks: JoinSet<()>,
    _connections: Vec<Http2>,
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
    pub(super) async fn open(target: &Target, watchers: usize, over: Over) -> Fan {
        let now = Mutex::new(vec![Instant::now()]);
        let seen =
            Seen { written: now, latencies: Mutex::default(), events: AtomicUsize::new(0), arrived: Notify::new() };
        let (seen, mut tasks) = (Arc::new(seen), JoinSet::new());
        let connections = match over {
            Over::Http1 => Vec::new(),
            Over::Http2 => join_all((0..watchers.div_ceil(SHARING)).map(async |_| target.connect_http2().await)).await,
        };
        let path = format!("{WATCHED}?watch=1&timeoutSeconds=3600");
        for first in (0..watchers).step_by(CONNECTING) {
            let connecting = (first..watchers.min(first + CONNECTING)).map(async |at| match over {
                Over::Http1 => {
                    let mut connection = target.connect().await;
                    let head = connection.ask(&get(&path)).await.expect("the server answers");
                    assert_eq!(head.status, 200, "a watch");
                    Watch::Own(Box::new(connection))
                }
                Over::Http2 => Watch::Shared(connections[at / SHARING].get(&path).await),
            });
            for connection in join_all(connecting).await {
                tasks.spawn(watch(connection, seen.clone()));
            }
        }
        seen.reached(watchers).await;
        Fan { target: target.clone(), seen, watchers, _tasks: tasks, _connections: connections }
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

enum Watch {
    Own(Box<Connection>),
    Shared(Streamed),
}

/// Takes the events of one watcher: each is a line.
async fn watch(mut watch: Watch, seen: Arc<Seen>) {
    let mut number = 0;
    loop {
        let mut lines = 0;
        let count = |piece: &[u8]| lines += piece.iter().filter(|byte| **byte == b'\n').count();
        let goes_on = match &mut watch {
            Watch::Own(connection) => connection.chunk(count).await,
            Watch::Shared(stream) => stream.piece(count).await,
        };
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
