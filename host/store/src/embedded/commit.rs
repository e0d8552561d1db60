//! The committer: the one thread that writes.
//!
//! It takes whatever waits in its queue, decides each transaction in turn against the index
//! and what the same batch has changed before it, writes all of it in one commit, and then,
//! when that is durable, publishes it and answers. How long it waits for more is said by its
//! [`Pace`].

use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::expiry::{self, Expiries};
use super::index::Garbage;
use super::log::Commit;
use super::pace::{GATHERED, Pace, Round};
use super::queue::{Queue, Waited};
use super::record::{Lease, Record, Slot};
use super::state::{Newest, Published, Shared};
use crate::sync::RwLockWriteGuard;
use crate::{Change, Guard, Key, Kv, Limits, Op, Txn, TxnOut, WriteError};

pub(super) type Reply<T> = oneshot::Sender<Result<T, WriteError>>;

pub(super) enum Command {
    Txn(Txn, Reply<TxnOut>),
    Compact(u64, Reply<()>),
}

/// When history is given up without being asked to.
pub(super) struct Schedule {
    interval: Option<Duration>,
    next: Instant,
    /// The revision of one interval ago.
    marked: u64,
}

pub(super) struct Committer {
    shared: Arc<Shared>,
    queue: Arc<Queue<Command>>,
    expiries: Expiries,
    schedule: Schedule,
    /// Writes are refused for want of room.
    full: Cell<bool>,
    on_failure: Box<dyn Fn(&str) + Send + Sync>,
}

/// What one batch is going to change, while it is put together.
struct Batch {
    revision: u64,
    writes: Vec<(Slot, Record)>,
    /// The last write of each key in `writes`.
    overlay: HashMap<Key, usize>,
    bytes: usize,
    /// What the disk had left before.
    disk_left: Option<u64>,
    answers: Vec<(Reply<TxnOut>, TxnOut)>,
}

impl Batch {
    fn new(revision: u64, disk_left: Option<u64>) -> Self {
        Self { revision, writes: Vec::new(), overlay: HashMap::new(), bytes: 0, disk_left, answers: Vec::new() }
    }

    fn has_room(&self, limits: &Limits) -> bool {
        self.writes.len() < limits.batch_operations_max && self.bytes < limits.batch_bytes_max
    }
}

impl Schedule {
    pub(super) fn new(interval: Option<Duration>, revision: u64) -> Self {
        Self { interval, next: Instant::now() + interval.unwrap_or_default(), marked: revision }
    }

    /// What to compact to, if it is time.
    fn due(&mut self, revision: u64) -> Option<u64> {
        let interval = self.interval?;
        let now = Instant::now();
        (now >= self.next).then(|| {
            self.next = now + interval;
            std::mem::replace(&mut self.marked, revision)
        })
    }
}

/// Who waits for an answer is told that there will be none.
impl Drop for Committer {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}

impl Committer {
    pub(super) fn new(
        shared: Arc<Shared>,
        queue: Arc<Queue<Command>>,
        expiries: Expiries,
        schedule: Schedule,
        on_failure: Box<dyn Fn(&str) + Send + Sync>,
    ) -> Self {
        Self { shared, queue, expiries, schedule, full: Cell::new(false), on_failure }
    }

    /// Runs until the store is dropped, or fails.
    pub(super) fn run(mut self) {
        // The engine panics on some kinds of damage.
        let end = catch_unwind(AssertUnwindSafe(|| self.rounds()));
        let end = end.unwrap_or_else(|_| Err("the committer panicked, the store is stopped".to_owned()));
        if let Err(error) = &end {
            let _ = self.shared.failed.set(error.clone());
        }
        self.shared.newest.send_modify(|newest| newest.open = false);
        if let Err(error) = end {
            tracing::error!(%error, "the store failed");
            (self.on_failure)(&error);
        }
    }

    fn rounds(&mut self) -> Result<(), String> {
        let mut pace = Pace::default();
        loop {
            match self.queue.len() {
                0 if self.wait() == Waited::Closed => return Ok(()),
                waiting => {
                    if let Some(time) = pace.gathering(waiting, self.shared.limits.gathering_max) {
                        self.queue.gather(GATHERED, time);
                    }
                }
            }
            let begun = Instant::now();
            let round = self.round()?;
            pace.ran(round, begun.elapsed());
        }
    }

