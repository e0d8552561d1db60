//! Who may do what: the chain of authorisers that `--authorization-mode` names.
//!
//! `system:masters` may do everything, whatever the modes are, as upstream: somebody must be able
//! to repair what an authoriser breaks. Role-based access control is a plugin's; without one the
//! modes `Node` and `RBAC` open what kube-apiserver's role `system:public-info-viewer` opens, and
//! nothing else.

mod attributes;
mod authorizer;

use std::borrow::Cow;
use std::sync::Arc;

use parking_lot::RwLock;

pub(crate) use attributes::escape;
pub use attributes::{Attributes, ResourceTarget, Target};
pub use authorizer::{Authorizer, Decision, PathRule, ResourceRule, Rules, Verdict};

use crate::authn::{PRIVILEGED, User};

/// One step of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    AlwaysAllow,
    AlwaysDeny,
    /// Health and version for everybody.
    PublicPaths,
    /// The authoriser of this name.
    Named(String),
    /// All authorisers that there are, in the order in which they were added.
    Plugins,
}

/// Paths that kube-apiserver's role `system:public-info-viewer` opens to everybody.
const PUBLIC_PATHS: [&str; 5] = ["/healthz", "/livez", "/readyz", "/version", "/version/"];

/// Decides by asking one after the other.
pub struct Authorization {
    modes: Vec<Mode>,
    plugins: RwLock<Arc<[Arc<dyn Authorizer>]>>,
}

impl Authorization {
    pub(crate) fn new(modes: Vec<Mode>) -> Self {
        Self { modes, plugins: RwLock::new(Arc::new([])) }
    }

    /// Adds an authoriser, at any time, in place of one of the same name.
    pub fn add(&self, authorizer: Arc<dyn Authorizer>) {
        let mut plugins = self.plugins.write();
        let others = plugins.iter().filter(|other| other.name() != authorizer.name()).cloned();
        *plugins = others.chain([authorizer.clone()]).collect();
    }

    /// Removes the authoriser of a link that has gone.
    pub fn remove(&self, name: &str) {
        let mut plugins = self.plugins.write();
        *plugins = plugins.iter().filter(|other| other.name() != name).cloned().collect();
    }

    /// The modes that name nobody who is there.
    pub(crate) fn missing(&self) -> Vec<&str> {
        let named = self.modes.iter().filter_map(|mode| match mode {
            Mode::Named(name) => Some(name.as_str()),
            _ => None,
        });
        named.filter(|name| self.named(name).is_none()).collect()
    }

    /// Decides. The first who allows or denies counts.
    ///
    /// # Errors
    /// If nobody allows or denies it, and somebody could not tell.
    pub async fn authorize(&self, attributes: &Attributes<'_>) -> Result<Decision, String> {
        if attributes.user.is_in(PRIVILEGED) {
            return Ok(Decision::allow(""));
        }
        let mut reasons: Cow<'static, str> = Cow::Borrowed("");
        let mut errors = Vec::new();
        for mode in &self.modes {
            let asked: Arc<[_]> = match mode {
                Mode::AlwaysAllow => return Ok(Decision::allow("")),
                // Upstream's has no opinion either, so that others after it may allow.
                Mode::AlwaysDeny => {
                    add_line(&mut reasons, "Everything is forbidden.".into());
                    continue;
                }
                Mode::PublicPaths if is_public(attributes) => return Ok(Decision::allow("")),
                Mode::PublicPaths => continue,
                Mode::Plugins => self.plugins.read().clone(),
                Mode::Named(name) => match self.named(name) {
                    Some(plugin) => Arc::new([plugin]),
                    None => {
                        errors.push(format!("the authorizer `{name}` is not there"));
                        continue;
                    }
                },
            };
            for plugin in asked.iter() {
                match plugin.authorize(attributes).await {
                    Ok(decision) if decision.verdict == Verdict::NoOpinion => add_line(&mut reasons, decision.reason),
                    Ok(decision) => return Ok(decision),
                    Err(error) => errors.push(format!("{}: {error}", plugin.name())),
                }
            }
        }
        if errors.is_empty() { Ok(Decision::no_opinion(reasons)) } else { Err(errors.join(", ")) }
    }

    /// The rules that hold for a user in a namespace, as far as they can be listed.
    pub async fn rules_for(&self, user: &User, namespace: &str) -> Rules {
        let mut rules = Rules::default();
        if user.is_in(PRIVILEGED) {
            rules.add(Rules::all());
        }
        for mode in &self.modes {
            let asked: Arc<[_]> = match mode {
                Mode::AlwaysAllow => {
                    rules.add(Rules::all());
                    continue;
                }
                Mode::AlwaysDeny => continue,
                Mode::PublicPaths => {
                    let paths = PUBLIC_PATHS.map(str::to_owned).to_vec();
                    rules.paths.push(PathRule { verbs: vec!["get".to_owned()], paths });
                    continue;
                }
                Mode::Plugins => self.plugins.read().clone(),
                Mode::Named(name) => self.named(name).into_iter().collect(),
            };
            for plugin in asked.iter() {
                rules.add(plugin.rules_for(user, namespace).await);
            }
        }
        rules
    }

    fn named(&self, name: &str) -> Option<Arc<dyn Authorizer>> {
        self.plugins.read().iter().find(|plugin| plugin.name() == name).cloned()
    }
}

impl std::fmt::Debug for Authorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authorization").field("modes", &self.modes).finish_non_exhaustive()
    }
}

fn is_public(attributes: &Attributes<'_>) -> bool {
    matches!(attributes.target, Target::Path(path) if attributes.verb == "get" && PUBLIC_PATHS.contains(&path))
}

fn add_line(reasons: &mut Cow<'static, str>, reason: Cow<'static, str>) {
    if reasons.is_empty() {
        *reasons = reason;
    } else if !reason.is_empty() {
        *reasons = format!("{reasons}\n{reason}").into();
    }
}

#[cfg(test)]
mod tests;
