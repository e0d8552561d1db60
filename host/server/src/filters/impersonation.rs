//! Lets those who may act as somebody else.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use tracing::info;

use super::Filter;
use super::headers::remove_matching;
use crate::authn::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, User};
use crate::authz::{Attributes, Decision, Target, authorize};
use crate::request::Request;
use crate::response::{Failure, Response};

const USER: HeaderName = HeaderName::from_static("impersonate-user");
const UID: HeaderName = HeaderName::from_static("impersonate-uid");
const GROUP: HeaderName = HeaderName::from_static("impersonate-group");
const EXTRA: &str = "impersonate-extra-";

const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

pub(super) struct Impersonate;

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
        check(requestor, &wanted)?;
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
fn check(requestor: &User, wanted: &User) -> Result<(), Failure> {
    let allowed = |group, resource, subresource, namespace, name| {
        let target = Target::Resource { group, resource, subresource, namespace, name };
        let attributes = Attributes { user: requestor, verb: "impersonate", target };
        match authorize(&attributes) {
            Decision::Allow => Ok(()),
            Decision::NoOpinion => Err(attributes.forbidden()),
        }
    };
    match service_account(&wanted.name) {
        Some((namespace, name)) => allowed("", "serviceaccounts", "", namespace, name)?,
        None => allowed("", "users", "", "", &wanted.name)?,
    }
    if !wanted.uid.is_empty() {
        allowed("authentication.k8s.io", "uids", "", "", &wanted.uid)?;
    }
    for group in &wanted.groups {
        allowed("", "groups", "", "", group)?;
    }
    for (key, values) in &wanted.extra {
        for value in values {
            allowed("authentication.k8s.io", "userextras", key, "", value)?;
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
