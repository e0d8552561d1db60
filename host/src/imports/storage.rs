//! `storage`: the store, below the prefixes that the plugin has claimed.

use std::sync::Arc;
use std::time::Duration;

use host_store as native;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use wasmtime::component::{Accessor, Resource};

use super::{HasState, State};
use crate::bindings::host::chain::storage::{
    Error, Event, EventKind, FieldRequirement, Freshness, Guard, Host, HostCollection, HostObject, HostStore,
    HostStoreWithStore, HostWatch, HostWatchWithStore, LabelRequirement, ListQuery, Operation, Operator, Selector,
    TxnResult, WatchQuery, WatchStart,
};
use crate::chain::{Access, Fault, Link};

/// One object at one revision.
pub struct Object(pub Arc<native::Object>);

/// What a list found.
pub struct Collection(pub Arc<native::Listing>);

/// A watch: read by the guest, or handed over to the host in an answer.
pub struct Watch {
    watcher: Arc<tokio::sync::Mutex<native::Watcher>>,
    cancel: CancellationToken,
    timeout: Option<Duration>,
    bookmarks: bool,
    permit: OwnedSemaphorePermit,
}

/// A watch that is the host's to serve.
pub struct Handed {
    pub watcher: native::Watcher,
    pub timeout: Option<Duration>,
    pub bookmarks: bool,
    /// Counts it among the plugin's until it ends.
    pub permit: OwnedSemaphorePermit,
}

/// Storage, for one request or hook.
#[derive(Clone)]
pub struct Store {
    link: Arc<Link>,
    cancel: CancellationToken,
    /// Holds as long as whoever writes may do what only one host does at a time.
    fence: Option<native::Guard>,
}

impl Store {
    pub fn new(link: Arc<Link>, cancel: CancellationToken, fence: Option<native::Guard>) -> Self {
        Self { link, cancel, fence }
    }

    /// Whether a write was refused because another host leads by now.
    fn is_deposed(&self, key: &str) -> bool {
        self.fence.as_ref().is_some_and(|fence| *fence.key == *key)
    }

    fn cache(&self) -> &native::Cache {
        &self.link.services().cache
    }

    /// Whether this link may do this with a key, or with everything below a prefix.
    fn granted(&self, key: &str, access: Access) -> Result<(), Error> {
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        if self.link.services().claims.allow(self.link.name(), key, access) {
            return Ok(());
        }
        let conduct = self.link.conduct();
        conduct.fault(Fault::Grant, &format!("it asked for `{key}`, which is below none of its claims"));
        Err(Error::NotGranted(key.to_string()))
    }

    /// Fails at once when the request or hook is over.
    async fn unless_over<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            result = work => result,
            () = self.cancel.cancelled() => Err(Error::Cancelled),
        }
    }
}

impl Watch {
    /// Takes the watch out, for the host to serve.
    pub fn hand_over(self) -> wasmtime::Result<Handed> {
        let Self { watcher, timeout, bookmarks, permit, .. } = self;
        let Some(watcher) = Arc::into_inner(watcher) else {
            wasmtime::bail!("a watch cannot be answered while it is being read");
        };
        Ok(Handed { watcher: watcher.into_inner(), timeout, bookmarks, permit })
    }
}

impl Host for State {}

impl HostObject for State {
    fn key(&mut self, object: Resource<Object>) -> wasmtime::Result<String> {
        Ok(self.table.get(&object)?.0.key().to_string())
    }

    fn revision(&mut self, object: Resource<Object>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&object)?.0.revision())
    }

    fn value(&mut self, object: Resource<Object>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.table.get(&object)?.0.json().to_vec())
    }

    fn drop(&mut self, object: Resource<Object>) -> wasmtime::Result<()> {
        self.table.delete(object)?;
        Ok(())
    }
}

impl HostCollection for State {
    fn revision(&mut self, collection: Resource<Collection>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&collection)?.0.revision)
    }

    fn count(&mut self, collection: Resource<Collection>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&collection)?.0.objects.len() as u64)
    }

    fn next(&mut self, collection: Resource<Collection>) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&collection)?.0.next.clone())
    }

    fn remaining(&mut self, collection: Resource<Collection>) -> wasmtime::Result<Option<u64>> {
        Ok(self.table.get(&collection)?.0.remaining)
    }

    fn read(
        &mut self,
        collection: Resource<Collection>,
        offset: u64,
        max: u32,
    ) -> wasmtime::Result<Vec<Resource<Object>>> {
        let listing = self.table.get(&collection)?.0.clone();
        let objects = listing.objects.from(offset as usize).take(max as usize);
        objects.map(|object| Ok(self.table.push(Object(object.clone()))?)).collect()
    }

    fn drop(&mut self, collection: Resource<Collection>) -> wasmtime::Result<()> {
        self.table.delete(collection)?;
        Ok(())
    }
}

impl HostWatch for State {
    fn drop(&mut self, watch: Resource<Watch>) -> wasmtime::Result<()> {
        self.table.delete(watch)?;
        Ok(())
    }
}

