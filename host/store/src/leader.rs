//! Who does what only one host at a time may do.
//!
//! For each name there are two keys. The *term* is written by whoever begins to lead and deleted
//! when he leaves: a guard on its revision makes every write fail of one who was deposed and does
//! not know it yet. The *sign of life* beside it is written again and again. Nobody compares
//! clocks: who waits watches both keys, and takes over when he has heard nothing for the time of the
//! term's lease by his own clock.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use crate::{Cache, Event, Freshness, Guard, Key, Object, Op, Selector, TxnOutcome, WatchQuery, WatchStart, Watcher};

/// What is below is the host's, and no plugin's. Not below a resource: no group and no resource has
/// an underscore in its name.
pub const HOST_KEYS: &str = "/registry/_host/";
/// Signs of life in the time of a lease. Upstream: every 2 seconds of 15.
const SIGNS: u32 = 7;

/// One who would lead.
#[derive(Clone)]
pub struct Candidate {
    cache: Cache,
    name: String,
    holder: String,
    lease: Duration,
    /// What the term and the sign of life are below, and nothing of any other name.
    prefix: String,
    term: Key,
    sign: Key,
}

/// The time for which somebody leads: until he leaves, or is deposed because he fell silent.
pub struct Term {
    candidate: Candidate,
    fence: Guard,
    /// When nobody could have deposed him yet.
    begun: Instant,
}

impl Candidate {
    /// `holder` says who he is, to people and to himself: it has to be different from all others.
    pub fn new(cache: Cache, name: &str, holder: String, lease: Duration) -> Self {
        let prefix = format!("{HOST_KEYS}leaders/{}/", name.replace('%', "%25").replace('/', "%2F"));
        let key = |last: &str| Key::from(format!("{prefix}{last}"));
        let (term, sign) = (key("term"), key("sign"));
        Self { cache, name: name.to_owned(), holder, lease, prefix, term, sign }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Leads as soon as nobody else does; not at all if `ended` comes first. `waits` is told each time
    /// that somebody else is found to.
    pub async fn lead(&self, waits: impl Fn(), ended: impl Future<Output = ()>) -> Option<Term> {
        let mut ended = pin!(ended);
        loop {
            let free = tokio::select! {
                biased;
                () = &mut ended => return None,
                free = self.free(&waits) => free,
            };
            // Not given up half way: it would be taken, and nobody would know that he has to leave.
            let taken = match free {
                Ok(Some(revision)) => self.take(revision).await,
                Ok(None) => continue,
                Err(error) => Err(error),
            };
            match taken {
                Ok(Some(term)) => return Some(term),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(name = self.name, "who leads is not known, and asked again: {error}");
                    tokio::select! {
                        () = &mut ended => return None,
                        () = sleep(self.pause()) => {}
                    }
                }
            }
        }
    }

    /// The revision at which the term may be taken: when it is free, or else when whoever has it has
    /// fallen silent. None if that has to be looked at again.
    async fn free(&self, waits: &impl Fn()) -> Result<Option<u64>, String> {
        // Before the first look: what changes after it is heard.
        let start = WatchStart::Tail;
        let query = WatchQuery { target: self.prefix.clone(), selector: Selector::default(), start };
        let mut watch = self.cache.watch(query).await.map_err(text)?;
        let Some(object) = self.look(&self.term).await? else { return Ok(Some(0)) };
        let term: Value = serde_json::from_slice(object.json()).unwrap_or_default();
        // Of us, written without our having learned of it: begun anew, since nobody knows how old it is.
        if term["holder"] != self.holder {
            waits();
            let lease = term["leaseMs"].as_u64().map_or(self.lease, Duration::from_millis);
            let heard = self.sign().await?;
            if !self.falls_silent(&mut watch, lease, heard).await? {
                return Ok(None);
            }
        }
        Ok(Some(object.revision()))
    }

