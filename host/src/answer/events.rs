//! How events are written: a line for each.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use host_server::Failure;
use host_store::{Event, EventKind, Object};

use super::{failure, item};
use crate::bindings::host::chain::request::ItemForm;
use crate::chain::Services;

/// What the events of one watch are written with.
pub(super) struct Writer {
    /// The link whose current generation writes what has to be rendered. A watch holds none:
    /// it would keep the instances of a generation that was replaced long ago.
    pub(super) plugin: Arc<str>,
    pub(super) services: Arc<Services>,
    pub(super) form: ItemForm,
    /// What is before and behind the facts of a bookmark's metadata.
    pub(super) bookmark_head: Bytes,
    pub(super) bookmark_tail: Bytes,
}

/// The lines of some events.
pub(super) struct Lines {
    pub(super) bytes: Bytes,
    /// Whether nothing of an object has been written yet: a table begins with its columns.
    pub(super) first: bool,
}

impl Writer {
    /// Events that need nothing but the bytes of the cache; a single one is encoded once for all who
    /// watch.
    pub(super) fn cached(&self, events: &[Event]) -> Bytes {
        if let [Event::Object(event)] = events {
            return event.frame();
        }
        let frame_bytes = |event: &Event| match event {
            Event::Object(event) => event.frame_bytes(),
            Event::InitialEventsEnd { .. } => 0,
        };
        let mut out = BytesMut::with_capacity(events.iter().map(frame_bytes).sum());
        for event in events {
            match event {
                Event::Object(event) => event.append_frame(&mut out),
                Event::InitialEventsEnd { revision } => out.put(self.bookmark(*revision, true)),
            }
        }
        out.freeze()
    }

    /// Events whose objects a guest has to write, or to decode.
    pub(super) async fn computed(self: Arc<Self>, first: bool, events: Vec<Event>) -> Result<Lines, Failure> {
        let mut lines = Computed { writer: &self, first, out: BytesMut::new() };
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
                    lines.write(std::mem::take(&mut objects), false).await?;
                    lines.out.put(self.bookmark(revision, true));
                }
            }
        }
        lines.write(objects, shared).await?;
        Ok(Lines { bytes: lines.out.freeze(), first: lines.first })
    }

    pub(super) fn bookmark(&self, revision: u64, end_of_initial_events: bool) -> Bytes {
        let mut out = BytesMut::with_capacity(256);
        out.put_slice(b"{\"type\":\"BOOKMARK\",\"object\":");
        out.put_slice(&self.bookmark_head);
        out.put_slice(format!("\"resourceVersion\":\"{revision}\"").as_bytes());
        if end_of_initial_events {
            out.put_slice(b",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}");
        }
        out.put_slice(&self.bookmark_tail);
        out.put_slice(b"}\n");
        out.freeze()
    }
}

/// Lines while they are written.
struct Computed<'a> {
    writer: &'a Writer,
    first: bool,
    out: BytesMut,
}

impl Computed<'_> {
    async fn write(&mut self, objects: Vec<(EventKind, Arc<Object>)>, shared: bool) -> Result<(), Failure> {
        if objects.is_empty() {
            return Ok(());
        }
        let Writer { plugin, services, form, .. } = self.writer;
        let kinds: Vec<_> = objects.iter().map(|(kind, _)| *kind).collect();
        // Held until it is written: a generation is let go of when no chain has it.
        let chain = services.chain.load_full();
        let Some(link) = chain.link(plugin) else {
            return Err(Failure::unavailable(format!("plugin `{plugin}` was removed"), 1));
        };
        let written = match shared {
            true => item::write_shared(link, form, self.first, objects).await,
            false => {
                let told = objects.into_iter().map(|(kind, object)| (Some(kind), object));
                item::write(link, form, self.first, told.collect()).await
            }
        };
        let written = written.map_err(|error| failure(link, &error, true))?;
        self.first = false;
        for (kind, object) in kinds.into_iter().zip(written) {
            self.out.put_slice(match kind {
                EventKind::Modified => b"{\"type\":\"MODIFIED\",\"object\":",
                EventKind::Deleted => b"{\"type\":\"DELETED\",\"object\":",
                EventKind::Added => b"{\"type\":\"ADDED\",\"object\":",
            });
            self.out.put_slice(&object);
            self.out.put_slice(b"}\n");
        }
        Ok(())
    }
}

/// The line of an error event; nothing follows it.
pub(super) fn error(failure: Failure) -> Bytes {
    format!("{{\"type\":\"ERROR\",\"object\":{}}}\n", failure.to_json().trim_end()).into()
}