impl HostWatchWithStore<State> for HasState {
    async fn next(
        accessor: &Accessor<State, Self>,
        watch: Resource<Watch>,
    ) -> wasmtime::Result<Result<Vec<Event>, Error>> {
        let (watcher, cancel) = accessor
            .with(|mut access| access.get().table.get(&watch).map(|w| (w.watcher.clone(), w.cancel.clone())))?;
        let mut watcher = watcher.lock().await;
        let next = tokio::select! {
            next = watcher.next() => next,
            () = cancel.cancelled() => return Ok(Err(Error::Cancelled)),
        };
        let Some(events) = next else {
            return Ok(match watcher.end() {
                Some(native::WatchEnd::Overflow) => Err(Error::Compacted(watcher.progress())),
                Some(native::WatchEnd::Stopped) => Err(Error::Unavailable("the store is closed".to_string())),
                None => Ok(Vec::new()),
            });
        };
        let progress = watcher.progress();
        accessor.with(|mut access| {
            let table = &mut access.get().table;
            let mut out = Vec::with_capacity(events.len());
            for event in events {
                out.push(match event {
                    native::Event::Object(event) => Event {
                        kind: match event.kind {
                            native::EventKind::Added => EventKind::Added,
                            native::EventKind::Modified => EventKind::Modified,
                            native::EventKind::Deleted => EventKind::Deleted,
                        },
                        revision: event.object.revision(),
                        object: Some(table.push(Object(event.object.clone()))?),
                    },
                    native::Event::InitialEventsEnd { revision } => {
                        Event { kind: EventKind::Bookmark, object: None, revision }
                    }
                });
            }
            if out.is_empty() {
                out.push(Event { kind: EventKind::Bookmark, object: None, revision: progress });
            }
            Ok(Ok(out))
        })
    }
}

impl HostStore for State {
    fn count(&mut self, store: Resource<Store>, prefix: String) -> wasmtime::Result<Result<u64, Error>> {
        let store = self.table.get(&store)?;
        Ok(store.granted(&prefix, Access::Read).map(|()| store.cache().count(&prefix)))
    }

