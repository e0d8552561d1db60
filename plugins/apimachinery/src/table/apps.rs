//! Workloads: the apps and batch groups, replication controllers, disruption budgets.

use super::duration;
use super::object::{
    NONE, Object, UNSET, containers, instant, int_or_string, label_set, list, number, selector, selector_or_none, size,
    text,
};
use crate::tree::Value;

pub(super) fn deployments(object: Object<'_>) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let [names, images] = containers(&spec["template"]);
    vec![
        object.name(),
        format!("{}/{}", number(&status["readyReplicas"]), number(&spec["replicas"])).into(),
        number(&status["updatedReplicas"]).into(),
        number(&status["availableReplicas"]).into(),
        object.age(),
        names,
        images,
        selector(&spec["selector"]).unwrap_or_else(|()| "<invalid>".into()).into(),
    ]
}

pub(super) fn replica_sets(object: Object<'_>) -> Vec<Value> {
    replicas(object, selector_or_none(&object["spec"]["selector"]))
}

pub(super) fn replication_controllers(object: Object<'_>) -> Vec<Value> {
    replicas(object, label_set(&object["spec"]["selector"]))
}

fn replicas(object: Object<'_>, selector: String) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let [names, images] = containers(&spec["template"]);
    vec![
        object.name(),
        number(&spec["replicas"]).into(),
        number(&status["replicas"]).into(),
        number(&status["readyReplicas"]).into(),
        object.age(),
        names,
        images,
        selector.into(),
    ]
}

pub(super) fn stateful_sets(object: Object<'_>) -> Vec<Value> {
    let ready = format!("{}/{}", number(&object["status"]["readyReplicas"]), number(&object["spec"]["replicas"]));
    let [names, images] = containers(&object["spec"]["template"]);
    vec![object.name(), ready.into(), object.age(), names, images]
}

pub(super) fn daemon_sets(object: Object<'_>) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let [names, images] = containers(&spec["template"]);
    vec![
        object.name(),
        number(&status["desiredNumberScheduled"]).into(),
        number(&status["currentNumberScheduled"]).into(),
        number(&status["numberReady"]).into(),
        number(&status["updatedNumberScheduled"]).into(),
        number(&status["numberAvailable"]).into(),
        label_set(&spec["template"]["spec"]["nodeSelector"]).into(),
        object.age(),
        names,
        images,
        selector_or_none(&spec["selector"]).into(),
    ]
}

pub(super) fn controller_revisions(object: Object<'_>) -> Vec<Value> {
    let owners = list(&object["metadata"]["ownerReferences"]).iter();
    let controller = owners.into_iter().find(|owner| owner["controller"] == true).map(|owner| {
        let kind = match text(&owner["apiVersion"]).split_once('/') {
            Some((group, _)) => format!("{}.{group}", text(&owner["kind"])),
            None => text(&owner["kind"]).to_string(),
        };
        format!("{}/{}", kind.to_lowercase(), text(&owner["name"]))
    });
    let controller = controller.unwrap_or_else(|| NONE.into());
    vec![object.name(), controller.into(), number(&object["revision"]).into(), object.age()]
}

pub(super) fn jobs(object: Object<'_>) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let succeeded = number(&status["succeeded"]);
    let completions = match (spec["completions"].as_i64(), number(&spec["parallelism"])) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, parallelism) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        (None, _) => format!("{succeeded}/1"),
    };
    let duration = match (instant(&status["startTime"]), instant(&status["completionTime"])) {
        (None, _) => String::new(),
        (Some(start), None) => object.since_instant(Some(start)),
        (Some(start), Some(end)) => duration::human(duration::seconds_between(start, end)),
    };
    let has = |kind: &str| object.condition(kind).is_some_and(|condition| condition["status"] == "True");
    let state = match () {
        () if has("Complete") => "Complete",
        () if has("Failed") => "Failed",
        () if object.is_going() => "Terminating",
        () if has("Suspended") => "Suspended",
        () if has("FailureTarget") => "FailureTarget",
        () if has("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    };
    let [names, images] = containers(&spec["template"]);
    vec![
        object.name(),
        state.into(),
        completions.into(),
        duration.into(),
        object.age(),
        names,
        images,
        selector_or_none(&spec["selector"]).into(),
    ]
}

pub(super) fn cron_jobs(object: Object<'_>) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let last = match &status["lastScheduleTime"] {
        Value::Null => NONE.into(),
        time => object.since(time),
    };
    let suspended = match spec["suspend"].as_bool() {
        Some(true) => "True",
        Some(false) => "False",
        None => UNSET,
    };
    let job = &spec["jobTemplate"]["spec"];
    let [names, images] = containers(&job["template"]);
    vec![
        object.name(),
        text(&spec["schedule"]).into(),
        spec["timeZone"].as_str().unwrap_or(NONE).into(),
        suspended.into(),
        size(&status["active"]).into(),
        last.into(),
        object.age(),
        names,
        images,
        selector_or_none(&job["selector"]).into(),
    ]
}

pub(super) fn disruption_budgets(object: Object<'_>) -> Vec<Value> {
    let spec = &object["spec"];
    vec![
        object.name(),
        int_or_string(&spec["minAvailable"], "N/A").into(),
        int_or_string(&spec["maxUnavailable"], "N/A").into(),
        number(&object["status"]["disruptionsAllowed"]).into(),
        object.age(),
    ]
}
