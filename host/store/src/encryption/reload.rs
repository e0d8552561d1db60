//! A configuration that is read again when its file changes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::config::EncryptionConfig;

/// How often the file is looked at.
const INTERVAL: Duration = Duration::from_secs(5);

/// Follows a file for ever. A file that cannot be read or is wrong changes nothing, and is told
/// of once.
pub async fn follow(path: PathBuf, mut text: String, config: Arc<ArcSwap<EncryptionConfig>>) {
    let mut interval = tokio::time::interval(INTERVAL);
    let mut unreadable = false;
    loop {
        interval.tick().await;
        let from = path.clone();
        let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(from)).await;
        let found = match read.map_err(std::io::Error::other).and_then(|read| read) {
            Ok(found) => found,
            Err(error) => {
                if !std::mem::replace(&mut unreadable, true) {
                    tracing::error!(path = %path.display(), %error, "the encryption configuration cannot be read, the one before stays");
                }
                continue;
            }
        };
        unreadable = false;
        if found == text {
            continue;
        }
        match EncryptionConfig::parse(&found) {
            Ok(new) => {
                config.store(Arc::new(new));
                tracing::info!(path = %path.display(), "the encryption configuration has changed");
            }
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "the encryption configuration is wrong, the one before stays");
            }
        }
        text = found;
    }
}
