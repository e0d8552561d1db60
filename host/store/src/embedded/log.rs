//! The engine, as the little that is asked of it: append records, read them, delete them.

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use super::record::{Record, Slot};

const RECORDS: TableDefinition<&[u8; Slot::BYTES], &[u8]> = TableDefinition::new("records");
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// The revision below which history may be missing.
const COMPACTED: &str = "compacted";
/// The form of the records; another number is another program's file.
const FORMAT: &str = "format";
const FORMAT_NOW: u64 = 1;

/// The records on the disk.
pub(super) struct Log {
    database: Database,
}

/// What one commit writes, all of it or nothing.
#[derive(Default)]
pub(super) struct Commit<'a> {
    pub(super) append: Vec<(Slot, &'a Record)>,
    pub(super) delete: Vec<Slot>,
    pub(super) compacted: Option<u64>,
}

impl Log {
    /// Takes an opened file, and makes its tables if they are not there.
    pub(super) fn new(database: Database) -> Result<Self, String> {
        let log = Self { database };
        log.prepare().map_err(|error| error.to_string())?;
        let format = log.meta(FORMAT).map_err(|error| error.to_string())?;
        if format != Some(FORMAT_NOW) {
            return Err(format!("its format is `{}`, this program reads `{FORMAT_NOW}`", format.unwrap_or(0)));
        }
        Ok(log)
    }

    fn prepare(&self) -> Result<(), redb::Error> {
        if self.database.begin_read()?.list_tables()?.next().is_some() {
            return Ok(());
        }
        let txn = self.database.begin_write()?;
        txn.open_table(RECORDS)?;
        txn.open_table(META)?.insert(FORMAT, FORMAT_NOW)?;
        Ok(txn.commit()?)
    }

    pub(super) fn compacted(&self) -> Result<u64, String> {
        self.meta(COMPACTED).map(|found| found.unwrap_or(0)).map_err(|error| error.to_string())
    }

    fn meta(&self, name: &str) -> Result<Option<u64>, redb::Error> {
        let txn = self.database.begin_read()?;
        Ok(txn.open_table(META)?.get(name)?.map(|found| found.value()))
    }

    /// Writes, and returns when it is durable. After an error nothing is known of what the
    /// disk holds, and nothing more may be written.
    pub(super) fn commit(&self, commit: &Commit<'_>) -> Result<(), redb::Error> {
        let mut txn = self.database.begin_write()?;
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

    /// What is on the disk at this moment; later commits do not change it.
    pub(super) fn view(&self) -> Result<View, String> {
        let open = || -> Result<_, redb::Error> { Ok(self.database.begin_read()?.open_table(RECORDS)?) };
        open().map(View).map_err(unreadable)
    }
}

/// A snapshot of the records.
pub(super) struct View(redb::ReadOnlyTable<&'static [u8; Slot::BYTES], &'static [u8]>);

impl View {
    /// The record in a slot, which must be there.
    pub(super) fn record(&self, slot: Slot) -> Result<Record, String> {
        let found = self.0.get(&slot.to_bytes()).map_err(unreadable)?;
        let found = found.ok_or_else(|| damaged(slot, "it is missing"))?;
        Record::decode(slot, found.value()).map_err(|what| damaged(slot, &what))
    }

    /// The records from a slot on, in order.
    pub(super) fn from(&self, slot: Slot) -> Result<impl Iterator<Item = Result<(Slot, Record), String>>, String> {
        let range = self.0.range::<&[u8; Slot::BYTES]>(&slot.to_bytes()..).map_err(unreadable)?;
        Ok(range.map(|found| {
            let (slot, bytes) = found.map_err(unreadable)?;
            let slot = Slot::from_bytes(*slot.value());
            Record::decode(slot, bytes.value()).map(|record| (slot, record)).map_err(|what| damaged(slot, &what))
        }))
    }
}

fn unreadable(error: impl std::fmt::Display) -> String {
    format!("reading failed: {error}")
}

fn damaged(slot: Slot, what: &str) -> String {
    format!("the record of revision `{}`, operation `{}`, is damaged: {what}", slot.revision, slot.sub)
}