    fn revision(&mut self, store: Resource<Store>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&store)?.cache().revision())
    }

    fn drop(&mut self, store: Resource<Store>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl HostStoreWithStore<State> for HasState {
    async fn get(
        accessor: &Accessor<State, Self>,
        store: Resource<Store>,
        key: String,
        freshness: Freshness,
    ) -> wasmtime::Result<Result<Option<Resource<Object>>, Error>> {
        let store = accessor.with(|mut access| access.get().table.get(&store).cloned())?;
        let work = async {
            store.granted(&key, Access::Read)?;
            store.cache().get(&key, freshness.into()).await.map_err(Error::from)
        };
        match store.unless_over(work).await {
            Ok(Some(object)) => Ok(Ok(Some(accessor.with(|mut access| access.get().table.push(Object(object)))?))),
            Ok(None) => Ok(Ok(None)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn list(
        accessor: &Accessor<State, Self>,
        store: Resource<Store>,
        query: ListQuery,
    ) -> wasmtime::Result<Result<Resource<Collection>, Error>> {
        let store = accessor.with(|mut access| access.get().table.get(&store).cloned())?;
        let work = async {
            store.granted(&query.prefix, Access::Read)?;
            let (prefix, consistent) = (query.prefix.clone(), matches!(query.freshness, Freshness::Latest));
            let listing = store.cache().list(query.into()).await;
            let found = listing.as_ref().ok().map(|listing| listing.objects.len());
            store.link.services().reads.listed(&prefix, consistent, found);
            listing.map_err(Error::from)
        };
        match store.unless_over(work).await {
            Ok(listing) => Ok(Ok(accessor.with(|mut access| access.get().table.push(Collection(Arc::new(listing))))?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn watch(
        accessor: &Accessor<State, Self>,
        store: Resource<Store>,
        query: WatchQuery,
    ) -> wasmtime::Result<Result<Resource<Watch>, Error>> {
        let store = accessor.with(|mut access| access.get().table.get(&store).cloned())?;
        let (timeout, bookmarks) = (query.timeout_ms.map(Duration::from_millis), query.bookmarks);
        let work = async {
            store.granted(&query.prefix, Access::Read)?;
            let permit = store.link.watch_permit().map_err(Error::Unavailable)?;
            Ok((store.cache().watch(query.into()).await?, permit))
        };
        match store.unless_over(work).await {
            Ok((watcher, permit)) => {
                let watcher = Arc::new(tokio::sync::Mutex::new(watcher));
                let watch = Watch { watcher, cancel: store.cancel.clone(), timeout, bookmarks, permit };
                Ok(Ok(accessor.with(|mut access| access.get().table.push(watch))?))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    async fn txn(
        accessor: &Accessor<State, Self>,
        store: Resource<Store>,
        guards: Vec<Guard>,
        operations: Vec<Operation>,
    ) -> wasmtime::Result<Result<TxnResult, Error>> {
        let store = accessor.with(|mut access| access.get().table.get(&store).cloned())?;
        let work = async {
            for guard in &guards {
                store.granted(&guard.key, Access::Read)?;
            }
            let mut ops = Vec::with_capacity(operations.len());
            for operation in operations {
                let op = match operation {
                    Operation::Put(put) => native::Op::Put {
                        key: put.key.into(),
                        value: put.value.into(),
                        ttl: put.ttl_seconds.map(Duration::from_secs),
                    },
                    Operation::Delete(key) => native::Op::Delete { key: key.into() },
                };
                store.granted(op.key(), Access::Write)?;
                ops.push(op);
            }
            let guards = guards.into_iter().map(|g| native::Guard { key: g.key.into(), revision: g.revision });
            let guards = guards.chain(store.fence.clone()).collect();
            // A write that was sent has an outcome, which a guest that is cancelled meanwhile
            // does not learn.
            tokio::select! {
                biased;
                outcome = store.cache().txn(guards, ops) => outcome.map_err(Error::from),
                () = store.cancel.cancelled() => Err(Error::Unknown("the request is over".to_string())),
            }
        };
        let outcome = match work.await {
            Ok(native::TxnOutcome::Refused { key, .. }) if store.is_deposed(&key) => return Ok(Err(Error::Cancelled)),
            Ok(outcome) => outcome,
            Err(error) => return Ok(Err(error)),
        };
        accessor.with(|mut access| {
            let table = &mut access.get().table;
            Ok(Ok(match outcome {
                native::TxnOutcome::Applied(objects) => {
                    let objects: Result<_, _> = objects.into_iter().map(|object| table.push(Object(object))).collect();
                    TxnResult::Applied(objects?)
                }
                native::TxnOutcome::Refused { current, .. } => {
                    TxnResult::Refused(current.map(|object| table.push(Object(object))).transpose()?)
                }
            }))
        })
    }
}

impl From<native::ReadError> for Error {
    fn from(error: native::ReadError) -> Self {
        match error {
            native::ReadError::Compacted { oldest } => Error::Compacted(oldest),
            native::ReadError::Ahead { newest } => Error::Ahead(newest),
            native::ReadError::Invalid(reason) => Error::Invalid(reason),
            native::ReadError::Limit(reason) | native::ReadError::Unavailable(reason) => Error::Unavailable(reason),
        }
    }
}

impl From<native::WriteError> for Error {
    fn from(error: native::WriteError) -> Self {
        match error {
            native::WriteError::Invalid(reason) => Error::Invalid(reason),
            native::WriteError::TooLarge { max, .. } => Error::TooLarge(max),
            native::WriteError::Unknown(reason) => Error::Unknown(reason),
            other => Error::Unavailable(other.to_string()),
        }
    }
}

impl From<Freshness> for native::Freshness {
    fn from(freshness: Freshness) -> Self {
        match freshness {
            Freshness::Latest => Self::Latest,
            Freshness::Any => Self::Any,
            Freshness::NotOlder(revision) => Self::NotOlder(revision),
            Freshness::Exact(revision) => Self::Exact(revision),
        }
    }
}

impl From<ListQuery> for native::ListQuery {
    fn from(query: ListQuery) -> Self {
        Self {
            prefix: query.prefix,
            start: query.start,
            selector: query.selector.into(),
            freshness: query.freshness.into(),
            limit: query.limit as usize,
        }
    }
}

impl From<WatchQuery> for native::WatchQuery {
    fn from(query: WatchQuery) -> Self {
        Self {
            target: query.prefix,
            selector: query.selector.into(),
            start: match query.start {
                WatchStart::Now => native::WatchStart::Now,
                WatchStart::After(revision) => native::WatchStart::After(revision),
                WatchStart::Tail => native::WatchStart::Tail,
                WatchStart::InitialEvents(revision) => native::WatchStart::InitialEvents(revision),
            },
        }
    }
}

impl From<Selector> for native::Selector {
    fn from(selector: Selector) -> Self {
        Self {
            labels: selector.labels.into_iter().map(Into::into).collect(),
            fields: selector.fields.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<LabelRequirement> for native::LabelRequirement {
    fn from(requirement: LabelRequirement) -> Self {
        Self { key: requirement.key, operator: requirement.operator.into(), values: requirement.values }
    }
}

impl From<FieldRequirement> for native::FieldRequirement {
    fn from(requirement: FieldRequirement) -> Self {
        Self { name: requirement.name, operator: requirement.operator.into(), value: requirement.value }
    }
}

impl From<Operator> for native::Operator {
    fn from(operator: Operator) -> Self {
        match operator {
            Operator::Equals => Self::Equals,
            Operator::NotEquals => Self::NotEquals,
            Operator::In => Self::In,
            Operator::NotIn => Self::NotIn,
            Operator::Exists => Self::Exists,
            Operator::NotExists => Self::NotExists,
            Operator::Greater => Self::Greater,
            Operator::Less => Self::Less,
        }
    }
}
