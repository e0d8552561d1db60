//! What other managers own of what an apply wants to change.

use std::fmt;

use super::element::PathElement;
use super::entries::{Entry, Operation, Owner};
use super::versions::Changes;
use crate::status::{ApiError, Cause};
use crate::tree::json;

/// One field that another manager owns.
#[derive(Debug, Clone)]
pub(super) struct Conflict {
    owner: Owner,
    api_version: String,
    pub(super) path: Vec<PathElement>,
}

pub(super) fn find(entries: &[Entry], changes: &Changes) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for entry in entries {
        entry.set.intersection(changes.set_in(&entry.api_version)).for_each(&mut |path| {
            conflicts.push(Conflict {
                owner: entry.owner.clone(),
                api_version: entry.api_version.clone(),
                path: path.to_vec(),
            });
        });
    }
    conflicts.sort_by_cached_key(Conflict::identity);
    conflicts
}

/// 409 with a cause for each.
pub(super) fn error(conflicts: Vec<Conflict>) -> ApiError {
    let message = match conflicts.as_slice() {
        [only] => format!("Apply failed with 1 conflict: conflict with {only}: {}", only.place()),
        several => {
            let mut lines = Vec::new();
            let mut manager = String::new();
            for conflict in several {
                if conflict.to_string() != manager {
                    manager = conflict.to_string();
                    lines.push(format!("conflicts with {manager}:"));
                }
                lines.push(format!("- {}", conflict.place()));
            }
            format!("Apply failed with {} conflicts: {}", several.len(), lines.join("\n"))
        }
    };
    let causes = conflicts.iter().map(|conflict| Cause {
        reason: "FieldManagerConflict".into(),
        message: format!("conflict with {conflict}"),
        field: conflict.place(),
    });
    let mut error = ApiError::new(409, "Conflict", message);
    error.causes = causes.collect();
    error
}

impl Conflict {
    /// What upstream knows the manager by, and sorts by.
    fn identity(&self) -> String {
        let Owner { manager, operation, subresource } = &self.owner;
        let mut identity = json!({"manager": manager});
        match operation {
            Operation::Apply => identity["operation"] = "Apply".into(),
            Operation::Update => {
                identity["operation"] = "Update".into();
                identity["apiVersion"] = self.api_version.as_str().into();
            }
        }
        if !subresource.is_empty() {
            identity["subresource"] = subresource.as_str().into();
        }
        identity.to_string()
    }

    fn place(&self) -> String {
        self.path.iter().map(PathElement::to_string).collect()
    }
}

/// The manager, as it stands in messages.
impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Owner { manager, operation, subresource } = &self.owner;
        f.write_str(&crate::validation::quoted(manager))?;
        if !subresource.is_empty() {
            write!(f, " with subresource {}", crate::validation::quoted(subresource))?;
        }
        match operation {
            Operation::Apply => Ok(()),
            Operation::Update => write!(f, " using {}", self.api_version),
        }
    }
}
