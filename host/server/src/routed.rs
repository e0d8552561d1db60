//! Documents that upstream's router leads to. It looks at the path, the method, what was sent and what is taken, in
//! this order, and answers what does not fit by a `Status`.

use forms::Produced;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method};

use crate::request::Request;
use crate::response::Failure;

/// A document at one path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Routed {
    pub(crate) path: &'static str,
    pub(crate) media_type: &'static str,
    /// Whether what is sent with a request, if anything is, has to be JSON.
    pub(crate) takes_json: bool,
}

impl Routed {
    /// Whether the document is answered; nothing if the path leads elsewhere.
    pub(crate) fn admit(&self, request: &Request) -> Option<Result<(), Failure>> {
        let below = request.info().path().strip_prefix(self.path)?;
        if !below.is_empty() && !below.starts_with('/') {
            return None;
        }
        let (sent, accept) = (text(request.headers(), CONTENT_TYPE), text(request.headers(), ACCEPT));
        let produced = Produced(&[self.media_type]);
        Some(match () {
            () if below.len() > 1 => Err(Failure::unknown_resource()),
            () if request.method() != Method::GET => Err(Failure::method_not_allowed()),
            () if self.takes_json && !sent.is_empty() && !is_json(sent) => Err(Failure::unsupported_media_type()),
            () if !produced.are_taken(accept) => Err(Failure::not_acceptable(produced.refusal())),
            () => Ok(()),
        })
    }
}

fn is_json(content_type: &str) -> bool {
    let names = |text: &str| text.split(';').next().is_some_and(|name| name.trim_matches(' ') == "application/json");
    content_type.split(',').any(names)
}

fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| str::from_utf8(value.as_bytes()).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing;

    const VERSION: Routed = Routed { path: "/version", media_type: "application/json", takes_json: true };

    /// As kube-apiserver 1.36 answers.
    #[test]
    fn what_does_not_fit_is_refused_in_the_routers_order() {
        for (method, path, headers, code) in [
            ("GET", "/version", &[][..], Some(200)),
            ("GET", "/version/", &[("accept", "*/*")], Some(200)),
            ("GET", "/version", &[("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")], Some(200)),
            ("GET", "/version", &[("accept", "text/html, application/json;q=0.1")], Some(200)),
            ("GET", "/version", &[("accept", "application/yaml")], Some(406)),
            ("GET", "/version", &[("accept", "application/*")], Some(406)),
            ("GET", "/version", &[("content-type", "text/plain"), ("accept", "text/html")], Some(415)),
            ("GET", "/version", &[("content-type", "text/plain, application/json; charset=utf-8")], Some(200)),
            ("POST", "/version", &[("content-type", "text/plain"), ("accept", "text/html")], Some(405)),
            ("HEAD", "/version", &[], Some(405)),
            ("POST", "/version/x", &[], Some(404)),
            ("GET", "/versions", &[], None),
            ("GET", "/", &[], None),
        ] {
            let answer = VERSION.admit(&testing::request(method, path, headers));
            let answered = answer.map(|admitted| admitted.map_or_else(|failure| failure.code.as_u16(), |()| 200));
            assert_eq!(answered, code, "{method} {path} {headers:?}");
        }
        let keys = Routed { path: "/k", media_type: "application/jwk-set+json", takes_json: false };
        let sent = testing::request("GET", "/k", &[("content-type", "text/plain")]);
        assert_eq!(keys.admit(&sent), Some(Ok(())));
        let refused = keys.admit(&testing::request("GET", "/k", &[("accept", "application/json")]));
        let message = "406: Not Acceptable\n\nAvailable representations: application/jwk-set+json";
        assert_eq!(refused, Some(Err(Failure::not_acceptable(message.to_owned()))));
    }
}
