//! Lists: a page of a tree, or of the store for a revision that is no longer in memory.

use std::sync::Arc;

use super::history::Tree;
use super::object::Object;
use super::selector::{Matcher, Selector};
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
#[derive(Clone, Debug)]
pub struct Listing {
    /// The revision that it is the state of.
    pub revision: u64,
    pub objects: Vec<Arc<Object>>,
    /// Where the next page starts; none on the last page. With a selector the next page may
    /// turn out to be empty.
    pub next: Option<String>,
    /// How many objects there are behind this page; none with a selector, or on the last page.
    pub remaining: Option<u64>,
}

/// Keys that are read at a time from the store, for lists at an old revision.
const STORE_PAGE: usize = 1000;

impl Listing {
    fn at(revision: u64) -> Self {
        Self { revision, objects: Vec::new(), next: None, remaining: None }
    }

    /// The page is full, and there are more keys.
    fn more(&mut self, remaining: Option<u64>) {
        // The first key that can come behind the last one.
        self.next = self.objects.last().map(|last| format!("{}\0", last.key()));
        self.remaining = remaining;
    }
}

impl ListQuery {
    fn start(&self) -> &str {
        self.start.as_deref().filter(|start| **start > *self.prefix).unwrap_or(&self.prefix)
    }
}

/// One page of the objects in memory.
pub(super) fn page(tree: &Tree, revision: u64, query: &ListQuery, matcher: &Matcher) -> Listing {
    let mut listing = Listing::at(revision);
    let mut found = below(tree, query.start(), &query.prefix)
        .filter(|object| matcher.is_empty() || matcher.matches(object))
        .cloned();
    if query.limit == 0 {
        listing.objects = found.collect();
        return listing;
    }
    listing.objects = found.by_ref().take(query.limit).collect();
    if listing.objects.len() == query.limit {
        // Whatever is behind counts, whether it matches or not: as in kube-apiserver, which cannot
        // know either before it has looked.
        let after = listing.objects.last().map(|last| format!("{}\0", last.key())).unwrap_or_default();
        let behind = tree.count(&after, &range_end(&query.prefix)) as u64;
        if behind > 0 {
            listing.more(matcher.is_empty().then_some(behind));
        }
    }
    listing
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
        let mut listing = Listing::at(revision);
        let claim = self.claims.load().of(&query.prefix).clone();
        let mut start = query.start().to_owned();
        let end = range_end(&query.prefix);
        loop {
            let left = if query.limit == 0 { usize::MAX } else { query.limit - listing.objects.len() };
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
                listing.objects.push(Arc::new(object));
                if listing.objects.len() == query.limit {
                    let behind = count - (at as u64 + 1);
                    if behind > 0 {
                        listing.more(matcher.is_empty().then_some(behind));
                    }
                    return Ok(listing);
                }
            }
            match last {
                Some(last) if count > looked => start = last,
                _ => return Ok(listing),
            }
        }
    }
}
