//! The directory that a store lives in: one process at a time, and a file that is there whole
//! or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use redb::{Builder, Database};

use super::OpenError;

const FILE: &str = "store.redb";

/// Holds the lock of a data directory while it lives.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Takes the directory for this process, and makes it if it is not there.
    pub(super) fn lock(path: &Path) -> Result<Self, OpenError> {
        let io = |what| move |error| OpenError::io(what, path, error);
        private_directory().create(path).map_err(io("create"))?;
        let lock_path = path.join("lock");
        let mut lock = private_file()
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(|error| OpenError::io("open", &lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The number is a help and no more: without it the error is still true.
                let _ = lock.read_to_string(&mut holder);
                return Err(OpenError::InUse { directory: path.to_owned(), process: holder.trim().parse().ok() });
            }
            Err(TryLockError::Error(error)) => return Err(OpenError::io("lock", &lock_path, error)),
        }
        let written =
            lock.rewind().and_then(|()| lock.set_len(0)).and_then(|()| write!(lock, "{}", std::process::id()));
        written.map_err(|error| OpenError::io("write", &lock_path, error))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub(super) fn file(&self) -> PathBuf {
        self.path.join(FILE)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn has_store(path: &Path) -> bool {
        path.join(FILE).exists()
    }

    /// Opens the file, and makes an empty one if there is none.
    pub(super) fn open(&self, builder: &Builder) -> Result<Database, OpenError> {
        let file = self.file();
        if !file.exists() {
            self.make(|new| builder.create(new).map(drop).map_err(|error| OpenError::engine(new, error)))?;
        }
        builder.open(&file).map_err(|error| OpenError::engine(&file, error))
    }

    /// Makes the file. It is filled under another name first: a power cut while the engine creates
    /// it would leave a file that it refuses for ever.
    pub(super) fn make<T, E: From<OpenError>>(&self, fill: impl FnOnce(&Path) -> Result<T, E>) -> Result<T, E> {
        let file = self.file();
        let new = self.path.join(format!("{FILE}.new"));
        match fs::remove_file(&new) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(OpenError::io("remove", &new, error).into()),
        }
        let created =
            private_file().create_new(true).open(&new).map_err(|error| OpenError::io("create", &new, error))?;
        let filled = fill(&new)?;
        created.sync_all().map_err(|error| OpenError::io("sync", &new, error))?;
        fs::rename(&new, &file).map_err(|error| OpenError::io("rename", &new, error))?;
        sync_parent(&file)?;
        sync_parent(&self.path)?;
        Ok(filled)
    }
}

/// The store holds secrets: what it makes is for its owner only.
fn private_directory() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

pub(super) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a name durable.
pub(super) fn sync_parent(path: &Path) -> Result<(), OpenError> {
    let parent = match path.parent() {
        None => return Ok(()),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    File::open(parent).and_then(|directory| directory.sync_all()).map_err(|error| OpenError::io("sync", parent, error))
}
