//! The stack of filters that each request passes, in kube-apiserver's order.
//!
//! A [`Filter`] does one thing and hands the request on. Stacks are put together by type
//! ([`Stack`]), so a request passes all of them as one future without an allocation: with boxed
//! futures, as layers of `tower` services need, the stack would cost more than the request.

mod audit_id;
mod authentication;
mod authorization;
mod cache_control;
mod deadline;
mod end_with_body;
mod impersonation;
mod in_flight;
mod log;
mod metrics;
mod panics;

mod request_info;
mod retry_after;
mod routes_complete;
mod wait_group;
mod warnings;
mod watch_end;

use std::future::Future;

use crate::request::Request;
use crate::response::Response;

pub(crate) use in_flight::Limits as InFlightLimits;
pub(crate) use stack::{Parts, stack};

mod stack;

/// Answers requests: the rest of a stack, and the director at its end.
pub(crate) trait Handler: Send + Sync + 'static {
    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send;
}

/// One stage: looks at a request, hands it on or answers it, and may look at the answer.
pub(crate) trait Filter: Send + Sync + 'static {
    fn filter<N: Handler>(&self, request: Request, next: &N) -> impl Future<Output = Response> + Send;
}

/// A filter and what is behind it.
pub(crate) struct Layered<F, N> {
    filter: F,
    next: N,
}

impl<F: Filter, N: Handler> Handler for Layered<F, N> {
    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send {
        self.filter.filter(request, &self.next)
    }
}

/// Puts filters before a handler, the outermost first.
pub(crate) struct Stack<B>(B);

/// What a stack has gathered: wraps a handler in it.
pub(crate) trait Wrap<N> {
    type Output: Handler;
    fn wrap(self, handler: N) -> Self::Output;
}

pub(crate) struct Bottom;
pub(crate) struct Under<B, F>(B, F);

impl Stack<Bottom> {
    pub(crate) fn new() -> Self {
        Self(Bottom)
    }
}

impl<B> Stack<B> {
    /// Adds a filter inside of those that are there.
    pub(crate) fn then<F: Filter>(self, filter: F) -> Stack<Under<B, F>> {
        Stack(Under(self.0, filter))
    }

    pub(crate) fn serve<N: Handler>(self, handler: N) -> B::Output
    where
        B: Wrap<N>,
    {
        self.0.wrap(handler)
    }
}

impl<N: Handler> Wrap<N> for Bottom {
    type Output = N;

    fn wrap(self, handler: N) -> N {
        handler
    }
}

impl<B: Wrap<Layered<F, N>>, F: Filter, N: Handler> Wrap<N> for Under<B, F> {
    type Output = B::Output;

    fn wrap(self, handler: N) -> B::Output {
        self.0.wrap(Layered { filter: self.1, next: handler })
    }
}

#[cfg(test)]
mod testing;
