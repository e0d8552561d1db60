//! What a path and a method say about a request, as kube-apiserver's `RequestInfo`.

use std::borrow::Cow;
use std::ops::Range;

use http::uri::PathAndQuery;
use http::{Method, Uri};
use percent_encoding::percent_decode_str;

/// What a request is about. Texts are slices of its path, so nothing is copied.
#[derive(Debug, Clone, Default)]
pub struct RequestInfo {
    path: Path,
    is_resource_request: bool,
    verb: Cow<'static, str>,
    api_prefix: Span,
    api_group: Span,
    api_version: Span,
    namespace: Span,
    resource: Span,
    subresource: Span,
    name: Span,
    /// A name that a field selector says, in place of one in the path.
    selected_name: Option<Box<str>>,
    /// Where the parts are: resource, name, subresource and the rest.
    parts: Span,
    /// Without selectors if the verb is in the path: those requests do not honour them.
    field_selector: Option<Box<str>>,
    label_selector: Option<Box<str>>,
}

type Span = Range<usize>;

#[derive(Debug, Clone)]
enum Path {
    Plain(PathAndQuery),
    /// Percent-decoded, and not as it was.
    Decoded(Box<str>),
}

impl Default for Path {
    fn default() -> Self {
        Self::Plain(PathAndQuery::from_static("/"))
    }
}

/// Path segments that are verbs, for old clients.
const SPECIAL_VERBS: [&str; 2] = ["proxy", "watch"];
/// Sub-resources of a namespace; everything else below one is a resource in it.
const NAMESPACE_SUBRESOURCES: [&str; 2] = ["status", "finalize"];

/// The path asks for something that cannot be: `/api/v1/watch`.
#[derive(Debug, thiserror::Error)]
#[error("unable to determine kind and namespace from url, {0}")]
pub struct RequestInfoError(String);

impl RequestInfo {
    pub fn new(method: &Method, uri: &Uri) -> Result<Self, RequestInfoError> {
        let mut info = Self { verb: lower_method(method), ..Self::default() };
        let path = decode(uri);
        info.read(method, path.as_str(), uri.query().unwrap_or_default())
            .ok_or_else(|| RequestInfoError(uri.to_string()))?;
        Ok(Self { path, ..info })
    }

    /// Nothing if the path asks for something that cannot be.
    fn read(&mut self, method: &Method, path: &str, query: &str) -> Option<()> {
        let mut segments = Segments::new(path);
        if segments.count_to(3) < 3 {
            return Some(());
        }
        let prefix = segments.next()?;
        let grouped = match &path[prefix.clone()] {
            "api" => false,
            "apis" => true,
            _ => return Some(()),
        };
        self.api_prefix = prefix;
        if grouped {
            if segments.count_to(3) < 3 {
                return Some(());
            }
            self.api_group = segments.next()?;
        }
        self.is_resource_request = true;
        self.api_version = segments.next()?;

        let verb_in_path = SPECIAL_VERBS.iter().find(|verb| Some(**verb) == segments.peek(path));
        match verb_in_path {
            Some(verb) => {
                self.verb = Cow::Borrowed(verb);
                segments.next();
                segments.peek(path)?;
            }
            None => self.verb = Cow::Borrowed(resource_verb(method)),
        }

        if segments.peek(path) == Some("namespaces") {
            let mut inside = segments.clone();
            inside.next();
            if let Some(namespace) = inside.next() {
                self.namespace = namespace;
                if inside.peek(path).is_some_and(|below| !NAMESPACE_SUBRESOURCES.contains(&below)) {
                    segments = inside;
                }
            }
        }

        self.parts = segments.rest();
        self.resource = segments.next()?;
        if let Some(name) = segments.next() {
            self.name = name;
            if let Some(subresource) = segments.next().filter(|_| self.verb != "proxy") {
                self.subresource = subresource;
            }
        }
        self.read_query(query, verb_in_path.is_some());
        Some(())
    }

    /// A request without a name is about a collection, and the query says how.
    fn read_query(&mut self, query: &str, verb_in_path: bool) {
        if self.name.is_empty() && self.verb == "get" {
            self.verb = Cow::Borrowed(if is_watch(query) { "watch" } else { "list" });
            self.selected_name =
                first(query, "fieldSelector").and_then(|selector| selected_name(&selector)).map(Into::into);
        }
        if self.name.is_empty() && self.verb == "delete" {
            self.verb = Cow::Borrowed("deletecollection");
        }
        if !verb_in_path && matches!(&*self.verb, "list" | "watch" | "deletecollection") && !query.is_empty() {
            let selector = |name| first(query, name).filter(|text| !text.is_empty()).map(|text| text.into());
            self.field_selector = selector("fieldSelector");
            self.label_selector = selector("labelSelector");
        }
    }

    /// Percent-decoded, without the query.
    pub fn path(&self) -> &str {
        self.path.as_str()
    }

