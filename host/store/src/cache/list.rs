//! Lists: a page of a tree, or of the store for a revision that is no longer in memory.

use std::sync::Arc;

use super::history::Tree;
use super::object::Object;
use super::selector::{Matcher, Selector};
use super::tree::Span;
use super::{Freshness, Inner};
use crate::{RangeQuery, ReadError, range_end};

/// What to list.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Everything below, ending in `/`.
    pub prefix: String,
    /// The first key that may be listed; none for the beginning.
    pub start: Option<String>,
    pub selector: Selector,
    pub freshness: Freshness,
    /// 0 for no limit.
    pub limit: usize,
}

/// What a list found.
#[derive(Debug)]
pub struct Listing {
    /// The revision that it is the state of.
    pub revision: u64,
    pub objects: Objects,
    /// Where the next page starts; none on the last page. With a selector the next page may
    /// turn out to be empty.
    pub next: Option<String>,
    /// How many objects there are behind this page; none with a selector, or on the last page.
    pub remaining: Option<u64>,
}

/// Objects in the order of their keys.
#[derive(Debug)]
pub struct Objects(Found);

#[derive(Debug)]
enum Found {
    /// All that lie together in a tree.
    Span(Span<Arc<Object>>),
    Chosen(Vec<Arc<Object>>),
}

/// Keys that are read at a time from the store, for lists at an old revision.
const STORE_PAGE: usize = 1000;

impl Listing {
    /// The last of the pages.
    fn last(revision: u64, found: Found) -> Self {
        Self { revision, objects: Objects(found), next: None, remaining: None }
    }

    /// A page that is full, behind which there are more keys.
    fn full(revision: u64, found: Found, remaining: Option<u64>) -> Self {
        let objects = Objects(found);
        Self { revision, next: objects.behind(), objects, remaining }
    }
}

impl Objects {
    pub fn len(&self) -> usize {
        match &self.0 {
            Found::Span(span) => span.len(),
            Found::Chosen(chosen) => chosen.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.from(0)
    }

    /// Those from the one at an index on.
    pub fn from(&self, index: usize) -> impl Iterator<Item = &Arc<Object>> {
        let (span, chosen) = match &self.0 {
            Found::Span(span) => (Some(span.from(index)), None),
            Found::Chosen(chosen) => (None, Some(chosen.iter().skip(index))),
        };
        span.into_iter().flatten().chain(chosen.into_iter().flatten())
    }

    /// The first key that can come behind the last one.
    fn behind(&self) -> Option<String> {
        self.from(self.len().checked_sub(1)?).next().map(|last| format!("{}\0", last.key()))
    }
}

impl ListQuery {
    fn start(&self) -> &str {
        self.start.as_deref().filter(|start| **start > *self.prefix).unwrap_or(&self.prefix)
    }
}

/// One page of the objects in memory.
pub(super) fn page(tree: &Tree, revision: u64, query: &ListQuery, matcher: &Matcher) -> Listing {
    let (end, max) = (range_end(&query.prefix), if query.limit == 0 { usize::MAX } else { query.limit });
    let found = match matcher.is_empty() {
        true => Found::Span(tree.span(query.start(), &end, max)),
        false => {
            let matching = below(tree, query.start(), &query.prefix).filter(|object| matcher.matches(object));
            Found::Chosen(matching.take(max).cloned().collect())
        }
    };
    let listing = Listing::last(revision, found);
    if listing.objects.len() < max {
        return listing;
    }
    // Whatever is behind counts, whether it matches or not: as in kube-apiserver, which cannot
    // know either before it has looked.
    let after = listing.objects.behind().unwrap_or_default();
    match tree.count(&after, &end) as u64 {
        0 => listing,
        behind => Listing::full(revision, listing.objects.0, matcher.is_empty().then_some(behind)),
    }
}

pub(super) fn below<'a>(tree: &'a Tree, start: &str, prefix: &str) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
    tree.range(start, &range_end(prefix)).map(|(_, object)| object)
}

impl Inner {
    /// One page at a revision that is no longer in memory.
    pub(super) async fn page_from_store(
        &self,
        revision: u64,
        query: &ListQuery,
        matcher: &Matcher,
    ) -> Result<Listing, ReadError> {
        let mut chosen = Vec::new();
        let claim = self.claims.load().of(&query.prefix).clone();
        let mut start = query.start().to_owned();
        let end = range_end(&query.prefix);
        loop {
            let left = if query.limit == 0 { usize::MAX } else { query.limit - chosen.len() };
            let limit = if matcher.is_empty() { left.min(STORE_PAGE) } else { STORE_PAGE };
            let (at, counted) = (Some(revision), query.limit > 0 && matcher.is_empty());
            let range = RangeQuery { start, end: end.clone(), limit, at, keys_only: false, counted };
            let page = self.store.range(range).await?;
            let (count, looked) = (page.count, page.kvs.len() as u64);
            let last = page.kvs.last().map(|kv| format!("{}\0", kv.key));
            for (at, kv) in page.kvs.into_iter().enumerate() {
                let object = Object::new(kv.key, kv.value, kv.mod_revision, &claim);
                if !matcher.matches(&object) {
                    continue;
                }
                chosen.push(Arc::new(object));
                if chosen.len() == query.limit {
                    let found = Found::Chosen(chosen);
                    return Ok(match count - (at as u64 + 1) {
                        0 => Listing::last(revision, found),
                        behind => Listing::full(revision, found, matcher.is_empty().then_some(behind)),
                    });
                }
            }
            match last {
                Some(last) if count > looked => start = last,
                _ => return Ok(Listing::last(revision, Found::Chosen(chosen))),
            }
        }
    }
}
