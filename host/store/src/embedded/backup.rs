//! A store in one file: how a backup looks, and how it is written and read.
//!
//! ```text
//! magic | compacted u64 | { record bytes u32 | slot | record }... | 0 u32 | records u64 | revision u64 | crc32 u32
//! ```
//!
//! All little-endian but for the slots. The records are as they lie on the disk, each with its
//! checksum; the one at the end covers all of the file before it.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use super::record::{Slot, Stored};
use super::transfer::BackupError;
use crate::limits::BACKUP_RECORD_BYTES_MAX;

const MAGIC: &[u8; 16] = b"host backup v1\n\0";

/// What is in a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The newest revision.
    pub revision: u64,
    /// The oldest revision that can be read at.
    pub compacted: u64,
    /// Writes, those of history included.
    pub records: u64,
    pub(super) checksum: u32,
}

/// Writes a backup.
pub(super) struct Writer<W> {
    out: W,
    crc: crc32fast::Hasher,
    records: u64,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W, compacted: u64) -> io::Result<Self> {
        let mut writer = Self { out, crc: crc32fast::Hasher::new(), records: 0 };
        writer.put(MAGIC)?;
        writer.put(&compacted.to_le_bytes())?;
        Ok(writer)
    }

    pub(super) fn record(&mut self, slot: Slot, record: &[u8]) -> io::Result<()> {
        self.records += 1;
        self.put(&(record.len() as u32).to_le_bytes())?;
        self.put(&slot.to_bytes())?;
        self.put(record)
    }

    /// Gives the checksum.
    pub(super) fn finish(mut self, revision: u64) -> io::Result<u32> {
        self.put(&0_u32.to_le_bytes())?;
        self.put(&self.records.to_le_bytes())?;
        self.put(&revision.to_le_bytes())?;
        let checksum = self.crc.clone().finalize();
        self.out.write_all(&checksum.to_le_bytes())?;
        self.out.flush()?;
        Ok(checksum)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.crc.update(bytes);
        self.out.write_all(bytes)
    }
}

/// Reads a whole backup, and checks all of it. `take` gets each record in order.
pub(super) fn read(path: &Path, take: impl FnMut(Slot, &[u8]) -> Result<(), String>) -> Result<Summary, BackupError> {
    let file = File::open(path).map_err(|error| BackupError::io("open", path, error))?;
    let mut reader = Reader { input: BufReader::with_capacity(1 << 20, file), crc: crc32fast::Hasher::new() };
    reader.all(take).map_err(|what| BackupError::Damaged { path: path.to_owned(), what })
}

struct Reader<R> {
    input: R,
    crc: crc32fast::Hasher,
}

impl<R: Read> Reader<R> {
    fn all(&mut self, mut take: impl FnMut(Slot, &[u8]) -> Result<(), String>) -> Result<Summary, String> {
        if self.array::<16>().ok().as_ref() != Some(MAGIC) {
            return Err("it is no backup of this program".to_owned());
        }
        let compacted = u64::from_le_bytes(self.array()?);
        let mut records = 0;
        let mut last = None;
        let mut record = Vec::new();
        loop {
            let length = u32::from_le_bytes(self.array()?) as usize;
            if length == 0 {
                break;
            }
            if length > BACKUP_RECORD_BYTES_MAX {
                return Err(format!("a record claims to have `{length}` bytes"));
            }
            let slot = Slot::from_bytes(self.array()?);
            if last.replace(slot) >= Some(slot) {
                return Err(format!("revision `{}` is not where it belongs", slot.revision));
            }
            record.resize(length, 0);
            self.fill(&mut record)?;
            Stored::decode(slot, &record).map_err(|what| format!("the record of `{}`: {what}", slot.revision))?;
            take(slot, &record)?;
            records += 1;
        }
        let counted = u64::from_le_bytes(self.array()?);
        let revision = u64::from_le_bytes(self.array()?);
        let checksum = self.crc.clone().finalize();
        if checksum != u32::from_le_bytes(self.array()?) || counted != records {
            return Err("its checksum does not match".to_owned());
        }
        Ok(Summary { revision, compacted, records, checksum })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        self.fill(&mut array)?;
        Ok(array)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), String> {
        self.input.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => "it is cut off".to_owned(),
            _ => format!("reading failed: {error}"),
        })?;
        self.crc.update(bytes);
        Ok(())
    }
}
