//! Power cuts, simulated.
//!
//! A disk keeps what was synced, and of everything later any part: sectors that were written or
//! not, in any order, and a length that was set or not. The store is opened on what is left. All
//! that was acknowledged has to be there, and of a transaction all or nothing; then it goes on
//! from there, into the next cut.

mod common;

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use common::*;
use host_store::{Embedded, Limits, RangeQuery, Store, Txn, TxnOut};

const SECTOR: usize = 512;
const SEEDS: u64 = 100;
/// Cuts in a row on the same data.
const CUTS: usize = 3;

/// Numbers that look random, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        // splitmix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[derive(Clone, Debug)]
enum Pending {
    Write(usize, Vec<u8>),
    Length(usize),
}

/// A disk in memory, with what is not synced kept apart.
#[derive(Clone, Debug, Default)]
struct Platter {
    /// What a read sees.
    seen: Vec<u8>,
    synced: Vec<u8>,
    pending: Vec<Pending>,
}

impl Platter {
    fn of(bytes: Vec<u8>) -> Self {
        Self { seen: bytes.clone(), synced: bytes, pending: Vec::new() }
    }

    /// What is left after a cut.
    fn cut(self, random: &mut Random) -> Vec<u8> {
        let mut left = self.synced;
        let mut sectors = Vec::new();
        for pending in self.pending {
            match pending {
                Pending::Length(length) if random.below(2) == 0 => left.resize(length, 0),
                Pending::Length(_) => {}
                Pending::Write(offset, data) => {
                    let parts = data.chunks(SECTOR).enumerate();
                    sectors.extend(parts.map(|(at, part)| (offset + at * SECTOR, part.to_vec())));
                }
            }
        }
        // Later writes of a sector come after earlier ones, or not at all.
        let kept = random.below(101);
        for (offset, part) in sectors {
            if random.below(100) < kept {
                let end = offset + part.len();
                if left.len() < end {
                    left.resize(end, 0);
                }
                left[offset..end].copy_from_slice(&part);
            }
        }
        left
    }
}

#[derive(Clone, Debug, Default)]
struct Disk(Arc<Drive>);

#[derive(Debug, Default)]
struct Drive {
    platter: Mutex<Platter>,
    /// The newest revision that a client knows of.
    acknowledged: AtomicU64,
    /// Changes so far.
    changes: AtomicU64,
    /// The power goes before this change.
    cut_at: u64,
    /// What the disk was then, and what had been acknowledged.
    cut: Mutex<Option<(Platter, u64)>>,
}

impl Disk {
    /// A disk whose power goes before a change, or when everything is done.
    fn new(left: Vec<u8>, acknowledged: u64, cut_at: u64) -> Self {
        let (platter, acknowledged) = (Mutex::new(Platter::of(left)), AtomicU64::new(acknowledged));
        Self(Arc::new(Drive { platter, acknowledged, cut_at, ..Drive::default() }))
    }

    fn change(&self, change: impl FnOnce(&mut Platter)) {
        let mut platter = self.0.platter.lock().unwrap();
        if self.0.changes.fetch_add(1, Ordering::SeqCst) == self.0.cut_at {
            *self.0.cut.lock().unwrap() = Some((platter.clone(), self.0.acknowledged.load(Ordering::SeqCst)));
        }
        change(&mut platter);
    }

    /// What the cut leaves, and what has to be in it.
    fn cut(&self, random: &mut Random) -> (Vec<u8>, u64) {
        let at_the_end = || (self.0.platter.lock().unwrap().clone(), self.0.acknowledged.load(Ordering::SeqCst));
        let (platter, acknowledged) = self.0.cut.lock().unwrap().take().unwrap_or_else(at_the_end);
        (platter.cut(random), acknowledged)
    }
}

impl redb::StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.platter.lock().unwrap().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (platter, offset) = (self.0.platter.lock().unwrap(), offset as usize);
        let found = platter.seen.get(offset..offset + out.len());
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.change(|platter| {
            platter.seen.resize(length as usize, 0);
            platter.pending.push(Pending::Length(length as usize));
        });
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(|platter| {
            platter.seen[offset as usize..offset as usize + data.len()].copy_from_slice(data);
            platter.pending.push(Pending::Write(offset as usize, data.to_vec()));
        });
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(|platter| {
            platter.synced.clone_from(&platter.seen);
            platter.pending.clear();
        });
        Ok(())
    }
}

type State = BTreeMap<String, String>;

/// The state of a store, and its revision.
async fn state(store: &Embedded) -> (u64, State) {
    let page = store.range(RangeQuery::default()).await.unwrap();
    (page.revision, page.kvs.iter().map(|kv| (kv.key.to_string(), text(&kv.value).to_owned())).collect())
}

/// One life of a store: from what the last cut left to the next.
async fn life(
    seed: u64,
    random: &mut Random,
    left: Vec<u8>,
    history: &mut Vec<State>,
    required: u64,
) -> (Vec<u8>, u64) {
    let limits = Limits { batch_compactions_max: 4, ..Limits::default() };
    let disk = Disk::new(left, required, random.below(150));
    let store =
        Embedded::open_on(disk.clone(), options(&limits)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let (revision, found) = state(&store).await;
    assert!(revision >= required, "seed {seed}: `{required}` was acknowledged, the store is at `{revision}`");
    assert_eq!(Some(&found), history.get(revision as usize - 1), "seed {seed}: a part of a transaction at {revision}");
    // What was not acknowledged and is gone never was.
    history.truncate(revision as usize);

    for _ in 0..6 {
        // Several at a time, so that they share a commit.
        let txns: Vec<Txn> = (0..1 + random.below(4))
            .map(|_| {
                let first = random.below(8);
                let put = |at| put(&format!("/{}", (first + at) % 8), &"x".repeat(random.below(3_000) as usize));
                Txn { ops: (0..1 + first % 3).map(put).collect(), ..Txn::default() }
            })
            .collect();
        let outcomes = futures_util::future::join_all(txns.iter().map(|txn| store.txn(txn.clone()))).await;
        let mut applied: Vec<(u64, &Txn)> = Vec::new();
        for (outcome, txn) in outcomes.into_iter().zip(&txns) {
            let Ok(TxnOut::Applied { revision }) = outcome else { panic!("seed {seed}: {outcome:?}") };
            applied.push((revision, txn));
        }
        applied.sort_by_key(|(revision, _)| *revision);
        for (revision, txn) in applied {
            let mut state = history.last().cloned().unwrap_or_default();
            for op in &txn.ops {
                let host_store::Op::Put { key, value, .. } = op else { unreachable!() };
                state.insert(key.to_string(), text(value).to_owned());
            }
            assert_eq!(history.len() as u64 + 1, revision, "seed {seed}: a revision is missing");
            history.push(state);
            disk.0.acknowledged.fetch_max(revision, Ordering::SeqCst);
        }
        if random.below(4) == 0 {
            store.compact(history.len() as u64 - random.below(3).min(history.len() as u64 - 1)).await.unwrap();
        }
    }
    drop(store);
    disk.cut(random)
}

/// An empty file, as it is when it gets its name: whole.
fn made() -> Vec<u8> {
    let disk = Disk::new(Vec::new(), 0, u64::MAX);
    drop(redb::Database::builder().create_with_backend(disk.clone()).unwrap());
    disk.cut(&mut Random(0)).0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_loses_nothing_that_was_acknowledged() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let (mut left, mut required) = (made(), 1);
        let mut history = vec![State::new()];
        for _ in 0..CUTS {
            (left, required) = life(seed, &mut random, left, &mut history, required).await;
        }
    }
}
