//! What an instance keeps of definitions to answer requests: made when a route says that it
//! is needed, made again when a route names a newer revision than was read.

use std::cell::RefCell;
use std::rc::Rc;

use apimachinery::definition::{Definition, no_webhooks};
use apimachinery::discovery;
use apimachinery::encode;
use apimachinery::openapi::Published;
use apimachinery::rest::{self, from_store};
use apimachinery::status::ApiError;
use plugin_sdk::storage::{Freshness, ListQuery, Selector};
use plugin_sdk::{Answer, Context, Store, Summary};

use crate::crd::{self, Crd};
use crate::custom;
use crate::kept::{Custom, Kept};

/// Definitions are read in pages, since each may be megabytes.
const PAGE: u32 = 8;

#[derive(Default)]
pub(crate) struct Serving {
    custom: RefCell<Kept>,
    all: RefCell<All>,
    published: Published,
}

/// All definitions, without their schemas.
#[derive(Default)]
struct All {
    revision: u64,
    definitions: Rc<Vec<Definition>>,
}

impl Serving {
    /// Answers a request for custom resources.
    pub(crate) async fn custom(&self, context: &Context, summary: &Summary, name: &str, version: &str) -> Answer {
        let definition = match self.definition(&context.store(), name, version, summary.route_revision).await {
            Ok(Some(definition)) => definition,
            Ok(None) => return Answer::Pass,
            Err(error) => return encode::failure(summary, &error),
        };
        // Upstream leaves requests of the wrong scope to the delegate, which knows no such path.
        let within = !summary.namespace().is_empty();
        let across = definition.namespaced && matches!(summary.verb(), "list" | "watch");
        if definition.namespaced != within && !across {
            return Answer::Pass;
        }
        // Whatever becomes of the request.
        if let Some(warning) = &definition.deprecation_warning {
            context.warn(warning);
        }
        if !summary.subresource().is_empty() && definition.subresource(summary.subresource()).is_none() {
            return encode::failure(summary, &ApiError::not_found(&definition, summary.name()));
        }
        if self.is_converted_by_webhook(name, version) {
            let message = no_webhooks(&definition.api_version(), &definition.kind);
            return encode::failure(summary, &ApiError::new(500, "", message));
        }
        rest::handle(&definition, context, summary).await
    }

    /// Whether objects would have to be converted by a webhook to be shown in this version. To
    /// show them as they are would be wrong.
    fn is_converted_by_webhook(&self, name: &str, version: &str) -> bool {
        self.custom.borrow_mut().get(name).is_some_and(|kept| kept.by_webhook.iter().any(|other| other == version))
    }

    /// The definition, not older than the route that led here.
    async fn definition(
        &self,
        store: &Store,
        name: &str,
        version: &str,
        revision: u64,
    ) -> Result<Option<Rc<Definition>>, ApiError> {
        if let Some(kept) = self.custom.borrow_mut().get(name).filter(|kept| kept.revision >= revision) {
            return Ok(kept.versions.get(version).cloned());
        }
        let found = store.get(crd::key(name), Freshness::NotOlder(revision)).await.map_err(from_store)?;
        let Some(object) = found else {
            self.custom.borrow_mut().remove(name);
            return Ok(None);
        };
        let stored = object.value();
        let crd = Crd::parse(&stored).map_err(ApiError::internal)?;
        let made = custom::for_serving(&crd, &stored).map_err(ApiError::internal)?;
        let made = Custom {
            revision: object.revision().max(revision),
            versions: made.into_iter().map(|made| (made.version.to_string(), Rc::new(made))).collect(),
            by_webhook: crd.converted_by_webhook(),
            bytes: stored.len(),
        };
        let wanted = made.versions.get(version).cloned();
        self.custom.borrow_mut().put(name, made);
        Ok(wanted)
    }

    /// Answers a discovery request.
    pub(crate) async fn discovery(&self, context: &Context, summary: &Summary, own: &Definition) -> Answer {
        match self.all(&context.store(), summary.route_revision).await {
            Ok(all) => {
                let all: Vec<&Definition> = std::iter::once(own).chain(all.iter()).collect();
                discovery::serve_merged(context, summary, &all).await
            }
            Err(error) => encode::failure(summary, &error),
        }
    }

    /// Answers a request for OpenAPI documents. Schemas are read for the version that is asked
    /// for, and not kept.
    pub(crate) async fn openapi(&self, context: &Context, summary: &Summary, own: &Definition) -> Answer {
        let revision = summary.route_revision;
        let asked = summary.path().strip_prefix("/openapi/v3/apis/").and_then(|path| path.split_once('/'));
        let read = match asked {
            Some((group, version)) => self.publish(&context.store(), group, version, revision).await,
            None => self.all(&context.store(), revision).await,
        };
        match read {
            Ok(all) => {
                let all: Vec<&Definition> = std::iter::once(own).chain(all.iter()).collect();
                self.published.serve_merged(context, summary, &all, revision).await
            }
            Err(error) => encode::failure(summary, &error),
        }
    }

    async fn all(&self, store: &Store, revision: u64) -> Result<Rc<Vec<Definition>>, ApiError> {
        {
            let kept = self.all.borrow();
            if kept.revision >= revision && (revision > 0 || kept.revision > 0) {
                return Ok(kept.definitions.clone());
            }
        }
        let mut definitions = Vec::new();
        let seen = each(store, revision, |crd| {
            if crd.is_served() {
                definitions.extend(custom::for_discovery(crd));
            }
        });
        let seen = seen.await?;
        let definitions = Rc::new(definitions);
        *self.all.borrow_mut() = All { revision: seen.max(revision), definitions: definitions.clone() };
        Ok(definitions)
    }

    /// Those of one group and version, with their schemas. The others' are not read: whoever wants the
    /// document of everything asks for every group and version.
    async fn publish(
        &self,
        store: &Store,
        group: &str,
        version: &str,
        revision: u64,
    ) -> Result<Rc<Vec<Definition>>, ApiError> {
        let mut definitions = Vec::new();
        for known in self.all(store, revision).await?.iter() {
            if *known.group != *group || *known.version != *version {
                continue;
            }
            let key = crd::key(&known.qualified_resource());
            if let Some(object) = store.get(key, not_older(revision)).await.map_err(from_store)? {
                definitions.extend(custom::for_publishing(&object.value(), version).map_err(ApiError::internal)?);
            }
        }
        Ok(Rc::new(definitions))
    }
}

/// Shows every stored definition, as of a revision that is not older than `revision`; that
/// revision is returned.
async fn each(store: &Store, revision: u64, mut visit: impl FnMut(&Crd)) -> Result<u64, ApiError> {
    let query = ListQuery {
        prefix: crd::PREFIX.to_string(),
        start: None,
        selector: Selector { labels: Vec::new(), fields: Vec::new() },
        freshness: not_older(revision),
        limit: 0,
    };
    let collection = store.list(query).await.map_err(from_store)?;
    let mut offset = 0;
    while offset < collection.count() {
        let page = collection.read(offset, PAGE);
        if page.is_empty() {
            break;
        }
        offset += page.len() as u64;
        for object in page {
            visit(&Crd::parse(&object.value()).map_err(ApiError::internal)?);
        }
    }
    Ok(collection.revision())
}

fn not_older(revision: u64) -> Freshness {
    if revision == 0 { Freshness::Latest } else { Freshness::NotOlder(revision) }
}
