//! Storage: revisioned keys, of which a link reads and writes those below its claims.
//!
//! ```
//! # async fn example(store: &plugin_sdk::Store) -> plugin_sdk::Result {
//! use plugin_sdk::storage::{Guard, ListQuery, Operation, Put};
//!
//! let key = "/registry/example.com/counters/a".to_string();
//! let value = br#"{"kind":"Counter","apiVersion":"example.com/v1","metadata":{"name":"a"}}"#.to_vec();
//! // Only if there is none yet: revision 0.
//! let guards = vec![Guard { key: key.clone(), revision: 0 }];
//! store.txn(guards, vec![Operation::Put(Put { key, value, ttl_seconds: None })]).await?;
//!
//! let counters = store.list(ListQuery::below("/registry/example.com/counters/")).await?;
//! for counter in counters.objects(100) {
//!     plugin_sdk::log::info!("{} at revision {}", counter.key(), counter.revision());
//! }
//! # Ok(())
//! # }
//! ```

pub use crate::bindings::host::chain::storage::{
    Collection, Error, Event, EventKind, FieldRequirement, Freshness, Guard, LabelRequirement, ListQuery, Object,
    Operation, Operator, Put, Selector, Store, TxnResult, Watch, WatchQuery, WatchStart,
};

impl Selector {
    /// Selects every object.
    pub fn everything() -> Self {
        Self { labels: Vec::new(), fields: Vec::new() }
    }
}

impl ListQuery {
    /// Everything below `prefix`, which ends in `/`, as it is now.
    pub fn below(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_string(),
            start: None,
            selector: Selector::everything(),
            freshness: Freshness::Latest,
            limit: 0,
        }
    }
}

impl WatchQuery {
    /// Changes of everything below `prefix`, which ends in `/`, or of one whole key.
    pub fn below(prefix: &str, start: WatchStart) -> Self {
        Self { prefix: prefix.to_string(), selector: Selector::everything(), start, bookmarks: false, timeout_ms: None }
    }
}

impl Collection {
    /// All objects in order, of which `page` are held here at a time: each is a handle, and an
    /// instance may have only so many.
    pub fn objects(&self, page: u32) -> impl Iterator<Item = Object> + '_ {
        let mut offset = 0;
        let pages = std::iter::from_fn(move || {
            let objects = self.read(offset, page.max(1));
            offset += objects.len() as u64;
            (!objects.is_empty()).then_some(objects)
        });
        pages.flatten()
    }
}
