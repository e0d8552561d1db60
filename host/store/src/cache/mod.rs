//! The watch cache: every object once, as its clients get it.
//!
//! One feed takes what the store has made durable ([`feed`]), makes it an [`Object`], puts it in
//! the tree, remembers the change ([`history`]) and offers it to those who watch ([`watchers`]).
//! Reads take the newest tree, or an older one, and never lock out the feed for long. A write goes
//! to the store, and returns when the feed has shown it here: whoever wrote reads what he wrote.

mod checked;
mod claims;
mod event;
mod feed;
mod history;
mod json;
mod list;
mod load;
mod object;
mod observer;
mod selector;
mod tree;
mod wait;
mod watch;
mod watcher;
mod watchers;
mod write;

use std::sync::{Arc, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use self::checked::Checked;
use self::claims::{Claim, Claims};
use self::history::{History, Tree};
use self::selector::Matcher;
use self::wait::{Applied, Ended};
use self::watchers::Watchers;
use crate::sync::{AbortHandle, Mutex, MutexGuard, spawn, within};
use crate::{Limits, ReadError, Store, range_end};

pub use self::claims::SelectableField;
pub use self::event::{Event, EventKind, ObjectEvent};
pub use self::list::{ListQuery, Listing, Objects};
pub use self::object::Object;
pub use self::observer::Observer;
pub use self::selector::{FieldRequirement, LabelRequirement, Operator, Selector};
pub use self::watch::{WatchQuery, WatchStart};
pub use self::watcher::{WatchEnd, Watcher};
pub use self::write::TxnOutcome;

/// A handle on the cache. The cache ends with its last handle.
#[derive(Clone)]
pub struct Cache {
    inner: Arc<Inner>,
    _feed: Arc<Feed>,
}

struct Inner {
    store: Arc<dyn Store>,
    limits: Limits,
    /// The newest state, for readers who need nothing else.
    now: ArcSwap<Snapshot>,
    applied: Applied,
    claims: ArcSwap<Claims>,
    checked: Checked,
    observer: OnceLock<Box<dyn Observer>>,
    core: Mutex<Core>,
}

struct Snapshot {
    revision: u64,
    tree: Tree,
}

/// What changes together with the newest state.
struct Core {
    history: History,
    watchers: Watchers,
}

struct Feed {
    task: AbortHandle,
    cache: Arc<Inner>,
}

/// How fresh a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Includes every write acknowledged before the call.
    Latest,
    /// Whatever is at hand.
    Any,
    /// At least this revision: waits a little for it, then fails with [`ReadError::Ahead`].
    NotOlder(u64),
    /// As it was at this revision.
    Exact(u64),
}

impl Cache {
    /// Fills a cache from the store and keeps it current, on the current tokio runtime. A part of
    /// the store's history is replayed, so that watches can go on where they were before a restart.
    pub async fn start(store: Arc<dyn Store>, limits: Limits) -> Result<Self, ReadError> {
        let newest = store.read_barrier().await?;
        let from = limits.replayed_from(newest, store.compacted());
        let claims = Claims::new();
        let (revision, objects) = match load::all(&*store, Some(from), &claims).await {
            // Compacted at this very moment: do without the history.
            Err(ReadError::Compacted { .. }) => load::all(&*store, None, &claims).await?,
            all => all?,
        };
        let tree = Tree::of_sorted(objects.into_iter().map(|object| (object.key().clone(), object)).collect());
        let inner = Arc::new(Inner {
            limits,
            applied: Applied::new(revision),
            core: Mutex::new(Core { history: History::new(revision, tree.clone()), watchers: Watchers::default() }),
            now: ArcSwap::from_pointee(Snapshot { revision, tree }),
            claims: ArcSwap::from_pointee(claims),
            checked: Checked::default(),
            observer: OnceLock::new(),
            store,
        });
        let task = spawn(feed::run(inner.clone()));
        let cache = Self { _feed: Arc::new(Feed { task, cache: inner.clone() }), inner };
        // For as long as it takes: the bound on waiting is for clients, and a start that gave up here
        // would give up at each try.
        if cache.inner.applied.wait(newest).await.is_err() {
            return Err(ReadError::Unavailable("the cache has ended".to_owned()));
        }
        Ok(cache)
    }

    /// Says who is told what happens here; the first that is named stays.
    pub fn observe(&self, observer: impl Observer + 'static) {
        let _ = self.inner.observer.set(Box::new(observer));
    }

    /// Says by which fields the objects below a prefix can be selected, at any time. What is there
    /// already is read again.
    pub fn claim(&self, prefix: &str, fields: Vec<SelectableField>) -> Result<(), ReadError> {
        let max = self.inner.limits.selectable_fields_max;
        if fields.len() > max {
            let fields = fields.len();
            return Err(ReadError::Limit(format!(
                "`{fields}` selectable fields below `{prefix}`, at most `{max}` are allowed"
            )));
        }
        self.inner.reclaim(prefix, Some(Claim::new(fields)));
        Ok(())
    }

