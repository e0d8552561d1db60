//! What is written back: nothing, bytes, or a stream of them.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::Mutex;

use super::gzip::Gzip;

/// Why a stream broke. The client sees an aborted connection or stream.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The least that is worth packing, as upstream: what is shorter arrives sooner as it is.
pub const PACKED_BYTES_MIN: usize = (128 << 10) + 1;

/// A response body. Bytes are handed to the connection as they are, never copied.
#[derive(Default)]
pub struct Body {
    kind: Kind,
    packable: bool,
    /// Kept until the last byte is written, or nobody reads any more.
    held: Vec<Box<dyn Any + Send>>,
}

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Bytes(Bytes),
    Stream(Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>),
    /// Nothing that HTTP knows of.
    Upgrade(Guards),
}

/// What is held for a connection that has left HTTP; dropped with the last clone.
#[derive(Clone, Default)]
pub(crate) struct Guards(Arc<Mutex<Vec<Box<dyn Any + Send>>>>);

impl std::fmt::Debug for Guards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Guards").field(&self.0.lock().len()).finish()
    }
}

impl Body {
    /// Chunks as they come. Its `size_hint`, if exact, becomes the `content-length`.
    pub fn stream(stream: impl HttpBody<Data = Bytes, Error = BoxError> + Send + 'static) -> Self {
        Kind::Stream(Box::pin(stream)).into()
    }

    /// May be packed for a client that takes it so, if it is large. A stream says with this that it
    /// is at least [`PACKED_BYTES_MIN`] long, and that nobody waits for its parts.
    #[must_use]
    pub fn packable(self) -> Self {
        Self { packable: true, ..self }
    }

    pub(crate) fn upgrade(guards: Guards) -> Self {
        Kind::Upgrade(guards).into()
    }

    /// Whether more than one frame may come: what is held is held until they have.
    pub fn is_stream(&self) -> bool {
        matches!(self.kind, Kind::Stream(_))
    }

    /// All of it, unless it is a stream.
    pub(crate) fn bytes(&self) -> Option<&Bytes> {
        match &self.kind {
            Kind::Bytes(bytes) => Some(bytes),
            Kind::Empty | Kind::Stream(_) | Kind::Upgrade(_) => None,
        }
    }

    /// Packs what may be packed and is large; says whether it has.
    pub(crate) fn pack(&mut self) -> bool {
        let is_large = match &self.kind {
            Kind::Bytes(bytes) => bytes.len() >= PACKED_BYTES_MIN,
            Kind::Stream(_) => true,
            Kind::Empty | Kind::Upgrade(_) => false,
        };
        if !(self.packable && is_large) {
            return false;
        }
        self.packable = false;
        self.kind = match std::mem::take(&mut self.kind) {
            Kind::Stream(stream) => Kind::Stream(Box::pin(Gzip::new(stream))),
            whole => Kind::Stream(Box::pin(Gzip::new(Self::from(whole)))),
        };
        true
    }

    /// Drops `guard` when the answer is over: at once, unless it is a stream or leaves HTTP.
    pub fn hold(&mut self, guard: impl Any + Send) {
        match &self.kind {
            Kind::Stream(_) => self.held.push(Box::new(guard)),
            Kind::Upgrade(guards) => guards.0.lock().push(Box::new(guard)),
            Kind::Empty | Kind::Bytes(_) => {}
        }
    }

    /// Puts a stream behind `wrap`; other bodies stay as they are.
    pub(crate) fn wrap_stream<B>(
        &mut self,
        wrap: impl FnOnce(Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>) -> B,
    ) where
        B: HttpBody<Data = Bytes, Error = BoxError> + Send + 'static,
    {
        self.kind = match std::mem::take(&mut self.kind) {
            Kind::Stream(stream) => Kind::Stream(Box::pin(wrap(stream))),
            other => other,
        };
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            Kind::Empty => f.write_str("Body::Empty"),
            Kind::Bytes(bytes) => f.debug_tuple("Body::Bytes").field(&bytes.len()).finish(),
            Kind::Stream(_) => f.write_str("Body::Stream"),
            Kind::Upgrade(_) => f.write_str("Body::Upgrade"),
        }
    }
}

impl From<Kind> for Body {
    fn from(kind: Kind) -> Self {
        Self { kind, packable: false, held: Vec::new() }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Kind::Empty.into() } else { Kind::Bytes(bytes).into() }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.kind {
            Kind::Empty | Kind::Upgrade(_) => Poll::Ready(None),
            Kind::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                self.kind = Kind::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Kind::Stream(stream) => {
                let frame = ready!(stream.as_mut().poll_frame(context));
                if !matches!(frame, Some(Ok(_))) {
                    // The connection may keep the body for a while, but the request is over.
                    self.held.clear();
                    self.kind = Kind::Empty;
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty | Kind::Upgrade(_) => true,
            Kind::Bytes(_) => false,
            Kind::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty | Kind::Upgrade(_) => SizeHint::with_exact(0),
            Kind::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(stream) => stream.size_hint(),
        }
    }
}
