//! A watch: one line for each event, bookmarks between them, a clean end.
//!
//! The watch lives here and not in a guest: it outlives the instance, and the generation, that
//! began it. What has to be rendered goes to the link's current instances.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use host_server::{Body as HttpBody, BoxError, Failure};
use host_store::{Event, EventKind, Object, WatchEnd, Watcher};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{failure, item};
use crate::bindings::host::chain::request::ItemForm;
use crate::chain::{Link, Neighbours, Services};
use crate::guest::WatchOptions;

/// How often a watch that asked for bookmarks gets one, as upstream: each minute, not all at
/// the same time.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// The last bookmark comes so long before the watch ends by itself.
const BOOKMARK_BEFORE_END: Duration = Duration::from_secs(2);

/// The body of a watch.
pub(super) fn body(link: &Link, watcher: Watcher, options: WatchOptions, form: ItemForm) -> HttpBody {
    let now = Instant::now();
    let timeout = options.timeout.unwrap_or_else(|| default_timeout(link.services().watch_timeout_min));
    let stream = Stream {
        plugin: link.name().into(),
        removed: removed(link.services().clone(), link.name().into()).boxed(),
        services: link.services().clone(),
        end: Box::pin(sleep_until(now + timeout)),
        bookmark: Box::pin(sleep_until(first_bookmark(now, timeout))),
        watcher,
        options,
        form,
        neighbours: Neighbours::default(),
        first: true,
        over: false,
    };
    let lines = futures::stream::unfold(stream, |mut stream| async {
        if stream.over {
            return None;
        }
        let line = stream.line().await?;
        Some((line.map(Frame::data), stream))
    });
    HttpBody::stream(StreamBody::new(lines))
}

struct Stream {
    /// The link whose current generation writes what has to be rendered. A watch holds none:
    /// it would keep the instances of a generation that was replaced long ago.
    plugin: Arc<str>,
    services: Arc<Services>,
    /// Ready when the link is gone. This and the timers last as long as the watch: made anew for
    /// each event they would cost more than the event.
    removed: BoxFuture<'static, ()>,
    watcher: Watcher,
    options: WatchOptions,
    form: ItemForm,
    end: Pin<Box<Sleep>>,
    /// When the next bookmark is due, for those who asked for some.
    bookmark: Pin<Box<Sleep>>,
    /// Whether the last object is decoded.
    neighbours: Neighbours,
    /// Nothing has been written yet: a table begins with its columns.
    first: bool,
    over: bool,
}

impl Stream {
    /// The next lines, as one piece; nothing at the end.
    async fn line(&mut self) -> Option<Result<Bytes, BoxError>> {
        loop {
            tokio::select! {
                biased;
                events = self.watcher.next() => match events {
                    Some(events) => match self.write(events).await {
                        Ok(bytes) if bytes.is_empty() => continue,
                        Ok(bytes) => return Some(Ok(bytes)),
                        Err(failure) => {
                            self.over = true;
                            return Some(Ok(error_event(failure)));
                        }
                    },
                    None => {
                        self.over = true;
                        return match self.watcher.end() {
                            // Upstream closes a watch that is read too slowly; the client lists
                            // again.
                            Some(WatchEnd::Overflow) | None => None,
                            Some(_) => Some(Ok(error_event(Failure::internal("the watch was ended by the server")))),
                        };
                    }
                },
                // A watch of a link that is gone is over: its client finds that out by itself.
                () = &mut self.removed => return None,
                () = &mut self.end => return None,
                () = &mut self.bookmark, if self.bookmarks_left() => {
                    let next = next_bookmark(Instant::now(), self.end.deadline());
                    self.bookmark.as_mut().reset(next);
                    let revision = self.watcher.progress();
                    return Some(Ok(self.bookmark(revision, false)));
                }
            }
        }
    }

    fn bookmarks_left(&self) -> bool {
        self.options.bookmarks && self.bookmark.deadline() < self.end.deadline()
    }

