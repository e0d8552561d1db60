//! Waiting until there may be something to do: for hooks that are level-triggered.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select, select_all};
use plugin_sdk::HookContext;
use plugin_sdk::storage::{Error, Event, Watch, WatchQuery, WatchStart};

/// A timer outlives the call that set it, so it is a short one.
const TICK_MS: u64 = 1_000;

type Pending<T> = Pin<Box<dyn Future<Output = T>>>;

/// Changes below key prefixes, and the passing of time.
///
/// What was begun stays pending from one call to the next: nothing is cancelled while the hook
/// runs, and no change is missed.
pub struct Changes {
    context: Rc<HookContext>,
    sources: Vec<Source>,
    timer: Option<Pending<()>>,
}

/// One prefix.
struct Source {
    prefix: String,
    watch: Rc<Watch>,
    events: Pending<Result<Vec<Event>, Error>>,
    /// The watch is over, or was too slow.
    ended: bool,
}

impl Changes {
    /// Begins to watch, so that what is read after this misses no change.
    pub async fn of(context: Rc<HookContext>, prefixes: &[&str]) -> Result<Self, Error> {
        let mut sources = Vec::with_capacity(prefixes.len());
        for prefix in prefixes {
            sources.push(Source::open(&context, prefix).await?);
        }
        Ok(Self { context, sources, timer: None })
    }

    /// Waits for a change, but not longer than this. False when the hook is to end.
    pub async fn wait(&mut self, at_most_ms: u64) -> Result<bool, Error> {
        let until = Instant::now() + Duration::from_millis(at_most_ms);
        while !self.context.is_cancelled() {
            if self.open_again().await? {
                // What happened in between is seen by looking now.
                break;
            }
            let mut timer = self.timer.take().unwrap_or_else(|| sleep(self.context.clone(), at_most_ms.min(TICK_MS)));
            let changed = select_all(self.sources.iter_mut().map(|source| &mut source.events));
            let changed = match select(changed, &mut timer).await {
                Either::Left(((events, at, _), _)) => Some((events, at)),
                Either::Right(((), _)) => None,
            };
            if let Some((events, at)) = changed {
                self.timer = Some(timer);
                let source = &mut self.sources[at];
                source.ended = events.map_or(true, |events| events.is_empty());
                source.events = next(source.watch.clone());
                break;
            }
            if Instant::now() >= until {
                break;
            }
        }
        Ok(!self.context.is_cancelled())
    }

    /// Whether there was a watch that had ended.
    async fn open_again(&mut self) -> Result<bool, Error> {
        let mut any = false;
        for source in self.sources.iter_mut().filter(|source| source.ended) {
            *source = Source::open(&self.context, &source.prefix).await?;
            any = true;
        }
        Ok(any)
    }
}

impl Source {
    async fn open(context: &HookContext, prefix: &str) -> Result<Self, Error> {
        let watch = Rc::new(context.store().watch(WatchQuery::below(prefix, WatchStart::Tail)).await?);
        Ok(Self { prefix: prefix.to_string(), events: next(watch.clone()), watch, ended: false })
    }
}

fn next(watch: Rc<Watch>) -> Pending<Result<Vec<Event>, Error>> {
    Box::pin(async move { watch.next().await })
}

fn sleep(context: Rc<HookContext>, duration_ms: u64) -> Pending<()> {
    Box::pin(async move { context.sleep(duration_ms).await })
}
