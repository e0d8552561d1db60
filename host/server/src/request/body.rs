//! The body that a client sends: read once, and not beyond a limit.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::limits::REFUSED_BODY_BYTES_MAX;

#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Larger than this many bytes: answer 413.
    #[error("the body is larger than {0} bytes")]
    TooLarge(u64),
    /// The client sent a broken body, or left.
    #[error("the body is broken: {0}")]
    Broken(String),
}

/// A body that has not been read.
#[derive(Debug, Default)]
pub enum RequestBody {
    #[default]
    Empty,
    Bytes(Bytes),
    Incoming(Arriving),
}

impl RequestBody {
    /// The whole body. `limit` counts what arrives, whatever the client announced.
    pub async fn read(self, limit: u64) -> Result<Bytes, BodyError> {
        let mut incoming = match self {
            Self::Empty => return Ok(Bytes::new()),
            Self::Bytes(bytes) if bytes.len() as u64 > limit => return Err(BodyError::TooLarge(limit)),
            Self::Bytes(bytes) => return Ok(bytes),
            Self::Incoming(incoming) => incoming,
        };
        let announced = incoming.size_hint().lower();
        if announced > limit {
            incoming.drain().await;
            return Err(BodyError::TooLarge(limit));
        }
        let mut first: Option<Bytes> = None;
        let mut gathered = BytesMut::new();
        let mut length = 0;
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|error| BodyError::Broken(error.to_string()))?;
            let Ok(data) = frame.into_data() else { continue };
            length += data.len() as u64;
            if length > limit {
                incoming.drain().await;
                return Err(BodyError::TooLarge(limit));
            }
            // Most bodies are one frame, which is not copied.
            match &first {
                None => first = Some(data),
                Some(head) => {
                    if gathered.is_empty() {
                        gathered.reserve(announced.max(length) as usize);
                        gathered.extend_from_slice(head);
                    }
                    gathered.extend_from_slice(&data);
                }
            }
        }
        Ok(if gathered.is_empty() { first.unwrap_or_default() } else { gathered.freeze() })
    }
}

/// A body on its way. What nobody has read of it when it is dropped is read behind the answer, and
/// forgotten: a client that is told to stop, by a reset of its stream, may take that for the answer.
#[derive(Debug)]
pub struct Arriving {
    incoming: Option<Incoming>,
    /// Its end was seen, or it is too long to wait for that.
    done: bool,
    /// The client waits to be asked for it.
    unasked: bool,
    /// How long it is read behind the answer.
    patience: Duration,
}

impl Arriving {
    /// The body of a message, with `unasked` if its head has `Expect: 100-continue`.
    pub(crate) fn new(incoming: Incoming, unasked: bool, patience: Duration) -> Self {
        Self { incoming: Some(incoming), done: false, unasked, patience }
    }

    async fn drain(&mut self) {
        // To read it would be to ask for it.
        if !self.unasked {
            drain(self).await;
        }
        self.done = true;
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.unasked = false;
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(incoming).poll_frame(context));
        self.done = !matches!(frame, Some(Ok(_)));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or(SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if self.done || self.unasked || self.is_end_stream() {
            return;
        }
        // Without a runtime the connection has ended, too.
        if let (Some(mut incoming), Ok(runtime)) = (self.incoming.take(), Handle::try_current()) {
            let patience = self.patience;
            runtime.spawn(async move { timeout(patience, drain(&mut incoming)).await });
        }
    }
}

async fn drain(incoming: &mut (impl Body<Data = Bytes> + Unpin)) {
    let mut length = 0;
    while length < REFUSED_BODY_BYTES_MAX {
        let Some(Ok(frame)) = incoming.frame().await else { return };
        length += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
}
