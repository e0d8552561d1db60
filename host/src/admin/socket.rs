//! The socket in the data directory.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// Where a host that serves this data directory listens.
pub(super) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("admin.sock")
}

/// A socket that is removed when the host ends.
pub(super) struct Socket {
    path: PathBuf,
}

impl Socket {
    /// Makes the socket with mode 0600, in the place of one that a host left behind which was
    /// killed: the store is open, so no other host serves this directory.
    pub(super) fn bind(data_dir: &Path) -> io::Result<(Self, UnixListener)> {
        // It gets its mode where nobody else can reach it, and its name after that.
        let nursery = data_dir.join(".admin");
        let _ = fs::remove_dir_all(&nursery);
        fs::DirBuilder::new().mode(0o700).create(&nursery)?;
        let made = Self::bind_in(&nursery, &path(data_dir));
        let _ = fs::remove_dir_all(&nursery);
        Ok((Self { path: path(data_dir) }, made?))
    }

    fn bind_in(nursery: &Path, path: &Path) -> io::Result<UnixListener> {
        let made = nursery.join("s");
        let listener = UnixListener::bind(&made)?;
        fs::set_permissions(&made, fs::Permissions::from_mode(0o600))?;
        fs::rename(&made, path)?;
        Ok(listener)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
