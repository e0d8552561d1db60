//! How events are written: each in a frame of its own.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use host_server::Failure;
use host_store::{Event, EventKind, Object};

use super::framing::Framing;
use super::{failure, item};
use crate::bindings::host::chain::request::ItemForm;
use crate::chain::{Chain, Link, Services};
use crate::numbers::Told;

/// What a bookmark's metadata has at the end of the initial events.
const END: &[u8] = br#""annotations":{"k8s.io/initial-events-end":"true"}"#;

/// What the events of one watch are written with.
pub(super) struct Writer {
    /// The link whose current generation writes what has to be rendered. A watch holds none:
    /// it would keep the instances of a generation that was replaced long ago.
    pub(super) plugin: Arc<str>,
    pub(super) services: Arc<Services>,
    pub(super) form: ItemForm,
    pub(super) framing: Framing,
    /// Where the size of each event is counted.
    pub(super) told: Arc<Told>,
    /// What is before and behind the facts of a bookmark's metadata.
    pub(super) bookmark_head: Bytes,
    pub(super) bookmark_tail: Bytes,
}

/// Some events, written.
pub(super) struct Written {
    pub(super) bytes: Bytes,
    /// Whether nothing of an object has been written yet: a table begins with its columns.
    pub(super) first: bool,
}

impl Writer {
    /// Whether objects are written as they are cached, in lines.
    pub(super) fn writes_as_cached(&self) -> bool {
        matches!((self.framing, &self.form), (Framing::Lines, ItemForm::Stored))
    }

    /// Whether a guest has to write bookmarks: messages, and tables, which alone begin with another form.
    pub(super) fn bookmarks_are_computed(&self) -> bool {
        let is_table = matches!(&self.form, ItemForm::Rendered(rendering) if rendering.first_form.is_some());
        self.framing == Framing::Messages || is_table
    }

    /// Events that need nothing but the bytes of the cache; a single one is encoded once for all who
    /// watch.
    pub(super) fn cached(&self, events: &[Event]) -> Bytes {
        if let [Event::Object(event)] = events {
            let frame = event.frame();
            self.told.add(frame.len() as u64);
            return frame;
        }
        let frame_bytes = |event: &Event| match event {
            Event::Object(event) => event.frame_bytes(),
            Event::InitialEventsEnd { .. } => 0,
        };
        let mut out = BytesMut::with_capacity(events.iter().map(frame_bytes).sum());
        for event in events {
            match event {
                Event::Object(event) => {
                    let before = out.len();
                    event.append_frame(&mut out);
                    self.told.add((out.len() - before) as u64);
                }
                Event::InitialEventsEnd { revision } => out.put(self.bookmark(*revision, true)),
            }
        }
        out.freeze()
    }

    /// Events whose objects a guest has to write, or to decode.
    pub(super) async fn computed(self: Arc<Self>, first: bool, events: Vec<Event>) -> Result<Written, Failure> {
        let mut writing = Computed { writer: &self, first, out: BytesMut::new() };
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
                    writing.write(std::mem::take(&mut objects), false).await?;
                    writing.bookmark(revision, true).await?;
                }
            }
        }
        writing.write(objects, shared).await?;
        Ok(writing.written())
    }

    /// A bookmark that a guest has to write.
    pub(super) async fn computed_bookmark(self: Arc<Self>, first: bool, revision: u64) -> Result<Written, Failure> {
        let mut writing = Computed { writer: &self, first, out: BytesMut::new() };
        writing.bookmark(revision, false).await?;
        Ok(writing.written())
    }

    /// A bookmark as a line.
    pub(super) fn bookmark(&self, revision: u64, end_of_initial_events: bool) -> Bytes {
        let mut out = BytesMut::with_capacity(256);
        self.append("BOOKMARK", &self.bookmarked(revision, end_of_initial_events), &mut out);
        out.freeze()
    }

    fn append(&self, kind: &str, object: &[u8], out: &mut BytesMut) {
        let before = out.len();
        self.framing.append(kind, object, out);
        self.told.add((out.len() - before) as u64);
    }

    /// A bookmark's object.
    fn bookmarked(&self, revision: u64, end_of_initial_events: bool) -> Bytes {
        let mut out = BytesMut::with_capacity(256);
        out.put_slice(&self.bookmark_head);
        let version = format!("\"resourceVersion\":\"{revision}\"");
        let parts: &[&[u8]] = match end_of_initial_events {
            false => &[version.as_bytes()],
            // Names are sorted where the types' are.
            true if self.bookmark_head.starts_with(b"{\"apiVersion\"") => &[END, b",", version.as_bytes()],
            true => &[version.as_bytes(), b",", END],
        };
        parts.iter().for_each(|part| out.put_slice(part));
        out.put_slice(&self.bookmark_tail);
        out.freeze()
    }

    /// The link as it is in a chain, which has to be held until something is written: a generation is let
    /// go of when no chain has it.
    fn link<'a>(&self, chain: &'a Chain) -> Result<&'a Arc<Link>, Failure> {
        chain.link(&self.plugin).ok_or_else(|| Failure::unavailable(format!("plugin `{}` was removed", self.plugin), 1))
    }
}

/// Events while they are written.
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
        let Writer { services, form, .. } = self.writer;
        let kinds: Vec<_> = objects.iter().map(|(kind, _)| *kind).collect();
        let chain = services.chain.load_full();
        let link = self.writer.link(&chain)?;
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
            let kind = match kind {
                EventKind::Modified => "MODIFIED",
                EventKind::Deleted => "DELETED",
                EventKind::Added => "ADDED",
            };
            self.writer.append(kind, &object, &mut self.out);
        }
        Ok(())
    }

    /// In lines of JSON it is written as it is, but as a table, where it is a row like any other.
    async fn bookmark(&mut self, revision: u64, end_of_initial_events: bool) -> Result<(), Failure> {
        let Writer { services, form, .. } = self.writer;
        let mut object = self.writer.bookmarked(revision, end_of_initial_events);
        if self.writer.bookmarks_are_computed() {
            let chain = services.chain.load_full();
            let link = self.writer.link(&chain)?;
            let written = item::write_made(link, form, self.first, object).await;
            object = written.map_err(|error| failure(link, &error, true))?;
            self.first = false;
        }
        self.writer.append("BOOKMARK", &object, &mut self.out);
        Ok(())
    }

    fn written(self) -> Written {
        Written { bytes: self.out.freeze(), first: self.first }
    }
}
