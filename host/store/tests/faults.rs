//! A disk that fails at every place where it can: the store stops, and what it had acknowledged is
//! there when it is opened again.

mod common;

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use common::*;
use host_store::{Embedded, Limits, Options, RangeQuery, Store, Txn, TxnOut, WriteError};
use redb::backends::InMemoryBackend;

/// A disk in memory. All calls from one on fail, those that only read too if `dead`.
#[derive(Clone, Debug)]
struct Disk(Arc<Drive>);

#[derive(Debug)]
struct Drive {
    memory: InMemoryBackend,
    calls: AtomicU64,
    fails_from: AtomicU64,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Only what grows the file or writes to it.
    Full,
    ReadOnly,
    Dead,
}

impl Disk {
    fn new(fault: Fault, fails_from: u64) -> Self {
        let (calls, fails_from) = (AtomicU64::new(0), AtomicU64::new(fails_from));
        Self(Arc::new(Drive { memory: InMemoryBackend::new(), calls, fails_from, fault }))
    }

    fn repair(&self) {
        self.0.fails_from.store(u64::MAX, Ordering::SeqCst);
    }

    fn call(&self, writes: bool) -> io::Result<&InMemoryBackend> {
        let failed = self.0.calls.fetch_add(1, Ordering::SeqCst) >= self.0.fails_from.load(Ordering::SeqCst);
        match self.0.fault {
            Fault::Full if failed && writes => Err(io::ErrorKind::StorageFull.into()),
            Fault::ReadOnly if failed && writes => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            Fault::Dead if failed => Err(io::Error::other("the disk is gone")),
            _ => Ok(&self.0.memory),
        }
    }
}

impl redb::StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.call(false)?.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.call(false)?.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.call(true)?.set_len(len)
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.call(true)?.write(offset, data)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.call(false)?.sync_data()
    }
}

type State = BTreeMap<String, u64>;

async fn state(store: &Embedded) -> State {
    let page = store.range(RangeQuery::default()).await.expect("a store that was opened can be read");
    page.kvs.iter().map(|kv| (kv.key.to_string(), kv.mod_revision)).collect()
}

/// Writes, deletes and compacts until the disk fails. Gives what was acknowledged, and what is in
/// doubt because of it: nothing, or one write.
async fn work(store: &Embedded) -> (State, Option<State>) {
    let mut acknowledged = State::new();
    for round in 0..12_u64 {
        let key = format!("/{}", round % 5);
        let ops = if round % 4 == 3 { vec![delete("/1")] } else { vec![put(&key, &"x".repeat(2_000))] };
        let deletes = round % 4 == 3;
        let guards = if deletes { vec![guard("/1", acknowledged.get("/1").copied().unwrap_or(0))] } else { vec![] };
        let mut after = acknowledged.clone();
        let revision = store.status().revision + 1;
        if deletes {
            after.remove("/1")
        } else {
            after.insert(key, revision)
        };
        match store.txn(Txn { guards, ops, ..Txn::default() }).await {
            Ok(TxnOut::Applied { .. }) => acknowledged = after,
            Ok(TxnOut::Refused { .. }) => {}
            Err(WriteError::Unknown(_)) => return (acknowledged, Some(after)),
            Err(WriteError::Unavailable(_)) => return (acknowledged, None),
            Err(error) => panic!("{error}"),
        }
        if round % 5 == 4 {
            // Fails with the disk, which the next write notices.
            let _ = store.compact(store.status().revision - 1).await;
        }
    }
    (acknowledged, None)
}

#[tokio::test]
async fn wherever_the_disk_fails_nothing_acknowledged_is_lost() {
    for fault in [Fault::Full, Fault::ReadOnly, Fault::Dead] {
        let whole = Disk::new(fault, u64::MAX);
        // An empty store, as it is when it gets its name.
        let opened = |disk: &Disk| {
            let (tell, told) = mpsc::channel();
            let on_failure = Box::new(move |error: &str| drop(tell.send(error.to_owned())));
            let limits = Limits::default();
            (Embedded::open_on(disk.clone(), Options { on_failure, ..options(&limits) }), told)
        };
        let store = opened(&whole).0.expect("the disk is whole");
        let first = whole.0.calls.load(Ordering::SeqCst);
        work(&store).await;
        drop(store);
        let last = whole.0.calls.load(Ordering::SeqCst);
        assert!(last > first + 20, "too little happens: {first} to {last}");

        for at in first..last {
            let disk = Disk::new(fault, at);
            let (store, told) = opened(&disk);
            let store = store.expect("the disk fails later");
            let (acknowledged, doubtful) = work(&store).await;
            let failed = store.status().failed.is_some();
            assert!(doubtful.is_none() || failed, "{fault:?} at {at}: the store goes on after a failed commit");
            drop(store);
            assert_eq!(told.recv().is_ok(), failed, "{fault:?} at {at}: the failure was not told");
            disk.repair();
            let store = opened(&disk).0.unwrap_or_else(|error| panic!("{fault:?} at {at}: {error}"));
            let found = state(&store).await;
            assert!(
                found == acknowledged || Some(&found) == doubtful.as_ref(),
                "{fault:?} at {at}: {found:?} is there, {acknowledged:?} was acknowledged"
            );
        }
    }
}
