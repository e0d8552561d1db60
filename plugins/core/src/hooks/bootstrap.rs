//! The objects of a fresh cluster, which are data (`apimachinery/data/bootstrap.json`): roles
//! and who has them, priority classes, flow control.

use apimachinery::definition::Definition;
use apimachinery::tree::Value;
use plugin_sdk::{HookContext, Result};

use super::ensure::{self, Reconcile};
use super::flowschemas;
use crate::tree::{items, text};

const OBJECTS: &str = include_str!("../../../apimachinery/data/bootstrap.json");
const UPDATE_ROLES: &str = "rbac.authorization.kubernetes.io/autoupdate";
const UPDATE_SPEC: &str = "apf.kubernetes.io/autoupdate-spec";

/// What one hook makes.
pub(super) struct Set {
    pub(super) hook: &'static str,
    /// Kinds with their groups and resources.
    kinds: &'static [(&'static str, &'static str, &'static str)],
    /// Who manages them.
    manager: &'static str,
    reconcile: Reconcile,
}

const RBAC: &str = "rbac.authorization.k8s.io";
const FLOWCONTROL: &str = "flowcontrol.apiserver.k8s.io";

pub(super) const SETS: [Set; 3] = [
    Set {
        hook: "rbac/bootstrap-roles",
        kinds: &[
            ("ClusterRole", RBAC, "clusterroles"),
            ("ClusterRoleBinding", RBAC, "clusterrolebindings"),
            ("Role", RBAC, "roles"),
            ("RoleBinding", RBAC, "rolebindings"),
        ],
        manager: ensure::MANAGER,
        reconcile: roles,
    },
    Set {
        hook: "scheduling/bootstrap-system-priority-classes",
        kinds: &[("PriorityClass", "scheduling.k8s.io", "priorityclasses")],
        manager: ensure::MANAGER,
        reconcile: |_, _| false,
    },
    Set {
        hook: "priority-and-fairness-config-producer",
        kinds: &[
            ("PriorityLevelConfiguration", FLOWCONTROL, "prioritylevelconfigurations"),
            ("FlowSchema", FLOWCONTROL, "flowschemas"),
        ],
        manager: "api-priority-and-fairness-config-producer-v1",
        reconcile: spec,
    },
];

/// One of the objects as it is made.
pub(crate) fn wanted(kind: &str, name: &str) -> Option<Value> {
    let all: Value = serde_json::from_str(OBJECTS).ok()?;
    items(&all, kind).find(|object| text(&object["metadata"], "name") == name).cloned()
}

pub(super) async fn run(definitions: &[Definition], context: &HookContext, set: &Set) -> Result {
    let store = context.store();
    let all: Value = serde_json::from_str(OBJECTS)?;
    for (kind, group, resource) in set.kinds {
        let definition = ensure::definition(definitions, group, resource)?;
        let objects: Vec<Value> = items(&all, kind).cloned().collect();
        ensure::all(definition, &store, set.manager, objects, set.reconcile).await?;
    }
    // The other hook would do it, but later than this server says that it is ready.
    if set.kinds.iter().any(|(kind, ..)| *kind == "FlowSchema") {
        flowschemas::look(definitions, &store).await?;
    }
    Ok(())
}

/// Roles get back what they should have and keep what somebody added, unless they say that
/// they are not to be touched.
fn roles(own: &mut Value, wanted: &Value) -> bool {
    if text(&own["metadata"]["annotations"], UPDATE_ROLES) == "false" {
        return false;
    }
    let mut changed = false;
    // An aggregated role's rules are a controller's.
    if wanted["aggregationRule"].is_object() {
        if own["aggregationRule"] != wanted["aggregationRule"] {
            own["aggregationRule"] = wanted["aggregationRule"].clone();
            changed = true;
        }
        return changed;
    }
    for list in ["rules", "subjects"] {
        let missing: Vec<Value> =
            items(wanted, list).filter(|item| !items(own, list).any(|other| other == *item)).cloned().collect();
        if !missing.is_empty() {
            changed = true;
            match own[list].as_array_mut() {
                Some(present) => present.extend(missing),
                None => own[list] = missing.into(),
            }
        }
    }
    changed
}

/// Flow control follows the server's version as long as it is annotated to.
fn spec(own: &mut Value, wanted: &Value) -> bool {
    if text(&own["metadata"]["annotations"], UPDATE_SPEC) != "true" || own["spec"] == wanted["spec"] {
        return false;
    }
    own["spec"] = wanted["spec"].clone();
    true
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn every_set_has_its_objects() {
        let all: Value = serde_json::from_str(OBJECTS).unwrap();
        for set in &SETS {
            for (kind, group, resource) in set.kinds {
                assert!(items(&all, kind).next().is_some(), "{kind}");
                ensure::definition(&crate::resources::definitions(), group, resource).unwrap();
            }
        }
    }

    #[test]
    fn a_role_gets_back_what_it_lacks() {
        let wanted = json!({"rules": [{"verbs": ["get"]}, {"verbs": ["list"]}]});
        let mut own = json!({"rules": [{"verbs": ["list"]}, {"verbs": ["mine"]}]});
        assert!(roles(&mut own, &wanted));
        assert_eq!(own["rules"], json!([{"verbs": ["list"]}, {"verbs": ["mine"]}, {"verbs": ["get"]}]));
        assert!(!roles(&mut own, &wanted));
        let mut untouched = json!({"metadata": {"annotations": {UPDATE_ROLES: "false"}}});
        assert!(!roles(&mut untouched, &wanted));
    }
}
