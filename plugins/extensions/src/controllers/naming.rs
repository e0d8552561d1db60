//! Names are unique in their group: who asks first has them.

use std::collections::BTreeSet;

use apimachinery::validation::quoted;

use crate::crd::{Crd, Names};

/// Names that other definitions of a group have.
#[derive(Debug, Default)]
pub(super) struct Taken {
    resources: BTreeSet<String>,
    kinds: BTreeSet<String>,
}

impl Taken {
    /// By all but the definition `except`.
    pub(super) fn in_group<'a>(group: &str, except: &str, all: impl Iterator<Item = &'a Crd>) -> Self {
        let mut taken = Self::default();
        for crd in all.filter(|crd| crd.spec.group == group && crd.metadata.name != except) {
            let names = &crd.status.accepted_names;
            taken.resources.extend([&names.plural, &names.singular].into_iter().chain(&names.short_names).cloned());
            taken.kinds.extend([&names.kind, &names.list_kind].into_iter().cloned());
        }
        taken
    }
}

/// What became of the names that a definition asks for.
#[derive(Debug, PartialEq)]
pub(super) struct Decision {
    pub(super) names: Names,
    /// The reason and message of a conflict; of several the last.
    pub(super) conflict: Option<(&'static str, String)>,
}

/// Accepts each name that is free or the definition's already; the others stay as they were.
pub(super) fn decide(crd: &Crd, taken: &Taken) -> Decision {
    let (wanted, accepted) = (&crd.spec.names, &crd.status.accepted_names);
    let mut decision = Decision { names: accepted.clone(), conflict: None };
    let Decision { names, conflict } = &mut decision;
    accept("PluralConflict", &wanted.plural, &mut names.plural, &taken.resources, conflict);
    accept("SingularConflict", &wanted.singular, &mut names.singular, &taken.resources, conflict);
    if wanted.short_names != accepted.short_names {
        let new = wanted.short_names.iter().filter(|name| !accepted.short_names.contains(name));
        let clashes: Vec<String> =
            new.filter(|name| taken.resources.contains(*name)).map(|name| in_use(name)).collect();
        match &clashes[..] {
            [] => names.short_names.clone_from(&wanted.short_names),
            [one] => *conflict = Some(("ShortNamesConflict", one.clone())),
            many => *conflict = Some(("ShortNamesConflict", format!("[{}]", many.join(", ")))),
        }
    }
    accept("KindConflict", &wanted.kind, &mut names.kind, &taken.kinds, conflict);
    accept("ListKindConflict", &wanted.list_kind, &mut names.list_kind, &taken.kinds, conflict);
    names.categories.clone_from(&wanted.categories);
    decision
}

fn accept(
    reason: &'static str,
    wanted: &str,
    name: &mut String,
    taken: &BTreeSet<String>,
    conflict: &mut Option<(&'static str, String)>,
) {
    if wanted != name && taken.contains(wanted) {
        *conflict = Some((reason, in_use(wanted)));
    } else {
        *name = wanted.to_string();
    }
}

fn in_use(name: &str) -> String {
    format!("{} is already in use", quoted(name))
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::{Value, json};

    use super::*;

    fn crd(name: &str, wanted: Value, accepted: Value) -> Crd {
        Crd::of(&json!({"metadata": {"name": format!("{name}.example.com")},
            "spec": {"group": "example.com", "names": wanted}, "status": {"acceptedNames": accepted}}))
    }

    fn widgets() -> Value {
        json!({"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList", "shortNames": ["wd"]})
    }

    #[test]
    fn who_asks_first_has_the_names() {
        let first = crd("widgets", widgets(), widgets());
        for (wanted, expected) in [
            (json!({"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"}), None),
            (
                json!({"plural": "gadgets", "singular": "widget", "kind": "Gadget", "listKind": "GadgetList"}),
                Some(("SingularConflict", "\"widget\" is already in use".to_string())),
            ),
            (
                json!({"plural": "gadgets", "singular": "gadget", "kind": "Widget", "listKind": "WidgetList"}),
                Some(("ListKindConflict", "\"WidgetList\" is already in use".to_string())),
            ),
            (
                json!({"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList",
                    "shortNames": ["wd", "widgets", "gd"]}),
                Some(("ShortNamesConflict", "[\"wd\" is already in use, \"widgets\" is already in use]".to_string())),
            ),
        ] {
            let second = crd("gadgets", wanted.clone(), json!({}));
            let taken = Taken::in_group("example.com", "gadgets.example.com", [&first, &second].into_iter());
            let decision = decide(&second, &taken);
            assert_eq!(decision.conflict, expected, "{wanted}");
            assert_eq!(decision.names.plural, "gadgets");
            assert_eq!(decision.names == second.spec.names, expected.is_none());
        }
    }

    #[test]
    fn nobody_is_in_their_own_way() {
        let own = crd("widgets", widgets(), widgets());
        let taken = Taken::in_group("example.com", "widgets.example.com", [&own].into_iter());
        assert_eq!(decide(&own, &taken).conflict, None);
    }
}
