//! Bodies that are not JSON, read by the link that serves them: the audit shows objects. Links that
//! do not serve them are not asked, so that nobody sees, or says, what is not his.

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use host_server::{Decoder, RequestInfo};
use serde_json::Value;

use crate::chain::{Services, Target};
use crate::guest::Question;

/// Asks the chain that serves.
pub struct Bodies(Arc<Services>);

impl Bodies {
    pub fn new(services: Arc<Services>) -> Self {
        Self(services)
    }
}

impl Decoder for Bodies {
    fn decode<'a>(&'a self, info: &'a RequestInfo, content_type: &'a str, body: Bytes) -> BoxFuture<'a, Option<Value>> {
        async move {
            let chain = self.0.chain.load_full();
            let mut refusals = Vec::new();
            for link in chain.serving(Target::of(info)).filter(|link| link.loaded().bodies.is_some()) {
                let (content_type, body) = (content_type.to_string(), body.to_vec());
                let question = |reply| Question::Body { content_type, body, reply };
                let refusal = match link.pool().ask(question, link.limits().access_ms_max).await {
                    Ok(Ok(json)) => match serde_json::from_slice(&json) {
                        Ok(object) => return Some(object),
                        Err(error) => error.to_string(),
                    },
                    Ok(Err(refusal)) => refusal,
                    Err(error) => error.to_string(),
                };
                refusals.push(format!("`{}`: {refusal}", link.name()));
            }
            // The event is written without it, and says no more: upstream's has no place for it.
            tracing::debug!(
                "an object is missing in the audit, nobody reads `{content_type}`: {}",
                refusals.join("; ")
            );
            None
        }
        .boxed()
    }
}
