//! Backups of a store that is in use: asked for over a socket in its directory, which only its
//! owner can enter.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::state::Shared;
use super::transfer::{self, BackupError};

const SOCKET: &str = "backup.sock";
/// Who takes nothing for so long gets no backup: it would hold the disk's old pages for ever.
const STALL_MAX: Duration = Duration::from_secs(30);

/// Answers whoever asks for a backup, one after the other.
pub(super) struct Online {
    socket: PathBuf,
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Online {
    pub(super) fn start(directory: &Path, shared: Arc<Shared>) -> io::Result<Self> {
        let socket = directory.join(SOCKET);
        match fs::remove_file(&socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&socket)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = stopping.clone();
        let thread = std::thread::Builder::new().name("store-backup".to_owned()).spawn(move || {
            for asked in listener.incoming() {
                if stop.load(Ordering::Acquire) {
                    return;
                }
                if let Err(error) = asked.and_then(|stream| answer(&shared, stream, &stop)) {
                    tracing::error!(%error, "a backup was broken off");
                }
            }
        })?;
        Ok(Self { socket, stopping, thread })
    }

    /// Breaks off what is under way.
    pub(super) fn stop(self) {
        self.stopping.store(true, Ordering::Release);
        // Wakes it. If nobody can be reached, nobody is asleep.
        if UnixStream::connect(&self.socket).is_ok() {
            // It has nothing to say when it ends.
            let _ = self.thread.join();
        }
        let _ = fs::remove_file(&self.socket);
    }
}

fn answer(shared: &Shared, stream: UnixStream, stopping: &AtomicBool) -> io::Result<()> {
    stream.set_write_timeout(Some(STALL_MAX))?;
    let snapshot = shared.log.snapshot().map_err(io::Error::other)?;
    let out = BufWriter::with_capacity(1 << 18, stream);
    let go_on = || !stopping.load(Ordering::Acquire);
    transfer::copy(&snapshot, out, snapshot.compacted, snapshot.revision, go_on)?;
    tracing::info!(revision = snapshot.revision, "the store was backed up");
    Ok(())
}

/// Asks the process that uses the store. Whether all of it came shows when it is read back.
pub(super) fn fetch(directory: &Path, part: &Path, mut file: &File) -> Result<(), BackupError> {
    let socket = directory.join(SOCKET);
    let mut stream = UnixStream::connect(&socket).map_err(|error| BackupError::io("reach", &socket, error))?;
    io::copy(&mut stream, &mut file).map_err(|error| BackupError::io("write", part, error))?;
    Ok(())
}