    /// Waits for the next command, until something else is due.
    fn wait(&self) -> Waited {
        let published = self.shared.published();
        let sweeping = published.index.has_garbage(published.compacted);
        drop(published);
        let due =
            [self.expiries.next(), self.schedule.interval.map(|_| self.schedule.next)].into_iter().flatten().min();
        self.queue.wait(if sweeping { Some(Instant::now()) } else { due })
    }

    /// One batch: gather, decide, write, publish, answer. An error is the end of the store.
    fn round(&mut self) -> Result<Round, String> {
        let (revision, mut compacted) = {
            let published = self.shared.published();
            (published.revision, published.compacted)
        };
        let mut batch = Batch::new(revision, self.shared.disk_left());
        let mut compactions = Vec::new();
        while batch.has_room(&self.shared.limits)
            && let Some(command) = self.queue.pop()
        {
            match command {
                Command::Txn(txn, reply) => self.decide(&mut batch, txn, Some(reply)),
                // What this batch writes is not there yet: nobody can know of it.
                Command::Compact(to, reply) if to > revision => {
                    let why = format!("revision `{to}` cannot be compacted, the newest is `{revision}`");
                    let _ = reply.send(Err(WriteError::Invalid(why)));
                }
                Command::Compact(to, reply) => {
                    compacted = compacted.max(to);
                    compactions.push(reply);
                }
            }
        }
        let full = !batch.has_room(&self.shared.limits);
        for (key, revision) in self.expiries.due(Instant::now(), self.shared.limits.batch_expiries_max) {
            let guards = vec![Guard { key: key.clone(), revision }];
            self.decide(&mut batch, Txn { guards, ops: vec![Op::Delete { key }], get_on_refusal: false }, None);
        }
        if let Some(due) = self.schedule.due(revision) {
            compacted = compacted.max(due);
        }
        let wrote = self.write(batch, compacted, compactions)?;
        Ok(Round { wrote, full })
    }

    /// Decides one transaction, and puts what it changes into the batch.
    fn decide(&self, batch: &mut Batch, txn: Txn, reply: Option<Reply<TxnOut>>) {
        let published = self.shared.published();
        let current = |key: &Key| match batch.overlay.get(key) {
            Some(&at) => {
                let (slot, record) = &batch.writes[at];
                (!record.is_deletion()).then_some((*slot, record.create_revision, record.version))
            }
            None => published.index.get(key).map(|entry| (entry.slot, entry.create_revision, entry.version)),
        };
        let refused = txn
            .guards
            .iter()
            .find(|guard| current(&guard.key).map_or(0, |(slot, ..)| slot.revision) != guard.revision)
            .map(|guard| &guard.key)
            .or_else(|| {
                let absent = |op: &&Op| matches!(op, Op::Delete { key } if current(key).is_none());
                txn.ops.iter().find(absent).map(Op::key)
            });
        if let Some(key) = refused {
            let slot = current(key).map(|(slot, ..)| slot).filter(|_| txn.get_on_refusal);
            let found = slot.map(|slot| self.value(batch, key, slot)).transpose();
            match (reply, found) {
                (None, _) => {}
                (Some(reply), Ok(current)) => {
                    let out = TxnOut::Refused { revision: batch.revision, key: key.clone(), current };
                    batch.answers.push((reply, out));
                }
                (Some(reply), Err(error)) => {
                    let _ = reply.send(Err(WriteError::Unavailable(error)));
                }
            }
            return;
        }
        if let Err(error) = self.has_room(&txn, published.index.bytes() + batch.bytes as u64, batch.disk_left) {
            if let Some(reply) = reply {
                let _ = reply.send(Err(error));
            }
            return;
        }
        let revision = batch.revision + u64::from(!txn.ops.is_empty());
        let mut records = Vec::with_capacity(txn.ops.len());
        for (sub, op) in txn.ops.into_iter().enumerate() {
            let record = match op {
                Op::Delete { key } => Record::deletion(key),
                Op::Put { key, value, ttl } => {
                    let (create_revision, version) =
                        current(&key).map_or((revision, 1), |(_, create, version)| (create, version + 1));
                    // The index's own key, so that each is in memory once.
                    let key = published.index.key(&key).unwrap_or(key);
                    Record { key, create_revision, version, lease: ttl.map(expiry::lease), value }
                }
            };
            records.push((Slot { revision, sub: sub as u32 }, record));
        }
        drop(published);
        for (slot, record) in records {
            batch.bytes += record.bytes() as usize;
            batch.overlay.insert(record.key.clone(), batch.writes.len());
            batch.writes.push((slot, record));
        }
        batch.revision = revision;
        if let Some(reply) = reply {
            batch.answers.push((reply, TxnOut::Applied { revision }));
        }
    }

