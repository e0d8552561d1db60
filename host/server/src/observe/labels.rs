//! What requests are counted by: kube-apiserver's labels.

use hashbrown::Equivalent;

use crate::request::RequestInfo;

/// The labels of a request, and the code of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Labels<'a> {
    pub(super) verb: &'a str,
    pub(super) dry_run: &'a str,
    pub(super) group: &'a str,
    pub(super) version: &'a str,
    pub(super) resource: &'a str,
    pub(super) subresource: &'a str,
    pub(super) scope: &'a str,
    pub(super) code: u16,
}

/// Hashes as [`Labels`] does.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct OwnedLabels {
    verb: Box<str>,
    dry_run: Box<str>,
    group: Box<str>,
    version: Box<str>,
    resource: Box<str>,
    subresource: Box<str>,
    scope: Box<str>,
    code: u16,
}

impl<'a> Labels<'a> {
    pub(super) fn new(info: &'a RequestInfo, apply: bool, dry_run: bool, code: u16) -> Self {
        let (version, subresource) = match info.is_resource_request() {
            true => (info.api_version(), info.subresource()),
            false => ("", native_path(info.path())),
        };
        Self {
            verb: verb(info, apply),
            dry_run: if dry_run { "All" } else { "" },
            group: info.api_group(),
            version,
            resource: info.resource(),
            subresource,
            scope: scope(info),
            code,
        }
    }

    /// What a client can make up.
    pub(super) fn names(&self) -> [&'a str; 4] {
        [self.group, self.version, self.resource, self.subresource]
    }

    pub(super) fn without_resource(self) -> Self {
        Self { group: "", version: "", resource: "", subresource: "", ..self }
    }

    pub(super) fn is_of_reading(&self) -> bool {
        matches!(self.verb, "GET" | "LIST")
    }
}

impl From<Labels<'_>> for OwnedLabels {
    fn from(labels: Labels<'_>) -> Self {
        Self {
            verb: labels.verb.into(),
            dry_run: labels.dry_run.into(),
            group: labels.group.into(),
            version: labels.version.into(),
            resource: labels.resource.into(),
            subresource: labels.subresource.into(),
            scope: labels.scope.into(),
            code: labels.code,
        }
    }
}

impl OwnedLabels {
    pub(super) fn borrowed(&self) -> Labels<'_> {
        Labels {
            verb: &self.verb,
            dry_run: &self.dry_run,
            group: &self.group,
            version: &self.version,
            resource: &self.resource,
            subresource: &self.subresource,
            scope: &self.scope,
            code: self.code,
        }
    }
}

impl Equivalent<OwnedLabels> for Labels<'_> {
    fn equivalent(&self, other: &OwnedLabels) -> bool {
        *self == other.borrowed()
    }
}

/// Upper case, and by method where tools expect that.
fn verb(info: &RequestInfo, apply: bool) -> &'static str {
    match info.verb() {
        "get" => "GET",
        "list" => "LIST",
        "watch" => "WATCH",
        "create" | "post" => "POST",
        "update" | "put" => "PUT",
        "patch" if apply => "APPLY",
        "patch" => "PATCH",
        "delete" => "DELETE",
        "deletecollection" => "DELETECOLLECTION",
        "proxy" => "PROXY",
        "head" => "HEAD",
        _ => "other",
    }
}

fn scope(info: &RequestInfo) -> &'static str {
    if !info.is_resource_request() {
        ""
    } else if !info.name().is_empty() || info.verb() == "create" {
        "resource"
    } else if !info.namespace().is_empty() {
        "namespace"
    } else {
        "cluster"
    }
}

/// Paths of the server itself; all others are one.
fn native_path(path: &str) -> &'static str {
    const PATHS: [&str; 8] = ["/healthz", "/livez", "/readyz", "/metrics", "/version", "/api", "/apis", "/openapi/v3"];
    PATHS.into_iter().find(|native| *native == path).unwrap_or_default()
}
