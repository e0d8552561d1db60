//! Who does what only one host at a time may do.
//!
//! For each name there are two keys. The *term* is written by whoever begins to lead and deleted
//! when he leaves: a guard on its revision makes every write fail of one who was deposed and does
//! not know it yet. The *sign of life* beside it is written again and again. Nobody compares
//! clocks: who waits watches both keys, and takes over when he has heard nothing for the time of a
//! lease by his own clock.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::{Cache, Event, Freshness, Guard, Key, Object, Op, Selector, TxnOutcome, WatchQuery, WatchStart, Watcher};

/// Not below a resource: no group and no resource has an underscore in its name.
const ROOT: &str = "/registry/_host/leaders";
/// Signs of life in the time of a lease. Upstream: every 2 seconds of 15.
const SIGNS: u32 = 7;

/// One who would lead.
#[derive(Clone)]
pub struct Candidate {
    cache: Cache,
    name: String,
    holder: String,
    lease: Duration,
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
        let key = |last: &str| Key::from(format!("{ROOT}/{name}/{last}"));
        Self { cache, name: name.to_owned(), holder, lease, term: key("term"), sign: key("sign") }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Leads as soon as nobody else does. `waits` is told each time that somebody else is found to.
    pub async fn lead(&self, waits: impl Fn()) -> Term {
        loop {
            match self.attempt(&waits).await {
                Ok(Some(term)) => return term,
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(name = self.name, "who leads is not known, and asked again: {error}");
                    sleep(self.pause()).await;
                }
            }
        }
    }

    /// Takes the term if it is free, or else when whoever has it has fallen silent. None if that has
    /// to be looked at again.
    async fn attempt(&self, waits: &impl Fn()) -> Result<Option<Term>, String> {
        let target = format!("{ROOT}/{}/", self.name);
        // Before the first look: what changes after it is heard.
        let query = WatchQuery { target, selector: Selector::default(), start: WatchStart::Tail };
        let mut watch = self.cache.watch(query).await.map_err(text)?;
        let found = self.look(&self.term).await?;
        let revision = match &found {
            None => 0,
            // Written without having learned of it: begun anew, since nobody knows how old it is.
            Some(object) if self.is_ours(object) => object.revision(),
            Some(object) => {
                waits();
                let heard = self.sign().await?;
                if !self.falls_silent(&mut watch, heard).await? {
                    return Ok(None);
                }
                object.revision()
            }
        };
        self.take(revision).await
    }

    /// Waits until nothing was heard for the time of a lease; false if the term itself changed.
    async fn falls_silent(&self, watch: &mut Watcher, mut heard: u64) -> Result<bool, String> {
        loop {
            match timeout(self.lease, watch.next()).await {
                Ok(Some(events)) => {
                    for event in events {
                        let Event::Object(event) = event else { continue };
                        if event.object.key() == &self.term {
                            return Ok(false);
                        }
                        heard = heard.max(event.object.revision());
                    }
                }
                Ok(None) => return Err("the watch has ended".to_owned()),
                // It may be us who hear nothing.
                Err(_) => match self.sign().await? {
                    newer if newer > heard => heard = newer,
                    _ => return Ok(true),
                },
            }
        }
    }

    /// Begins a term, if the one before is still the one of this revision.
    async fn take(&self, revision: u64) -> Result<Option<Term>, String> {
        let begun = Instant::now();
        let guards = vec![Guard { key: self.term.clone(), revision }];
        match self.cache.txn(guards, vec![self.put(&self.term)]).await.map_err(text)? {
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

    fn is_ours(&self, term: &Object) -> bool {
        let term: Option<Value> = serde_json::from_slice(term.json()).ok();
        term.is_some_and(|term| term["holder"] == self.holder)
    }

    fn put(&self, key: &Key) -> Op {
        let metadata = json!({"name": self.name});
        let value = json!({"kind": "Term", "apiVersion": "host/v1", "metadata": metadata, "holder": self.holder});
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
            sleep(candidate.pause()).await;
            let (begun, end) = (Instant::now(), alive + candidate.lease * 2 / 3);
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
        // Who cannot say that he leaves falls silent.
        if let Err(error) = candidate.cache.txn(vec![fence], vec![term]).await {
            tracing::warn!(name = candidate.name, "others will wait for the end of the lease: {error}");
        }
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
