//! Looks at the files behind the certificates while the server serves.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::trust::Trust;

/// They are a few kilobytes, and there is no event that comes for every way in which files are
/// replaced.
const EVERY: Duration = Duration::from_secs(5);

/// Reads the files from time to time, and when somebody asks, who is told when it is done.
/// `serving_changed` is called when the certificate is another one that most clients get to see.
pub(super) async fn keep_fresh(
    trust: Arc<Trust>,
    mut asked: mpsc::Receiver<oneshot::Sender<()>>,
    serving_changed: impl Fn() + Send,
) {
    loop {
        let asker = match timeout(EVERY, asked.recv()).await {
            Ok(Some(asker)) => Some(asker),
            Ok(None) => return,
            Err(_) => None,
        };
        let reader = trust.clone();
        let changed = tokio::task::spawn_blocking(move || reader.refresh()).await;
        if changed.is_ok_and(|changed| changed) {
            serving_changed();
        }
        if let Some(asker) = asker {
            let _ = asker.send(());
        }
    }
}
