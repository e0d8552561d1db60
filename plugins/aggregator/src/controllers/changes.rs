//! Waiting until there may be something to do.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use plugin_sdk::HookContext;
use plugin_sdk::storage::{Error, Event, Watch, WatchQuery, WatchStart};

/// A timer outlives the call that set it, so it is a short one.
const TICK_MS: u64 = 1_000;

type Pending<T> = Pin<Box<dyn Future<Output = T>>>;

/// Changes below a key prefix, and the passing of time.
///
/// What was begun stays pending from one call to the next: nothing is cancelled while the hook
/// runs, and no change is missed.
pub(super) struct Changes {
    context: Rc<HookContext>,
    prefix: String,
    events: Option<Pending<Result<Vec<Event>, Error>>>,
    timer: Option<Pending<()>>,
    watch: Option<Rc<Watch>>,
}

impl Changes {
    /// Begins to watch, so that what is read after this misses no change.
    pub(super) async fn of(context: Rc<HookContext>, prefix: &str) -> Result<Self, Error> {
        let mut changes = Self { context, prefix: prefix.to_string(), events: None, timer: None, watch: None };
        changes.open().await?;
        Ok(changes)
    }

    /// Waits for a change, but not longer than this. False when the hook is to end.
    pub(super) async fn wait(&mut self, at_most_ms: u64) -> Result<bool, Error> {
        let until = Instant::now() + Duration::from_millis(at_most_ms);
        while !self.context.is_cancelled() {
            let mut events = match (self.events.take(), &self.watch) {
                (Some(pending), _) => pending,
                (None, Some(watch)) => next(watch.clone()),
                (None, None) => {
                    self.open().await?;
                    // What happened in between is seen by looking now.
                    break;
                }
            };
            let mut timer = self.timer.take().unwrap_or_else(|| sleep(self.context.clone(), at_most_ms.min(TICK_MS)));
            match select(&mut events, &mut timer).await {
                Either::Left((happened, _)) => {
                    self.timer = Some(timer);
                    if happened.is_err() || happened.is_ok_and(|events| events.is_empty()) {
                        // It is over, or was too slow: begin again.
                        self.watch = None;
                    }
                    break;
                }
                Either::Right(((), _)) => {
                    self.events = Some(events);
                    if Instant::now() >= until {
                        break;
                    }
                }
            }
        }
        Ok(!self.context.is_cancelled())
    }

    async fn open(&mut self) -> Result<(), Error> {
        let query = WatchQuery::below(&self.prefix, WatchStart::Tail);
        self.watch = Some(Rc::new(self.context.store().watch(query).await?));
        Ok(())
    }
}

fn next(watch: Rc<Watch>) -> Pending<Result<Vec<Event>, Error>> {
    Box::pin(async move { watch.next().await })
}

fn sleep(context: Rc<HookContext>, duration_ms: u64) -> Pending<()> {
    Box::pin(async move { context.sleep(duration_ms).await })
}
