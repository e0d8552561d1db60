//! Pods: what one gets when it is made, how little of it may change, and that it goes
//! gracefully.

pub(crate) mod admission;
pub(crate) mod defaults;
mod quality;
pub(crate) mod validate;

use apimachinery::rest::object::carry_over;
use apimachinery::status::FieldError;
use apimachinery::strategy::{Companions, Grace, Operation, Reading, Strategy};
use plugin_sdk::Store;
use serde_json::{Value, json};

use crate::tree::{child, items, items_mut, remove, text};

const GRACE_SECONDS: i64 = 30;
const UPDATABLE: &str = "pod updates may not change fields other than \
    `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
    `spec.tolerations` (only additions to existing tolerations),\
    `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

pub(super) struct Pods;

impl Strategy for Pods {
    fn default(&self, object: &mut Value) {
        let spec = child(object, "spec");
        defaults::pod(spec);
        defaults::pod_spec(spec);
        ip_addresses(object);
    }

    fn admit<'a>(
        &'a self,
        operation: &'a Operation<'a>,
        store: &'a Store,
        object: &'a mut Value,
        old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        Box::pin(async move {
            if old.is_none() && operation.subresource.is_empty() {
                admission::admit(operation, store, object).await?;
            }
            Ok(Companions::default())
        })
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        let quality = quality::of(&object["spec"]);
        object["status"] = json!({"phase": "Pending", "qosClass": quality});
        let gates = items(&object["spec"], "schedulingGates").count();
        if gates > 0 {
            object["status"]["conditions"] = json!([{
                "type": "PodScheduled",
                "status": "False",
                "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
            }]);
        }
    }

    fn prepare_for_update(&self, operation: &Operation<'_>, object: &mut Value, old: &Value) {
        match operation.subresource {
            "" | "status" | "binding" => {}
            // Each of the others changes its own part of the spec alone.
            part => {
                let asked = object["spec"].clone();
                carry_over(object, old, "spec");
                carry_over(object, old, "status");
                take_part(&mut object["spec"], &asked, part);
            }
        }
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        validate::pod_spec(&object["spec"], "spec", errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        if operation.subresource.is_empty() {
            validate::pod_spec(&object["spec"], "spec", errors);
            if !updatable(&object["spec"], &old["spec"]) {
                errors.push(FieldError::forbidden("spec", UPDATABLE));
            }
        }
    }

    fn generation(&self) -> bool {
        true
    }

    fn graceful(&self) -> bool {
        true
    }

    fn grace(&self, object: &Value, asked: Option<i64>) -> Grace {
        let own = object["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(GRACE_SECONDS);
        let seconds = asked.unwrap_or(own);
        // Nobody runs it: there is nothing to wait for.
        let idle = text(&object["spec"], "nodeName").is_empty()
            || matches!(text(&object["status"], "phase"), "Failed" | "Succeeded");
        Grace::Seconds(if idle { 0 } else { seconds.max(0) })
    }

    fn returns_deleted(&self) -> bool {
        true
    }
}

/// The first address and the list of all say the same.
fn ip_addresses(object: &mut Value) {
    let Some(status) = object.get_mut("status").filter(|status| status.is_object()) else { return };
    let first = text(status, "podIP").to_string();
    let listed = items(status, "podIPs").next().map(|item| text(item, "ip").to_string());
    match listed {
        None if !first.is_empty() => status["podIPs"] = json!([{"ip": first}]),
        Some(listed) if first.is_empty() => status["podIP"] = listed.into(),
        Some(listed) if listed != first => status["podIPs"] = json!([{"ip": first}]),
        _ => {}
    }
}

fn take_part(spec: &mut Value, asked: &Value, part: &str) {
    match part {
        "ephemeralcontainers" => spec["ephemeralContainers"] = asked["ephemeralContainers"].clone(),
        "resize" => {
            for list in ["containers", "initContainers"] {
                let wanted: Vec<&Value> = items(asked, list).collect();
                for container in items_mut(spec, list) {
                    let same = wanted.iter().find(|other| other["name"] == container["name"]);
                    if let Some(same) = same {
                        container["resources"] = same["resources"].clone();
                        if let Some(policy) = same.get("resizePolicy") {
                            container["resizePolicy"] = policy.clone();
                        }
                    }
                }
            }
        }
        _ => {}
    }
}

/// Whether the specs differ in nothing but what may change.
fn updatable(new: &Value, old: &Value) -> bool {
    let tolerations = |spec: &Value| items(spec, "tolerations").cloned().collect::<Vec<_>>();
    let (added, kept) = (tolerations(new), tolerations(old));
    if !kept.iter().all(|toleration| added.contains(toleration)) {
        return false;
    }
    let fixed = |spec: &Value| {
        let mut spec = spec.clone();
        for list in ["containers", "initContainers"] {
            items_mut(&mut spec, list).for_each(|container| drop(remove(container, "image")));
        }
        for field in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
            remove(&mut spec, field);
        }
        if text_number(old, "terminationGracePeriodSeconds") < 0 {
            remove(&mut spec, "terminationGracePeriodSeconds");
        }
        spec
    };
    fixed(new) == fixed(old)
}

fn text_number(object: &Value, key: &str) -> i64 {
    object[key].as_i64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_may_change_and_policies_may_not() {
        let spec =
            |image: &str, policy: &str| json!({"containers": [{"name": "c", "image": image}], "restartPolicy": policy});
        assert!(updatable(&spec("a:2", "Always"), &spec("a:1", "Always")));
        assert!(!updatable(&spec("a:1", "Never"), &spec("a:1", "Always")));
    }

    #[test]
    fn an_address_is_in_the_list_of_addresses() {
        let mut pod = json!({"status": {"podIP": "10.0.0.1"}});
        ip_addresses(&mut pod);
        assert_eq!(pod["status"]["podIPs"], json!([{"ip": "10.0.0.1"}]));
    }

    #[test]
    fn only_what_runs_has_a_grace_period() {
        let pod = |node: &str| json!({"spec": {"nodeName": node, "terminationGracePeriodSeconds": 7}});
        assert_eq!(Pods.grace(&pod("n"), None), Grace::Seconds(7));
        assert_eq!(Pods.grace(&pod("n"), Some(3)), Grace::Seconds(3));
        assert_eq!(Pods.grace(&pod(""), None), Grace::Seconds(0));
    }
}
