//! Packing what is large, piece by piece: as long as a body may be, what is held of it is one piece
//! and the packer's window.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::{Body as HttpBody, Frame};

use super::BoxError;

/// Read at a time. A body whose bytes are all there gives way to others after each such piece:
/// it is about half a millisecond of work.
const PIECE_BYTES: usize = 64 << 10;
/// Packed bytes that are worth a frame.
const FRAME_BYTES: usize = 16 << 10;

/// A body, packed. Flushed at its end only: this is not for streams whose parts are waited for.
pub(super) struct Gzip<B> {
    inner: B,
    /// Read and not packed yet.
    unpacked: Bytes,
    /// None behind the end.
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl<B> Gzip<B> {
    pub(super) fn new(inner: B) -> Self {
        // As upstream: what higher levels save is not worth what they take.
        Self { inner, unpacked: Bytes::new(), encoder: Some(GzEncoder::new(Vec::new(), Compression::fast())) }
    }
}

impl<B: HttpBody<Data = Bytes, Error = BoxError> + Unpin> HttpBody for Gzip<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let Some(encoder) = &mut this.encoder else { return Poll::Ready(None) };
        if this.unpacked.is_empty() {
            match ready!(Pin::new(&mut this.inner).poll_frame(context)) {
                Some(Ok(frame)) => this.unpacked = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    // Without an end, so that nobody takes it for the whole.
                    this.encoder = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    let rest = this.encoder.take().map(GzEncoder::finish).transpose();
                    return Poll::Ready(frame(rest.map(Option::unwrap_or_default)));
                }
            }
        }
        let piece = this.unpacked.split_to(PIECE_BYTES.min(this.unpacked.remaining()));
        match encoder.write_all(&piece) {
            Ok(()) if encoder.get_ref().len() >= FRAME_BYTES => {
                Poll::Ready(frame(Ok(std::mem::take(encoder.get_mut()))))
            }
            Ok(()) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Err(error) => Poll::Ready(frame(Err(error))),
        }
    }
}

fn frame(packed: io::Result<Vec<u8>>) -> Option<Result<Frame<Bytes>, BoxError>> {
    Some(packed.map(|bytes| Frame::data(bytes.into())).map_err(BoxError::from))
}
