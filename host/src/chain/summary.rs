//! What most links want to know of a request, in one piece.

use host_server::{Request, RequestInfo, User};
use http::{HeaderMap, Method, Uri, header};

use super::Matched;
use crate::bindings::host::chain::request::Summary;

/// Where it is, before and after the request has become the chain's.
pub(super) struct Subject<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) user: &'a User,
    pub(super) info: &'a RequestInfo,
}

impl<'a> Subject<'a> {
    pub(super) fn of(request: &'a Request) -> Self {
        let (user, info) = (request.context().user(), request.info());
        Self { method: request.method(), uri: request.uri(), headers: request.headers(), user, info }
    }

    /// Writes it in the place of another summary.
    pub(super) fn write(&self, route: &Matched, summary: &mut Summary) {
        let info = self.info;
        let texts = [
            self.method.as_str(),
            self.uri.path(),
            self.uri.query().unwrap_or_default(),
            &route.tag,
            info.verb(),
            info.api_prefix(),
            info.api_group(),
            info.api_version(),
            info.namespace(),
            info.resource(),
            info.subresource(),
            info.name(),
            &self.user.name,
            text_of(self.headers, header::ACCEPT).unwrap_or_default(),
            text_of(self.headers, header::CONTENT_TYPE).unwrap_or_default(),
            text_of(self.headers, header::USER_AGENT).unwrap_or_default(),
        ];
        summary.is_resource_request = info.is_resource_request();
        summary.route_revision = route.revision;
        summary.text.clear();
        summary.ends.clear();
        for piece in texts.into_iter().chain(info.parts()) {
            // Most are empty.
            if !piece.is_empty() {
                summary.text.push_str(piece);
            }
            summary.ends.push(summary.text.len() as u32);
        }
    }
}

/// One that says nothing, with room for most of what it may say.
pub fn empty() -> Summary {
    let (text, ends) = (String::with_capacity(TEXT_BYTES), Vec::with_capacity(TEXTS));
    Summary { is_resource_request: false, route_revision: 0, text, ends }
}

/// The first value of a header, if it is text.
pub(super) fn text_of(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    std::str::from_utf8(headers.get(name)?.as_bytes()).ok()
}

const TEXT_BYTES: usize = 384;
/// With the parts of the path.
const TEXTS: usize = 20;
