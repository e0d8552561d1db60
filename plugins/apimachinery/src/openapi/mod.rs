//! OpenAPI v3: an index of what is served with a hash for each group version, and a document
//! for each of them, made from the definitions when it is first asked for.
//!
//! - `document`: one group version's document.
//! - `paths`, `parameters`: its operations.
//! - `schemas`: its types.
//! - `descriptions`: what types and fields are.
//! - `second`: all of them as one document of version 2, which the outermost link serves.
//! - `protobuf`: that document in its other form.
//!
//! Custom resources are published with the words of their definition.

mod descriptions;
mod document;
mod parameters;
mod paths;
mod protobuf;
mod schemas;
mod second;

#[cfg(test)]
mod tests;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use plugin_sdk::registration::Route;
use plugin_sdk::{Answer, Body, Client, Context, Delegate, Response, Summary, configuration};
use sha2::{Digest, Sha512};

use crate::definition::Definition;
use crate::tree::{Map, Value, json};

/// The tag of the routes that [`routes`] makes: answer them with [`Published::serve_merged`].
pub const TAG: &str = "openapi";

/// The tag of the route that [`second_route`] makes: answer it with [`Published::serve_second`].
pub const SECOND_TAG: &str = "openapi v2";

const ROOT: &str = "/openapi/v3";
const SECOND: &str = "/openapi/v2";

pub fn routes() -> Vec<Route> {
    vec![Route::prefix(ROOT).tag(TAG)]
}

/// That of version 2: for the link that all others are behind.
pub fn second_route() -> Route {
    Route::prefix(SECOND).tag(SECOND_TAG)
}

/// The documents of one link, kept by it.
#[derive(Default)]
pub struct Published {
    kept: RefCell<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Of the definitions that these documents are about.
    revision: u64,
    /// By group version, as it stands in paths: `api/v1`, `apis/apps/v1`.
    documents: BTreeMap<String, Rc<Vec<u8>>>,
    hashes: BTreeMap<String, String>,
    second: Option<Rc<Second>>,
}

/// The document of version 2, in the forms that were asked for.
struct Second {
    /// Of the index that it was made for.
    hash: String,
    json: Vec<u8>,
    protobuf: OnceCell<Vec<u8>>,
}

impl Published {
    /// Answers a request below `/openapi/v3`, by whatever method: from what is served here, or
    /// behind.
    ///
    /// `revision` changes whenever the definitions do.
    pub async fn serve_merged(
        &self,
        context: &Context,
        summary: &Summary,
        own: &[&Definition],
        revision: u64,
    ) -> Answer {
        self.keep(revision);
        match summary.path().strip_prefix(ROOT).map(|path| path.trim_matches('/')) {
            Some("") => Answer::json(200, self.index(context, own).await.to_string()),
            Some(group_version) => match self.hash(group_version, own) {
                Some(hash) => self.document(group_version, &hash, summary.query(), context, own),
                None => Answer::Pass,
            },
            None => Answer::Pass,
        }
    }

    /// Answers a request for version 2, by whatever method, as upstream does.
    pub async fn serve_second(&self, context: &Context, summary: &Summary, own: &[&Definition]) -> Answer {
        let Some(form) = second::Form::of(summary.accept()) else {
            return Response::new(406).header("vary", "Accept").into();
        };
        let index = self.index(context, own).await;
        let hash = sha512(index.to_string().as_bytes());
        let etag = format!("\"{hash}\"");
        let response = Response::new(200).header("etag", etag.clone()).header("vary", "Accept");
        if knows(context, &etag) {
            return Response { status: 304, ..response }.into();
        }
        let kept = self.kept.borrow().second.clone().filter(|kept| kept.hash == hash);
        let document = match kept {
            Some(document) => document,
            None => {
                let json = self.second(&index, context, own).await;
                let document = Rc::new(Second { hash, json, protobuf: OnceCell::new() });
                self.kept.borrow_mut().second = Some(document.clone());
                document
            }
        };
        let bytes = match form {
            second::Form::Json => &document.json,
            second::Form::Protobuf => document.protobuf.get_or_init(|| {
                let tree: Value = serde_json::from_slice(&document.json).unwrap_or_default();
                protobuf::encode(&tree)
            }),
        };
        response.header("content-type", form.media_type()).body(Body::Bytes(bytes.clone())).into()
    }

