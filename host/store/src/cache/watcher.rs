//! One watch: a bounded queue that the feed fills and its owner empties.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use super::Inner;
use super::event::{Change, Event, ObjectEvent};
use super::history::Tree;
use super::selector::Matcher;
use super::watch::covers;
use crate::Key;
use crate::sync::{Mutex, MutexGuard};

/// Changes in order, each once, none left out. Costs nothing while nothing happens.
pub struct Watcher {
    cache: Arc<Inner>,
    mailbox: Arc<Mailbox>,
    /// What is still to be told of the state that the watch began with.
    initial: Option<Initial>,
    /// Everything up to here was given out.
    delivered: u64,
}

/// Why a watch is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEnd {
    /// It was read too slowly: whoever watches must list again.
    Overflow,
    /// The store failed or is closed.
    Stopped,
}

/// What a watch is told before what happens from its beginning on.
pub(super) struct Initial {
    /// The revision that the watch begins at.
    revision: u64,
    what: What,
}

enum What {
    /// The changes since an earlier revision.
    Changes(Vec<ObjectEvent>),
    /// All that there is.
    State {
        tree: Tree,
        /// The last key that was told.
        told: Option<Key>,
        announce_end: bool,
    },
}

/// The feed's side of a watch.
pub(super) struct Mailbox {
    pub(super) id: u64,
    pub(super) target: Box<str>,
    pub(super) matcher: Matcher,
    /// Changes up to this revision are not told.
    after: u64,
    events_max: usize,
    queue: Mutex<Queue>,
}

/// What came of a change that was offered.
#[derive(Default)]
pub(super) struct Offered {
    /// The owner has to be woken once the batch is complete, and this was not said before.
    pub(super) touched: bool,
    /// There was no room: the watch is over.
    pub(super) cut: bool,
}

struct Queue {
    events: VecDeque<ObjectEvent>,
    waker: Option<Waker>,
    end: Option<WatchEnd>,
    /// The feed has something here that its owner was not woken for.
    touched: bool,
}

/// Initial events in one piece.
const EVENTS_MAX: usize = 256;
/// Objects that are looked at for one piece.
const LOOKS_MAX: usize = 4096;

impl Mailbox {
    pub(super) fn new(id: u64, target: &str, matcher: Matcher, after: u64, events_max: usize) -> Self {
        let queue = Queue { events: VecDeque::new(), waker: None, end: None, touched: false };
        Self { id, target: target.into(), matcher, after, events_max, queue: Mutex::new(queue) }
    }

    /// Offers a change.
    pub(super) fn offer(&self, change: &Arc<Change>) -> Offered {
        let mut offered = Offered::default();
        if change.revision() <= self.after {
            return offered;
        }
        let Some(event) = change.seen_by(&self.matcher) else { return offered };
        let mut queue = self.queue();
        if queue.end.is_some() {
            return offered;
        }
        if queue.events.len() >= self.events_max {
            queue.end = Some(WatchEnd::Overflow);
            offered.cut = true;
            // What was not told yet is of no use without what follows.
            queue.events = VecDeque::new();
        } else {
            queue.events.push_back(event);
        }
        offered.touched = !std::mem::replace(&mut queue.touched, true);
        offered
    }

    pub(super) fn wake(&self) {
        let waker = {
            let mut queue = self.queue();
            queue.touched = false;
            queue.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn end(&self, end: WatchEnd) {
        self.queue().end.get_or_insert(end);
        self.wake();
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher {
    pub(super) fn new(cache: Arc<Inner>, mailbox: Arc<Mailbox>, initial: Option<Initial>, after: u64) -> Self {
        Self { cache, mailbox, initial, delivered: after }
    }

    /// Waits for changes: at least one event, or nothing when the watch is over. All events of one
    /// revision come together. Nothing is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Vec<Event>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// As [`next`](Self::next).
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Vec<Event>>> {
        if let Some(initial) = &mut self.initial {
            let (events, more) = initial.next(&self.mailbox);
            if !more {
                self.delivered = initial.revision;
                self.initial = None;
            }
            if !events.is_empty() {
                return Poll::Ready(Some(events));
            }
            if more {
                // A selector that matches little looks at much.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        let mut queue = self.mailbox.queue();
        // Read while the queue is held: everything up to here is in it, and whoever shows more finds
        // the waker. Read before, it may be old, and what was woken for is not seen.
        let complete = self.cache.applied.revision();
        let ready = queue.events.partition_point(|event| event.object.revision() <= complete);
        if ready > 0 {
            let events: Vec<Event> = queue.events.drain(..ready).map(Event::Object).collect();
            self.delivered = complete;
            return Poll::Ready(Some(events));
        }
        if queue.end.is_some() {
            return Poll::Ready(None);
        }
        queue.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// The revision up to which everything was given out: what a bookmark may say, once the
    /// events that were given out are sent.
    pub fn progress(&mut self) -> u64 {
        if self.initial.is_none() {
            let complete = self.cache.applied.revision();
            let queue = self.mailbox.queue();
            if queue.end.is_none() && queue.events.front().is_none_or(|event| event.object.revision() > complete) {
                self.delivered = self.delivered.max(complete);
            }
        }
        self.delivered
    }

    /// Why there is nothing more, after [`next`](Self::next) gave nothing.
    pub fn end(&self) -> Option<WatchEnd> {
        self.mailbox.queue().end.clone()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.cache.core().watchers.remove(&self.mailbox);
    }
}

impl Initial {
    pub(super) fn changes(changes: Vec<ObjectEvent>, revision: u64) -> Self {
        Self { revision, what: What::Changes(changes) }
    }

    pub(super) fn state(tree: Tree, revision: u64, announce_end: bool) -> Self {
        Self { revision, what: What::State { tree, told: None, announce_end } }
    }

    /// The next piece, and whether there is more.
    fn next(&mut self, mailbox: &Mailbox) -> (Vec<Event>, bool) {
        let (tree, told, announce_end) = match &mut self.what {
            What::Changes(changes) => return (changes.drain(..).map(Event::Object).collect(), false),
            What::State { tree, told, announce_end } => (tree, told, *announce_end),
        };
        let from = told.as_ref().map_or_else(|| mailbox.target.to_string(), |told| format!("{told}\0"));
        let mut events = Vec::new();
        let mut last = None;
        let mut more = false;
        for (looked, (key, object)) in tree.range(&from, "").enumerate() {
            if !covers(&mailbox.target, key) {
                break;
            }
            if looked == LOOKS_MAX || events.len() == EVENTS_MAX {
                more = true;
                break;
            }
            last = Some(key.clone());
            if mailbox.matcher.matches(object) {
                events.push(Event::Object(ObjectEvent::initial(object.clone())));
            }
        }
        *told = last;
        if !more && announce_end {
            events.push(Event::InitialEventsEnd { revision: self.revision });
        }
        (events, more)
    }
}
