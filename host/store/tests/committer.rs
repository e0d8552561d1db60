//! The committer's thread on a disk that can be held up: who waits for it, in which order they are served, and what they
//! are told in the end.

mod common;

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use common::*;
use host_store::{Embedded, Limits, Options, RangeQuery, Store, Txn, TxnOut, WriteError};
use redb::backends::InMemoryBackend;

/// A disk in memory that makes nothing durable while it is held.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<(Mutex<Gate>, Condvar)>, Arc<InMemory>);

#[derive(Debug)]
struct InMemory(InMemoryBackend);

#[derive(Debug, Default)]
struct Gate {
    held: bool,
    /// Calls that may pass while it is held.
    pass: usize,
    /// Calls that wait.
    waiting: usize,
    /// Calls that passed.
    passed: usize,
    broken: bool,
}

impl Default for InMemory {
    fn default() -> Self {
        Self(InMemoryBackend::new())
    }
}

impl Disk {
    fn set(&self, change: impl FnOnce(&mut Gate)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    fn hold(&self) {
        self.set(|gate| gate.held = true);
    }

    fn release(&self) {
        self.set(|gate| gate.held = false);
    }

    /// Returns when a call waits.
    fn reached(&self) {
        let gate = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(gate, |gate| gate.waiting == 0).unwrap());
    }

    fn passed(&self) -> usize {
        self.0.0.lock().unwrap().passed
    }
}

impl redb::StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.1.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.1.0.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.1.0.set_len(len)
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.1.0.write(offset, data)
    }
    fn sync_data(&self) -> io::Result<()> {
        let mut gate = self.0.0.lock().unwrap();
        gate.waiting += 1;
        self.0.1.notify_all();
        gate = self.0.1.wait_while(gate, |gate| gate.held && gate.pass == 0).unwrap();
        gate.waiting -= 1;
        gate.pass = gate.pass.saturating_sub(1);
        gate.passed += 1;
        if gate.broken { Err(io::Error::other("the disk is gone")) } else { Ok(()) }
    }
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<TxnOut, WriteError>> + Send + 'a>>;

/// A write that is on its way when this returns; or refused at once, which its answer says.
fn sent(store: &Embedded, name: impl std::fmt::Display) -> Answer<'_> {
    let ops = vec![put(&format!("/{name}"), "x")];
    let mut answer = store.txn(Txn { ops, ..Txn::default() });
    match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Box::pin(async { answer }),
        Poll::Pending => answer,
    }
}

/// Whether it did not even begin to wait.
fn is_refused(mut answer: Answer<'_>) -> bool {
    let answer = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    matches!(answer, Poll::Ready(Err(WriteError::Overloaded)))
}

fn open(disk: &Disk, limits: Limits) -> Embedded {
    Embedded::open_on(disk.clone(), options(&limits)).expect("an empty disk can be opened")
}

/// One operation each: whatever waits is left over by the batch before.
fn one_each() -> Limits {
    Limits { batch_operations_max: 1, ..Limits::default() }
}

async fn revision(answer: Answer<'_>) -> u64 {
    match answer.await {
        Ok(TxnOut::Applied { revision }) => revision,
        answer => panic!("{answer:?}"),
    }
}

/// How long the disk is held so that the last batch took long.
const HELD: Duration = Duration::from_secs(2);

/// Waits for the time in which the disk is held, which nobody cuts short.
async fn held() {
    tokio::time::sleep(HELD).await;
}

/// What to gather is worth as long as the last batch took, however long that was.
fn patient() -> Limits {
    Limits { gathering_max: Duration::from_secs(3600), ..Limits::default() }
}

#[tokio::test]
async fn what_a_batch_leaves_is_written_in_the_order_in_which_it_came() {
    let (disk, count) = (Disk::default(), 40);
    let store = open(&disk, one_each());
    disk.hold();
    let first = sent(&store, "first");
    disk.reached();
    let answers: Vec<_> = (0..count).map(|at| sent(&store, at)).collect();
    disk.release();
    let first = revision(first).await;
    for (at, answer) in answers.into_iter().enumerate() {
        assert_eq!(revision(answer).await, first + 1 + at as u64);
    }
    let page = store.range(RangeQuery::default()).await.unwrap();
    assert_eq!(page.kvs.len(), count + 1);
}

