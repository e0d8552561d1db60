//! The ways in which somebody may be allowed to be another: since 1.36 narrow ones first, which
//! say as whom somebody may do what (`impersonate-on:user-info:list`), and `impersonate` at last.

use std::borrow::Cow;

use crate::authn::{ANONYMOUS, AUTHENTICATED, PRIVILEGED, UNAUTHENTICATED, User};
use crate::authz::{Attributes, Authorization, ResourceTarget, Target, Verdict};
use crate::names::is_subdomain;
use crate::response::Failure;

/// Whom somebody is allowed to be.
pub(super) struct Impersonated {
    pub(super) user: User,
    /// The verb of the narrow way; empty for `impersonate`.
    pub(super) constraint: Cow<'static, str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// A service account the node that it runs on.
    AssociatedNode,
    ArbitraryNode,
    ServiceAccount,
    /// Anybody who is neither.
    UserInfo,
    /// As it has always been.
    Legacy,
}

const MODES: [Mode; 5] =
    [Mode::AssociatedNode, Mode::ArbitraryNode, Mode::ServiceAccount, Mode::UserInfo, Mode::Legacy];

const SERVICE_ACCOUNT: &str = "system:serviceaccount:";
const NODE: &str = "system:node:";
const NODES: &str = "system:nodes";
/// The extra in which a service account's token names its node.
const NODE_NAME: &str = "authentication.kubernetes.io/node-name";
/// What stands in for a service account's extra where its node has been checked.
const NODE_KEYS: &str = "authentication.kubernetes.io/associated-node-keys";
/// From so many values on one question for all of them is tried first.
const MANY: usize = 4;

/// Tries one way after the other.
///
/// # Errors
/// The refusal of the first one that applies.
pub(super) async fn impersonate(
    authorization: &Authorization,
    wanted: User,
    attributes: &Attributes<'_>,
) -> Result<Impersonated, Failure> {
    let mut refusal = None;
    for mode in MODES.into_iter().filter(|mode| mode.applies(&wanted, attributes.user)) {
        match mode.check(authorization, &wanted, attributes).await {
            Ok(user) => return Ok(Impersonated { user, constraint: mode.constraint() }),
            Err(failure) => drop(refusal.get_or_insert(failure)),
        }
    }
    Err(refusal.expect("the last one always applies"))
}

impl Mode {
    fn applies(self, wanted: &User, requestor: &User) -> bool {
        let name_only = wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty();
        let (node, account) = (node(&wanted.name), service_account(&wanted.name));
        match self {
            Self::AssociatedNode => {
                let its_node = requestor.extra.iter().find(|(key, _)| key == NODE_NAME).map(|(_, names)| &**names);
                let is_its =
                    node.is_some_and(|node| its_node.is_some_and(|names| names.len() == 1 && names[0] == node));
                name_only && is_its && service_account(&requestor.name).is_some()
            }
            Self::ArbitraryNode => name_only && node.is_some(),
            Self::ServiceAccount => name_only && account.is_some(),
            Self::UserInfo => node.is_none() && account.is_none(),
            Self::Legacy => true,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::AssociatedNode => "associated-node",
            Self::ArbitraryNode => "arbitrary-node",
            Self::ServiceAccount => "serviceaccount",
            Self::UserInfo => "user-info",
            Self::Legacy => "",
        }
    }