    pub fn unclaim(&self, prefix: &str) {
        self.inner.reclaim(prefix, None);
    }

    pub async fn get(&self, key: &str, freshness: Freshness) -> Result<Option<Arc<Object>>, ReadError> {
        let (revision, tree) = self.inner.view(key, freshness).await?;
        if let Some(tree) = tree {
            return Ok(tree.get(key).cloned());
        }
        let (found, _) = self.inner.store.get(key, Some(revision)).await?;
        let claim = self.inner.claims.load().of(key).clone();
        Ok(found.map(|kv| Arc::new(Object::new(kv.key, kv.value, kv.mod_revision, &claim))))
    }

    pub async fn list(&self, query: ListQuery) -> Result<Listing, ReadError> {
        let matcher = Matcher::new(query.selector.clone(), self.inner.claims.load().of(&query.prefix))?;
        let (revision, tree) = self.inner.view(&query.prefix, query.freshness).await?;
        match tree {
            Some(tree) => Ok(list::page(&tree, revision, &query, &matcher)),
            None => self.inner.page_from_store(revision, &query, &matcher).await,
        }
    }

    /// How many objects are below a prefix now.
    pub fn count(&self, prefix: &str) -> u64 {
        self.inner.now.load().tree.count(prefix, &range_end(prefix)) as u64
    }

    /// The first object below a prefix, if there is one now.
    pub fn first(&self, prefix: &str) -> Option<Arc<Object>> {
        list::below(&self.inner.now.load().tree, prefix, prefix).next().cloned()
    }

    /// The newest revision that reads show.
    pub fn revision(&self) -> u64 {
        self.inner.applied.revision()
    }

    /// The oldest revision that a watch of anything can start after. What is written seldom can
    /// be watched from longer ago.
    pub fn oldest_revision(&self) -> u64 {
        self.inner.core().history.oldest()
    }

    /// Whether others write to the store, too.
    pub fn is_shared(&self) -> bool {
        self.inner.store.caps().shared
    }

    /// How many watches there are.
    pub fn watchers(&self) -> usize {
        self.inner.core().watchers.len()
    }
}

impl Inner {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a revision is shown, for a moment; `target` is what is read of it.
    async fn reach(&self, target: &str, revision: u64) -> Result<(), ReadError> {
        if self.applied.revision() >= revision {
            return Ok(());
        }
        let began = Instant::now();
        let reached = self.wait_for(revision).await;
        if let Some(observer) = self.observer.get() {
            observer.read_waited(target, began.elapsed());
        }
        reached
    }

    async fn wait_for(&self, revision: u64) -> Result<(), ReadError> {
        let wait: Duration = self.limits.future_revision_wait;
        match within(wait, self.applied.wait(revision)).await {
            Some(Ok(())) => Ok(()),
            Some(Err(Ended)) => Err(ReadError::Unavailable("the cache has ended".to_owned())),
            None => Err(ReadError::Ahead { newest: self.applied.revision() }),
        }
    }

    /// The state that a read is of. No tree if it is too old to be in memory.
    async fn view(&self, target: &str, freshness: Freshness) -> Result<(u64, Option<Tree>), ReadError> {
        match freshness {
            Freshness::Any => {}
            Freshness::Latest => self.reach(target, self.store.read_barrier().await?).await?,
            Freshness::NotOlder(revision) => self.reach(target, revision).await?,
            Freshness::Exact(revision) => {
                self.reach(target, revision).await?;
                // As upstream has it, what is compacted is gone, though it may be remembered here: a token
                // expires at all servers of a store together.
                let oldest = self.store.compacted();
                if revision < oldest {
                    return Err(ReadError::Compacted { oldest });
                }
                return Ok((revision, self.core().history.at(revision)));
            }
        }
        let now = self.now.load();
        Ok((now.revision, Some(now.tree.clone())))
    }

    fn reclaim(&self, prefix: &str, claim: Option<Claim>) {
        let core = self.core();
        let mut claims = Claims::clone(&self.claims.load());
        let before = claims.of(prefix).clone();
        if !claims.set(prefix, claim) {
            return;
        }
        if before == *claims.of(prefix) {
            // Most resources have no fields of their own: at a start all that is stored would be
            // read once more for them.
            self.claims.store(Arc::new(claims));
            return;
        }
        let now = self.now.load_full();
        let mut tree = now.tree.clone();
        for object in list::below(&now.tree, prefix, prefix) {
            tree.insert(object.key().clone(), Arc::new(object.claimed(claims.of(object.key()))));
        }
        self.claims.store(Arc::new(claims));
        self.now.store(Arc::new(Snapshot { revision: now.revision, tree }));
        drop(core);
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
        self.cache.stop();
    }
}
