//! Answering without waiting: one more trait that a link may implement.
//!
//! The host asks [`Immediate::answer`] in a plain call, which costs a fraction of one of
//! [`Link::handle`]:
//!
//! ```
//! use plugin_sdk::immediate::{Immediate, Reply};
//! use plugin_sdk::registration::{self, Contents, Route};
//! use plugin_sdk::{Answer, Context, Link, Result, Summary, export_immediate, export_link};
//!
//! struct Hello;
//!
//! impl Hello {
//!     fn greet(&self, request: &Summary) -> Reply {
//!         Reply::text(200, format!("hello, {}\n", request.user_name()))
//!     }
//! }
//!
//! impl Link for Hello {
//!     fn init() -> Result<Self> {
//!         Contents::new().route(Route::prefix("/hello").tag("greeting")).register("hello")?;
//!         registration::immediate(&["greeting"])?;
//!         Ok(Self)
//!     }
//!
//!     async fn handle(&self, context: Context) -> Answer {
//!         self.greet(&context.summary()).into()
//!     }
//! }
//!
//! impl Immediate for Hello {
//!     fn answer(&self, request: &Summary) -> Option<Reply> {
//!         (request.method() == "GET").then(|| self.greet(request))
//!     }
//! }
//!
//! export_link!(Hello);
//! export_immediate!(Hello);
//! # fn main() {}
//! ```

use crate::bindings::immediate::exports::host::chain::immediate;
use crate::link::{Exported, Instance, instance};
use crate::{Answer, Body, Link, Response, Summary};

pub use immediate::Reply;

/// What a link adds when it answers some requests without waiting for anything. Exported with
/// [`export_immediate!`](crate::export_immediate).
///
/// The instances that are asked so do nothing else: what [`Link::handle`] has remembered in its own
/// is not there.
pub trait Immediate: Link {
    /// Answers a request whose route has a tag that `init` named in
    /// [`registration::immediate`](crate::registration::immediate). For nothing the host asks
    /// [`Link::handle`], which must answer each request the same way: it may be asked at once.
    fn answer(&self, request: &Summary) -> Option<Reply>;
}

impl Reply {
    /// A reply with this status, no headers and no body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: String::new(), body: Vec::new() }
    }

    /// With one more header. `name` is in lower case.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.reserve_exact(name.len() + value.len() + 3);
        self.headers.extend([name, ": ", value, "\n"]);
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// As [`Answer::bytes`].
    pub fn bytes(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status).header("content-type", content_type).body(body)
    }

    /// As [`Answer::json`].
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::bytes(status, "application/json", body)
    }

    /// As [`Answer::text`].
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        let headers = "content-type: text/plain; charset=utf-8\nx-content-type-options: nosniff\n";
        Self { status, headers: headers.to_string(), body: body.into().into_bytes() }
    }
}

/// For `handle`, which answers the same.
impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        let lines = reply.headers.lines().filter_map(|line| line.split_once(": "));
        let headers = lines.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let body = if reply.body.is_empty() { Body::Empty } else { Body::Bytes(reply.body) };
        Self::Response(Response { status: reply.status, headers, body })
    }
}

/// Exports the [`Immediate`] that a link is, beside [`export_link!`](crate::export_link). Once in a
/// crate.
#[macro_export]
#[rustfmt::skip] // it does not know `with_types_in`
macro_rules! export_immediate {
    ($link:ty) => {
        // Says so on every target if it is none.
        const _: fn() = || {
            fn is_one<T: $crate::immediate::Immediate>() {}
            is_one::<$link>();
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            type Exported = $crate::export::Exported<$link>;
            $crate::bindings::immediate::export_immediate_interface!(Exported with_types_in $crate::bindings::immediate);
        };
    };
}

impl<L: Instance + Immediate> immediate::Guest for Exported<L> {
    fn answer(request: Summary) -> Option<Reply> {
        instance::<L>().answer(&request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_the_answer_that_handle_would_make() {
        let Answer::Response(response) = Reply::text(200, "hello\n").header("x-empty", "").into() else {
            panic!("it is no response");
        };
        let Answer::Response(expected) = Answer::text(200, "hello\n") else { panic!("it is no response") };
        let headers = [expected.headers, vec![("x-empty".to_string(), String::new())]].concat();
        assert_eq!((response.status, response.headers), (expected.status, headers));
        assert!(matches!((response.body, expected.body), (Body::Bytes(one), Body::Bytes(other)) if one == other));
    }
}
