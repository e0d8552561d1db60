//! `--watch`: a plugin whose file changes is swapped.
//!
//! The files are looked at again and again. For a handful of them, in development, that costs
//! nothing, and it works wherever files are: on network and overlay file systems and in containers,
//! whose kernel tells nobody what another one has written, and where a compiler removes a directory
//! and makes it again. Who is told of changes (by inotify, through the crate `notify`) needs all of
//! this beside it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Assembly;
use crate::load;

/// How often files are looked at. One that is still being written is not the same twice.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Swaps plugins whose files change, until the host ends.
pub fn watch(assembly: &Arc<Assembly>) {
    let assembly = assembly.clone();
    tokio::spawn(async move {
        // What each file was when it was last looked at, and when it was last taken.
        let mut seen: HashMap<PathBuf, Stamp> = HashMap::new();
        let mut taken: HashMap<PathBuf, Stamp> = HashMap::new();
        loop {
            for (name, file) in assembly.files() {
                let Some(stamp) = Stamp::of(&file) else { continue };
                let settled = seen.insert(file.clone(), stamp) == Some(stamp);
                if settled && taken.insert(file.clone(), stamp) != Some(stamp) {
                    assembly.swap_if_changed(&name, &file).await;
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
}

impl Assembly {
    /// Each plugin and its file.
    fn files(&self) -> Vec<(String, PathBuf)> {
        let state = self.state.lock();
        state.members.iter().map(|(name, member)| (name.clone(), member.version.file.clone())).collect()
    }

    async fn swap_if_changed(self: &Arc<Self>, name: &str, file: &Path) {
        let (Ok(bytes), Ok(version)) = (std::fs::read(file), self.version(name)) else { return };
        if load::digest(&bytes) == *version.link.loaded().digest {
            return;
        }
        if !load::is_whole(&bytes) {
            tracing::info!(plugin = name, "`{}` is not whole: it is looked at again when it changes", file.display());
            return;
        }
        tracing::info!(plugin = name, "`{}` has changed", file.display());
        // It says itself how it went.
        let _ = self.swap(name, file).await;
    }
}

/// By what a file is known to have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: SystemTime,
    inode: u64,
}

impl Stamp {
    fn of(file: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = file.metadata().ok()?;
        Some(Self { bytes: metadata.len(), modified: metadata.modified().ok()?, inode: metadata.ino() })
    }
}
