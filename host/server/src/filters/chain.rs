//! How filters are put together.

use std::sync::Arc;

use super::{Around, Filter, Handler};
use crate::request::{Context, Request};
use crate::response::Response;

/// A filter, and another one inside of it.
pub(super) struct Chain<A, B>(A, B);

/// Puts filters together, the outermost first.
pub(super) trait Then: Filter + Sized {
    fn then<B: Filter>(self, inside: B) -> Chain<Self, B> {
        Chain(self, inside)
    }
}

impl<F: Filter> Then for F {}

impl<A: Filter, B: Filter> Filter for Chain<A, B> {
    type Held = (A::Held, B::Held);

    async fn before(&self, request: &mut Request) -> Result<Self::Held, Response> {
        let outside = self.0.before(request).await?;
        match self.1.before(request).await {
            Ok(inside) => Ok((outside, inside)),
            Err(mut response) => {
                self.0.after(outside, request.context(), &mut response);
                Err(response)
            }
        }
    }

    fn after(&self, (outside, inside): Self::Held, context: &Arc<Context>, response: &mut Response) {
        self.1.after(inside, context, response);
        self.0.after(outside, context, response);
    }
}

/// Filters as one layer.
pub(super) struct Filters<F>(pub(super) F);

impl<F: Filter> Around for Filters<F> {
    async fn around<N: Handler>(&self, mut request: Request, next: &N) -> Response {
        let context = request.context().clone();
        match self.0.before(&mut request).await {
            Ok(held) => {
                let mut response = next.handle(request).await;
                self.0.after(held, &context, &mut response);
                response
            }
            Err(response) => response,
        }
    }
}

/// A layer and what is inside of it.
pub(crate) struct Layered<A, N> {
    pub(super) around: A,
    pub(super) inside: N,
}

impl<A: Around, N: Handler> Handler for Layered<A, N> {
    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send {
        self.around.around(request, &self.inside)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue, StatusCode};

    use super::*;
    use crate::filters::testing::{Inside, get, request, through};
    use crate::response::text;

    const WAY: HeaderName = HeaderName::from_static("way");

    /// Leaves its name on the request and on the answer.
    struct Leaves(&'static str);

    impl Filter for Leaves {
        type Held = &'static str;

        async fn before(&self, request: &mut Request) -> Result<Self::Held, Response> {
            request.headers_mut().append(WAY, HeaderValue::from_static(self.0));
            match request.headers().get("refused-by") {
                Some(name) if name == self.0 => Err(text(StatusCode::IM_A_TEAPOT, "no")),
                _ => Ok(self.0),
            }
        }

        fn after(&self, held: Self::Held, _: &Arc<Context>, response: &mut Response) {
            response.headers_mut().append(WAY, HeaderValue::from_static(held));
        }
    }

    fn way(headers: &http::HeaderMap) -> Vec<&str> {
        headers.get_all(WAY).iter().map(|name| name.to_str().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_request_goes_in_and_its_answer_comes_back() {
        let filters = || Leaves("a").then(Leaves("b")).then(Leaves("c"));
        let inside = Inside::default();
        let (code, headers, _) = through(filters(), get("/"), &inside).await;
        assert_eq!((code, way(&inside.headers()), way(&headers)), (200, vec!["a", "b", "c"], vec!["c", "b", "a"]));

        // The filter that refuses has no part in the answer's way back.
        let inside = Inside::default();
        let (code, headers, _) = through(filters(), request("GET", "/", &[("refused-by", "b")]), &inside).await;
        assert_eq!((code, inside.seen(), way(&headers)), (418, 0, vec!["a"]));
    }
}
