//! Built-in types, from the generated table.

use super::Schema;

/// The schema of a built-in type by its OpenAPI name.
///
/// # Panics
/// If the table has no such type: names come from the table itself.
pub fn schema(_name: &str) -> &'static Schema {
    unimplemented!()
}
