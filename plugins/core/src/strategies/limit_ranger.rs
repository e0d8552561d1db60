//! `LimitRanger`: what the limit ranges of a namespace add to its pods, and what they refuse
//! of pods and claims.

use std::collections::BTreeMap;
use std::rc::Rc;

use apimachinery::codec::quantity::Quantity;
use apimachinery::rest::object::metadata_mut;
use apimachinery::status::ApiError;
use apimachinery::strategy::Operation;
use apimachinery::tree::{Text, Value, json};
use plugin_sdk::Store;

use crate::small;
use crate::tree::{child, items, items_mut, text};

const PREFIX: &str = "/registry/limitranges/";
const NOTE: &str = "kubernetes.io/limit-ranger";
/// What a pod may say for all of its containers together.
const OF_PODS: [&str; 2] = ["cpu", "memory"];

/// The limit ranges of one namespace.
pub(super) struct LimitRanges(Rc<[Value]>);

/// Amounts by the names of resources.
type Amounts = BTreeMap<String, Quantity>;

/// What is asked for, and what is allowed.
struct Resources {
    requests: Amounts,
    limits: Amounts,
}

impl LimitRanges {
    pub(super) async fn read(store: &Store, namespace: &str) -> Result<Self, ApiError> {
        let prefix = format!("{PREFIX}{namespace}/");
        // Most namespaces have none. Whoever asks has read something as it is now just before, and
        // what the store has counted is no older.
        if matches!(store.count(&prefix), Ok(0)) {
            return Ok(Self(Rc::default()));
        }
        small::remembered(store, &prefix).await.map(Self)
    }

    /// Sets what the pod's containers leave open, and notes it.
    pub(super) fn complete(&self, pod: &mut Value) {
        for range in &*self.0 {
            let mut notes = Vec::new();
            for (list, kind) in [("containers", "container"), ("initContainers", "init container")] {
                for container in items_mut(child(pod, "spec"), list) {
                    notes.extend(complete_container(container, range, kind));
                }
            }
            if !notes.is_empty() {
                let annotations = metadata_mut(pod).entry("annotations").or_insert_with(|| json!({}));
                annotations[NOTE] = format!("LimitRanger plugin set: {}", notes.join("; ")).into();
            }
        }
    }

    /// # Errors
    /// All that is too much or too little by the first range that refuses anything.
    pub(super) fn check_pod(&self, operation: &Operation<'_>, pod: &Value) -> Result<(), ApiError> {
        self.check(operation, |kind| match kind {
            "Container" => {
                let all = items(&pod["spec"], "containers").chain(items(&pod["spec"], "initContainers"));
                all.map(Resources::of).collect()
            }
            "Pod" => vec![Resources::of_pod(&pod["spec"])],
            _ => Vec::new(),
        })
    }

    /// As [`LimitRanges::check_pod`], for a claim: only what it asks for counts.
    pub(super) fn check_claim(&self, operation: &Operation<'_>, claim: &Value) -> Result<(), ApiError> {
        self.check(operation, |kind| match kind {
            "PersistentVolumeClaim" => {
                let requests = amounts(&claim["spec"]["resources"]["requests"]);
                vec![Resources { requests, limits: Amounts::new() }]
            }
            _ => Vec::new(),
        })
    }

    fn check(&self, operation: &Operation<'_>, of: impl Fn(&str) -> Vec<Resources>) -> Result<(), ApiError> {
        for range in &*self.0 {
            let mut errors: Vec<String> = Vec::new();
            for limit in items(&range["spec"], "limits") {
                let kind = text(limit, "type");
                for resources in of(kind) {
                    for error in resources.errors(kind, limit) {
                        // As upstream sums errors up.
                        if !errors.contains(&error) {
                            errors.push(error);
                        }
                    }
                }
            }
            let why = match &errors[..] {
                [] => continue,
                [only] => only.clone(),
                several => format!("[{}]", several.join(", ")),
            };
            return Err(operation.forbidden(why));
        }
        Ok(())
    }
}

/// Answers what was set, as the annotation says it.
fn complete_container(container: &mut Value, range: &Value, kind: &str) -> Vec<String> {
    let name = text(container, "name").to_string();
    let mut notes = Vec::new();
    for (from, to, word) in [("defaultRequest", "requests", "request"), ("default", "limits", "limit")] {
        // Of several defaults in one range the last one counts.
        let of_containers = items(&range["spec"], "limits").filter(|limit| text(limit, "type") == "Container");
        let defaults: BTreeMap<&Text, &Value> =
            of_containers.flat_map(|limit| limit[from].as_object().into_iter().flatten()).collect();
        let mut set = Vec::new();
        for (resource, amount) in defaults {
            let amounts = child(child(container, "resources"), to);
            if amounts.get(resource).is_none() {
                amounts[resource] = amount.clone();
                set.push(resource.as_str());
            }
        }
        if !set.is_empty() {
            notes.push(format!("{} {word} for {kind} {name}", set.join(", ")));
        }
    }
    notes
}