    /// Waits until no sign of life was heard for the time of a lease; false if the term itself changed.
    async fn falls_silent(&self, watch: &mut Watcher, lease: Duration, mut heard: u64) -> Result<bool, String> {
        let mut end = Instant::now() + lease;
        loop {
            let newest = match timeout_at(end, watch.next()).await {
                Ok(Some(events)) => {
                    let mut newest = heard;
                    for event in events {
                        let Event::Object(event) = event else { continue };
                        if event.object.key() == &self.term {
                            return Ok(false);
                        }
                        if event.object.key() == &self.sign {
                            newest = newest.max(event.object.revision());
                        }
                    }
                    newest
                }
                Ok(None) => return Err("the watch has ended".to_owned()),
                // It may be us who hear nothing.
                Err(_) => match self.sign().await? {
                    newest if newest > heard => newest,
                    _ => return Ok(true),
                },
            };
            if newest > heard {
                (heard, end) = (newest, Instant::now() + lease);
            }
        }
    }

    /// Begins a term, if the one before is still the one of this revision.
    async fn take(&self, revision: u64) -> Result<Option<Term>, String> {
        let begun = Instant::now();
        let guards = vec![Guard { key: self.term.clone(), revision }];
        let taken = timeout(self.pause(), self.cache.txn(guards, vec![self.put(&self.term)])).await;
        match taken.map_err(text)?.map_err(text)? {
            TxnOutcome::Applied(objects) => Ok(objects.first().map(|object| Term {
                candidate: self.clone(),
                fence: Guard { key: self.term.clone(), revision: object.revision() },
                begun,
            })),
            // Somebody was faster.
            TxnOutcome::Refused { .. } => Ok(None),
        }
    }

    async fn look(&self, key: &str) -> Result<Option<Arc<Object>>, String> {
        self.cache.get(key, Freshness::Latest).await.map_err(text)
    }

    /// The revision of the newest sign of life.
    async fn sign(&self) -> Result<u64, String> {
        Ok(self.look(&self.sign).await?.map_or(0, |sign| sign.revision()))
    }

    fn put(&self, key: &Key) -> Op {
        // The lease is the leader's: who waits may have been started with another.
        let value = json!({
            "kind": "Term",
            "apiVersion": "host/v1",
            "metadata": {"name": self.name},
            "holder": self.holder,
            "leaseMs": u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX),
        });
        Op::Put { key: key.clone(), value: Bytes::from(value.to_string()), ttl: None }
    }

    fn pause(&self) -> Duration {
        self.lease / SIGNS
    }
}

impl Term {
    /// What has to hold for each write that is only the leader's to make.
    pub fn fence(&self) -> &Guard {
        &self.fence
    }

    /// Gives signs of life. Returns when he does not lead any more, or cannot know: before anybody
    /// else may begin to.
    pub async fn keep(&self) {
        let candidate = &self.candidate;
        let mut alive = self.begun;
        loop {
            let end = alive + candidate.lease * 2 / 3;
            sleep_until(end.min(Instant::now() + candidate.pause())).await;
            let begun = Instant::now();
            if begun >= end {
                return;
            }
            let sign = candidate.cache.txn(vec![self.fence.clone()], vec![candidate.put(&candidate.sign)]);
            match timeout_at(end, sign).await {
                Ok(Ok(TxnOutcome::Applied(_))) => alive = begun,
                Ok(Ok(TxnOutcome::Refused { .. })) | Err(_) => return,
                Ok(Err(error)) => {
                    tracing::warn!(name = candidate.name, "a sign of life is not written, and tried again: {error}");
                }
            }
        }
    }

    /// Leaves: who waits takes over at once.
    pub async fn leave(self) {
        let Self { candidate, fence, .. } = self;
        let term = Op::Delete { key: candidate.term.clone() };
        let left = timeout(candidate.pause(), candidate.cache.txn(vec![fence], vec![term])).await;
        // Who cannot say that he leaves falls silent.
        if let Err(error) = left.map_err(text).and_then(|left| left.map_err(text)) {
            tracing::warn!(name = candidate.name, "others will wait for the end of the lease: {error}");
        }
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
