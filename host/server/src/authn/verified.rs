//! What is known of a connection's certificate: the same for each of its requests, for a while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::RwLock;

use super::{Authorities, Refusal};

/// How long a certificate that was verified counts as such: it may expire while the connection lives.
const VERIFIED_FOR: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Verified<T>(RwLock<Option<Known<T>>>);

#[derive(Debug)]
struct Known<T> {
    at: Instant,
    by: Arc<Authorities>,
    what: Result<T, Refusal>,
}

impl<T> Default for Verified<T> {
    fn default() -> Self {
        Self(RwLock::new(None))
    }
}

impl<T: Clone> Verified<T> {
    /// What `verify` says, or said a moment ago with the same authorities.
    pub(crate) fn get(
        &self,
        now: Instant,
        authorities: &Arc<Authorities>,
        verify: impl FnOnce() -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        if let Some(known) = &*self.0.read()
            && now.saturating_duration_since(known.at) < VERIFIED_FOR
            && Arc::ptr_eq(&known.by, authorities)
        {
            return known.what.clone();
        }
        let what = verify();
        *self.0.write() = Some(Known { at: now, by: authorities.clone(), what: what.clone() });
        what
    }
}
