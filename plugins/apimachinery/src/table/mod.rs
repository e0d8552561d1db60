//! Tables, as kubectl asks for them: the cells of an object's row and what the columns are.
//!
//! A built-in resource's cells are computed by the function that `printers` names for it, in
//! the order of its columns; a custom resource's by the columns' paths. A resource that no
//! function is named for has columns that say themselves what they are (`Name`, `Age`).

mod access;
mod apps;
mod autoscaling;
mod core;
mod custom;
mod duration;
mod networking;
mod nodes;
mod object;
mod pods;
mod printers;
mod storage;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::codec::time::Instant;
use crate::definition::{Cell, Definition};
use crate::tree::{Value, json};
use object::Object;

/// The cells of an object's row, one for each column.
pub fn cells(definition: &Definition, object: &Value) -> Vec<Value> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    cells_at(definition, object, Instant { seconds: now.as_secs() as i64, nanos: now.subsec_nanos() })
}

/// As [`cells`], with ages as they are at this time.
pub fn cells_at(definition: &Definition, object: &Value, now: Instant) -> Vec<Value> {
    let object = Object::new(object, now);
    if let Some(print) = printers::find(&definition.group, &definition.resource).filter(|_| definition.builtin) {
        return print(object);
    }
    let columns = definition.columns.iter();
    columns
        .map(|column| match &column.cell {
            Cell::Path(path) if (&**path, &*column.format) == (".metadata.name", "name") => object.name(),
            Cell::Path(path) => custom::cell(&column.kind, path, object),
            Cell::Number(path) => match custom::cell(&column.kind, path, object) {
                Value::Null => 0.into(),
                number => number,
            },
            Cell::Builtin => match &*column.name {
                "Name" => object.name(),
                "Age" => object.age(),
                "Created At" => match &object["metadata"]["creationTimestamp"] {
                    Value::Null => "0001-01-01T00:00:00Z".into(),
                    created => created.clone(),
                },
                _ => Value::Null,
            },
        })
        .collect()
}

/// The conditions of an object's row, where it has some: that a pod has come to its end.
pub fn conditions(definition: &Definition, object: &Value) -> Option<Value> {
    let is_pod = definition.builtin && definition.group.is_empty() && *definition.resource == *"pods";
    if is_pod { pods::conditions(object) } else { None }
}

/// `columnDefinitions` of a table.
pub fn column_definitions(definition: &Definition) -> Value {
    let columns = definition.columns.iter().map(|column| {
        json!({
            "name": column.name,
            "type": column.kind,
            "format": column.format,
            "description": column.description,
            "priority": column.priority,
        })
    });
    columns.collect()
}

#[cfg(test)]
mod tests;
