//! Plain reads: what the host answers by itself, since the link has said how.
//!
//! An object that is read as it is stored needs no guest to decide that. What is not plain (another
//! form, a parameter, an object that is not there) goes to the link, so that what is special is known in
//! one place.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use forms::{clauses, is_for_people};
use host_server::RequestInfo;
use host_store::Freshness;
use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderMap, Method};

use super::RequestState;
use crate::bindings::host::chain::registration::PlainRead as Declared;
use crate::bindings::host::chain::request::{ItemForm, TypeMeta};

/// What one generation of a link has declared.
#[derive(Debug, Default, Clone)]
pub struct PlainReads(Arc<BTreeMap<ResourceKey, Arc<PlainRead>>>);

pub(super) type ResourceKey = (String, String, String);

/// How objects of one resource are read.
#[derive(Debug, PartialEq, Eq)]
pub struct PlainRead {
    prefix: String,
    namespaced: bool,
    typed: Option<(String, String)>,
}

impl PlainReads {
    /// These, and those before for other resources.
    pub(super) fn with(&self, reads: Vec<Declared>) -> Self {
        let mut all = BTreeMap::clone(&self.0);
        for Declared { resource, prefix, namespaced, typed } in reads {
            let typed = typed.map(|typed| (typed.kind, typed.api_version));
            let key = (resource.group, resource.version, resource.resource);
            all.insert(key, Arc::new(PlainRead { prefix, namespaced, typed }));
        }
        Self(Arc::new(all))
    }

    /// Those of objects at these prefixes.
    pub(super) fn below(&self, prefixes: &HashSet<&str>) -> Self {
        let held = self.0.iter().filter(|(_, read)| prefixes.contains(&*read.prefix));
        Self(Arc::new(held.map(|(resource, read)| (resource.clone(), read.clone())).collect()))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn of(&self, resource: &ResourceKey) -> Option<&Arc<PlainRead>> {
        self.0.get(resource)
    }
}

impl PlainRead {
    /// The object that a request reads and how fresh it has to be, if it is a plain read.
    pub fn key_in(&self, request: &RequestState) -> Option<(String, Freshness)> {
        let freshness = match request.uri.query() {
            None | Some("" | "resourceVersion=") => Freshness::Latest,
            Some("resourceVersion=0") => Freshness::Any,
            Some(_) => return None,
        };
        let plain =
            request.method == Method::GET && takes_json(&request.headers) && !is_read_by_people(&request.headers);
        let key = if plain { self.key(request.request_info())? } else { return None };
        Some((key, freshness))
    }

    /// How the object is written.
    pub fn form(&self) -> ItemForm {
        match &self.typed {
            Some((kind, api_version)) => {
                ItemForm::Typed(TypeMeta { kind: kind.clone(), api_version: api_version.clone() })
            }
            None => ItemForm::Stored,
        }
    }

    fn key(&self, info: &RequestInfo) -> Option<String> {
        let mut parts = info.parts();
        let (_, name) = (parts.next()?, parts.next()?);
        // A namespace's own name is taken for its namespace.
        let within = !info.namespace().is_empty() && info.resource() != "namespaces";
        if info.verb() != "get" || parts.next().is_some() || name.is_empty() || within != self.namespaced {
            return None;
        }
        Some(match self.namespaced {
            true => [&self.prefix, info.namespace(), "/", name].concat(),
            false => [&*self.prefix, name].concat(),
        })
    }
}

/// Whether JSON, whole and with nothing around it, is what comes first.
fn takes_json(headers: &HeaderMap) -> bool {
    // Of several the first counts, as upstream.
    let Some(accept) = headers.get(ACCEPT) else { return true };
    let Ok(accept) = accept.to_str() else { return false };
    // As nearly everybody asks.
    if matches!(accept, "application/json" | "*/*") {
        return true;
    }
    // What is weighed or has parameters is not plain.
    if accept.contains(';') {
        return false;
    }
    let Some(first) = clauses(accept).next() else { return false };
    let name = match (first.kind(), first.subtype()) {
        ("application", "json") => "application/json",
        ("*", "*") => "*/*",
        _ => return false,
    };
    // What is written otherwise may be refused.
    accept.contains(name)
}

/// Whether the answer would be indented, as upstream does for those.
fn is_read_by_people(headers: &HeaderMap) -> bool {
    let agent = headers.get(USER_AGENT).and_then(|agent| str::from_utf8(agent.as_bytes()).ok());
    is_for_people("", agent.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const PODS: &str = "/api/v1/namespaces/a/pods/b";

    fn headers(accept: &[&'static str], agent: &'static str) -> HeaderMap {
        let mut headers: HeaderMap = accept.iter().map(|one| (ACCEPT, HeaderValue::from_static(one))).collect();
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        headers
    }

    #[test]
    fn only_whole_json_is_plain() {
        for (accept, plain) in [
            (&[][..], true),
            (&["application/json"], true),
            (&["application/json, */*"], true),
            (&["*/*"], true),
            (&["application/json;as=Table;v=v1;g=meta.k8s.io,application/json"], false),
            (&["application/vnd.kubernetes.protobuf,application/json"], false),
            (&["application/yaml"], false),
            (&["application/json;q=0.5, application/yaml"], false),
            (&["application/json", "application/yaml"], true),
            (&["application/yaml", "application/json"], false),
            (&["*/*, application/yaml"], false),
            (&["*, text/html"], false),
            (&[""], false),
        ] {
            assert_eq!(takes_json(&headers(accept, "test")), plain, "{accept:?}");
        }
    }

    #[test]
    fn who_reads_it_indented_gets_it_from_the_link() {
        for (agent, read) in [("curl/8.0", true), ("Mozilla/5.0 (X11)", true), ("kubectl/v1.36", false), ("", false)] {
            assert_eq!(is_read_by_people(&headers(&[], agent)), read, "{agent}");
        }
    }

    #[test]
    fn one_object_in_its_scope_is_plain() {
        let read = |namespaced| PlainRead { prefix: "/registry/x/".to_string(), namespaced, typed: None };
        for (namespaced, method, path, key) in [
            (true, "GET", PODS, Some("/registry/x/a/b")),
            (true, "DELETE", PODS, None),
            (true, "GET", "/api/v1/namespaces/a/pods", None),
            (true, "GET", "/api/v1/namespaces/a/pods/b/status", None),
            (true, "GET", "/api/v1/namespaces/a/pods/b/proxy/c", None),
            (true, "GET", "/api/v1/pods/b", None),
            (true, "GET", "/api/v1/watch/namespaces/a/pods/b", None),
            (false, "GET", "/api/v1/nodes/b", Some("/registry/x/b")),
            (false, "GET", PODS, None),
            (false, "GET", "/api/v1/namespaces/a", Some("/registry/x/a")),
            (false, "GET", "/api/v1/namespaces/a/finalize", None),
        ] {
            let info = RequestInfo::new(&method.parse().unwrap(), &path.parse().unwrap()).unwrap();
            assert_eq!(read(namespaced).key(&info).as_deref(), key, "{method} {path}");
        }
    }
}