#[tokio::test]
async fn no_more_writes_wait_than_queue_transactions_max() {
    let disk = Disk::default();
    let store = open(&disk, Limits { queue_transactions_max: 3, ..one_each() });
    let before = disk.passed();
    revision(sent(&store, "a commit")).await;
    let syncs = disk.passed() - before;

    disk.hold();
    let mut answers = vec![sent(&store, "held")];
    disk.reached();
    answers.extend((0..3).map(|at| sent(&store, at)));
    assert!(is_refused(sent(&store, "beyond")));
    // The next is in its commit: there is room for one more, and only for one.
    disk.set(|gate| gate.pass = syncs);
    revision(answers.remove(0)).await;
    disk.reached();
    answers.push(sent(&store, "one more"));
    assert!(is_refused(sent(&store, "beyond")));
    disk.release();
    for answer in answers {
        revision(answer).await;
    }
}

#[tokio::test]
async fn what_a_full_batch_left_is_not_kept_waiting_for_others() {
    let disk = Disk::default();
    let store = open(&disk, Limits { batch_operations_max: 1, ..patient() });
    disk.hold();
    let first = sent(&store, "first");
    disk.reached();
    let left: Vec<_> = (0..3).map(|at| sent(&store, at)).collect();
    held().await;
    disk.release();
    revision(first).await;
    let begun = Instant::now();
    for answer in left {
        revision(answer).await;
    }
    assert!(begun.elapsed() < HELD, "others were waited for");
}

#[tokio::test]
async fn others_are_waited_for_until_they_are_enough() {
    let disk = Disk::default();
    let store = open(&disk, patient());
    disk.hold();
    let first = sent(&store, "first");
    disk.reached();
    let mut answers: Vec<_> = (0..2).map(|at| sent(&store, at)).collect();
    held().await;
    disk.release();
    revision(first).await;
    let (begun, before) = (Instant::now(), disk.passed());
    // So that it waits already, as a rule: what comes before it does is enough at once.
    tokio::time::sleep(HELD / 20).await;
    assert_eq!(disk.passed(), before, "two were not given time to become more");
    answers.extend((2..16).map(|at| sent(&store, at)));
    for answer in answers {
        revision(answer).await;
    }
    assert!(begun.elapsed() < HELD, "more were waited for than are enough");
}

#[tokio::test]
async fn whoever_waits_when_the_store_is_closed_is_answered() {
    let disk = Disk::default();
    let store = Arc::new(open(&disk, Limits { batch_operations_max: 2, ..Limits::default() }));
    disk.hold();
    let mut answers = vec![sent(&store, "held")];
    disk.reached();
    answers.extend((0..5).map(|at| sent(&store, at)));
    let mut closing = Box::pin(store.close());
    assert!(closing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let late = sent(&store, "late").await;
    assert!(matches!(late, Err(WriteError::Unavailable(_))), "{late:?}");
    disk.release();
    closing.await;
    for answer in answers {
        revision(answer).await;
    }
}

#[tokio::test]
async fn nobody_is_waited_for_when_the_store_is_closed() {
    let disk = Disk::default();
    let store = Arc::new(open(&disk, patient()));
    disk.hold();
    let first = sent(&store, "first");
    disk.reached();
    let answers: Vec<_> = (0..2).map(|at| sent(&store, at)).collect();
    held().await;
    disk.release();
    revision(first).await;
    let begun = Instant::now();
    store.close().await;
    for answer in answers {
        revision(answer).await;
    }
    assert!(begun.elapsed() < HELD, "others were waited for that cannot come");
}

#[tokio::test]
async fn after_a_failed_commit_nobody_is_told_that_he_has_written() {
    let disk = Disk::default();
    let (tell, told) = std::sync::mpsc::channel();
    let on_failure = Box::new(move |error: &str| tell.send(error.to_owned()).expect("somebody listens"));
    let limits = Limits { batch_operations_max: 2, ..Limits::default() };
    let store = Embedded::open_on(disk.clone(), Options { on_failure, ..options(&limits) }).unwrap();
    disk.hold();
    let mut answers = vec![sent(&store, "held")];
    disk.reached();
    answers.extend((0..5).map(|at| sent(&store, at)));
    disk.set(|gate| gate.broken = true);
    disk.release();
    // Those of the batch, of the next and of the one after that.
    for answer in answers {
        let Err(WriteError::Unknown(why)) = answer.await else { panic!("an answer that nobody can know") };
        assert!(why.contains("a commit failed"), "{why}");
    }
    assert!(told.recv().expect("the failure is told").contains("a commit failed"));
    assert!(matches!(sent(&store, "late").await, Err(WriteError::Unavailable(_))));
}
