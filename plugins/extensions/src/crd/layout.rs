//! Where upstream says that something is wrong: what all versions share it keeps once, at the
//! top of the definition, and names the path there.

use apimachinery::schema::structural::internal;
use apimachinery::tree::{Value, json};

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
            let own = |name: &str, form: fn(&Value) -> Value| match says(&version[name]) {
                Some(value) if !self.is_shared(name) => form(value),
                _ => Value::Null,
            };
            json!({
                "Name": or("name", json!("")),
                "Served": or("served", json!(false)),
                "Storage": or("storage", json!(false)),
                "Deprecated": or("deprecated", json!(false)),
                "DeprecationWarning": version["deprecationWarning"],
                "Schema": own("schema", shown_validation),
                "Subresources": own("subresources", shown_subresources),
                "AdditionalPrinterColumns": own("additionalPrinterColumns", shown_columns),
                "SelectableFields": own("selectableFields", shown_fields),
            })
        });
        shown.collect()
    }
}

fn shown_validation(validation: &Value) -> Value {
    let schema = says(&validation["openAPIV3Schema"]).map(internal::schema);
    json!({"OpenAPIV3Schema": schema})
}

fn shown_subresources(subresources: &Value) -> Value {
    let scale = says(&subresources["scale"]).map(|scale| {
        json!({
            "SpecReplicasPath": text(scale, "specReplicasPath"),
            "StatusReplicasPath": text(scale, "statusReplicasPath"),
            "LabelSelectorPath": scale["labelSelectorPath"],
        })
    });
    json!({"Status": subresources["status"], "Scale": scale})
}

fn shown_columns(columns: &Value) -> Value {
    let columns = columns.as_array().into_iter().flatten().map(|column| {
        json!({
            "Name": text(column, "name"),
            "Type": text(column, "type"),
            "Format": text(column, "format"),
            "Description": text(column, "description"),
            "Priority": column["priority"].as_i64().unwrap_or_default(),
            "JSONPath": text(column, "jsonPath"),
        })
    });
    columns.collect()
}

fn shown_fields(fields: &Value) -> Value {
    fields.as_array().into_iter().flatten().map(|field| json!({"JSONPath": text(field, "jsonPath")})).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// A value that says something: neither null nor an empty list.
fn says(value: &Value) -> Option<&Value> {
    match value {
        Value::Null => None,
        Value::Array(items) if items.is_empty() => None,
        value => Some(value),
    }
}
