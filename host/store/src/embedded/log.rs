//! The engine, as the little that is asked of it: append records, read them, delete them.

use std::ops::ControlFlow;
use std::sync::{PoisonError, RwLock};

use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};

use super::directory::Directory;
use super::record::{Record, Slot, Stored};

const RECORDS: TableDefinition<&[u8; Slot::BYTES], &[u8]> = TableDefinition::new("records");
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// The revision below which history may be missing.
const COMPACTED: &str = "compacted";
/// The revision that a restored store begins at, if that is beyond its last record.
const BEGUN: &str = "begun";
/// The form of the records; another number is another program's file.
const FORMAT: &str = "format";
const FORMAT_NOW: u64 = 1;

/// The records on the disk, until it is closed.
pub(super) struct Log(RwLock<Option<Disk>>);

struct Disk {
    database: Database,
    /// The lock on the directory that the database is in: given up after it is closed.
    _directory: Option<Directory>,
}

/// Records that are passed over before it is cheaper to look for the next one.
const RECORDS_PASSED_MAX: usize = 16;

/// What one commit writes, all of it or nothing.
#[derive(Default)]
pub(super) struct Commit<'a> {
    pub(super) append: Vec<(Slot, &'a Record)>,
    pub(super) delete: Vec<Slot>,
    pub(super) compacted: Option<u64>,
}

impl Log {
    /// Takes an opened file, and makes its tables if they are not there.
    pub(super) fn new(database: Database, directory: Option<Directory>) -> Result<Self, String> {
        let log = Self(RwLock::new(Some(Disk { database, _directory: directory })));
        log.with(prepare)?;
        match log.with(|database| meta(database, FORMAT))? {
            Some(FORMAT_NOW) => Ok(log),
            format => Err(format!("its format is `{}`, this program reads `{FORMAT_NOW}`", format.unwrap_or(0))),
        }
    }

    /// All of it at this moment.
    pub(super) fn snapshot(&self) -> Result<Snapshot, String> {
        self.with(|database| {
            let txn = database.begin_read()?;
            let (meta, records) = (txn.open_table(META)?, txn.open_table(RECORDS)?);
            let number = |name| -> Result<u64, redb::Error> { Ok(meta.get(name)?.map_or(0, |found| found.value())) };
            let last = records.last()?.map_or(0, |(slot, _)| Slot::from_bytes(*slot.value()).revision);
            // An empty store is at revision 1, as in etcd.
            let revision = last.max(number(BEGUN)?).max(1);
            Ok(Snapshot { compacted: number(COMPACTED)?, revision, records: View(records) })
        })
    }

    /// Writes what was read from a backup.
    pub(super) fn fill(&self, records: &[(Slot, Vec<u8>)]) -> Result<(), String> {
        self.with(|database| {
            let txn = database.begin_write()?;
            {
                let mut table = txn.open_table(RECORDS)?;
                for (slot, record) in records {
                    table.insert(&slot.to_bytes(), record.as_slice())?;
                }
            }
            Ok(txn.commit()?)
        })
    }

    /// Makes the next write one after this revision, and everything before `compacted` gone.
    pub(super) fn begin(&self, revision: u64, compacted: u64) -> Result<(), String> {
        self.with(|database| {
            let txn = database.begin_write()?;
            {
                let mut meta = txn.open_table(META)?;
                meta.insert(BEGUN, revision)?;
                meta.insert(COMPACTED, compacted)?;
            }
            Ok(txn.commit()?)
        })
    }

    /// Writes, and returns when it is durable. After an error nothing is known of what the
    /// disk holds, and nothing more may be written.
    pub(super) fn commit(&self, commit: &Commit<'_>) -> Result<(), String> {
        self.with(|database| write(database, commit))
    }

    /// What is on the disk at this moment; later commits do not change it.
    pub(super) fn view(&self) -> Result<View, String> {
        self.with(|database| Ok(View(database.begin_read()?.open_table(RECORDS)?)))
    }

