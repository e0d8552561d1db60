//! Pods: what one gets when it is made, how little of it may change, and that it goes
//! gracefully.

pub(crate) mod account;
mod admission;
pub(crate) mod app_armor;
pub(crate) mod defaults;
mod image;
mod quality;
mod status;
pub(crate) mod validate;

use apimachinery::rest::clock;
use apimachinery::rest::object::carry_over;
use apimachinery::status::FieldError;
use apimachinery::strategy::{Companions, Grace, Operation, Reading, Strategy};
use apimachinery::tree::{Value, json};
use apimachinery::validation::place::Place;
use plugin_sdk::Store;

use crate::tree::{child, existing, items, items_mut, text};
use crate::warnings::{self, Warnings};

const GRACE_SECONDS: i64 = 30;

pub(super) struct Pods;

impl Strategy for Pods {
    fn default(&self, object: &mut Value) {
        let spec = child(object, "spec");
        defaults::pod(spec);
        defaults::pod_spec(spec);
        ip_addresses(object);
    }

    fn forget_disabled(&self, object: &mut Value) {
        defaults::forget_disabled(child(object, "spec"));
    }

    fn admit<'a>(
        &'a self,
        operation: &'a Operation<'a>,
        store: &'a Store,
        object: &'a mut Value,
        old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        Box::pin(async move {
            match (operation.subresource, old) {
                ("", None) => return admission::admit(operation, store, object).await,
                ("resize", Some(_)) => return admission::resize(operation, store, object).await,
                ("", Some(old)) => admission::keep(object, old),
                _ => {}
            }
            Ok(Companions::default())
        })
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        select_by_own_labels(object);
        app_armor::fill(object);
        let quality = quality::of(&object["spec"]);
        object["status"] = json!({"phase": "Pending", "qosClass": quality});
        let gates = items(&object["spec"], "schedulingGates").count();
        if gates > 0 {
            object["status"]["conditions"] = json!([{
                "type": "PodScheduled",
                "status": "False",
                "lastTransitionTime": clock::now(),
                "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
            }]);
        }
    }

    fn prepare_for_update(&self, operation: &Operation<'_>, object: &mut Value, old: &Value) {
        match operation.subresource {
            "status" => status::prepare(object, old),
            "" | "binding" => {}
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
        validate::pod(object, errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        match operation.subresource {
            "" => validate::update(object, old, errors),
            "ephemeralcontainers" => validate::ephemeral_containers(object, old, errors),
            "resize" => validate::resize(object, old, errors),
            "status" => status::change(&Place::root(object), old, errors),
            _ => {}
        }
    }

    fn warnings_unprepared(&self, _operation: &Operation<'_>, object: &Value) -> Warnings {
        app_armor::warnings(object)
    }

    fn warnings(&self, operation: &Operation<'_>, object: &Value, old: Option<&Value>) -> Warnings {
        let mut out = Warnings::new();
        match (operation.subresource, old) {
            ("", None) => warnings::of_pod(object, &mut out),
            ("status", _) => {
                let root = Place::root(object);
                for list in ["status.podIPs", "status.hostIPs"] {
                    root.at(list).items().for_each(|one| warnings::address(&one.at("ip"), &mut out));
                }
            }
            _ => {}
        }
        out
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

/// Keys of labels whose values a pod shares, or does not share, with those that it is spread
/// or placed with: upstream writes them into the selectors.
fn select_by_own_labels(object: &mut Value) {
    let labels = object["metadata"]["labels"].clone();
    let merge = |term: &mut Value| {
        if !term["labelSelector"].is_object() {
            return;
        }
        for (list, operator) in [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")] {
            let keys: Vec<String> = items(term, list).filter_map(Value::as_str).map(String::from).collect();
            for key in keys {
                let Some(value) = labels.get(&key) else { continue };
                let expressions = &mut term["labelSelector"]["matchExpressions"];
                if !expressions.is_array() {
                    *expressions = json!([]);
                }
                if let Some(expressions) = expressions.as_array_mut() {
                    expressions.push(json!({"key": key, "operator": operator, "values": [value]}));
                }
            }
        }
    };
    let spec = child(object, "spec");
    items_mut(spec, "topologySpreadConstraints").for_each(merge);
    for kind in ["podAffinity", "podAntiAffinity"] {
        let Some(affinity) = spec.get_mut("affinity").and_then(|affinity| existing(affinity, kind)) else { continue };
        items_mut(affinity, "requiredDuringSchedulingIgnoredDuringExecution").for_each(merge);
        let preferred = items_mut(affinity, "preferredDuringSchedulingIgnoredDuringExecution");
        preferred.filter_map(|one| existing(one, "podAffinityTerm")).for_each(merge);
    }
}

fn take_part(spec: &mut Value, asked: &Value, part: &str) {
    match part {
        "ephemeralcontainers" => carry_over(spec, asked, "ephemeralContainers"),
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

#[cfg(test)]
mod tests {
    use super::*;

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
