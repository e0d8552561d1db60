//! OpenAPI v3: an index of what is served with a hash for each document, and the documents: of each
//! version, each group, and the server itself, made from the definitions when they are first asked for.
//!
//! - `document`: one document.
//! - `paths`, `operation`, `parameters`, `names`: its operations.
//! - `schemas`, `types`, `custom`, `versions`: its types.
//! - `second`: all of them as one document of version 2, which the outermost link serves.
//! - `protobuf`: both in their other form.
//!
//! What clients and generators see of a document is what upstream's says, but for the words of
//! descriptions; `tests/differential/openapi.py` compares them.

mod custom;
mod document;
mod form;
mod names;
mod operation;
mod parameters;
mod paths;
mod protobuf;
mod schemas;
mod second;
mod types;
mod versions;

#[cfg(test)]
mod tests;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use plugin_sdk::lifecycle::{self, Signal};
use plugin_sdk::registration::Route;
use plugin_sdk::{Answer, Body, Client, Context, Delegate, Response, Summary, configuration};
use sha2::{Digest, Sha512};

use self::form::Form;
use self::second::Parts;
use crate::definition::Definition;
use crate::encode;
use crate::status::ApiError;
use crate::tree::{Map, Value, json};

/// The tag of the routes that [`routes`] makes: answer them with [`Published::serve_merged`].
pub const TAG: &str = "openapi";

/// The tag of the route that [`second_route`] makes: answer it with [`Published::serve_second`].
pub const SECOND_TAG: &str = "openapi v2";

const ROOT: &str = "/openapi/v3";
const SECOND: &str = "/openapi/v2";

/// Documents that are kept, in bytes of all their forms: those of the built-in types, and of many custom
/// resources. Beyond that they are made again when they are asked for.
const KEPT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How large the document of version 2 may be, in all its forms, whose parts are kept beside it. Those of a
/// larger one are made again with each change.
const PARTS_BYTES_MAX: usize = 24 * 1024 * 1024;

/// JSON texts by name: documents are put together from pieces that are written one by one.
type Texts = BTreeMap<String, String>;

pub fn routes() -> Vec<Route> {
    vec![Route::prefix(ROOT).tag(TAG)]
}

/// That of version 2: for the link that all others are behind.
pub fn second_route() -> Route {
    Route::exact(SECOND).tag(SECOND_TAG)
}

/// The documents of one link, kept by it.
#[derive(Default)]
pub struct Published {
    /// Whether they are about what the server itself answers, too.
    of_server: bool,
    kept: RefCell<Kept>,
    second: RefCell<Second>,
}

#[derive(Default)]
struct Kept {
    /// Of the definitions that these documents are about.
    revision: u64,
    /// By name, as it stands in paths: `api/v1`, `apis/apps/v1`.
    documents: BTreeMap<String, Rc<Document>>,
    hashes: BTreeMap<String, String>,
}

/// What version 2 is made of, and what was made of it last.
#[derive(Default)]
struct Second {
    parts: Parts,
    made: Option<Rc<Document>>,
}

/// A document in the forms that were asked for.
struct Document {
    hash: String,
    json: Vec<u8>,
    protobuf: OnceCell<Vec<u8>>,
}

