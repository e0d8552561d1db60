//! Packs large answers for clients that take them so.

use std::sync::Arc;

use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY};
use http::{HeaderMap, HeaderValue};

use super::Filter;
use crate::request::{Context, Request};
use crate::response::Response;

const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// What may be packed is said by whoever answers ([`Body::packable`](crate::Body::packable)):
/// neither watches nor what a proxy passes on.
pub(super) struct Pack {
    /// Only if the feature is on.
    pub(super) is_on: bool,
}

impl Filter for Pack {
    /// Whether the client takes it.
    type Held = bool;

    async fn before(&self, request: &mut Request) -> Result<bool, Response> {
        Ok(self.is_on && takes_gzip(request.headers()))
    }

    fn after(&self, takes: bool, _: &Arc<Context>, response: &mut Response) {
        if takes && !response.headers().contains_key(CONTENT_ENCODING) && response.body_mut().pack() {
            response.headers_mut().insert(CONTENT_ENCODING, GZIP);
            response.headers_mut().append(VARY, HeaderValue::from_static("Accept-Encoding"));
        }
    }
}

/// Whether `gzip` is named, as upstream reads it: in the first such header, and without a weight.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let named = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    named.is_some_and(|named| named.split(',').any(|coding| coding.trim() == "gzip"))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use bytes::Bytes;
    use http_body::Frame;
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;
    use crate::filters::chain::Filters;
    use crate::filters::{Around, Handler, testing};
    use crate::response::{Body, BoxError, PACKED_BYTES_MIN};

    /// Answers with the same bytes in one of several ways.
    #[derive(Clone)]
    struct Answers {
        bytes: Bytes,
        stream: bool,
        packable: bool,
        packed_already: bool,
        /// A stream ends with an error.
        breaks: bool,
    }

    impl Answers {
        fn large() -> Self {
            let bytes: Vec<u8> = (0..50_000).flat_map(|at| at.to_string().into_bytes()).collect();
            Self { bytes: bytes.into(), stream: false, packable: true, packed_already: false, breaks: false }
        }

        fn body(&self) -> Body {
            if !self.stream {
                return self.bytes.clone().into();
            }
            let mut frames: Vec<Result<Frame<Bytes>, BoxError>> =
                self.bytes.chunks(10_000).map(|chunk| Ok(Frame::data(Bytes::copy_from_slice(chunk)))).collect();
            if self.breaks {
                frames.push(Err("broken".into()));
            }
            Body::stream(StreamBody::new(futures_util::stream::iter(frames)))
        }

        async fn to(&self, headers: &[(&str, &str)]) -> Response {
            Filters(Pack { is_on: true }).around(testing::request("GET", "/api/v1/pods", headers), self).await
        }
    }

    impl Handler for Answers {
        async fn handle(&self, _: Request) -> Response {
            let body = self.body();
            let mut response = Response::new(if self.packable { body.packable() } else { body });
            if self.packed_already {
                response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
            }
            response
        }
    }

    #[tokio::test]
    async fn what_is_large_is_packed_for_those_who_take_it() {
        let large = Answers::large();
        let exactly = |bytes: usize| Answers { bytes: large.bytes.slice(..bytes), ..large.clone() };
        let gzip: testing::Headers = &[("accept-encoding", "gzip")];
        let cases: [(&str, Answers, testing::Headers, bool); 12] = [
            ("large", large.clone(), gzip, true),
            ("a stream", Answers { stream: true, ..large.clone() }, gzip, true),
            ("large enough", exactly(PACKED_BYTES_MIN), gzip, true),
            ("small", exactly(PACKED_BYTES_MIN - 1), gzip, false),
            ("empty", exactly(0), gzip, false),
            ("a watch", Answers { stream: true, packable: false, ..large.clone() }, gzip, false),
            ("packed already", Answers { packed_already: true, ..large.clone() }, gzip, false),
            ("nothing said", large.clone(), &[], false),
            ("among others", large.clone(), &[("accept-encoding", "deflate, gzip , br")], true),
            ("others", large.clone(), &[("accept-encoding", "br, deflate")], false),
            ("refused", large.clone(), &[("accept-encoding", "gzip;q=0")], false),
            ("another header", large.clone(), &[("accept-encoding", "br"), ("accept-encoding", "gzip")], false),
        ];
        for (what, answers, headers, packed) in cases {
            let (head, body) = answers.to(headers).await.into_parts();
            let got = body.collect().await.unwrap().to_bytes();
            let has = |name, value: &str| head.headers.get(name).is_some_and(|got: &HeaderValue| got == value);
            assert_eq!(has(CONTENT_ENCODING, "gzip"), packed, "{what}");
            assert_eq!(has(VARY, "Accept-Encoding"), packed, "{what}");
            if !packed {
                assert_eq!(got, answers.bytes, "{what}");
                continue;
            }
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&*got).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == answers.bytes && got.len() < unpacked.len(), "{what}");
        }
    }

    #[tokio::test]
    async fn a_stream_that_breaks_does_not_look_whole() {
        let answers = Answers { stream: true, breaks: true, ..Answers::large() };
        let mut body = answers.to(&[("accept-encoding", "gzip")]).await.into_body();
        let mut got = Vec::new();
        let error = loop {
            match body.frame().await.expect("it does not end by itself") {
                Ok(frame) => got.extend_from_slice(&frame.into_data().unwrap()),
                Err(error) => break error,
            }
        };
        assert_eq!(error.to_string(), "broken");
        assert!(flate2::read::GzDecoder::new(&*got).read_to_end(&mut Vec::new()).is_err());
    }

    /// However much there is, and however fast it comes: a frame is of one piece.
    #[tokio::test]
    async fn a_large_answer_is_packed_piece_by_piece() {
        let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(4 << 20).collect();
        let answers = Answers { bytes: noise.into(), ..Answers::large() };
        let mut body = answers.to(&[("accept-encoding", "gzip")]).await.into_body();
        let mut frames = 0;
        while let Some(frame) = body.frame().await {
            let bytes = frame.unwrap().into_data().unwrap();
            assert!(bytes.len() < 256 << 10, "{} bytes at once", bytes.len());
            frames += 1;
        }
        assert!(frames > 16, "{frames}");
    }
}