    async fn second<D: Delegate>(&self, index: &Value, delegate: &D, own: &[&Definition]) -> Vec<u8> {
        let mut documents = Vec::new();
        for (group_version, url) in index["paths"].as_object().into_iter().flatten() {
            if !document::definitions_of(group_version, own).is_empty() {
                documents.extend(serde_json::from_slice(&self.bytes(group_version, own)));
            } else if let Some(url) = url["serverRelativeURL"].as_str()
                && let Ok(answer) = Client::new(delegate).get(url).await
                && answer.is_success()
            {
                documents.extend(serde_json::from_slice(&answer.body));
            }
        }
        let server = configuration::fact("version").unwrap_or_default();
        second::document(&server, &documents).to_string().into_bytes()
    }

    /// Forgets what was made for other definitions.
    fn keep(&self, revision: u64) {
        let mut kept = self.kept.borrow_mut();
        if kept.revision != revision {
            *kept = Kept { revision, ..Kept::default() };
        }
    }

    async fn index<D: Delegate>(&self, delegate: &D, own: &[&Definition]) -> Value {
        let mut paths = BTreeMap::new();
        if let Ok(answer) = Client::new(delegate).get(ROOT).await
            && answer.is_success()
            && let Ok(mut behind) = serde_json::from_slice::<Value>(&answer.body)
            && let Some(behind) = behind["paths"].as_object_mut()
        {
            paths.extend(std::mem::take(behind));
        }
        for group_version in own.iter().map(|definition| path_of(definition)) {
            if let Some(hash) = self.hash(&group_version, own) {
                let url = format!("{ROOT}/{group_version}?hash={hash}");
                paths.insert(group_version.into(), json!({ "serverRelativeURL": url }));
            }
        }
        json!({ "paths": Map::from_iter(paths) })
    }

    /// What changes when the document would; nothing for a version that is not served here.
    fn hash(&self, group_version: &str, own: &[&Definition]) -> Option<String> {
        if let Some(hash) = self.kept.borrow().hashes.get(group_version) {
            return Some(hash.clone());
        }
        let of = document::definitions_of(group_version, own);
        if of.is_empty() {
            return None;
        }
        let hash = document::hash(&of);
        self.kept.borrow_mut().hashes.insert(group_version.to_string(), hash.clone());
        Some(hash)
    }

    fn document(&self, group_version: &str, hash: &str, query: &str, context: &Context, own: &[&Definition]) -> Answer {
        let asked = query.split('&').find_map(|pair| pair.strip_prefix("hash="));
        if asked.is_some_and(|asked| !asked.is_empty() && asked != hash) {
            let location = format!("{ROOT}/{group_version}?hash={hash}");
            return Response::new(301).header("location", location).into();
        }
        let etag = format!("\"{hash}\"");
        let mut response = Response::new(200).header("etag", etag.clone()).header("vary", "Accept");
        if asked.is_some() {
            // The address names the content, so it may be kept for good.
            response = response.header("cache-control", "public, immutable, max-age=31536000");
        }
        if knows(context, &etag) {
            return Response { status: 304, ..response }.into();
        }
        let bytes = self.bytes(group_version, own);
        response.header("content-type", "application/json").body(Body::Bytes(bytes.to_vec())).into()
    }

    fn bytes(&self, group_version: &str, own: &[&Definition]) -> Rc<Vec<u8>> {
        if let Some(bytes) = self.kept.borrow().documents.get(group_version) {
            return bytes.clone();
        }
        let server = configuration::fact("version").unwrap_or_default();
        let document = document::document(&document::definitions_of(group_version, own), &server);
        let bytes = Rc::new(document.to_string().into_bytes());
        self.kept.borrow_mut().documents.insert(group_version.to_string(), bytes.clone());
        bytes
    }
}

/// Whether the client has what the ETag names.
fn knows(context: &Context, etag: &str) -> bool {
    context.header("if-none-match").is_some_and(|known| known.split(',').any(|known| known.trim() == etag))
}

/// `api/v1` or `apis/apps/v1`.
fn path_of(definition: &Definition) -> String {
    let root = if definition.group.is_empty() { "api" } else { "apis" };
    format!("{root}/{}", definition.api_version())
}

fn sha512(text: &[u8]) -> String {
    format!("{:X}", Sha512::digest(text))
}