impl Published {
    /// Those of the link that all others are behind: it tells of the server itself, too.
    pub fn of_server() -> Self {
        Self { of_server: true, ..Self::default() }
    }

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
        let Some(name) = summary.path().strip_prefix(ROOT).and_then(|path| path.strip_prefix('/')) else {
            return self.answer_index(context, own).await;
        };
        match self.hash(name, own) {
            Some(hash) => self.document(name, &hash, context, summary, own),
            // Upstream's aggregator leads to what its index names, and says no more of the rest.
            None if self.of_server && lifecycle::has_fired(Signal::MuxAndDiscoveryComplete) => {
                match self.index(context, own).await["paths"].get(name) {
                    Some(_) => Answer::Pass,
                    None => Response::new(404).into(),
                }
            }
            None => Answer::Pass,
        }
    }

    async fn answer_index(&self, context: &Context, own: &[&Definition]) -> Answer {
        let text = self.index(context, own).await.to_string();
        // Upstream's aggregator says neither that its index is JSON nor which one it is.
        if self.of_server {
            let response = Response::new(200).header("content-type", "text/plain; charset=utf-8");
            return response.body(Body::Bytes(text.into_bytes())).into();
        }
        let etag = quoted(&sha512(text.as_bytes()));
        match knows(context, &etag) {
            true => Response::new(304).header("etag", etag).into(),
            false => {
                let response = Response::new(200).header("content-type", "application/json").header("etag", etag);
                response.body(Body::Bytes(text.into_bytes())).into()
            }
        }
    }

    /// Answers a request for version 2, by whatever method, as upstream does.
    pub async fn serve_second(&self, context: &Context, summary: &Summary, own: &[&Definition]) -> Answer {
        let Some(form) = Form::of(summary.accept(), form::SECOND) else {
            return Response::new(406).header("vary", "Accept").into();
        };
        let index = self.index(context, own).await;
        let hash = sha512(index.to_string().as_bytes());
        let etag = quoted(&hash);
        let response = Response::new(200).header("etag", etag.clone()).header("vary", "Accept");
        if knows(context, &etag) {
            return Response { status: 304, ..response }.into();
        }
        let made = self.second.borrow().made.clone().filter(|made| made.hash == hash);
        let document = match made {
            Some(document) => document,
            None => self.second(hash, &index, context, own).await,
        };
        let bytes = match document.written(form, protobuf::second) {
            Ok(bytes) => bytes.to_vec(),
            Err(error) => return encode::failure(summary, &error),
        };
        self.second.borrow_mut().bound(&document);
        response.header("content-type", form.media_type(form::SECOND)).body(Body::Bytes(bytes)).into()
    }

    /// Makes the document of version 2. What was made of a document of version 3 is made again only
    /// if that has changed.
    async fn second<D: Delegate>(
        &self,
        hash: String,
        index: &Value,
        delegate: &D,
        own: &[&Definition],
    ) -> Rc<Document> {
        let mut parts = std::mem::take(&mut self.second.borrow_mut().parts);
        parts.keep_only(|name| index["paths"].get(name).is_some());
        let mut is_whole = true;
        for (name, url) in index["paths"].as_object().into_iter().flatten() {
            let Some(url) = url["serverRelativeURL"].as_str() else { continue };
            if parts.are_of(name, url) {
                continue;
            }
            if self.hash(name, own).is_some() {
                parts.add(name, url, &self.made(name, own).json);
                continue;
            }
            match Client::new(delegate).get(url).await {
                Ok(answer) if answer.is_success() => parts.add(name, url, &answer.body),
                _ => is_whole = false,
            }
        }
        let json = parts.document(&server());
        let document = Rc::new(Document { hash, json, protobuf: OnceCell::new() });
        // What is missing is asked for again.
        let mut second = self.second.borrow_mut();
        *second = Second { parts, made: is_whole.then(|| document.clone()) };
        second.bound(&document);
        document
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
        for (name, of) in document::all(own, self.of_server) {
            let url = format!("{ROOT}/{name}?hash={}", self.hash_of(&name, &of));
            paths.insert(name.into(), json!({ "serverRelativeURL": url }));
        }
        json!({ "paths": Map::from_iter(paths) })
    }

    /// What changes when the document would; nothing for one that is not served here.
    fn hash(&self, name: &str, own: &[&Definition]) -> Option<String> {
        document::all(own, self.of_server).get(name).map(|of| self.hash_of(name, of))
    }

    fn hash_of(&self, name: &str, of: &[&Definition]) -> String {
        if let Some(hash) = self.kept.borrow().hashes.get(name) {
            return hash.clone();
        }
        let hash = document::hash(name, of, &server());
        self.kept.borrow_mut().hashes.insert(name.to_string(), hash.clone());
        hash
    }

    fn document(&self, name: &str, hash: &str, context: &Context, summary: &Summary, own: &[&Definition]) -> Answer {
        let Some(form) = Form::of(summary.accept(), form::THIRD) else {
            return Response::new(406).header("vary", "Accept").into();
        };
        let asked = summary.query().split('&').find_map(|pair| pair.strip_prefix("hash=")).unwrap_or_default();
        let etag = quoted(hash);
        let mut response = Response::new(200).header("etag", etag.clone()).header("vary", "Accept");
        if !asked.is_empty() {
            if asked != hash {
                let location = format!("{ROOT}/{name}?hash={hash}");
                return Response { status: 301, ..response }.header("location", location).into();
            }
            // The address names the content, so it may be kept for good.
            response = response.header("cache-control", "public, immutable, max-age=31536000");
        }
        if knows(context, &etag) {
            return Response { status: 304, ..response }.into();
        }
        let document = self.made(name, own);
        let bytes = match document.written(form, protobuf::third) {
            Ok(bytes) => bytes.to_vec(),
            Err(error) => return encode::failure(summary, &error),
        };
        // It may have one form more than when it was made.
        self.kept.borrow_mut().put(name, &document);
        response.header("content-type", form.media_type(form::THIRD)).body(Body::Bytes(bytes)).into()
    }

    fn made(&self, name: &str, own: &[&Definition]) -> Rc<Document> {
        if let Some(made) = self.kept.borrow().documents.get(name) {
            return made.clone();
        }
        let about: Vec<&Definition> = own.iter().copied().filter(|definition| path_of(definition) == name).collect();
        let json = document::document(name, &about, &server());
        let made = Rc::new(Document { hash: String::new(), json, protobuf: OnceCell::new() });
        self.kept.borrow_mut().put(name, &made);
        made
    }
}