    pub fn is_resource_request(&self) -> bool {
        self.is_resource_request
    }

    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection` or
    /// `proxy` for resources, else the method in lower case.
    pub fn verb(&self) -> &str {
        &self.verb
    }

    /// `api` or `apis` for resources.
    pub fn api_prefix(&self) -> &str {
        self.text(&self.api_prefix)
    }

    pub fn api_group(&self) -> &str {
        self.text(&self.api_group)
    }

    pub fn api_version(&self) -> &str {
        self.text(&self.api_version)
    }

    pub fn namespace(&self) -> &str {
        self.text(&self.namespace)
    }

    pub fn resource(&self) -> &str {
        self.text(&self.resource)
    }

    pub fn subresource(&self) -> &str {
        self.text(&self.subresource)
    }

    pub fn name(&self) -> &str {
        self.selected_name.as_deref().unwrap_or(self.text(&self.name))
    }

    /// Resource, name, subresource and the rest of the path.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        let text = self.text(&self.parts);
        text.split('/').take(if text.is_empty() { 0 } else { usize::MAX })
    }

    /// As typed; nothing where the request cannot have one.
    pub fn field_selector(&self) -> Option<&str> {
        self.field_selector.as_deref()
    }

    /// As typed; nothing where the request cannot have one.
    pub fn label_selector(&self) -> Option<&str> {
        self.label_selector.as_deref()
    }

    /// Requests that last as long as the client wants: no deadline, no in-flight limit.
    pub fn is_long_running(&self) -> bool {
        matches!(&*self.verb, "watch" | "proxy")
            || self.is_resource_request
                && matches!(self.subresource(), "attach" | "exec" | "proxy" | "log" | "portforward")
            || !self.is_resource_request && self.path().starts_with("/debug/pprof/")
    }

    /// Whether the request only reads.
    pub fn is_reading(&self) -> bool {
        matches!(&*self.verb, "get" | "list" | "watch")
    }

    fn text(&self, span: &Span) -> &str {
        &self.path.as_str()[span.clone()]
    }
}

impl Path {
    fn as_str(&self) -> &str {
        match self {
            Self::Plain(path) => path.path(),
            Self::Decoded(text) => text,
        }
    }
}

fn decode(uri: &Uri) -> Path {
    match uri.path_and_query() {
        Some(path) if !path.path().contains('%') => Path::Plain(path.clone()),
        _ => Path::Decoded(percent_decode_str(uri.path()).decode_utf8_lossy().into()),
    }
}

fn lower_method(method: &Method) -> Cow<'static, str> {
    Cow::Borrowed(match *method {
        Method::GET => "get",
        Method::POST => "post",
        Method::PUT => "put",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        Method::HEAD => "head",
        Method::OPTIONS => "options",
        _ => return Cow::Owned(method.as_str().to_lowercase()),
    })
}

fn resource_verb(method: &Method) -> &'static str {
    match *method {
        Method::POST => "create",
        Method::GET | Method::HEAD => "get",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "",
    }
}

/// The segments of a path, without the slashes at its ends.
#[derive(Clone)]
struct Segments<'a> {
    path: &'a str,
    /// Start of the next segment; past `end` if there is none.
    start: usize,
    end: usize,
}

impl<'a> Segments<'a> {
    fn new(path: &'a str) -> Self {
        let end = path.trim_end_matches('/').len();
        let start = path.len() - path.trim_start_matches('/').len();
        // Nothing but slashes is no segment at all.
        Self { path, start: if start >= end { end + 1 } else { start }, end }
    }

    fn next(&mut self) -> Option<Span> {
        if self.start > self.end {
            return None;
        }
        let rest = &self.path[self.start..self.end];
        let length = rest.find('/').unwrap_or(rest.len());
        let span = self.start..self.start + length;
        self.start = span.end + 1;
        Some(span)
    }

    fn peek(&self, path: &'a str) -> Option<&'a str> {
        self.clone().next().map(|span| &path[span])
    }

    /// How many are left, counting to `most`.
    fn count_to(&self, most: usize) -> usize {
        let mut rest = self.clone();
        (0..most).take_while(|_| rest.next().is_some()).count()
    }

    fn rest(&self) -> Span {
        if self.start > self.end { self.end..self.end } else { self.start..self.end }
    }
}

/// The first value of a parameter, decoded.
pub(crate) fn first<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    values(query, name).next()
}

/// All values of a parameter, decoded.
pub(crate) fn values<'q>(query: &'q str, name: &str) -> impl Iterator<Item = Cow<'q, str>> {
    query.split('&').filter_map(move |pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name || (key.contains('%') && decode_value(key) == name)).then(|| decode_value(value))
    })
}

fn decode_value(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        Cow::Owned(percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned())
    } else {
        percent_decode_str(text).decode_utf8_lossy()
    }
}

fn is_watch(query: &str) -> bool {
    // Conversion of a parameter to a Go bool: anything but these two is true, even nothing.
    first(query, "watch").is_some_and(|value| !matches!(value.to_lowercase().as_str(), "false" | "0"))
}

/// The name that a field selector asks for, if the whole selector can be read.
fn selected_name(selector: &str) -> Option<String> {
    let mut found = None;
    for term in selector.split(',').filter(|term| !term.is_empty()) {
        let (field, value) = match term.split_once("!=") {
            Some(_) => continue,
            None => term.split_once("==").or_else(|| term.split_once('='))?,
        };
        if field == "metadata.name" && found.is_none() {
            found = Some(value);
        }
    }
    found.filter(|name| is_path_segment(name)).map(str::to_owned)
}

/// What may stand between two slashes.
fn is_path_segment(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '%'])
}

#[cfg(test)]
mod tests;
