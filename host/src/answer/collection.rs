//! A list: its head, the objects with commas between them, its tail, in pieces of constant
//! size, however long it is.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use host_server::{Body as HttpBody, BoxError, PACKED_BYTES_MIN};
use host_store::Listing;
use http_body::Frame;
use http_body_util::StreamBody;

use super::item::{self, batch_end};
use super::{decode, failure};
use crate::bindings::host::chain::request::ItemForm;
use crate::chain::{Chain, Link};
use crate::guest::{CallError, Layout};

/// Bytes in one piece of a long list: with what HTTP/1.1 puts around it no more than TLS takes at once,
/// in whole records.
const CHUNK_BYTES: usize = 63 << 10;
/// And in the first: what is a stream then is worth packing.
const FIRST_CHUNK_BYTES: usize = PACKED_BYTES_MIN;

/// The body of a list. The first piece is written at once, so that a guest that fails can
/// still be answered with an error, and a short list is not a stream.
pub(super) async fn body(
    chain: &Arc<Chain>,
    link: &Arc<Link>,
    listing: Arc<Listing>,
    layout: Layout,
) -> Result<HttpBody, CallError> {
    let mut writer = Writer { _chain: chain.clone(), link: link.clone(), listing, layout, next: 0, done: false };
    let first = writer.piece(FIRST_CHUNK_BYTES).await?;
    if writer.done {
        return Ok(first.into());
    }
    let rest = futures::stream::unfold(Some(writer), |writer| async {
        let mut writer = writer.filter(|writer| !writer.done)?;
        match writer.piece(CHUNK_BYTES).await {
            Ok(bytes) => Some((Ok(Frame::data(bytes)), Some(writer))),
            // The head is gone: the client sees a broken stream, not a short list.
            Err(error) => {
                let failure = failure(&writer.link, &error, true);
                Some((Err(BoxError::from(failure.message)), None))
            }
        }
    });
    let first = futures::stream::once(std::future::ready(Ok(Frame::data(first))));
    Ok(HttpBody::stream(StreamBody::new(futures::StreamExt::chain(first, rest))))
}

struct Writer {
    /// The link's instances stay as long as a chain has it.
    _chain: Arc<Chain>,
    link: Arc<Link>,
    listing: Arc<Listing>,
    layout: Layout,
    /// The object to write next.
    next: usize,
    done: bool,
}

impl Writer {
    /// The next piece; sets `done` with the last.
    async fn piece(&mut self, bytes: usize) -> Result<Bytes, CallError> {
        let mut out = BytesMut::with_capacity(bytes + (8 << 10));
        if self.next == 0 {
            out.extend_from_slice(&self.layout.head);
        }
        let from = self.next;
        while let Some(object) = self.listing.objects.from(self.next).next() {
            let room = bytes.saturating_sub(out.len());
            let fits = room > 0 && (object.json().len() <= room || self.asks_guest());
            // What is larger than a piece is one.
            if !fits && self.next > from {
                break;
            }
            let batch = self.batch(room);
            self.write(batch.clone(), &mut out).await?;
            self.next = batch.end;
        }
        if self.next == self.listing.objects.len() {
            out.extend_from_slice(&self.layout.tail);
            self.done = true;
        }
        Ok(out.freeze())
    }

    /// The objects that are written together: one call of the guest if it is needed, else what
    /// fills the piece.
    fn batch(&self, room: usize) -> Range<usize> {
        let sizes = self.listing.objects.from(self.next).map(|object| object.json().len());
        let limits = self.link.limits();
        let bytes_max = if self.asks_guest() { limits.render_batch_bytes_max } else { room };
        self.next..self.next + batch_end(sizes, limits.render_batch_items_max, bytes_max)
    }

    fn asks_guest(&self) -> bool {
        matches!(self.layout.form, ItemForm::Rendered(_)) || self.decodes()
    }

    async fn write(&self, range: Range<usize>, out: &mut BytesMut) -> Result<(), CallError> {
        let objects = self.listing.objects.from(range.start).take(range.len());
        let mut comma = range.start > 0;
        let mut separate = |out: &mut BytesMut| {
            if std::mem::replace(&mut comma, true) {
                out.extend_from_slice(b",");
            }
        };
        if let ItemForm::Rendered(_) = &self.layout.form {
            let objects = objects.map(|object| (None, object.clone())).collect();
            for written in item::write(&self.link, &self.layout.form, false, objects).await? {
                separate(out);
                out.extend_from_slice(&written);
            }
            return Ok(());
        }
        if self.decodes() {
            for served in decode::current(&self.link, objects.cloned().collect()).await? {
                separate(out);
                served.append(&self.layout.form, out);
            }
            return Ok(());
        }
        for object in objects {
            separate(out);
            item::append(object, &self.layout.form, out);
        }
        Ok(())
    }

    fn decodes(&self) -> bool {
        let first = self.listing.objects.iter().next();
        first.is_some_and(|object| self.link.services().claims.decode_tag(object.key()).is_some())
    }
}