impl Kept {
    /// Keeps a document as it is now: alone, if all of them are too large together.
    fn put(&mut self, name: &str, document: &Rc<Document>) {
        self.documents.insert(name.to_string(), document.clone());
        let bytes: usize = self.documents.values().map(|document| document.bytes()).sum();
        if bytes > KEPT_BYTES_MAX {
            self.documents.retain(|kept, _| kept == name);
        }
    }
}

impl Second {
    /// Drops the parts if the document that was made of them is too large to keep them, too.
    fn bound(&mut self, document: &Document) {
        if document.bytes() > PARTS_BYTES_MAX {
            self.parts = Parts::default();
        }
    }
}

impl Document {
    /// How large it is, in all forms that were asked for.
    fn bytes(&self) -> usize {
        self.json.len() + self.protobuf.get().map_or(0, Vec::len)
    }

    /// # Errors
    /// It cannot be written in this form. Nothing is kept of that.
    fn written(
        &self,
        form: Form,
        protobuf: impl FnOnce(&[u8]) -> serde_json::Result<Vec<u8>>,
    ) -> Result<&[u8], ApiError> {
        if form == Form::Json {
            return Ok(&self.json);
        }
        if let Some(written) = self.protobuf.get() {
            return Ok(written);
        }
        let written = protobuf(&self.json)
            .map_err(|why| ApiError::internal(format!("the OpenAPI document cannot be written as protobuf: {why}")))?;
        Ok(self.protobuf.get_or_init(|| written))
    }
}

/// Whether the client has what the ETag names.
fn knows(context: &Context, etag: &str) -> bool {
    context.header("if-none-match").is_some_and(|known| is_among(&known, etag))
}

/// Weak ones count, as in Go's server of content.
fn is_among(known: &str, etag: &str) -> bool {
    let mut known = known.split(',').map(|known| known.trim());
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
}

/// `api/v1` or `apis/apps/v1`.
fn path_of(definition: &Definition) -> String {
    let root = if definition.group.is_empty() { "api" } else { "apis" };
    format!("{root}/{}", definition.api_version())
}

/// The Kubernetes version that is served.
fn server() -> String {
    configuration::fact("version").unwrap_or_default()
}

fn quoted(hash: &str) -> String {
    format!("\"{hash}\"")
}

fn sha512(text: &[u8]) -> String {
    format!("{:X}", Sha512::digest(text))
}
