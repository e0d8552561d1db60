//! Short ways to say the usual answers.

use crate::{Answer, Body, Response};

impl Answer {
    /// A body of this content type.
    pub fn bytes(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Response::new(status).header("content-type", content_type).body(Body::Bytes(body.into())).into()
    }

    /// JSON, already written.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::bytes(status, "application/json", body)
    }

    /// Plain text, as kube-apiserver writes it: no browser may take it for something else.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Response::new(status)
            .header("content-type", "text/plain; charset=utf-8")
            .header("x-content-type-options", "nosniff")
            .body(Body::Bytes(body.into().into_bytes()))
            .into()
    }

    /// No body.
    pub fn empty(status: u16) -> Self {
        Response::new(status).into()
    }
}

impl Response {
    /// An answer with this status, no headers and no body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::Empty }
    }

    /// With one more header. `name` is in lower case.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_string(), value.into()));
        self
    }

    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}
