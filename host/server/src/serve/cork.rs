//! Gathers what HTTP/2 writes in small pieces, so that it goes to the socket together.
//!
//! HTTP/2 flushes behind each frame. With an event for each of a hundred watches on a connection that is
//! a hundred records and system calls, where one does. So a flush is put off until the connection has
//! nothing more to do for now: whoever polls it ends each turn with [`Cork::poll_flush`].

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits::{HTTP2_GATHERED_BYTES_MAX, HTTP2_SPARE_BUFFERS_MAX};

/// A piece that is as large goes as it is, and is not copied.
const LARGE_BYTES: usize = 8 << 10;

/// A stream whose writes are gathered.
pub(super) struct Corked<S>(Arc<Mutex<Gathering<S>>>);

/// Lets go of what was gathered.
pub(super) struct Cork<S>(Arc<Mutex<Gathering<S>>>);

struct Gathering<S> {
    stream: S,
    gathered: Vec<u8>,
    /// How much of it has been written.
    written: usize,
    /// The stream has something that it was not told to flush.
    unflushed: bool,
}

pub(super) fn cork<S>(stream: S) -> (Corked<S>, Cork<S>) {
    let gathering = Gathering { stream, gathered: Vec::new(), written: 0, unflushed: false };
    let gathering = Arc::new(Mutex::new(gathering));
    (Corked(gathering.clone()), Cork(gathering))
}

impl<S: AsyncWrite + Unpin> Cork<S> {
    /// Writes and flushes all that was gathered.
    pub(super) fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.lock().poll_flush(context)
    }
}

impl<S: AsyncWrite + Unpin> Gathering<S> {
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_drain(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.gathered.len() {
            match ready!(Pin::new(&mut self.stream).poll_write(context, &self.gathered[self.written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
        }
        self.written = 0;
        put_by(std::mem::take(&mut self.gathered));
        Poll::Ready(Ok(()))
    }
}

/// Buffers that nobody gathers in: an idle connection must not keep what a busy one needs, and a busy
/// one must not grow its own each time.
static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

fn spare() -> Vec<u8> {
    SPARE.lock().pop().unwrap_or_default()
}

fn put_by(mut buffer: Vec<u8>) {
    buffer.clear();
    let mut spare = SPARE.lock();
    if buffer.capacity() > 0 && spare.len() < HTTP2_SPARE_BUFFERS_MAX {
        spare.push(buffer);
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Corked<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, piece: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(piece)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut this = self.0.lock();
        let bytes: usize = pieces.iter().map(|piece| piece.len()).sum();
        if bytes >= LARGE_BYTES || this.gathered.len() + bytes > HTTP2_GATHERED_BYTES_MAX {
            ready!(this.poll_drain(context))?;
        }
        this.unflushed = true;
        if bytes >= LARGE_BYTES {
            return Pin::new(&mut this.stream).poll_write_vectored(context, pieces);
        }
        if this.gathered.capacity() == 0 {
            this.gathered = spare();
        }
        for piece in pieces {
            this.gathered.extend_from_slice(piece);
        }
        Poll::Ready(Ok(bytes))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Not now.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut this = self.0.lock();
        ready!(this.poll_flush(context))?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Corked<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.lock().stream).poll_read(context, into)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Everything that was written, each piece as it came.
    #[derive(Default)]
    struct Written {
        pieces: Vec<Vec<u8>>,
        flushed: usize,
        /// Bytes that it takes until it is emptied.
        room: usize,
    }

    impl AsyncWrite for Written {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, piece: &[u8]) -> Poll<io::Result<usize>> {
            let taken = piece.len().min(self.room);
            if taken == 0 {
                return Poll::Pending;
            }
            self.room -= taken;
            self.pieces.push(piece[..taken].to_vec());
            Poll::Ready(Ok(taken))
        }
        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.flushed += 1;
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.poll_flush(context)
        }
    }

    fn written(room: usize) -> Written {
        Written { room, ..Written::default() }
    }

    async fn flush<S: AsyncWrite + Unpin>(cork: &Cork<S>) {
        poll_fn(|context| cork.poll_flush(context)).await.unwrap();
    }

    #[tokio::test]
    async fn small_pieces_go_together_and_large_ones_as_they_are() {
        let (mut corked, cork) = cork(written(usize::MAX));
        for _ in 0..100 {
            corked.write_all(&[1; 20]).await.unwrap();
            corked.flush().await.unwrap();
        }
        assert!(cork.0.lock().stream.pieces.is_empty(), "it was flushed behind each piece");
        flush(&cork).await;
        corked.write_all(&[2; 5]).await.unwrap();
        corked.write_all(&[3; LARGE_BYTES]).await.unwrap();
        flush(&cork).await;
        flush(&cork).await;
        let sent = &cork.0.lock().stream;
        let sizes: Vec<_> = sent.pieces.iter().map(Vec::len).collect();
        // A flush with nothing to flush is none.
        assert_eq!((sizes, sent.flushed), (vec![2_000, 5, LARGE_BYTES], 2));
    }

    #[tokio::test]
    async fn who_does_not_read_is_not_written_for() {
        let (mut corked, cork) = cork(written(30_000));
        let mut taken = 0;
        while let Some(bytes) = corked.write(&[7; 1_000]).now_or_never() {
            taken += bytes.unwrap();
        }
        assert!(taken <= 30_000 + HTTP2_GATHERED_BYTES_MAX, "{taken} bytes");
        assert!(poll_fn(|context| cork.poll_flush(context)).now_or_never().is_none());
        cork.0.lock().stream.room = usize::MAX;
        flush(&cork).await;
        let sent: usize = cork.0.lock().stream.pieces.iter().map(Vec::len).sum();
        assert_eq!(sent, taken);
    }

    #[tokio::test]
    async fn what_was_gathered_goes_before_the_end() {
        let (near, mut far) = tokio::io::duplex(1 << 10);
        let (mut corked, _cork) = cork(near);
        corked.write_all(b"last words").await.unwrap();
        corked.shutdown().await.unwrap();
        let mut heard = String::new();
        far.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "last words");
    }
}
