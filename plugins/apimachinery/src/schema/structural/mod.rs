//! Schemas of custom resources: from the OpenAPI of their definition to the model, and the
//! rules that such a schema must obey to be accepted.

mod convert;
mod defaults;
pub mod internal;
mod invariants;
mod keywords;
mod props;
mod skeleton;

use crate::tree::Value;

pub use self::convert::{from_openapi, resource_from_openapi};
pub use self::defaults::coerce as coerce_defaults;
pub use self::props::Props;
pub use self::skeleton::skeleton;
use crate::status::{FieldError, FieldErrorKind};
use crate::validation::quoted;

/// What an update may leave as it was, since the stored definition has it already.
#[derive(Debug, Clone, Copy)]
pub struct Tolerance {
    /// `type` may be a word that is no type.
    pub unknown_types: bool,
    pub non_structural: bool,
    pub unpruned_defaults: bool,
    pub non_atomic_sets: bool,
    pub loose_map_keys: bool,
}

impl Tolerance {
    pub const NONE: Self = Self {
        unknown_types: false,
        non_structural: false,
        unpruned_defaults: false,
        non_atomic_sets: false,
        loose_map_keys: false,
    };

    /// What the schemas of a stored definition need to be tolerated.
    pub fn of<'a>(schemas: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut tolerance = Self::NONE;
        for schema in schemas {
            let props = Props::new(schema);
            tolerance.unknown_types |= props.any(&mut |s| !s.kind().is_empty() && !keywords::TYPES.contains(&s.kind()));
            tolerance.non_structural |= is_non_structural(schema);
            tolerance.unpruned_defaults |= !is_non_structural(schema) && defaults::has_unpruned(props);
            tolerance.non_atomic_sets |= props.any(&mut |s| keywords::atomic_set_errors(s, "").is_some());
            tolerance.loose_map_keys |= props.any(&mut |s| !keywords::map_key_errors(s, "").is_empty());
        }
        tolerance
    }
}

/// Whether a stored schema would not be accepted today (condition `NonStructuralSchema`).
pub fn is_non_structural(schema: &Value) -> bool {
    !structural_errors(schema, "").is_empty()
}

/// Why a schema cannot be converted to the model at all.
pub fn unsupported(schema: &Value) -> Option<String> {
    convert::unsupported(Props::new(schema))
}

/// Violations of structurality, in the order of their texts.
pub fn structural_errors(schema: &Value, path: &str) -> Vec<FieldError> {
    match convert::unsupported(Props::new(schema)) {
        Some(why) => vec![FieldError::new(FieldErrorKind::Invalid, path, "\"\"", why)],
        None => invariants::check(Props::new(schema), path),
    }
}

/// Everything that is wrong with the schema at `path` of a definition.
pub fn check(schema: &Value, path: &str, status_enabled: bool, tolerance: Tolerance) -> Vec<FieldError> {
    let props = Props::new(schema);
    let mut errors = Vec::new();
    if status_enabled {
        errors.extend(keywords::root_errors(props, schema, path));
    }
    if props.flag("nullable") {
        errors.push(FieldError::forbidden(format!("{path}.nullable"), "nullable cannot be true at the root"));
    }
    let mut unsupported = None;
    let mut structural = false;
    if !tolerance.non_structural {
        unsupported = convert::unsupported(props);
        if unsupported.is_none() {
            let violations = invariants::check(props, path);
            match violations.is_empty() {
                true => {
                    let wrong = defaults::check(schema, path, !tolerance.unpruned_defaults);
                    structural = wrong.is_empty();
                    errors.extend(wrong);
                }
                false => errors.extend(violations),
            }
        }
    }
    errors.extend(keywords::check(props, path, tolerance, structural));
    if errors.is_empty()
        && let Some(why) = unsupported
    {
        errors.push(FieldError::new(FieldErrorKind::Invalid, path, quoted(""), why));
    }
    errors
}

/// Whether any place has a default.
pub fn has_defaults(schema: &Value) -> bool {
    Props::new(schema).any(&mut |props| props.has("default"))
}

/// Formats that mean nothing here, to be warned about.
pub fn unrecognized_formats(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Props::new(schema).any(&mut |props| {
        let format = props.text("format");
        if !format.is_empty() && !convert::format_is_checked(props.kind(), format) {
            found.push(format.to_string());
        }
        false
    });
    found
}

#[cfg(test)]
mod tests;
