//! Whoever counts what happens in the cache.

use std::time::Duration;

/// Is told, on the task or thread where it happens: what it does must be quick.
pub trait Observer: Send + Sync {
    /// A watch of `target`, a prefix or a key, was read too slowly and is over.
    fn watch_cut(&self, target: &str);

    /// A read of `target`, a prefix or a key, had to wait for its revision, and got it or gave up.
    fn read_waited(&self, target: &str, waited: Duration);
}