    fn constraint(self) -> Cow<'static, str> {
        match self {
            Self::Legacy => "".into(),
            mode => format!("impersonate:{}", mode.name()).into(),
        }
    }

    /// Each thing that somebody wants to be is a permission of its own; in the narrow ways so is
    /// what he wants to do.
    async fn check(
        self,
        authorization: &Authorization,
        wanted: &User,
        attributes: &Attributes<'_>,
    ) -> Result<User, Failure> {
        let narrow = self != Self::Legacy;
        let stand_in = (self == Self::AssociatedNode).then(|| without_node(attributes.user));
        let requestor = stand_in.as_ref().unwrap_or(attributes.user);
        if narrow {
            let verb = format!("impersonate-on:{}:{}", self.name(), attributes.verb);
            allowed(authorization, &Attributes { user: requestor, verb: &verb, ..*attributes }).await?;
        }

        let verb = if narrow { self.constraint() } else { "impersonate".into() };
        let check = async |target| {
            allowed(authorization, &Attributes { user: requestor, verb: &verb, target: Target::Resource(target) }).await
        };
        let others = ResourceTarget { group: "authentication.k8s.io", version: "v1", ..ResourceTarget::default() };
        let names = if narrow { others } else { ResourceTarget { version: "v1", ..ResourceTarget::default() } };

        let mut user = wanted.clone();
        let name = match (service_account(&wanted.name), node(&wanted.name).filter(|_| narrow)) {
            (Some((namespace, name)), _) => {
                if user.groups.is_empty() {
                    user.groups =
                        vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
                }
                ResourceTarget { resource: "serviceaccounts", namespace, name, ..names }
            }
            (None, Some(node)) => {
                user.groups = vec![NODES.to_owned()];
                // Once for all of its nodes.
                let name = if self == Self::AssociatedNode { "*" } else { node };
                ResourceTarget { resource: "nodes", name, ..names }
            }
            (None, None) => ResourceTarget { resource: "users", name: &wanted.name, ..names },
        };
        check(name).await?;
        if !wanted.uid.is_empty() {
            check(ResourceTarget { resource: "uids", name: &wanted.uid, ..others }).await?;
        }

        let groups = ResourceTarget { resource: "groups", ..names };
        let extra = ResourceTarget { resource: "userextras", ..others };
        if narrow {
            let refuse = |target, reason: &str| {
                Attributes { user: requestor, verb: &verb, target: Target::Resource(target) }.forbidden(reason)
            };
            sane_groups(wanted).map_err(|(name, reason)| refuse(ResourceTarget { name, ..groups }, reason))?;
            sane_extra(wanted).map_err(|reason| refuse(extra, &reason))?;
        }
        let all_groups =
            narrow && wanted.groups.len() >= MANY && check(ResourceTarget { name: "*", ..groups }).await.is_ok();
        for name in wanted.groups.iter().filter(|_| !all_groups) {
            check(ResourceTarget { name, ..groups }).await?;
        }
        let values = wanted.extra.iter().map(|(_, values)| values.len()).sum::<usize>();
        let all_extra =
            narrow && values >= MANY && check(ResourceTarget { subresource: "*", name: "*", ..extra }).await.is_ok();
        for (key, values) in wanted.extra.iter().filter(|_| !all_extra) {
            for value in values {
                check(ResourceTarget { subresource: key, name: value, ..extra }).await?;
            }
        }

        let implied = if user.name == ANONYMOUS { UNAUTHENTICATED } else { AUTHENTICATED };
        if !user.is_in(implied) && !user.is_in(UNAUTHENTICATED) {
            user.groups.push(implied.to_owned());
        }
        Ok(user)
    }
}

async fn allowed(authorization: &Authorization, attributes: &Attributes<'_>) -> Result<(), Failure> {
    match authorization.authorize(attributes).await {
        Ok(decision) if decision.verdict == Verdict::Allow => Ok(()),
        Ok(decision) => Err(attributes.forbidden(&decision.reason)),
        // As upstream: who cannot tell is no reason to let somebody be another.
        Err(reason) => Err(attributes.forbidden(&reason)),
    }
}

/// What the narrow ways never allow: the name of the target, and why.
fn sane_groups(wanted: &User) -> Result<(), (&'static str, &'static str)> {
    if wanted.is_in("") {
        return Err(("", "impersonating the empty string group is not allowed"));
    }
    if wanted.is_in(PRIVILEGED) {
        return Err((PRIVILEGED, "impersonating the system:masters group is not allowed"));
    }
    Ok(())
}

fn sane_extra(wanted: &User) -> Result<(), String> {
    for (key, values) in &wanted.extra {
        if key.is_empty() {
            return Err("impersonating the empty string key in extra is not allowed".to_owned());
        }
        // A domain and a path: the rest is up to whoever reads it.
        let prefixed = key.split_once('/').is_some_and(|(domain, path)| is_subdomain(domain) && !path.is_empty());
        if !prefixed {
            return Err(format!("impersonating an invalid key in extra is not allowed: {key:?}"));
        }
        if key.chars().any(char::is_uppercase) {
            return Err(format!("impersonating a non-lowercase key in extra is not allowed: {key:?}"));
        }
        if values.iter().any(String::is_empty) {
            return Err("impersonating the empty string value in extra is not allowed".to_owned());
        }
    }
    Ok(())
}

/// Namespace and name.
fn service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(SERVICE_ACCOUNT)?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty() && !name.contains(':')).then_some((namespace, name))
}

fn node(user: &str) -> Option<&str> {
    user.strip_prefix(NODE).filter(|name| is_subdomain(name))
}

/// The requestor without what differs from node to node.
fn without_node(requestor: &User) -> User {
    let mut keys: Vec<String> = requestor.extra.iter().map(|(key, _)| key.clone()).collect();
    keys.sort();
    User { extra: vec![(NODE_KEYS.to_owned(), keys)], ..requestor.clone() }
}
