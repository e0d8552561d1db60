//! Looks after the files behind the certificates while the server serves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};
use tracing::warn;

use super::trust::Trust;
use crate::pki::Pki;

/// They are a few kilobytes, and there is no event that comes for every way in which files are
/// replaced.
const READ_EVERY: Duration = Duration::from_secs(5);
/// Weeks are left when it is time.
const RENEW_EVERY: Duration = Duration::from_secs(24 * 3600);

/// The files, and what depends on them.
pub(super) struct Files {
    pub(super) trust: Arc<Trust>,
    pub(super) pki: Pki,
    /// Whether the serving certificate is the host's own, by its own authority.
    pub(super) own: bool,
    pub(super) served: SocketAddr,
}

/// By whom clients know the server, PEM. A certificate that the operator brings is what they trust.
pub(super) fn trusted(trust: &Trust, pki: &Pki, own: bool) -> String {
    if own { pki.authority().to_owned() } else { trust.serving_pem() }
}

impl Files {
    fn look(&mut self, renew: bool) {
        let admin_changed = renew
            && self.pki.renew().unwrap_or_else(|error| {
                warn!("certificates cannot be renewed: {error}");
                false
            });
        let serving_changed = self.trust.refresh();
        if admin_changed || (serving_changed && !self.own) {
            let trusted = trusted(&self.trust, &self.pki, self.own);
            if let Err(error) = self.pki.write_kubeconfig(self.served, &trusted) {
                warn!("the kubeconfig has an old certificate: {error}");
            }
        }
    }
}

/// Reads the files from time to time, and when somebody asks, who is told when it is done.
pub(super) async fn keep_fresh(mut files: Files, mut asked: mpsc::Receiver<oneshot::Sender<()>>) {
    let mut renewed = Instant::now();
    loop {
        let asker = match timeout(READ_EVERY, asked.recv()).await {
            Ok(Some(asker)) => Some(asker),
            Ok(None) => return,
            Err(_) => None,
        };
        let renew = renewed.elapsed() >= RENEW_EVERY;
        if renew {
            renewed = Instant::now();
        }
        let looked = spawn_blocking(move || {
            files.look(renew);
            files
        });
        // It ends early only with the runtime.
        let Ok(back) = looked.await else { return };
        files = back;
        if let Some(asker) = asker {
            let _ = asker.send(());
        }
    }
}