    /// Gives up the disk. What is read or written later fails.
    pub(super) fn close(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, String> {
        let disk = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let disk = disk.as_ref().ok_or("it is closed")?;
        work(&disk.database).map_err(|error| error.to_string())
    }
}

fn prepare(database: &Database) -> Result<(), redb::Error> {
    if database.begin_read()?.list_tables()?.next().is_some() {
        return Ok(());
    }
    let txn = database.begin_write()?;
    txn.open_table(RECORDS)?;
    txn.open_table(META)?.insert(FORMAT, FORMAT_NOW)?;
    Ok(txn.commit()?)
}

fn meta(database: &Database, name: &str) -> Result<Option<u64>, redb::Error> {
    Ok(database.begin_read()?.open_table(META)?.get(name)?.map(|found| found.value()))
}

fn write(database: &Database, commit: &Commit<'_>) -> Result<(), redb::Error> {
    let mut txn = database.begin_write()?;
    txn.set_durability(Durability::Immediate)?;
    {
        let mut records = txn.open_table(RECORDS)?;
        for (slot, record) in &commit.append {
            records.insert(&slot.to_bytes(), record.encode(*slot).as_slice())?;
        }
        for slot in &commit.delete {
            records.remove(&slot.to_bytes())?;
        }
    }
    if let Some(compacted) = commit.compacted {
        txn.open_table(META)?.insert(COMPACTED, compacted)?;
    }
    Ok(txn.commit()?)
}

/// A store at one moment.
pub(super) struct Snapshot {
    pub(super) revision: u64,
    /// The revision below which history may be missing.
    pub(super) compacted: u64,
    pub(super) records: View,
}

/// A snapshot of the records.
pub(super) struct View(redb::ReadOnlyTable<&'static [u8; Slot::BYTES], &'static [u8]>);

impl View {
    /// The record in a slot, which must be there.
    pub(super) fn record(&self, slot: Slot) -> Result<Record, String> {
        let found = self.0.get(&slot.to_bytes()).map_err(unreadable)?;
        let found = found.ok_or_else(|| damaged(slot, "it is missing"))?;
        stored(slot, found.value()).map(Stored::into_record)
    }

    /// Several records, whose slots are in order. What lies near to one another is read in one pass.
    pub(super) fn records(
        &self,
        slots: impl Iterator<Item = Slot>,
        mut take: impl FnMut(Stored<'_>),
    ) -> Result<(), String> {
        let mut pass = None;
        for slot in slots {
            let near = pass.as_mut().and_then(|pass: &mut redb::Range<'_, &[u8; Slot::BYTES], &[u8]>| {
                let passed = pass.take(RECORDS_PASSED_MAX).find(|found| match found {
                    Ok((there, _)) => *there.value() >= slot.to_bytes(),
                    Err(_) => true,
                })?;
                passed.ok().filter(|(there, _)| *there.value() == slot.to_bytes())
            });
            let (_, bytes) = match near {
                Some(found) => found,
                None => {
                    let mut from = self.0.range::<&[u8; Slot::BYTES]>(&slot.to_bytes()..).map_err(unreadable)?;
                    let found = from.next().transpose().map_err(unreadable)?;
                    pass = Some(from);
                    let found = found.filter(|(there, _)| *there.value() == slot.to_bytes());
                    found.ok_or_else(|| damaged(slot, "it is missing"))?
                }
            };
            take(stored(slot, bytes.value())?);
        }
        Ok(())
    }

    /// The records from a slot on, in order, until `take` has enough.
    pub(super) fn from(
        &self,
        slot: Slot,
        mut take: impl FnMut(Slot, Stored<'_>) -> ControlFlow<()>,
    ) -> Result<(), String> {
        let mut unreadable = Ok(());
        self.raw(slot, |slot, bytes| match stored(slot, bytes) {
            Ok(record) => take(slot, record),
            Err(what) => {
                unreadable = Err(what);
                ControlFlow::Break(())
            }
        })?;
        unreadable
    }

    /// The same, as they lie on the disk.
    pub(super) fn raw(&self, slot: Slot, mut take: impl FnMut(Slot, &[u8]) -> ControlFlow<()>) -> Result<(), String> {
        for found in self.0.range::<&[u8; Slot::BYTES]>(&slot.to_bytes()..).map_err(unreadable)? {
            let (slot, bytes) = found.map_err(unreadable)?;
            if take(Slot::from_bytes(*slot.value()), bytes.value()).is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn stored(slot: Slot, bytes: &[u8]) -> Result<Stored<'_>, String> {
    Stored::decode(slot, bytes).map_err(|what| damaged(slot, &what))
}

fn unreadable(error: impl std::fmt::Display) -> String {
    format!("reading failed: {error}")
}

fn damaged(slot: Slot, what: &str) -> String {
    format!("the record of revision `{}`, operation `{}`, is damaged: {what}", slot.revision, slot.sub)
}