    async fn write(&mut self, events: Vec<Event>) -> Result<Bytes, Failure> {
        // One event as it is cached is written once for all watchers.
        if let ([Event::Object(event)], ItemForm::Stored) = (&events[..], &self.form)
            && !self.services.claims.decodes(event.object.key(), &mut self.neighbours)
        {
            self.first = false;
            return Ok(event.frame());
        }
        let mut out = BytesMut::new();
        let mut objects: Vec<(EventKind, Arc<Object>)> = Vec::with_capacity(events.len());
        // What there was when it began is told to this watch alone, and may be much.
        let mut shared = true;
        for event in events {
            match event {
                Event::Object(event) => {
                    shared &= event.is_change();
                    objects.push((event.kind, event.object));
                }
                Event::InitialEventsEnd { revision } => {
                    self.write_objects(std::mem::take(&mut objects), false, &mut out).await?;
                    out.put(self.bookmark(revision, true));
                }
            }
        }
        self.write_objects(objects, shared, &mut out).await?;
        Ok(out.freeze())
    }

    async fn write_objects(
        &mut self,
        objects: Vec<(EventKind, Arc<Object>)>,
        shared: bool,
        out: &mut BytesMut,
    ) -> Result<(), Failure> {
        if objects.is_empty() {
            return Ok(());
        }
        let kinds: Vec<_> = objects.iter().map(|(kind, _)| *kind).collect();
        // Held until it is written: a generation is let go of when no chain has it.
        let chain = self.services.chain.load_full();
        let Some(link) = chain.link(&self.plugin) else {
            return Err(Failure::unavailable(format!("plugin `{}` was removed", self.plugin), 1));
        };
        let written = match shared {
            true => item::write_shared(link, &self.form, self.first, objects).await,
            false => item::write(link, &self.form, self.first, objects.into_iter().map(told).collect()).await,
        };
        let written = written.map_err(|error| failure(link, &error, true))?;
        self.first = false;
        for (kind, object) in kinds.into_iter().zip(written) {
            out.put_slice(match kind {
                EventKind::Modified => b"{\"type\":\"MODIFIED\",\"object\":",
                EventKind::Deleted => b"{\"type\":\"DELETED\",\"object\":",
                EventKind::Added => b"{\"type\":\"ADDED\",\"object\":",
            });
            out.put_slice(&object);
            out.put_slice(b"}\n");
        }
        Ok(())
    }

    fn bookmark(&self, revision: u64, end_of_initial_events: bool) -> Bytes {
        let mut out = BytesMut::with_capacity(256);
        out.put_slice(b"{\"type\":\"BOOKMARK\",\"object\":");
        out.put_slice(&self.options.bookmark_head);
        out.put_slice(format!("\"resourceVersion\":\"{revision}\"").as_bytes());
        if end_of_initial_events {
            out.put_slice(b",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}");
        }
        out.put_slice(&self.options.bookmark_tail);
        out.put_slice(b"}\n");
        out.freeze()
    }
}

fn told((kind, object): (EventKind, Arc<Object>)) -> (Option<EventKind>, Arc<Object>) {
    (Some(kind), object)
}

/// Returns when a link is not part of the chain any more.
async fn removed(services: Arc<Services>, plugin: Arc<str>) {
    let mut removals = services.removals.subscribe();
    while services.chain.load().link(&plugin).is_some() {
        // The sender is one of the services.
        let _ = removals.changed().await;
    }
}

/// The line of an error event; nothing follows it.
fn error_event(failure: Failure) -> Bytes {
    format!("{{\"type\":\"ERROR\",\"object\":{}}}\n", failure.to_json().trim_end()).into()
}

/// The first bookmark is up to a quarter early, so that watches that began together do not get
/// theirs together.
fn first_bookmark(now: Instant, timeout: Duration) -> Instant {
    // A watch that is over before that gets none, as upstream.
    if timeout <= BOOKMARK_BEFORE_END {
        return now + timeout;
    }
    let early = BOOKMARK_EVERY.mul_f64(f64::from(jitter()) / 4.0);
    let first = now + BOOKMARK_EVERY - early;
    match timeout.checked_sub(BOOKMARK_BEFORE_END) {
        Some(last) if !last.is_zero() => first.min(now + last),
        // As upstream: a watch that is as short as that has none before its end.
        _ => first,
    }
}

fn next_bookmark(now: Instant, end: Instant) -> Instant {
    let last = end.checked_sub(BOOKMARK_BEFORE_END).unwrap_or(end);
    if now >= last { end } else { (now + BOOKMARK_EVERY).min(last) }
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
