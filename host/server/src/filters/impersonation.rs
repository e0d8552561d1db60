//! Lets those who may act as somebody else.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use tracing::info;

use super::Filter;
use super::headers::remove_matching;
use crate::authn::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, User};
use crate::authz::{Attributes, Authorization, ResourceTarget, Target, Verdict};
use crate::request::Request;
use crate::response::{Failure, Response};

const USER: HeaderName = HeaderName::from_static("impersonate-user");
const UID: HeaderName = HeaderName::from_static("impersonate-uid");
const GROUP: HeaderName = HeaderName::from_static("impersonate-group");
const EXTRA: &str = "impersonate-extra-";

const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

pub(super) struct Impersonate {
    authorization: Arc<Authorization>,
}

impl Impersonate {
    pub(super) fn new(authorization: Arc<Authorization>) -> Self {
        Self { authorization }
    }
}

impl Filter for Impersonate {
    type Held = ();

    async fn before(&self, request: &mut Request) -> Result<(), Response> {
        // Almost nobody does this: one look must tell.
        if !request.headers().keys().any(is_impersonation) {
            return Ok(());
        }
        let Some(wanted) = wanted_user(request.headers())? else { return Ok(()) };
        let context = request.context();
        let requestor = context.user();
        // Boxed: hardly anybody comes here, and all would carry it around.
        Box::pin(check(&self.authorization, requestor, &wanted)).await?;
        info!(audit_id = context.audit_id(), user = requestor.name, as_user = wanted.name, "impersonating");
        context.impersonate(Arc::new(with_implied_groups(wanted)));

        remove_matching(request.headers_mut(), is_impersonation);
        Ok(())
    }
}

fn is_impersonation(name: &HeaderName) -> bool {
    name.as_str().starts_with("impersonate-")
}

fn wanted_user(headers: &HeaderMap) -> Result<Option<User>, Failure> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let name = headers.get(USER).map(text).unwrap_or_default();
    let uid = headers.get(UID).map(text).unwrap_or_default();
    let groups: Vec<String> = headers.get_all(GROUP).iter().map(text).collect();
    let mut extra: Vec<(String, Vec<String>)> = Vec::new();
    for (header, value) in headers {
        let Some(key) = header.as_str().strip_prefix(EXTRA) else { continue };
        let key = percent_decode_str(key).decode_utf8().map(Into::into).unwrap_or_else(|_| key.to_owned());
        match extra.iter_mut().find(|(other, _)| *other == key) {
            Some((_, values)) => values.push(text(value)),
            None => extra.push((key, vec![text(value)])),
        }
    }
    if !name.is_empty() {
        return Ok(Some(User { name, uid, groups, extra }));
    }
    if uid.is_empty() && groups.is_empty() && extra.is_empty() {
        return Ok(None);
    }
    let wanted = User { name, uid, groups, extra };
    Err(Failure::bad_request(format!("requested {wanted:?} without impersonating a user")))
}

/// Each thing that somebody wants to be is a permission of its own.
async fn check(authorization: &Authorization, requestor: &User, wanted: &User) -> Result<(), Failure> {
    let allowed = async |target| {
        let attributes = Attributes { user: requestor, verb: "impersonate", target: Target::Resource(target) };
        match authorization.authorize(&attributes).await {
            Ok(decision) if decision.verdict == Verdict::Allow => Ok(()),
            Ok(decision) => Err(attributes.forbidden(&decision.reason)),
            // As upstream: who cannot tell is no reason to let somebody be another.
            Err(_) => Err(attributes.forbidden("")),
        }
    };
    let core = ResourceTarget::default();
    let authentication = ResourceTarget { group: "authentication.k8s.io", version: "v1", ..core };
    match service_account(&wanted.name) {
        Some((namespace, name)) => {
            allowed(ResourceTarget { resource: "serviceaccounts", namespace, name, ..core }).await?;
        }
        None => allowed(ResourceTarget { resource: "users", name: &wanted.name, ..core }).await?,
    }
    if !wanted.uid.is_empty() {
        allowed(ResourceTarget { resource: "uids", name: &wanted.uid, ..authentication }).await?;
    }
    for group in &wanted.groups {
        allowed(ResourceTarget { resource: "groups", name: group, ..core }).await?;
    }
    for (key, values) in &wanted.extra {
        for value in values {
            let extra = ResourceTarget { resource: "userextras", subresource: key, name: value, ..authentication };
            allowed(extra).await?;
        }
    }
    Ok(())
}