impl Resources {
    fn of(container: &Value) -> Self {
        let resources = &container["resources"];
        Self { requests: amounts(&resources["requests"]), limits: amounts(&resources["limits"]) }
    }

    /// Of all containers together; of those that run one after the other, the largest.
    fn of_pod(spec: &Value) -> Self {
        let mut total = Self { requests: Amounts::new(), limits: Amounts::new() };
        let parts = [("requests", &mut total.requests), ("limits", &mut total.limits)];
        for (part, total) in parts {
            let of = |container: &Value| amounts(&container["resources"][part]);
            items(spec, "containers").for_each(|container| add(total, &of(container)));
            let (mut beside, mut most) = (Amounts::new(), Amounts::new());
            for container in items(spec, "initContainers") {
                let mut own = of(container);
                if text(container, "restartPolicy") == "Always" {
                    add(total, &own);
                    add(&mut beside, &own);
                    own.clone_from(&beside);
                } else {
                    add(&mut own, &beside);
                }
                raise(&mut most, &own);
            }
            raise(total, &most);
            let own = amounts(&spec["resources"][part]);
            total.extend(own.into_iter().filter(|(resource, _)| OF_PODS.contains(&resource.as_str())));
        }
        total
    }

    /// What a limit refuses.
    fn errors(&self, kind: &str, limit: &Value) -> Vec<String> {
        let least =
            amounts(&limit["min"]).into_iter().filter_map(|(resource, bound)| self.below(kind, &resource, &bound));
        let most =
            amounts(&limit["max"]).into_iter().filter_map(|(resource, bound)| self.above(kind, &resource, &bound));
        let ratios = amounts(&limit["maxLimitRequestRatio"]);
        let ratios = ratios.into_iter().filter_map(|(resource, bound)| self.apart(kind, &resource, &bound));
        least.chain(most).chain(ratios).collect()
    }

    fn below(&self, kind: &str, resource: &str, bound: &Quantity) -> Option<String> {
        let text = format!("minimum {resource} usage per {kind} is {bound}");
        let is_below = |amount: &&Quantity| amount.nanos() < bound.nanos();
        let Some(request) = self.requests.get(resource) else {
            return Some(format!("{text}.  No request is specified"));
        };
        if is_below(&request) {
            return Some(format!("{text}, but request is {request}"));
        }
        self.limits.get(resource).filter(is_below).map(|limit| format!("{text}, but limit is {limit}"))
    }

    fn above(&self, kind: &str, resource: &str, bound: &Quantity) -> Option<String> {
        let text = format!("maximum {resource} usage per {kind} is {bound}");
        let is_above = |amount: &&Quantity| amount.nanos() > bound.nanos();
        let (request, limit) = (self.requests.get(resource), self.limits.get(resource));
        let request_is_above = || request.filter(is_above).map(|request| format!("{text}, but request is {request}"));
        // Claims have no limits.
        if kind == "PersistentVolumeClaim" {
            return if request.is_none() {
                Some(format!("{text}.  No request is specified"))
            } else {
                request_is_above()
            };
        }
        let Some(limit) = limit else { return Some(format!("{text}.  No limit is specified")) };
        if is_above(&limit) {
            return Some(format!("{text}, but limit is {limit}"));
        }
        request_is_above()
    }

    fn apart(&self, kind: &str, resource: &str, bound: &Quantity) -> Option<String> {
        let text = format!("{resource} max limit to request ratio per {kind} is {bound}");
        let amount = |amounts: &Amounts| amounts.get(resource).map(Quantity::nanos).filter(|nanos| *nanos != 0);
        let Some(request) = amount(&self.requests) else {
            return Some(format!("{text}, but no request is specified or request is 0"));
        };
        let Some(limit) = amount(&self.limits) else {
            return Some(format!("{text}, but no limit is specified or limit is 0"));
        };
        let ratio = limit as f64 / request as f64;
        (ratio > bound.nanos() as f64 / 1e9).then(|| format!("{text}, but provided ratio is {ratio:.6}"))
    }
}

fn amounts(value: &Value) -> Amounts {
    let all = value.as_object().into_iter().flatten();
    all.filter_map(|(name, amount)| Some((name.to_string(), Quantity::parse(amount.as_str()?).ok()?))).collect()
}

fn add(total: &mut Amounts, more: &Amounts) {
    for (resource, amount) in more {
        let sum = total.get(resource).map_or(*amount, |total| total.plus(amount));
        total.insert(resource.clone(), sum);
    }
}

