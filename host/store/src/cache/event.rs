//! What changed, and what a watcher is told of it.

use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};

use super::object::Object;
use super::selector::Matcher;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    Added,
    Modified,
    Deleted,
}

/// What a watcher gets.
#[derive(Clone, Debug)]
pub enum Event {
    Object(ObjectEvent),
    /// All that there was when the watch began has been told, as of this revision.
    InitialEventsEnd {
        revision: u64,
    },
}

#[derive(Clone, Debug)]
pub struct ObjectEvent {
    pub kind: EventKind,
    /// After the change; of a deletion as it was before, with the deletion's revision.
    pub object: Arc<Object>,
    /// None for an initial event.
    change: Option<Arc<Change>>,
}

/// One change of one key, shared by all who are told of it.
#[derive(Debug)]
pub(super) struct Change {
    /// After the change; of a deletion as it was before, with the deletion's revision.
    pub(super) object: Arc<Object>,
    pub(super) previous: Option<Arc<Object>>,
    pub(super) deleted: bool,
    /// What is told to watchers whose selector the object has left.
    departed: OnceLock<Arc<Object>>,
    frames: [OnceLock<Bytes>; 3],
}

impl Change {
    pub(super) fn new(object: Arc<Object>, previous: Option<Arc<Object>>, deleted: bool) -> Self {
        Self { object, previous, deleted, departed: OnceLock::new(), frames: Default::default() }
    }

    pub(super) fn revision(&self) -> u64 {
        self.object.revision()
    }

    /// What the change is to somebody who sees only the objects that match. An object that
    /// leaves the selector is deleted for him, one that enters is new.
    pub(super) fn seen_by(self: &Arc<Self>, matcher: &Matcher) -> Option<ObjectEvent> {
        let before = self.previous.as_ref().is_some_and(|previous| matcher.matches(previous));
        let after = !self.deleted && matcher.matches(&self.object);
        let kind = match (before, after) {
            (false, false) => return None,
            (false, true) => EventKind::Added,
            (true, true) => EventKind::Modified,
            (true, false) => EventKind::Deleted,
        };
        let object = match (kind, &self.previous) {
            (EventKind::Deleted, Some(previous)) if !self.deleted => {
                self.departed.get_or_init(|| Arc::new(previous.at(self.revision())))
            }
            _ => &self.object,
        };
        Some(ObjectEvent { kind, object: object.clone(), change: Some(self.clone()) })
    }
}

impl ObjectEvent {
    /// Whether it is a change, of which others are told the same; not what there was at the beginning.
    pub fn is_change(&self) -> bool {
        self.change.is_some()
    }

    pub(super) fn initial(object: Arc<Object>) -> Self {
        Self { kind: EventKind::Added, object, change: None }
    }

    /// The event as JSON, in a line of its own. Encoded once for all who are told of the same
    /// change.
    pub fn frame(&self) -> Bytes {
        match &self.change {
            Some(change) => change.frames[self.kind as usize].get_or_init(|| self.encode()).clone(),
            None => self.encode(),
        }
    }

    /// How long [`frame`](Self::frame) is.
    pub fn frame_bytes(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    /// Appends what [`frame`](Self::frame) is.
    pub fn append_frame(&self, out: &mut BytesMut) {
        self.parts().iter().for_each(|part| out.extend_from_slice(part));
    }

    fn encode(&self) -> Bytes {
        let mut frame = BytesMut::with_capacity(self.frame_bytes());
        self.append_frame(&mut frame);
        frame.freeze()
    }

    fn parts(&self) -> [&[u8]; 3] {
        [self.kind.head().as_bytes(), self.object.json(), b"}\n"]
    }
}

impl EventKind {
    /// The name that clients know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }

    fn head(self) -> &'static str {
        match self {
            Self::Added => r#"{"type":"ADDED","object":"#,
            Self::Modified => r#"{"type":"MODIFIED","object":"#,
            Self::Deleted => r#"{"type":"DELETED","object":"#,
        }
    }
}
