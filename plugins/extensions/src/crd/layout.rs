//! Where upstream says that something is wrong: what all versions share it keeps once, at the
//! top of the definition, and names the path there.

use serde_json::{Map, Value, json};

/// What versions have in common, as paths.
pub(super) struct Layout<'a> {
    versions: &'a [Value],
    shared: [bool; MEMBERS.len()],
}

/// A member of a version, and its name at the top.
const MEMBERS: [(&str, &str); 4] = [
    ("schema", "validation"),
    ("subresources", "subresources"),
    ("additionalPrinterColumns", "additionalPrinterColumns"),
    ("selectableFields", "selectableFields"),
];

/// One value of a member, and where it is.
pub(super) struct Placed<'a> {
    pub(super) path: String,
    pub(super) value: &'a Value,
}

impl<'a> Layout<'a> {
    pub(super) fn of(spec: &'a Value) -> Self {
        let versions = spec["versions"].as_array().map_or(&[][..], Vec::as_slice);
        let same = |name: &str| versions.windows(2).all(|pair| says(&pair[0][name]) == says(&pair[1][name]));
        Self { versions, shared: MEMBERS.map(|(name, _)| same(name)) }
    }

    /// The member of each version that has its own.
    pub(super) fn of_version(&self, index: usize, member: &str) -> Option<Placed<'a>> {
        let value = self.versions.get(index).and_then(|version| says(&version[member]))?;
        (!self.is_shared(member)).then(|| Placed { path: format!("spec.versions[{index}].{member}"), value })
    }

    /// The member that all versions share.
    pub(super) fn shared(&self, member: &str) -> Option<Placed<'a>> {
        let value = self.versions.first().and_then(|version| says(&version[member]))?;
        let (_, top) = MEMBERS.iter().find(|(name, _)| *name == member)?;
        self.is_shared(member).then(|| Placed { path: format!("spec.{top}"), value })
    }

    fn is_shared(&self, member: &str) -> bool {
        MEMBERS.iter().position(|(name, _)| *name == member).is_some_and(|at| self.shared[at])
    }

    /// The versions as upstream prints them: its internal type, without what is shared.
    pub(super) fn shown_versions(&self) -> Value {
        let shown = self.versions.iter().map(|version| {
            let or = |name: &str, zero: Value| if version[name].is_null() { zero } else { version[name].clone() };
            let own = |name: &str| if self.is_shared(name) { Value::Null } else { version[name].clone() };
            let mut out = Map::new();
            out.insert("Name".into(), or("name", json!("")));
            out.insert("Served".into(), or("served", json!(false)));
            out.insert("Storage".into(), or("storage", json!(false)));
            out.insert("Deprecated".into(), or("deprecated", json!(false)));
            out.insert("DeprecationWarning".into(), version["deprecationWarning"].clone());
            out.insert("Schema".into(), own("schema"));
            out.insert("Subresources".into(), own("subresources"));
            out.insert("AdditionalPrinterColumns".into(), own("additionalPrinterColumns"));
            out.insert("SelectableFields".into(), own("selectableFields"));
            Value::Object(out)
        });
        shown.collect()
    }
}

/// A value that says something: neither null nor an empty list.
fn says(value: &Value) -> Option<&Value> {
    match value {
        Value::Null => None,
        Value::Array(items) if items.is_empty() => None,
        value => Some(value),
    }
}
