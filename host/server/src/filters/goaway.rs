//! Asks clients to connect anew.
//!
//! With `--goaway-chance` those on HTTP/2 now and then, so that those of a load balancer spread over
//! the servers behind it, also over one that came back. And all of them once a shutdown has begun:
//! kube-apiserver leaves kept connections alone until it refuses what comes on them; here a client
//! is with another server by then, if its balancer has heard that this one is not ready.

use std::sync::Arc;

use http::header::CONNECTION;
use http::{HeaderValue, Version};

use super::Filter;
use crate::lifecycle::{Signal, Signals};
use crate::request::{Context, Request};
use crate::response::Response;

pub(super) struct Goaway {
    chance: f64,
    signals: Arc<Signals>,
}

impl Goaway {
    pub(super) fn new(chance: f64, signals: Arc<Signals>) -> Self {
        Self { chance, signals }
    }
}

impl Filter for Goaway {
    /// Whether chance hit this request.
    type Held = bool;

    async fn before(&self, request: &mut Request) -> Result<bool, Response> {
        Ok(self.chance > 0.0 && request.version() == Version::HTTP_2 && fastrand::f64() < self.chance)
    }

    fn after(&self, hit: bool, _: &Arc<Context>, response: &mut Response) {
        if hit || self.signals.has_fired(Signal::ShutdownInitiated) {
            // On HTTP/2 the connection makes it a GOAWAY: what is under way goes on.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::{Inside, get_by, through};

    #[tokio::test]
    async fn http2_is_asked_by_chance_and_everybody_when_it_ends() {
        for (chance, version, ending, expected) in [
            (0.0, Version::HTTP_2, false, 0),
            (1.0, Version::HTTP_2, false, 8),
            (1.0, Version::HTTP_11, false, 0),
            (0.0, Version::HTTP_11, true, 8),
            (0.0, Version::HTTP_2, true, 8),
        ] {
            let signals = Arc::new(Signals::default());
            if ending {
                signals.fire(Signal::ShutdownInitiated);
            }
            let mut asked = 0;
            for _ in 0..8 {
                let goaway = Goaway::new(chance, signals.clone());
                let (_, headers, _) = through(goaway, get_by(version), &Inside::default()).await;
                asked += usize::from(headers.contains_key(CONNECTION));
            }
            assert_eq!(asked, expected, "{chance} {version:?} {ending}");
        }
    }
}
