//! What a guest has rendered for one watcher, for all others that want the same form of the same
//! change.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use host_store::{EventKind, Key, Object};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::guest::CallError;
use crate::limits::Limits;

/// The newest pieces that one generation of a link has rendered. What is older is rendered again
/// if somebody still wants it.
#[derive(Default)]
pub struct Rendered {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    pieces: HashMap<Id, Piece>,
    /// The oldest first.
    order: VecDeque<Id>,
    bytes: usize,
}

#[derive(Default)]
struct Piece {
    /// Empty until whoever asked first has it. Others wait for him, or render it if he gives up.
    cell: Arc<OnceCell<Bytes>>,
    /// How much of `Kept::bytes` is its.
    bytes: usize,
}

/// A change as a watcher is told of it, in a form.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Id {
    form: Arc<str>,
    kind: u8,
    key: Key,
    revision: u64,
}

impl Id {
    pub(super) fn of(form: &Arc<str>, kind: EventKind, object: &Object) -> Self {
        Self { form: form.clone(), kind: kind as u8, key: object.key().clone(), revision: object.revision() }
    }
}

impl Rendered {
    /// A piece as somebody had it rendered, or else as `render` makes it.
    pub(super) async fn get(
        &self,
        id: Id,
        limits: &Limits,
        render: impl Future<Output = Result<Bytes, CallError>>,
    ) -> Result<Bytes, CallError> {
        let cell = self.kept.lock().cell(&id, limits.rendered_pieces_max);
        let bytes = cell.get_or_try_init(|| render).await?.clone();
        self.kept.lock().count(&id, bytes.len(), limits.rendered_bytes_max);
        Ok(bytes)
    }

    /// What is registered has changed, and with it perhaps what a form is.
    pub fn forget(&self) {
        *self.kept.lock() = Kept::default();
    }
}

impl Kept {
    fn cell(&mut self, id: &Id, pieces_max: usize) -> Arc<OnceCell<Bytes>> {
        if let Some(piece) = self.pieces.get(id) {
            return piece.cell.clone();
        }
        while !self.order.is_empty() && self.order.len() >= pieces_max {
            self.forget_oldest();
        }
        self.order.push_back(id.clone());
        self.pieces.entry(id.clone()).or_default().cell.clone()
    }

    /// Once it is known how large a piece is.
    fn count(&mut self, id: &Id, bytes: usize, bytes_max: usize) {
        // It may have been forgotten meanwhile.
        let Some(piece) = self.pieces.get_mut(id) else { return };
        self.bytes += bytes - std::mem::replace(&mut piece.bytes, bytes);
        while self.bytes > bytes_max {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let oldest = self.order.pop_front().and_then(|id| self.pieces.remove(&id));
        self.bytes -= oldest.map_or(0, |piece| piece.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn id(revision: u64) -> Id {
        Id { form: "table".into(), kind: 0, key: "/registry/a".into(), revision }
    }

    #[tokio::test]
    async fn a_piece_is_rendered_once_for_all_who_come_while_it_is() {
        let (rendered, limits, calls) = (Rendered::default(), Limits::default(), Cell::new(0));
        let render = || async {
            calls.set(calls.get() + 1);
            tokio::task::yield_now().await;
            Ok(Bytes::from_static(b"row"))
        };
        let all = (0..100).map(|_| rendered.get(id(1), &limits, render()));
        for piece in futures::future::join_all(all).await {
            assert_eq!(piece.expect("it is rendered"), "row");
        }
        assert_eq!(calls.get(), 1);
    }

    #[tokio::test]
    async fn who_fails_leaves_it_to_the_next() {
        let (rendered, limits) = (Rendered::default(), Limits::default());
        let refused = CallError::Refused { plugin: "p".into(), reason: "no".into() };
        assert!(rendered.get(id(1), &limits, async { Err(refused) }).await.is_err());
        let second = rendered.get(id(1), &limits, async { Ok(Bytes::from_static(b"row")) }).await;
        assert_eq!(second.expect("it is rendered"), "row");
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_by_number_and_by_bytes() {
        for (rendered_pieces_max, rendered_bytes_max, kept) in [(3, 1000, 3), (100, 25, 2), (100, 5, 0), (0, 100, 1)] {
            let limits = Limits { rendered_pieces_max, rendered_bytes_max, ..Limits::default() };
            let rendered = Rendered::default();
            for revision in 0..10 {
                let render = async { Ok(Bytes::from_static(b"ten bytes!")) };
                rendered.get(id(revision), &limits, render).await.expect("it is rendered");
            }
            let state = rendered.kept.lock();
            assert_eq!((state.pieces.len(), state.order.len(), state.bytes), (kept, kept, 10 * kept));
        }
    }
}
