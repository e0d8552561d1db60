//! Which resource a key is of.
//!
//! A key begins with its claim: `/registry/services/specs/`, `/registry/example.com/gizmos/`. The
//! objects below it say their kind and group themselves, the first one for all.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use serde::Deserialize;

use crate::chain::Claims;
use crate::limits::Limits;

/// What all keys begin with.
const ROOT: &str = "/registry/";

/// A resource, as metrics name it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name {
    pub group: String,
    pub resource: String,
}

/// The names of the resources that are claimed, learned as their objects are seen. There are no
/// more than [`Limits::RESOURCES_NAMED_MAX`], ever: metrics keep what they have counted under a
/// name, also when nobody claims its keys any more. What comes later is counted without a name.
pub struct ResourceNames {
    claims: Arc<Claims>,
    known: RwLock<HashMap<Box<str>, Known>>,
    named_max: usize,
}

#[derive(Clone)]
struct Known {
    name: Arc<Name>,
    /// An object said so.
    told: bool,
}

/// Of a kind or a group, as upstream bounds both.
const NAME_BYTES_MAX: usize = 253;

/// What every object begins with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeMeta {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    api_version: String,
}

impl ResourceNames {
    pub fn new(claims: Arc<Claims>) -> Self {
        Self { claims, known: RwLock::default(), named_max: Limits::RESOURCES_NAMED_MAX }
    }

    /// The resource of a key or a prefix. Of one that nobody has claimed: nothing.
    pub fn of(&self, key: &str) -> Arc<Name> {
        let Some(prefix) = self.claims.prefix_of(key) else { return Arc::default() };
        if let Some(known) = self.known.read().get(&*prefix) {
            return known.name.clone();
        }
        self.learn(&prefix, Name::guessed(&prefix), false)
    }

    /// The resource of a key whose value is at hand.
    pub fn of_object(&self, key: &str, value: &[u8]) -> Arc<Name> {
        let Some(prefix) = self.claims.prefix_of(key) else { return Arc::default() };
        if let Some(known) = self.known.read().get(&*prefix).filter(|known| known.told) {
            return known.name.clone();
        }
        let types = serde_json::from_slice(value).ok().filter(TypeMeta::is_sane);
        let name = types.map_or_else(|| Name::guessed(&prefix), |types| Name::of(&prefix, &types));
        self.learn(&prefix, name, true)
    }

    fn learn(&self, prefix: &str, name: Name, told: bool) -> Arc<Name> {
        let mut known = self.known.write();
        let full = known.len() >= self.named_max;
        match known.get_mut(prefix) {
            Some(known) => {
                // What an object says counts, the first time that one says it; nearly always it is
                // what was guessed.
                if told && !known.told {
                    known.told = true;
                    if *known.name != name {
                        known.name = Arc::new(name);
                    }
                }
                known.name.clone()
            }
            None if full => Arc::default(),
            None => known.entry(prefix.into()).or_insert(Known { name: Arc::new(name), told }).name.clone(),
        }
    }
}

impl TypeMeta {
    /// A plugin may have written anything.
    fn is_sane(&self) -> bool {
        self.kind.len() <= NAME_BYTES_MAX && self.api_version.len() <= NAME_BYTES_MAX
    }
}

impl Name {
    fn of(prefix: &str, types: &TypeMeta) -> Self {
        let group = types.api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let kind = types.kind.to_lowercase();
        // `policies` of a `policy`.
        let stem = kind.strip_suffix('y').unwrap_or(&kind);
        let parts: Vec<&str> = parts(prefix).collect();
        let resource = match parts[..] {
            // Custom resources are where their group and their own name say.
            [place, resource] if place == group => resource.to_string(),
            _ => match parts.iter().rev().find(|part| !stem.is_empty() && part.starts_with(stem)) {
                Some(part) => part.to_string(),
                // Kept where an older name of it was: nodes below `minions`.
                None => format!("{kind}s"),
            },
        };
        Self { group: group.to_string(), resource }
    }

    /// Before there is any object.
    fn guessed(prefix: &str) -> Self {
        let parts: Vec<&str> = parts(prefix).collect();
        match parts[..] {
            [group, resource] if group.contains('.') => Self { group: group.into(), resource: resource.into() },
            _ => Self { group: String::new(), resource: parts.last().unwrap_or(&"").to_string() },
        }
    }

    /// As older metrics write both in one.
    pub fn qualified(&self) -> String {
        match self.group.as_str() {
            "" => self.resource.clone(),
            group => format!("{}.{group}", self.resource),
        }
    }
}

fn parts(prefix: &str) -> impl Iterator<Item = &str> {
    prefix.strip_prefix(ROOT).unwrap_or(prefix).split('/').filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_says_which_resource_its_key_is_of() {
        for (prefix, kind, api_version, expected) in [
            ("/registry/pods/", "Pod", "v1", "pods"),
            ("/registry/minions/", "Node", "v1", "nodes"),
            ("/registry/services/specs/", "Service", "v1", "services"),
            ("/registry/services/endpoints/", "Endpoints", "v1", "endpoints"),
            ("/registry/controllers/", "ReplicationController", "v1", "replicationcontrollers"),
            ("/registry/deployments/", "Deployment", "apps/v1", "deployments.apps"),
            ("/registry/ingress/", "Ingress", "networking.k8s.io/v1", "ingress.networking.k8s.io"),
            (
                "/registry/networkpolicies/",
                "NetworkPolicy",
                "networking.k8s.io/v1",
                "networkpolicies.networking.k8s.io",
            ),
            ("/registry/example.com/geese/", "Goose", "example.com/v1", "geese.example.com"),
        ] {
            let types = TypeMeta { kind: kind.to_string(), api_version: api_version.to_string() };
            assert_eq!(Name::of(prefix, &types).qualified(), expected, "{prefix}");
        }
        assert_eq!(Name::guessed("/registry/example.com/geese/").qualified(), "geese.example.com");
        assert_eq!(Name::guessed("/registry/pods/").qualified(), "pods");
    }

    #[test]
    fn there_is_a_bound_on_the_names() {
        let names = ResourceNames { claims: Arc::default(), known: RwLock::default(), named_max: 2 };
        let learn = |prefix: &str, resource: &str, told| {
            let name = Name { group: String::new(), resource: resource.to_string() };
            names.learn(prefix, name, told).resource.clone()
        };
        assert_eq!(learn("/registry/minions/", "minions", false), "minions");
        assert_eq!(learn("/registry/minions/", "nodes", true), "nodes");
        assert_eq!(learn("/registry/minions/", "minions", false), "nodes");
        assert_eq!(learn("/registry/pods/", "pods", false), "pods");
        assert_eq!(learn("/registry/third/", "third", true), "");
        assert_eq!(learn("/registry/pods/", "pods", true), "pods");
    }

    #[test]
    fn what_no_object_is_called_is_not_believed() {
        let types = |kind: &str| TypeMeta { kind: kind.to_string(), api_version: "v1".into() };
        assert!(types("Pod").is_sane() && !types(&"a".repeat(300)).is_sane());
    }
}
