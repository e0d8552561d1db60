//! What a new generation registers that the one before did not, and the other way round.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bindings::host::chain::registration::{Moment, Pattern};
use crate::chain::Registrations;

/// In words, such as `route prefix /hello` or `check hello-words`, each sorted.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub added: Vec<String>,
    pub removed: Vec<String>,
    /// What is there in both, and not the same.
    pub changed: Vec<String>,
}

impl Difference {
    /// Between what two generations have registered in `init`.
    pub fn between(before: &Registrations, after: &Registrations) -> Self {
        let (before, after) = (items(before), items(after));
        let only_in =
            |one: &Items, other: &Items| one.keys().filter(|key| !other.contains_key(*key)).cloned().collect();
        let changed = after.iter().filter(|(key, value)| before.get(*key).is_some_and(|there| there != *value));
        Self {
            added: only_in(&after, &before),
            removed: only_in(&before, &after),
            changed: changed.map(|(key, _)| key.clone()).collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// One item a line, marked `+`, `-` and `~`.
impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (mark, items) in [('+', &self.added), ('-', &self.removed), ('~', &self.changed)] {
            for item in items {
                writeln!(f, "  {mark} {item}")?;
            }
        }
        Ok(())
    }
}

/// What is registered, by the words for it, with everything else that was said about it.
type Items = BTreeMap<String, String>;

fn items(registrations: &Registrations) -> Items {
    let mut items = Items::new();
    for contents in registrations.sets.values() {
        for route in &contents.routes {
            let pattern = match &route.pattern {
                Pattern::Exact(path) => format!("route exact {path}"),
                Pattern::Prefix(path) => format!("route prefix {path}"),
                Pattern::Resource(key) => format!("route resource {}/{}/{}", key.group, key.version, key.resource),
            };
            items.insert(pattern, route.tag.clone());
        }
        for claim in &contents.claims {
            // Several versions of one resource claim the same prefix.
            let details = items.entry(format!("claim {}", claim.prefix)).or_default();
            details.push_str(&format!("{:?} {:?} {:?} ", claim.selectable, claim.readers, claim.decode));
        }
    }
    for tag in &registrations.immediate {
        items.insert(format!("immediate answers to {tag}"), String::new());
    }
    for check in &registrations.checks {
        items.insert(format!("check {}", check.name), format!("{:?}", check.endpoints));
    }
    for hook in &registrations.hooks {
        let moment = match hook.moment {
            Moment::PostStart => "post-start",
            Moment::PreShutdown => "pre-shutdown",
        };
        items.insert(format!("hook {moment} {}", hook.name), format!("{:?}", hook.placement));
    }
    for name in &registrations.expected {
        items.insert(format!("routes announced as {name}"), String::new());
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::host::chain::registration::{
        Claim, Contents, Endpoint, HealthCheck, Hook, Placement, Readers, Route,
    };
    use crate::limits::Limits;

    fn registrations(
        routes: &[(&str, &str)],
        readers: Readers,
        endpoints: &[Endpoint],
        hooks: &[&str],
    ) -> Registrations {
        let limits = Limits::default();
        let mut all = Registrations::default();
        let route = |(path, tag): &(&str, &str)| Route {
            pattern: Pattern::Prefix(path.to_string()),
            tag: tag.to_string(),
            revision: 0,
        };
        let claim = Claim { prefix: "/registry/a/".to_string(), selectable: vec![], readers, decode: None };
        let contents = Contents { routes: routes.iter().map(route).collect(), claims: vec![claim] };
        all.replace(&limits, "all".to_string(), contents).expect("it is valid");
        let check = HealthCheck { name: "words".to_string(), endpoints: endpoints.to_vec() };
        all.add_check(&limits, check).expect("it is valid");
        for name in hooks {
            let hook = Hook { name: name.to_string(), moment: Moment::PostStart, placement: Placement::EveryHost };
            all.add_hook(&limits, hook).expect("it is valid");
        }
        all
    }

    #[test]
    fn a_difference_names_what_came_what_went_and_what_is_not_the_same() {
        let before = registrations(&[("/a", "1"), ("/b", "1")], Readers::Link, &[Endpoint::Livez], &["old"]);
        let after = registrations(&[("/a", "2"), ("/c", "1")], Readers::Chain, &[Endpoint::Readyz], &["new"]);
        assert!(Difference::between(&before, &before).is_empty());
        let difference = Difference::between(&before, &after);
        let lines = "  + hook post-start new\n  + route prefix /c\n  - hook post-start old\n  - route prefix /b\n  \
                     ~ check words\n  ~ claim /registry/a/\n  ~ route prefix /a\n";
        assert_eq!(difference.to_string(), lines);
    }
}
