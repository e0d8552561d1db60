//! Who may do what, until role-based access control comes as a plugin: `system:masters`
//! everything, everybody health and version, others nothing.

use serde_json::{Map, Value};

use crate::authn::{PRIVILEGED, User};
use crate::request::RequestInfo;
use crate::response::Failure;

/// What is asked to be allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes<'a> {
    pub user: &'a User,
    pub verb: &'a str,
    pub target: Target<'a>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    Path(&'a str),
    Resource { group: &'a str, resource: &'a str, subresource: &'a str, namespace: &'a str, name: &'a str },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Allow,
    /// Nobody has allowed it.
    NoOpinion,
}

/// Paths that kube-apiserver's role `system:public-info-viewer` opens to everybody.
const PUBLIC_PATHS: [&str; 5] = ["/healthz", "/livez", "/readyz", "/version", "/version/"];

/// Decides. The first rule that allows counts.
pub(crate) fn authorize(attributes: &Attributes) -> Decision {
    if attributes.user.is_in(PRIVILEGED) {
        return Decision::Allow;
    }
    match attributes.target {
        Target::Path(path) if attributes.verb == "get" && PUBLIC_PATHS.contains(&path) => Decision::Allow,
        _ => Decision::NoOpinion,
    }
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(user: &'a User, info: &'a RequestInfo) -> Self {
        let target = if info.is_resource_request() {
            Target::Resource {
                group: info.api_group(),
                resource: info.resource(),
                subresource: info.subresource(),
                namespace: info.namespace(),
                name: info.name(),
            }
        } else {
            Target::Path(info.path())
        };
        Self { user, verb: info.verb(), target }
    }

    /// The answer to a request that nobody has allowed.
    pub(crate) fn forbidden(&self) -> Failure {
        let message = escape(&self.to_string());
        let Target::Resource { group, resource, name, .. } = self.target else {
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
            Target::Resource { group, resource, subresource, namespace, .. } => {
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
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
