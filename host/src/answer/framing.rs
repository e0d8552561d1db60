//! How the events of a watch follow each other.

use bytes::{BufMut, Bytes, BytesMut};
use host_server::{Failure, WATCH_MESSAGES, append_watch_message};
use http::header::CONTENT_TYPE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// `{"type":T,"object":O}`, one to a line.
    Lines,
    /// Messages in protobuf, each behind its length.
    Messages,
}

impl Framing {
    /// The framing that goes with an answer's `content-type`.
    pub(super) fn of(headers: &[(String, String)]) -> Self {
        let content_type = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()));
        match content_type {
            Some((_, kind)) if is_same(kind, WATCH_MESSAGES) => Self::Messages,
            _ => Self::Lines,
        }
    }

    /// Appends an event with its object, as it is written.
    pub(super) fn append(self, kind: &str, object: &[u8], out: &mut BytesMut) {
        match self {
            Self::Lines => {
                out.put_slice(b"{\"type\":\"");
                out.put_slice(kind.as_bytes());
                out.put_slice(b"\",\"object\":");
                out.put_slice(object);
                out.put_slice(b"}\n");
            }
            Self::Messages => append_watch_message(kind, object, out),
        }
    }

    /// The event of an error; nothing follows it.
    pub(super) fn error(self, failure: &Failure) -> Bytes {
        let mut out = BytesMut::new();
        match self {
            Self::Lines => self.append("ERROR", failure.to_json().trim_ascii_end(), &mut out),
            Self::Messages => self.append("ERROR", &failure.to_protobuf(), &mut out),
        }
        out.freeze()
    }
}

/// Whether two media types are the same, however they are spelt.
fn is_same(one: &str, other: &str) -> bool {
    let parts = |kind: &str| kind.split(';').map(|part| part.trim().to_ascii_lowercase()).collect::<Vec<_>>();
    parts(one) == parts(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_says_how_events_follow_each_other() {
        for (kind, framing) in [
            ("application/vnd.kubernetes.protobuf;stream=watch", Framing::Messages),
            ("Application/vnd.kubernetes.protobuf; stream=watch", Framing::Messages),
            ("application/vnd.kubernetes.protobuf", Framing::Lines),
            ("application/json;stream=watch", Framing::Lines),
        ] {
            let headers = [("x".to_string(), WATCH_MESSAGES.to_string()), ("Content-Type".into(), kind.into())];
            assert_eq!(Framing::of(&headers), framing, "{kind}");
        }
        assert_eq!(Framing::of(&[]), Framing::Lines);
    }

    #[test]
    fn an_error_is_an_event_in_either_framing() {
        let failure = Failure::unauthorized();
        assert!(Framing::Lines.error(&failure).starts_with(b"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\""));
        let message = Framing::Messages.error(&failure);
        let status = failure.to_protobuf();
        assert!(message.ends_with(&status) && message[4..].starts_with(b"\n\x05ERROR"), "{}", message.escape_ascii());
    }
}
