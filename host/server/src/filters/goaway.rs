//! With `--goaway-chance`: asks clients on HTTP/2 now and then to connect anew, so that those of
//! a load balancer spread over the servers behind it, also over one that came back.

use std::sync::Arc;

use http::header::CONNECTION;
use http::{HeaderValue, Version};

use super::Filter;
use crate::request::{Context, Request};
use crate::response::Response;

pub(super) struct Goaway {
    chance: f64,
}

impl Goaway {
    pub(super) fn new(chance: f64) -> Self {
        Self { chance }
    }
}

impl Filter for Goaway {
    /// Whether it hit this request.
    type Held = bool;

    async fn before(&self, request: &mut Request) -> Result<bool, Response> {
        Ok(self.chance > 0.0 && request.version() == Version::HTTP_2 && fastrand::f64() < self.chance)
    }

    fn after(&self, hit: bool, _: &Arc<Context>, response: &mut Response) {
        if hit {
            // The connection makes it a GOAWAY: what is under way goes on.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::{Inside, get_by, through};

    #[tokio::test]
    async fn only_http2_is_asked_and_only_by_chance() {
        let cases = [(0.0, Version::HTTP_2, 0), (1.0, Version::HTTP_2, 8), (1.0, Version::HTTP_11, 0)];
        for (chance, version, expected) in cases {
            let mut asked = 0;
            for _ in 0..8 {
                let (_, headers, _) = through(Goaway::new(chance), get_by(version), &Inside::default()).await;
                asked += usize::from(headers.contains_key(CONNECTION));
            }
            assert_eq!(asked, expected, "{chance} {version:?}");
        }
    }
}
