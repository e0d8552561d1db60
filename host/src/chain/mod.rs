//! The chain: its links, who gets a request, and what a link has registered.
//!
//! Owns: generations of links, their routes and claims, and delegation. The chain that serves
//! is one pointer to a value that never changes; a request takes a snapshot of it and finishes
//! on it. This room does not enter guests (`guest`) nor write answers (`answer`).

mod budget;
mod claims;
mod conduct;
pub mod delegate;
mod link;
mod log;
mod metrics;
mod plain;
mod registered;
mod registrations;
mod request;
mod routes;
mod standing;
pub mod summary;

use std::sync::Arc;

use host_server::{Request, Response};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use claims::{Access, Claims, Neighbours};
pub use conduct::{Closed, Conduct, Fault};
pub use delegate::Subrequests;
pub use link::{Facts, Link, LinkOptions, Services};
pub use log::PluginLog;
pub use metrics::{PluginFamilies, PluginMetrics};
pub use plain::PlainRead;
pub use registered::Registered;
pub use registrations::Registrations;
pub use request::RequestState;
pub use routes::{Matched, Routes, Target};

use crate::answer;
use crate::guest::Answer;
use crate::imports::request::Context;
use summary::Subject;

/// The links that serve, the outermost first.
#[derive(Default)]
pub struct Chain {
    entries: Vec<Entry>,
}

/// One link, with the routes that it had when this value was made.
#[derive(Clone)]
pub struct Entry {
    pub link: Arc<Link>,
    pub routes: Arc<Routes>,
    /// Fires when the last chain is gone that the link was in: when no request is under way
    /// that may still enter it.
    released: CancellationToken,
    _release: Arc<DropGuard>,
}

impl Entry {
    pub fn new(link: Arc<Link>, routes: Arc<Routes>) -> Self {
        let released = CancellationToken::new();
        Self { link, routes, _release: Arc::new(released.clone().drop_guard()), released }
    }

    /// Fires when no request is under way that may still enter the link.
    pub fn released(&self) -> CancellationToken {
        self.released.clone()
    }
}

impl Chain {
    /// The chain of these links, given outermost first.
    pub fn new(links: impl IntoIterator<Item = Arc<Link>>) -> Self {
        let entries = links.into_iter().map(|link| Entry::new(link.clone(), link.routes())).collect();
        Self { entries }
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The links that such a request may enter, the outermost first.
    pub fn serving(&self, target: Target<'_>) -> impl Iterator<Item = &Arc<Link>> {
        self.entries.iter().filter(move |entry| entry.routes.find(target).is_some()).map(|entry| &entry.link)
    }

    /// Where a link stands, from the outside.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.link.name() == name)
    }

    /// The generation of a link that is in this chain.
    pub fn link(&self, name: &str) -> Option<&Arc<Link>> {
        self.entries.iter().map(|entry| &entry.link).find(|link| link.name() == name)
    }

    /// The same chain with other routes for one of its links. A generation that is not in it
    /// changes nothing.
    pub fn with_routes(&self, link: &Link, routes: &Arc<Routes>) -> Self {
        let mut entries = self.entries.clone();
        if let Some(entry) = entries.iter_mut().find(|entry| std::ptr::eq(&*entry.link, link)) {
            entry.routes = routes.clone();
        }
        Self { entries }
    }

    /// The same chain with another generation of one of its links.
    pub fn with_generation(&self, new: &Entry) -> Self {
        let mut entries = self.entries.clone();
        if let Some(entry) = entries.iter_mut().find(|entry| entry.link.name() == new.link.name()) {
            *entry = new.clone();
        }
        Self { entries }
    }

    /// The same chain with one more link, which is then at this position.
    pub fn with_link(&self, position: usize, new: &Entry) -> Self {
        let mut entries = self.entries.clone();
        entries.insert(position.min(entries.len()), new.clone());
        Self { entries }
    }

    /// The same chain without one of its links.
    pub fn without_link(&self, name: &str) -> Self {
        Self { entries: self.entries.iter().filter(|entry| entry.link.name() != name).cloned().collect() }
    }
}

/// Answers a request that its link answers without waiting; nothing if it does not, or somebody has
/// to wait. Before anything is made of the request that only an asynchronous call needs.
pub fn at_once(chain: &Chain, request: &Request) -> Option<Response> {
    // Most chains have nobody who does, and no request is to pay for a second look at their routes.
    let innermost = chain.entries.iter().rposition(|entry| entry.link.pool().immediate().is_some())?;
    let target = Target::of_message(request.uri(), request.info());
    let mut entries = chain.entries[..=innermost].iter();
    let (link, route) = entries.find_map(|entry| Some((&entry.link, entry.routes.find(target)?)))?;
    let immediate = link.pool().immediate().filter(|_| route.immediate)?;
    let describe = |summary: &mut _| Subject::of(request).write(route, summary);
    match immediate.answer(link, describe, |reply, known| answer::whole(link, reply, known)) {
        Ok(response) => response,
        Err(error) => Some(answer::failure(link, &error, request.method().is_safe()).into()),
    }
}

/// Answers a request with the links from position `from` inwards: the first that has a
/// matching route gets it. A flat loop: no guest holds its caller while the next one runs.
pub async fn serve(request: Arc<RequestState>, from: usize) -> Response {
    let chain = request.chain.clone();
    for (position, entry) in chain.entries.iter().enumerate().skip(from) {
        let Some(route) = entry.routes.find(request.target()) else { continue };
        if let Some(read) = &route.read
            && let Some(answer) = answer::plainly(&request, &entry.link, read).await
        {
            entry.link.metrics().plain_read();
            return answer;
        }
        let context = Context::new(request.clone(), position, route.clone());
        let started = std::time::Instant::now();
        let result = entry.link.pool().handle(context).await;
        entry.link.metrics().call(started.elapsed(), result.is_ok());
        match result {
            Ok(Answer::Pass) => continue,
            Ok(answer) => return answer::carry_out(&request, &entry.link, answer).await,
            Err(error) => return answer::failure(&entry.link, &error, request.is_safe()).into(),
        }
    }
    request.not_found()
}
