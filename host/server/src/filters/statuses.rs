//! Writes failures as their client takes them: in JSON, indented or not, in YAML or in protobuf.

use std::sync::Arc;

use forms::{Client, Notation};
use http::HeaderValue;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};

use super::Filter;
use crate::request::{Context, Request};
use crate::response::{Body, Failure, Response};

/// What failed is written in JSON where it fails, and anew here if its client wants something else.
pub(super) struct WriteStatuses;

/// What of a request says how its answer is written: looked at only if it fails.
pub(super) struct Asked {
    accept: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
    query: Option<String>,
}

impl Filter for WriteStatuses {
    type Held = Asked;

    async fn before(&self, request: &mut Request) -> Result<Asked, Response> {
        let [accept, user_agent] = [ACCEPT, USER_AGENT].map(|name| request.headers().get(name).cloned());
        let query = request.uri().query().filter(|query| query.contains("pretty")).map(str::to_owned);
        Ok(Asked { accept, user_agent, query })
    }

    fn after(&self, asked: Asked, _: &Arc<Context>, response: &mut Response) {
        let Some(failure) = response.extensions_mut().remove::<Failure>() else { return };
        let notation = asked.client().failure();
        if notation != Notation::PLAIN {
            *response.body_mut() = Body::from(failure.write(notation));
            let media_type = HeaderValue::from_static(notation.encoding.media_type());
            response.headers_mut().insert(CONTENT_TYPE, media_type);
        }
    }
}

impl Asked {
    fn client(&self) -> Client<'_> {
        fn text(value: Option<&HeaderValue>) -> &str {
            value.and_then(|value| str::from_utf8(value.as_bytes()).ok()).unwrap_or_default()
        }
        let query = self.query.as_deref().unwrap_or_default();
        Client { accept: text(self.accept.as_ref()), query, user_agent: text(self.user_agent.as_ref()) }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::filters::chain::Filters;
    use crate::filters::{Around, Handler, testing};

    struct Refuses;

    impl Handler for Refuses {
        async fn handle(&self, _: Request) -> Response {
            Failure::unauthorized().into()
        }
    }

    async fn refusal(accept: &'static str) -> (String, Vec<u8>) {
        let mut request = testing::get("/");
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
        let response = Filters(WriteStatuses).around(request, &Refuses).await;
        let content_type = response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
        (content_type, response.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    #[tokio::test]
    async fn a_failure_is_written_in_the_encoding_that_is_accepted() {
        let (kind, body) = refusal("application/json").await;
        assert_eq!((kind.as_str(), body), ("application/json", Failure::unauthorized().to_json()));
        let (kind, body) = refusal("application/yaml").await;
        let yaml = "apiVersion: v1\ncode: 401\nkind: Status\nmessage: Unauthorized\nmetadata: {}\n\
                    reason: Unauthorized\nstatus: Failure\n";
        assert_eq!((kind.as_str(), String::from_utf8(body).unwrap().as_str()), ("application/yaml", yaml));
        // As kube-apiserver 1.36 writes them.
        let (kind, body) = refusal("application/vnd.kubernetes.protobuf").await;
        let message = b"k8s\0\n\x0c\n\x02v1\x12\x06Status\x120\n\x06\n\0\x12\0\x1a\0\x12\x07Failure\
                        \x1a\x0cUnauthorized\"\x0cUnauthorized0\x91\x03\x1a\0\"\0";
        assert_eq!(
            (kind.as_str(), body.escape_ascii().to_string()),
            ("application/vnd.kubernetes.protobuf", message.escape_ascii().to_string())
        );
        let (kind, body) = refusal("text/html").await;
        assert!(kind == "application/json" && body.starts_with(b"{\n  \""), "{}", body.escape_ascii());
    }
}
