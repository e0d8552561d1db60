//! The types of a document, `components.schemas`: those that its operations name and all that
//! these refer to.

use std::collections::BTreeSet;

use super::{Texts, custom, types, versions};
use crate::definition::{Definition, Subresource};
use crate::schema::builtin::{self, Type};
use crate::tree::{Value, json};

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// The types collected so far.
pub(super) struct Schemas {
    /// The version that the document is about: some types of the machinery say that they are its own.
    own: Vec<(String, String)>,
    done: Texts,
    seen: BTreeSet<&'static str>,
    /// Referred to, not written yet.
    waiting: Vec<Type>,
}

/// A kind that operations name.
#[derive(Clone)]
pub(super) struct Kind {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    /// Its name among the schemas.
    pub(super) name: String,
}

impl Kind {
    /// A kind that no schema is shown for.
    pub(super) fn named(group: &str, version: &str, kind: &str) -> Self {
        Self { group: group.into(), version: version.into(), kind: kind.into(), name: String::new() }
    }

    pub(super) fn group_version_kind(&self) -> Value {
        group_version_kind(&self.group, &self.version, &self.kind)
    }
}

impl Schemas {
    /// For a document about one version. Custom resources have the machinery of clients, which know
    /// many versions.
    pub(super) fn new(group: &str, version: &str, builtin: bool) -> Self {
        let own = match builtin {
            true => vec![(group.to_string(), version.to_string())],
            false => versions::of_clients().map(|(group, version)| (group.into(), version.into())).collect(),
        };
        Self { own, done: Texts::new(), seen: BTreeSet::new(), waiting: Vec::new() }
    }

    /// The kind of a resource.
    pub(super) fn kind(&mut self, of: &Definition) -> Kind {
        match builtin_of(of) {
            Some(found) => self.builtin(&of.group, &of.version, &of.kind, found),
            None => {
                let kind = custom::kind(of, &of.kind);
                if !self.done.contains_key(&kind.name) {
                    self.done.insert(kind.name.clone(), custom::schema(of, &kind).to_string());
                    self.machinery("ObjectMeta");
                }
                kind
            }
        }
    }

    /// The kind of its lists.
    pub(super) fn list(&mut self, of: &Definition) -> Kind {
        if let Some(found) = builtin_of(of).and_then(|_| builtin::kind(&of.group, &of.version, &of.list_kind)) {
            return self.builtin(&of.group, &of.version, &of.list_kind, found);
        }
        let list = custom::kind(of, &of.list_kind);
        self.done.insert(list.name.clone(), custom::list_schema(of, &list).to_string());
        self.machinery("ListMeta");
        list
    }

    /// What a subresource takes and answers.
    pub(super) fn subresource(&mut self, of: &Definition, sub: &Subresource) -> Kind {
        let (group, version) =
            if sub.version.is_empty() { (&of.group, &of.version) } else { (&sub.group, &sub.version) };
        if (group, version, &sub.kind) == (&of.group, &of.version, &of.kind) {
            return self.kind(of);
        }
        match builtin::kind(group, version, &sub.kind) {
            Some(found) => self.builtin(group, version, &sub.kind, found),
            None => self.kind(of),
        }
    }

    /// A type of the machinery that every group uses: `DeleteOptions`, `Status`, `Patch`.
    pub(super) fn machinery(&mut self, name: &str) -> Kind {
        let kind = Kind { name: Self::machinery_name(name), ..Kind::named("", "v1", name) };
        self.waiting.extend(Type::find(&kind.name));
        kind
    }

    pub(super) fn machinery_name(name: &str) -> String {
        format!("{META}{name}")
    }

    /// Everything, the referred types included, by name.
    pub(super) fn finish(mut self) -> Texts {
        while let Some(of) = self.waiting.pop() {
            if !self.seen.insert(of.name()) {
                continue;
            }
            let mut schema = types::schema(of, &mut self.waiting);
            let kinds = self.kinds(of);
            if !kinds.is_empty() {
                schema.insert("x-kubernetes-group-version-kind", kinds.into());
            }
            self.done.insert(of.name().into(), Value::Object(schema).to_string());
        }
        self.done
    }

    fn kinds(&self, of: Type) -> Vec<Value> {
        let mut kinds: Vec<Value> =
            of.kinds().map(|(group, version, kind)| group_version_kind(group, version, kind)).collect();
        if let Some(kind) = of.name().strip_prefix(META).filter(|name| versions::IN_EVERY_VERSION.contains(name)) {
            let others = self.own.iter().filter(|own| (own.0.as_str(), own.1.as_str()) != ("", "v1"));
            kinds.extend(others.map(|(group, version)| group_version_kind(group, version, kind)));
        }
        kinds
    }

    fn builtin(&mut self, group: &str, version: &str, kind: &str, of: Type) -> Kind {
        self.waiting.push(of);
        Kind { name: of.name().to_string(), ..Kind::named(group, version, kind) }
    }
}

fn builtin_of(of: &Definition) -> Option<Type> {
    of.builtin.then(|| builtin::kind(&of.group, &of.version, &of.kind)).flatten()
}

pub(super) fn group_version_kind(group: &str, version: &str, kind: &str) -> Value {
    json!({ "group": group, "kind": kind, "version": version })
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
