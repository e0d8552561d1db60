//! Backing a store up, and making one from a backup.
//!
//! Both write under another name, read back what they wrote, and only then give it its name.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use redb::Builder;

use super::backup::{self, Summary, Writer};
use super::directory::{Directory, private_file, sync_parent};
use super::log::{Log, Snapshot};
use super::record::Slot;
use super::{OpenError, builder, online};
use crate::Limits;

/// Why a backup was not made, or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Store(#[from] OpenError),
    #[error("there is no store in `{}`", .0.display())]
    NoStore(PathBuf),
    #[error("`{}` is there already: name another, or move it away", .0.display())]
    Exists(PathBuf),
    #[error("cannot {what} `{}`: {error}", path.display())]
    Io { what: &'static str, path: PathBuf, error: io::Error },
    #[error("the backup `{}` is damaged: {what}", path.display())]
    Damaged { path: PathBuf, what: String },
}

impl BackupError {
    pub(super) fn io(what: &'static str, path: &Path, error: io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), error }
    }
}

/// Records that one transaction writes while a backup is restored.
const RESTORED_AT_ONCE: usize = 1_000;

/// Writes all of the store in `directory` to `file`, as of one moment, whether a process uses it or
/// not. When this returns the file is durable, and was read back.
pub fn backup(directory: &Path, file: &Path) -> Result<Summary, BackupError> {
    if !Directory::has_store(directory) {
        return Err(BackupError::NoStore(directory.to_owned()));
    }
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let made = write(directory, &part).and_then(|summary| {
        fs::rename(&part, file).map_err(|error| BackupError::io("rename", &part, error))?;
        sync_parent(file)?;
        Ok(summary)
    });
    if made.is_err() {
        // What is wrong is said; what is left over is of no use to anybody.
        let _ = fs::remove_file(&part);
    }
    made
}

fn write(directory: &Path, part: &Path) -> Result<Summary, BackupError> {
    let io = |what| move |error| BackupError::io(what, part, error);
    let file = private_file().create(true).truncate(true).open(part).map_err(io("create"))?;
    match Directory::lock(directory) {
        Ok(directory) => {
            let damaged = |what| OpenError::Damaged { path: directory.file(), what };
            let database = directory.open(&builder(&Limits::default()))?;
            let log = Log::new(database, None).map_err(damaged)?;
            let snapshot = log.snapshot().map_err(damaged)?;
            let mut out = BufWriter::with_capacity(1 << 20, &file);
            copy(&snapshot, &mut out, snapshot.compacted, snapshot.revision, || true).map_err(io("write"))?;
        }
        Err(OpenError::InUse { .. }) => online::fetch(directory, part, &file)?,
        Err(error) => return Err(error.into()),
    }
    file.sync_all().map_err(io("sync"))?;
    backup::read(part, |_, _| Ok(()))
}

/// Writes a backup, for as long as `go_on` says so. Gives its checksum.
pub(super) fn copy(
    snapshot: &Snapshot,
    out: impl Write,
    compacted: u64,
    revision: u64,
    go_on: impl Fn() -> bool,
) -> io::Result<u32> {
    let mut writer = Writer::new(out, compacted)?;
    let mut written = Ok(());
    let read = snapshot.records.raw(Slot::FIRST, |slot, record| {
        written = if go_on() { writer.record(slot, record) } else { Err(io::ErrorKind::Interrupted.into()) };
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    read.map_err(io::Error::other)?;
    written?;
    writer.finish(revision)
}

/// Makes a store in `directory` of a backup, and reads it back.
///
/// Clients may know of revisions that are newer than the backup. With `bump` the store goes on so
/// many revisions later and gives up what was before, so that all of them list anew.
pub fn restore(file: &Path, directory: &Path, bump: u64) -> Result<Summary, BackupError> {
    let summary = backup::read(file, |_, _| Ok(()))?;
    if Directory::has_store(directory) {
        return Err(BackupError::Exists(directory.to_owned()));
    }
    let engine = builder(&Limits::default());
    Directory::lock(directory)?.make(|new| {
        fill(&engine, new, file, &summary, bump)?;
        compare(&engine, new, &summary)?;
        Ok(summary)
    })
}

fn fill(engine: &Builder, new: &Path, file: &Path, summary: &Summary, bump: u64) -> Result<(), BackupError> {
    let damaged = |what| OpenError::Damaged { path: new.to_owned(), what };
    let log = Log::new(engine.create(new).map_err(|error| OpenError::engine(new, error))?, None).map_err(damaged)?;
    let mut batch = Vec::new();
    backup::read(file, |slot, record| {
        batch.push((slot, record.to_vec()));
        if batch.len() == RESTORED_AT_ONCE { log.fill(&std::mem::take(&mut batch)) } else { Ok(()) }
    })?;
    let begun = summary.revision + bump;
    let compacted = if bump == 0 { summary.compacted } else { begun };
    log.fill(&batch).and_then(|()| log.begin(begun, compacted)).map_err(damaged)?;
    Ok(())
}

/// Whether the records of a store are those of a backup, and no others.
fn compare(engine: &Builder, new: &Path, summary: &Summary) -> Result<(), BackupError> {
    let damaged = |what| OpenError::Damaged { path: new.to_owned(), what };
    let database = engine.open(new).map_err(|error| OpenError::engine(new, error))?;
    let log = Log::new(database, None).map_err(damaged)?;
    let snapshot = log.snapshot().map_err(damaged)?;
    let found = copy(&snapshot, io::sink(), summary.compacted, summary.revision, || true);
    let found = found.map_err(|error| damaged(error.to_string()))?;
    if found == summary.checksum {
        return Ok(());
    }
    Err(damaged("what was written is not what is in the backup: do not trust this disk".to_owned()).into())
}
