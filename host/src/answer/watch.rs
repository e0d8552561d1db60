//! A watch: its events, bookmarks between them, a clean end.
//!
//! The watch lives here and not in a guest: it outlives the instance, and the generation, that
//! began it. What has to be rendered goes to the link's current instances.
//!
//! A change wakes all who are told of it, so what is done for one is little: it is a machine that is
//! polled, without a task, a lock or an allocation of its own.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use host_server::{Alarm, Body as HttpBody, BoxError, Failure};
use host_store::{Event, WatchEnd, Watcher};
use http_body::Frame;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until};

use super::events::{Writer, Written};
use super::framing::Framing;
use crate::bindings::host::chain::request::ItemForm;
use crate::chain::{Link, Neighbours, Services};
use crate::guest::WatchOptions;
use crate::numbers::Told;

/// How often a watch that asked for bookmarks gets one, as upstream: each minute, not all at
/// the same time.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// The last bookmark comes so long before the watch ends by itself.
const BOOKMARK_BEFORE_END: Duration = Duration::from_secs(2);

/// The body of a watch.
pub(super) fn body(
    link: &Link,
    told: Arc<Told>,
    watcher: Watcher,
    options: WatchOptions,
    form: ItemForm,
    framing: Framing,
) -> HttpBody {
    let (services, plugin): (_, Arc<str>) = (link.services(), link.name().into());
    let now = Instant::now();
    let timeout = options.timeout.unwrap_or_else(|| default_timeout(services.watch_timeout_min));
    let first_bookmark = options.bookmarks.then(|| first_bookmark(now, timeout)).flatten();
    let moments = Moments {
        removed: removed(services.clone(), plugin.clone()).boxed(),
        end: Box::pin(sleep_until(now + timeout)),
        bookmark: first_bookmark.map(|due| Box::pin(sleep_until(due))),
    };
    let (bookmark_head, bookmark_tail) = (options.bookmark_head, options.bookmark_tail);
    let services = services.clone();
    let writer = Writer { plugin, services, form, framing, told, bookmark_head, bookmark_tail };
    HttpBody::stream(Watch {
        watcher,
        moments: Alarm::new(moments),
        writer: Arc::new(writer),
        writing: None,
        neighbours: Neighbours::default(),
        first: true,
        bookmarks: options.bookmarks,
        over: false,
        _permit: options.permit,
    })
}

struct Watch {
    watcher: Watcher,
    moments: Alarm<Moments>,
    writer: Arc<Writer>,
    /// Events that a guest is writing.
    writing: Option<BoxFuture<'static, Result<Written, Failure>>>,
    /// Whether the last object is decoded.
    neighbours: Neighbours,
    /// No object has been written yet.
    first: bool,
    bookmarks: bool,
    over: bool,
    _permit: OwnedSemaphorePermit,
}

impl http_body::Body for Watch {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.poll_events(context).map(|events| events.map(|events| Ok(Frame::data(events))))
    }
}

impl Watch {
    /// The next events, as one piece; nothing at the end.
    fn poll_events(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        while !self.over {
            if let Some(writing) = &mut self.writing {
                let written = ready!(writing.poll_unpin(context));
                self.writing = None;
                match written {
                    Ok(Written { bytes, first }) => {
                        self.first = first;
                        if !bytes.is_empty() {
                            return Poll::Ready(Some(bytes));
                        }
                    }
                    Err(failure) => return self.last(Some(self.writer.framing.error(&failure))),
                }
            }
            match self.watcher.poll_next(context) {
                // That the initial events are over is told to who asked for bookmarks.
                Poll::Ready(Some(mut events)) if !self.bookmarks && !events.iter().all(is_object) => {
                    events.retain(is_object);
                    self.writing = Some(self.writer.clone().computed(self.first, events).boxed());
                    continue;
                }
                Poll::Ready(Some(events)) if self.are_cached(&events) => {
                    self.first = false;
                    return Poll::Ready(Some(self.writer.cached(&events)));
                }
                Poll::Ready(Some(events)) => {
                    self.writing = Some(self.writer.clone().computed(self.first, events).boxed());
                    continue;
                }
                Poll::Ready(None) => {
                    let error = match self.watcher.end() {
                        // Upstream closes a watch that is read too slowly; the client lists again.
                        Some(WatchEnd::Overflow) | None => None,
                        Some(_) => Some(Failure::internal("the watch was ended by the server")),
                    };
                    return self.last(error.map(|error| self.writer.framing.error(&error)));
                }
                Poll::Pending => {}
            }
            match ready!(self.moments.poll_unpin(context)) {
                Moment::End => return self.last(None),
                Moment::Bookmark => {
                    self.moments.get_mut().put_off_bookmark();
                    let (writer, revision) = (&self.writer, self.watcher.progress());
                    if !writer.bookmarks_are_computed() {
                        return Poll::Ready(Some(writer.bookmark(revision, false)));
                    }
                    self.writing = Some(writer.clone().computed_bookmark(self.first, revision).boxed());
                }
            }
        }
        Poll::Ready(None)
    }