/// The groups that authentication would have given.
fn with_implied_groups(mut user: User) -> User {
    if user.groups.is_empty()
        && let Some((namespace, _)) = service_account(&user.name)
    {
        user.groups = vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
    }
    let implied = if user.name == ANONYMOUS { UNAUTHENTICATED } else { AUTHENTICATED };
    if !user.is_in(implied) && !user.is_in(UNAUTHENTICATED) {
        user.groups.push(implied.to_owned());
    }
    user
}

/// Namespace and name.
fn service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(SERVICE_ACCOUNT)?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty() && !name.contains(':')).then_some((namespace, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authz::Mode;
    use crate::filters::testing::{Headers, Inside, message, request_of, through};

    fn impersonate() -> Impersonate {
        Impersonate::new(Arc::new(Authorization::new(vec![Mode::PublicPaths])))
    }

    #[tokio::test]
    async fn the_privileged_may_be_anybody() {
        let cases: [(Headers, &str, &str, &[&str]); 6] = [
            (&[], "root", "", &["system:masters"]),
            (&[("impersonate-user", "bob")], "bob", "", &["system:authenticated"]),
            (
                &[
                    ("impersonate-user", "bob"),
                    ("impersonate-group", "a"),
                    ("impersonate-group", "b"),
                    ("impersonate-uid", "7"),
                ],
                "bob",
                "7",
                &["a", "b", "system:authenticated"],
            ),
            (&[("impersonate-user", "system:anonymous")], "system:anonymous", "", &["system:unauthenticated"]),
            (
                &[("impersonate-user", "bob"), ("impersonate-group", "system:unauthenticated")],
                "bob",
                "",
                &["system:unauthenticated"],
            ),
            (
                &[("impersonate-user", "system:serviceaccount:ns:builder")],
                "system:serviceaccount:ns:builder",
                "",
                &["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"],
            ),
        ];
        for (headers, name, uid, groups) in cases {
            let inside = Inside::default();
            let request = request_of("root", &["system:masters"], "GET", "/api", headers);
            let (code, _, _) = through(impersonate(), request, &inside).await;
            let user = inside.user();
            assert_eq!((code, user.name.as_str(), user.uid.as_str()), (200, name, uid));
            assert_eq!(user.groups, groups);
            assert!(inside.headers().is_empty());
        }
    }

    #[tokio::test]
    async fn extra_is_decoded_and_gathered() {
        let headers = [
            ("impersonate-user", "bob"),
            ("impersonate-extra-acme.com%2Fproject", "x"),
            ("impersonate-extra-acme.com%2Fproject", "y"),
        ];
        let inside = Inside::default();
        through(impersonate(), request_of("root", &["system:masters"], "GET", "/api", &headers), &inside).await;
        assert_eq!(inside.user().extra, [("acme.com/project".to_owned(), vec!["x".to_owned(), "y".to_owned()])]);
    }

    #[tokio::test]
    async fn others_may_not() {
        let cases: [(Headers, u16, &str); 3] = [
            (
                &[("impersonate-user", "bob")],
                403,
                "users \"bob\" is forbidden: User \"eve\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope",
            ),
            (
                &[("impersonate-user", "system:serviceaccount:ns:builder")],
                403,
                "serviceaccounts \"builder\" is forbidden: User \"eve\" cannot impersonate resource \"serviceaccounts\" \
                 in API group \"\" in the namespace \"ns\"",
            ),
            (&[("impersonate-group", "system:masters")], 400, "without impersonating a user"),
        ];
        for (headers, expected, words) in cases {
            let inside = Inside::default();
            let (code, _, body) = through(impersonate(), request_of("eve", &[], "GET", "/api", headers), &inside).await;
            assert_eq!((code, inside.seen()), (expected, 0));
            assert!(message(&body).contains(words), "{body}");
        }
    }
}
