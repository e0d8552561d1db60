//! Which fields of which objects can be selected by.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A field that field selectors may name. Of several of one name the first that is not empty counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectableField {
    /// The name in a selector, such as `spec.nodeName`.
    pub name: String,
    /// Where it is: keys from the root.
    pub path: Vec<String>,
    /// What a field that is not there is equal to.
    pub absent: String,
}

/// The selectable fields of the objects below one prefix.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Claim {
    fields: Vec<SelectableField>,
}

impl Claim {
    pub(super) fn new(fields: Vec<SelectableField>) -> Self {
        Self { fields }
    }

    pub(super) fn fields(&self) -> &[SelectableField] {
        &self.fields
    }
}

/// All claims, by prefix.
#[derive(Clone)]
pub(super) struct Claims {
    by_prefix: BTreeMap<String, Arc<Claim>>,
    /// What holds where there is none.
    none: Arc<Claim>,
}

impl Claims {
    pub(super) fn new() -> Self {
        Self { by_prefix: BTreeMap::new(), none: Arc::new(Claim::default()) }
    }

    /// The claim with the longest prefix of a key, or of a prefix of keys.
    pub(super) fn of(&self, key: &str) -> &Arc<Claim> {
        self.find(key).map_or(&self.none, |(_, claim)| claim)
    }

    /// That prefix; empty if there is none.
    pub(super) fn prefix_of(&self, key: &str) -> &str {
        self.find(key).map_or("", |(prefix, _)| prefix)
    }

    fn find(&self, key: &str) -> Option<(&String, &Arc<Claim>)> {
        // At a start nothing is claimed yet, and every key is asked for.
        if self.by_prefix.is_empty() {
            return None;
        }
        let ends = key.bytes().enumerate().filter(|(_, byte)| *byte == b'/').map(|(at, _)| at + 1);
        ends.rev().find_map(|end| self.by_prefix.get_key_value(&key[..end]))
    }

    /// Says whether that changes anything.
    pub(super) fn set(&mut self, prefix: &str, claim: Option<Claim>) -> bool {
        match claim {
            Some(claim) if self.by_prefix.get(prefix).is_some_and(|there| **there == claim) => false,
            Some(claim) => {
                self.by_prefix.insert(prefix.to_owned(), Arc::new(claim));
                true
            }
            None => self.by_prefix.remove(prefix).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str) -> SelectableField {
        SelectableField { name: name.to_owned(), path: vec![name.to_owned()], absent: String::new() }
    }

    #[test]
    fn the_longest_prefix_of_whole_segments_decides() {
        let mut claims = Claims::new();
        for prefix in ["/registry/pods/", "/registry/", "/registry/pods/special/"] {
            assert!(claims.set(prefix, Some(Claim::new(vec![field(prefix)]))));
            assert!(!claims.set(prefix, Some(Claim::new(vec![field(prefix)]))), "`{prefix}` again");
        }
        for (key, prefix) in [
            ("/registry/pods/default/a", Some("/registry/pods/")),
            ("/registry/pods/special/a", Some("/registry/pods/special/")),
            ("/registry/pods/", Some("/registry/pods/")),
            ("/registry/podsets/a", Some("/registry/")),
            ("/other/a", None),
            ("", None),
        ] {
            let found = claims.of(key).fields().first().map(|field| field.name.as_str());
            assert_eq!(found, prefix, "of `{key}`");
            assert_eq!(claims.prefix_of(key), prefix.unwrap_or_default());
        }
        assert!(claims.set("/registry/pods/", None));
        assert!(!claims.set("/registry/pods/", None));
    }
}