    /// Whether all that these events need is in the cache.
    fn are_cached(&mut self, events: &[Event]) -> bool {
        let claims = &self.writer.services.claims;
        self.writer.writes_as_cached()
            && events.iter().all(|event| match event {
                Event::Object(event) => !claims.decodes(event.object.key(), &mut self.neighbours),
                Event::InitialEventsEnd { .. } => true,
            })
    }

    fn last(&mut self, event: Option<Bytes>) -> Poll<Option<Bytes>> {
        if let Some(event) = &event {
            self.writer.told.add(event.len() as u64);
        }
        self.over = true;
        Poll::Ready(event)
    }
}

fn is_object(event: &Event) -> bool {
    matches!(event, Event::Object(_))
}

/// What a watch waits for beside its events.
struct Moments {
    /// Ready when the link is gone.
    removed: BoxFuture<'static, ()>,
    end: Pin<Box<Sleep>>,
    /// When the next bookmark is due, for those who asked for some.
    bookmark: Option<Pin<Box<Sleep>>>,
}

enum Moment {
    /// A watch of a link that is gone is over, too: its client finds that out by itself.
    End,
    Bookmark,
}

impl Moments {
    fn put_off_bookmark(&mut self) {
        let Some(bookmark) = &mut self.bookmark else { return };
        match next_bookmark(Instant::now(), self.end.deadline()) {
            Some(next) => bookmark.as_mut().reset(next),
            None => self.bookmark = None,
        }
    }
}

impl Future for Moments {
    type Output = Moment;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Moment> {
        if self.removed.poll_unpin(context).is_ready() || self.end.poll_unpin(context).is_ready() {
            return Poll::Ready(Moment::End);
        }
        match &mut self.bookmark {
            Some(bookmark) => bookmark.poll_unpin(context).map(|()| Moment::Bookmark),
            None => Poll::Pending,
        }
    }
}

/// Returns when a link is not part of the chain any more.
async fn removed(services: Arc<Services>, plugin: Arc<str>) {
    let mut removals = services.removals.subscribe();
    while services.chain.load().link(&plugin).is_some() {
        // The sender is one of the services.
        let _ = removals.changed().await;
    }
}

/// The first bookmark is up to a quarter early, so that watches that began together do not get
/// theirs together. A watch that is over before its last would come gets none, as upstream.
fn first_bookmark(now: Instant, timeout: Duration) -> Option<Instant> {
    let last = timeout.checked_sub(BOOKMARK_BEFORE_END).filter(|last| !last.is_zero())?;
    let early = BOOKMARK_EVERY.mul_f64(f64::from(jitter()) / 4.0);
    Some(now + (BOOKMARK_EVERY - early).min(last))
}

fn next_bookmark(now: Instant, end: Instant) -> Option<Instant> {
    let last = end.checked_sub(BOOKMARK_BEFORE_END).filter(|last| now < *last)?;
    Some((now + BOOKMARK_EVERY).min(last))
}

/// Between one and two times the least, as upstream: clients do not come back all at once.
fn default_timeout(min: Duration) -> Duration {
    min.mul_f64(1.0 + f64::from(jitter()))
}

/// Between 0 and 1.
fn jitter() -> f32 {
    use std::hash::{BuildHasher, RandomState};
    (RandomState::new().hash_one(0) % 1000) as f32 / 1000.0
}
