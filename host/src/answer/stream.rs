//! What a guest writes itself, piece by piece, until it closes its end or its time is up.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use host_server::{Body as HttpBody, BoxError};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::time::timeout_at;

use crate::chain::{Fault, Link};
use crate::guest::GuestStream;

/// The body of a stream; nothing if it did not begin before the deadline. A request that has one
/// is answered with the first piece at hand: a stream that never begins must not be a 200.
pub(super) async fn body(link: &Arc<Link>, stream: GuestStream, deadline: Option<Instant>) -> Option<HttpBody> {
    let mut pieces = Pieces { link: link.clone(), stream, deadline, waiting: false, over: false };
    let first = match deadline {
        Some(_) => match pieces.next().await {
            Some(Err(_)) if pieces.is_late() => return None,
            first => Some(first),
        },
        None => None,
    };
    let all = futures::stream::unfold((first, pieces), |(first, mut pieces)| async {
        let piece = match first {
            Some(first) => first,
            None => pieces.next().await,
        };
        Some((piece?.map(Frame::data), (None, pieces)))
    });
    Some(HttpBody::stream(StreamBody::new(all)))
}

struct Pieces {
    link: Arc<Link>,
    stream: GuestStream,
    deadline: Option<Instant>,
    /// It is the guest that we wait for, not the client.
    waiting: bool,
    over: bool,
}

impl Pieces {
    /// The next piece; nothing at the end. After an error the client sees a body that is cut
    /// off, not one that has ended.
    async fn next(&mut self) -> Option<Result<Bytes, BoxError>> {
        if self.over {
            return None;
        }
        self.waiting = true;
        let next = match self.deadline {
            Some(_) if self.is_late() => return self.late(),
            Some(deadline) => match timeout_at(deadline.into(), self.stream.next()).await {
                Ok(next) => next,
                Err(_) => return self.late(),
            },
            None => self.stream.next().await,
        };
        self.waiting = false;
        self.over = !matches!(next, Some(Ok(_)));
        Some(next?.map_err(|reason| {
            self.link.conduct().fault(Fault::Stream, &reason);
            reason.into()
        }))
    }

    /// The end of a stream that has not ended in time; said when this is dropped.
    fn late(&mut self) -> Option<Result<Bytes, BoxError>> {
        self.over = true;
        Some(Err(LATE.into()))
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

const LATE: &str = "its stream did not end before the deadline of the request";

/// The request's own deadline may drop us before we see that it has passed.
impl Drop for Pieces {
    fn drop(&mut self) {
        if self.waiting && self.is_late() {
            self.link.conduct().fault(Fault::Stream, LATE);
        }
    }
}
