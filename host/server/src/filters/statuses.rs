//! Writes failures as their client takes them: in JSON, indented or not, in YAML or in protobuf.

use std::sync::Arc;

use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue};

use super::Filter;
use crate::request::{Context, Request};
use crate::response::{Body, Failure, Response, Wanted};

/// What failed is written in JSON where it fails, and anew here if its client wants something else.
pub(super) struct WriteStatuses;

/// What of a request says how its answer is written: looked at only if it fails.
pub(super) struct Asked {
    headers: [Option<HeaderValue>; 2],
    query: Option<String>,
}

impl Filter for WriteStatuses {
    type Held = Asked;

    async fn before(&self, request: &mut Request) -> Result<Asked, Response> {
        let headers = [ACCEPT, USER_AGENT].map(|name| request.headers().get(name).cloned());
        let query = request.uri().query().filter(|query| query.contains("pretty=")).map(str::to_owned);
        Ok(Asked { headers, query })
    }

    fn after(&self, asked: Asked, _: &Arc<Context>, response: &mut Response) {
        let Some(failure) = response.extensions_mut().remove::<Failure>() else { return };
        let [accept, agent] = asked.headers;
        let said = [(ACCEPT, accept), (USER_AGENT, agent)];
        let headers: HeaderMap = said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let wanted = Wanted::of(asked.query.as_deref(), &headers);
        if wanted != Wanted::Json {
            *response.body_mut() = Body::from(wanted.write(&failure));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(wanted.content_type()));
        }
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
        assert_eq!((kind.as_str(), body), ("application/json", Failure::unauthorized().to_json().into_bytes()));
        let (kind, body) = refusal("application/yaml").await;
        let yaml = "apiVersion: v1\ncode: 401\nkind: Status\nmessage: Unauthorized\nmetadata: {}\n\
                    reason: Unauthorized\nstatus: Failure\n";
        assert_eq!((kind.as_str(), String::from_utf8(body).unwrap().as_str()), ("application/yaml", yaml));
        // As kube-apiserver 1.36 writes it.
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