fn raise(total: &mut Amounts, to: &Amounts) {
    for (resource, amount) in to {
        if total.get(resource).is_none_or(|total| total.nanos() < amount.nanos()) {
            total.insert(resource.clone(), *amount);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(requests: &str, limits: &str) -> Value {
        let amounts = |memory: &str| if memory.is_empty() { json!({}) } else { json!({"memory": memory}) };
        json!({"name": "c", "resources": {"requests": amounts(requests), "limits": amounts(limits)}})
    }

    fn errors(kind: &str, limit: &Value, resources: &Resources) -> String {
        resources.errors(kind, limit).join(", ")
    }

    #[test]
    fn a_container_is_refused_in_upstreams_words() {
        for (limit, requests, limits, expected) in [
            (
                json!({"min": {"memory": "1Gi"}}),
                "",
                "",
                "minimum memory usage per Container is 1Gi.  No request is specified",
            ),
            (
                json!({"min": {"memory": "1Gi"}}),
                "512Mi",
                "",
                "minimum memory usage per Container is 1Gi, but request is 512Mi",
            ),
            (
                json!({"min": {"memory": "1Gi"}}),
                "1Gi",
                "512Mi",
                "minimum memory usage per Container is 1Gi, but limit is 512Mi",
            ),
            (json!({"min": {"memory": "1Gi"}}), "1Gi", "2Gi", ""),
            (
                json!({"max": {"memory": "1Gi"}}),
                "1Gi",
                "",
                "maximum memory usage per Container is 1Gi.  No limit is specified",
            ),
            (
                json!({"max": {"memory": "1Gi"}}),
                "",
                "2Gi",
                "maximum memory usage per Container is 1Gi, but limit is 2Gi",
            ),
            (
                json!({"max": {"memory": "1Gi"}}),
                "2Gi",
                "1Gi",
                "maximum memory usage per Container is 1Gi, but request is 2Gi",
            ),
            (json!({"max": {"memory": "1Gi"}}), "", "1Gi", ""),
            (
                json!({"maxLimitRequestRatio": {"memory": "2"}}),
                "1Gi",
                "4Gi",
                "memory max limit to request ratio per Container is 2, but provided ratio is 4.000000",
            ),
            (
                json!({"maxLimitRequestRatio": {"memory": "2"}}),
                "",
                "4Gi",
                "memory max limit to request ratio per Container is 2, but no request is specified or request is 0",
            ),
            (
                json!({"maxLimitRequestRatio": {"memory": "2"}}),
                "1Gi",
                "",
                "memory max limit to request ratio per Container is 2, but no limit is specified or limit is 0",
            ),
            (json!({"maxLimitRequestRatio": {"memory": "1500m"}}), "2Gi", "3Gi", ""),
        ] {
            let found = errors("Container", &limit, &Resources::of(&container(requests, limits)));
            assert_eq!(found, expected, "{limit} {requests} {limits}");
        }
    }

    #[test]
    fn a_pod_counts_what_may_run_at_a_time() {
        let sidecar = |memory| {
            let mut sidecar = container(memory, "");
            sidecar["restartPolicy"] = "Always".into();
            sidecar
        };
        for (spec, expected) in [
            (json!({"containers": [container("1Gi", ""), container("512Mi", "")]}), "1536Mi"),
            (json!({"containers": [container("1Gi", "")], "initContainers": [container("3Gi", "")]}), "3Gi"),
            (
                json!({"containers": [container("1Gi", "")], "initContainers": [sidecar("1Gi"), container("2Gi", "")]}),
                "3Gi",
            ),
            (
                json!({"containers": [container("2Gi", "")], "initContainers": [container("1Gi", ""), sidecar("1Gi")]}),
                "3Gi",
            ),
            (json!({"containers": [container("1Gi", "")], "resources": {"requests": {"memory": "5Gi"}}}), "5Gi"),
        ] {
            let limit = json!({"min": {"memory": "1Ti"}});
            let expected = format!("minimum memory usage per Pod is 1Ti, but request is {expected}");
            assert_eq!(errors("Pod", &limit, &Resources::of_pod(&spec)), expected, "{spec}");
        }
    }

    #[test]
    fn defaults_are_set_and_noted() {
        let range = json!({"spec": {"limits": [
            {"type": "Pod", "default": {"memory": "1Gi"}},
            {"type": "Container", "default": {"cpu": "1"}, "defaultRequest": {"memory": "1Mi", "cpu": "1"}},
        ]}});
        let mut pod = json!({"metadata": {}, "spec": {"containers": [{"name": "a"}], "initContainers": [
            {"name": "b", "resources": {"limits": {"cpu": "2"}, "requests": {"cpu": "1", "memory": "1Gi"}}},
            {"name": "c", "resources": {"limits": {"cpu": "2"}}},
        ]}});
        LimitRanges([range].into()).complete(&mut pod);
        assert_eq!(
            pod["metadata"]["annotations"][NOTE],
            "LimitRanger plugin set: cpu, memory request for container a; cpu limit for container a; \
             cpu, memory request for init container c"
        );
        assert_eq!(pod["spec"]["initContainers"][0]["resources"]["requests"], json!({"cpu": "1", "memory": "1Gi"}));
    }
}