    /// What a slot holds, which may be in the batch still.
    fn value(&self, batch: &Batch, key: &Key, slot: Slot) -> Result<Kv, String> {
        let record = match batch.overlay.get(key) {
            Some(&at) => batch.writes[at].1.clone(),
            None => self.shared.log.view()?.record(slot)?,
        };
        Ok(record.into_kv(slot.revision))
    }

    /// A full store takes only what makes room.
    fn has_room(&self, txn: &Txn, stored: u64, disk_left: Option<u64>) -> Result<(), WriteError> {
        if txn.ops.iter().all(|op| matches!(op, Op::Delete { .. })) {
            return Ok(());
        }
        let alarm = self.shared.alarm(stored, disk_left);
        match (&alarm, self.full.replace(alarm.is_some())) {
            (Some(why), false) => tracing::error!("the store is full, only deletions are accepted: {why}"),
            (None, true) => tracing::info!("the store has room again"),
            _ => {}
        }
        alarm.map_or(Ok(()), |why| Err(WriteError::NoSpace(why)))
    }

    fn lock(&self) -> RwLockWriteGuard<'_, Published> {
        self.shared.published.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the batch, with the next part of what compaction deletes, and answers. Gives whether there was anything
    /// to write.
    fn write(&mut self, batch: Batch, compacted: u64, compactions: Vec<Reply<()>>) -> Result<bool, String> {
        let (before, garbage) = {
            let mut published = self.lock();
            let before = published.compacted;
            // Refused from now on, so that nobody begins to read what is about to go.
            published.compacted = compacted;
            (before, published.index.garbage(compacted, self.shared.limits.batch_compactions_max))
        };
        let commit = Commit {
            append: batch.writes.iter().map(|(slot, record)| (*slot, record)).collect(),
            delete: garbage.iter().map(|garbage| garbage.slot).collect(),
            compacted: (compacted > before).then_some(compacted),
        };
        let wrote = !(commit.append.is_empty() && commit.delete.is_empty() && commit.compacted.is_none());
        if wrote {
            if let Err(error) = self.shared.log.commit(&commit) {
                // The disk may hold the batch or not. To try again could make things worse: the
                // system may have dropped what it could not write.
                let error = format!("a commit failed, the store is stopped: {error}");
                let _ = self.shared.failed.set(error.clone());
                for (reply, _) in batch.answers {
                    let _ = reply.send(Err(WriteError::Unknown(error.clone())));
                }
                for reply in compactions {
                    let _ = reply.send(Err(WriteError::Unknown(error.clone())));
                }
                return Err(error);
            }
            self.publish(batch.revision, batch.writes, &garbage);
        }
        for (reply, out) in batch.answers {
            // Whoever asked may be gone.
            let _ = reply.send(Ok(out));
        }
        for reply in compactions {
            let _ = reply.send(Ok(()));
        }
        Ok(wrote)
    }

    /// Shows what is durable now.
    fn publish(&mut self, revision: u64, writes: Vec<(Slot, Record)>, garbage: &[Garbage]) {
        self.shared.forget_first_read();
        let mut published = self.lock();
        published.index.forget(garbage);
        let mut changes: Vec<Change> = Vec::new();
        let mut leases: Vec<(Key, u64, Lease)> = Vec::new();
        let mut writes = writes.into_iter().peekable();
        while let Some((slot, record)) = writes.next() {
            published.index.apply(&record.key, slot, record.create_revision, record.version, record.bytes());
            if let Some(lease) = record.lease {
                leases.push((record.key.clone(), slot.revision, lease));
            }
            let deletion = record.is_deletion();
            let kv = record.into_kv(slot.revision);
            changes.push(if deletion { Change::Delete { key: kv.key } } else { Change::Put(kv) });
            if writes.peek().is_none_or(|(next, _)| next.revision != slot.revision) {
                published.recent.push(slot.revision, std::mem::take(&mut changes).into(), &self.shared.limits);
            }
        }
        published.revision = revision;
        drop(published);
        for (key, revision, lease) in leases {
            self.expiries.add(key, revision, lease);
        }
        self.shared.newest.send_if_modified(|newest| {
            let changed = newest.revision != revision;
            *newest = Newest { revision, open: true };
            changed
        });
    }
}
