//! What is asked to be allowed, and upstream's words for a refusal.

use serde_json::{Map, Value};

use crate::authn::User;
use crate::request::RequestInfo;
use crate::response::Failure;

/// What is asked to be allowed.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a> {
    pub user: &'a User,
    pub verb: &'a str,
    pub target: Target<'a>,
}

/// What the verb is about.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    Path(&'a str),
    Resource(ResourceTarget<'a>),
}

/// A resource; texts that do not apply are empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResourceTarget<'a> {
    pub group: &'a str,
    pub version: &'a str,
    pub resource: &'a str,
    pub subresource: &'a str,
    pub namespace: &'a str,
    pub name: &'a str,
    /// As the client typed it.
    pub field_selector: &'a str,
    /// As the client typed it.
    pub label_selector: &'a str,
}

impl<'a> Attributes<'a> {
    /// What `user` asks with a request.
    pub fn new(user: &'a User, info: &'a RequestInfo) -> Self {
        let target = if info.is_resource_request() {
            Target::Resource(ResourceTarget {
                group: info.api_group(),
                version: info.api_version(),
                resource: info.resource(),
                subresource: info.subresource(),
                namespace: info.namespace(),
                name: info.name(),
                field_selector: info.field_selector().unwrap_or_default(),
                label_selector: info.label_selector().unwrap_or_default(),
            })
        } else {
            Target::Path(info.path())
        };
        Self { user, verb: info.verb(), target }
    }

    /// The answer to a request that nobody has allowed.
    pub(crate) fn forbidden(&self, reason: &str) -> Failure {
        let mut message = escape(&self.to_string());
        if !reason.is_empty() {
            message.push_str(": ");
            message.push_str(reason);
        }
        let Target::Resource(ResourceTarget { group, resource, name, .. }) = self.target else {
            return Failure::forbidden(format!("forbidden: {message}"), Map::new());
        };
        let qualified = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        let subject = if name.is_empty() { qualified } else { format!("{qualified} {name:?}") };
        let details = [("name", name), ("group", group), ("kind", resource)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.to_owned(), Value::from(value)));
        Failure::forbidden(format!("{subject} is forbidden: {message}"), details.collect())
    }
}

/// What cannot be done, in upstream's words.
impl std::fmt::Display for Attributes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (user, verb) = (&self.user.name, self.verb);
        match self.target {
            Target::Path(path) => write!(f, "User {user:?} cannot {verb} path {path:?}"),
            Target::Resource(ResourceTarget { group, resource, subresource, namespace, .. }) => {
                let slash = if subresource.is_empty() { "" } else { "/" };
                write!(f, "User {user:?} cannot {verb} resource \"{resource}{slash}{subresource}\"")?;
                write!(f, " in API group {group:?}")?;
                if namespace.is_empty() {
                    f.write_str(" at the cluster scope")
                } else {
                    write!(f, " in the namespace {namespace:?}")
                }
            }
        }
    }
}

/// An error must not look like a page to a browser.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
