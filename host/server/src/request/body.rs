//! The body that a client sends: read once, and not beyond a limit.

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;

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
    Incoming(Incoming),
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
            drain(&mut incoming).await;
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
                drain(&mut incoming).await;
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

async fn drain(incoming: &mut Incoming) {
    let mut length = 0;
    while length < REFUSED_BODY_BYTES_MAX {
        let Some(Ok(frame)) = incoming.frame().await else { return };
        length += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
}
