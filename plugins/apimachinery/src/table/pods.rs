//! Pods: one word for everything that can be the matter with them.

use super::object::{NONE, Object, flag, instant, list, number, text, text_or};
use crate::codec::time::Instant;
use crate::tree::{Value, json};

/// The conditions of the row of a pod that has ended.
pub(super) fn conditions(pod: &Value) -> Option<Value> {
    let (reason, message) = match text(&pod["status"]["phase"]) {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

pub(super) fn pods(pod: Object<'_>) -> Vec<Value> {
    let State { reason, ready, restarts, last_restart } = state(pod);
    let total = list(&pod["spec"]["containers"]).len()
        + list(&pod["spec"]["initContainers"]).iter().filter(|container| is_restartable(container)).count();
    let restarts = match last_restart {
        Some(last) if restarts != 0 => format!("{restarts} ({} ago)", pod.since_instant(Some(last))),
        _ => restarts.to_string(),
    };
    vec![
        pod.name(),
        format!("{ready}/{total}").into(),
        reason.into(),
        restarts.into(),
        pod.age(),
        text_or(&pod["status"]["podIPs"][0]["ip"], NONE).into(),
        text_or(&pod["spec"]["nodeName"], NONE).into(),
        text_or(&pod["status"]["nominatedNodeName"], NONE).into(),
        readiness_gates(pod).into(),
    ]
}

/// What containers' statuses add up to.
struct State {
    reason: String,
    ready: usize,
    restarts: i64,
    last_restart: Option<Instant>,
}

fn state(pod: Object<'_>) -> State {
    let status = &pod["status"];
    let phase = text(&status["phase"]);
    let mut state =
        State { reason: text_or(&status["reason"], phase).to_string(), ready: 0, restarts: 0, last_restart: None };
    if pod.condition("PodScheduled").is_some_and(|condition| condition["reason"] == "SchedulingGated") {
        state.reason = "SchedulingGated".into();
    }

    let initializing = init_containers(pod, &mut state);
    if !initializing || pod.condition("Initialized").is_some_and(|condition| condition["status"] == "True") {
        containers(pod, &mut state);
    }

    if pod.is_going() {
        if status["reason"] == "NodeLost" {
            state.reason = "Unknown".into();
        } else if !matches!(phase, "Succeeded" | "Failed") {
            state.reason = "Terminating".into();
        }
    }
    state
}

/// Whether an init container has not done its part; `state` says which and why. Once they all
/// have, only the restarts of those that keep running count.
fn init_containers(pod: Object<'_>, state: &mut State) -> bool {
    let declared = list(&pod["spec"]["initContainers"]);
    let mut sidecars = State { reason: String::new(), ready: 0, restarts: 0, last_restart: None };
    let mut initializing = false;
    for (index, status) in list(&pod["status"]["initContainerStatuses"]).iter().enumerate() {
        let restartable =
            declared.iter().any(|container| container["name"] == status["name"] && is_restartable(container));
        state.count_restarts(status);
        if restartable {
            sidecars.count_restarts(status);
        }
        let (terminated, waiting) = (&status["state"]["terminated"], text(&status["state"]["waiting"]["reason"]));
        if !terminated.is_null() && number(&terminated["exitCode"]) == 0 {
            continue;
        }
        if restartable && flag(&status["started"]) {
            state.ready += usize::from(flag(&status["ready"]));
            continue;
        }
        state.reason = if !terminated.is_null() {
            format!("Init:{}", end(terminated))
        } else if !matches!(waiting, "" | "PodInitializing") {
            format!("Init:{waiting}")
        } else {
            format!("Init:{index}/{}", declared.len())
        };
        initializing = true;
        break;
    }
    if !initializing || pod.condition("Initialized").is_some_and(|condition| condition["status"] == "True") {
        (state.restarts, state.last_restart) = (sidecars.restarts, sidecars.last_restart);
    }
    initializing
}

fn containers(pod: Object<'_>, state: &mut State) {
    let (mut has_running, mut error) = (false, None);
    for status in list(&pod["status"]["containerStatuses"]).iter().rev() {
        state.count_restarts(status);
        let (terminated, waiting) = (&status["state"]["terminated"], text(&status["state"]["waiting"]["reason"]));
        if !waiting.is_empty() {
            state.reason = waiting.into();
        } else if !terminated.is_null() {
            state.reason = end(terminated);
            if number(&terminated["exitCode"]) != 0 {
                error = Some(state.reason.clone());
            }
        } else if flag(&status["ready"]) && !status["state"]["running"].is_null() {
            has_running = true;
            state.ready += 1;
        }
    }
    // One container at its end does not make the pod that while others run or have failed.
    if state.reason == "Completed" {
        let ready = pod.condition("Ready").is_some_and(|condition| condition["status"] == "True");
        if has_running && ready {
            state.reason = "Running".into();
        } else if let Some(error) = error {
            state.reason = error;
        } else if has_running {
            state.reason = "NotReady".into();
        }
    }
}

/// Why a container is at its end.
fn end(terminated: &Value) -> String {
    match (text(&terminated["reason"]), number(&terminated["signal"])) {
        ("", 0) => format!("ExitCode:{}", number(&terminated["exitCode"])),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.into(),
    }
}

impl State {
    fn count_restarts(&mut self, status: &Value) {
        self.restarts += number(&status["restartCount"]);
        self.last_restart = self.last_restart.max(instant(&status["lastState"]["terminated"]["finishedAt"]));
    }
}

fn is_restartable(container: &Value) -> bool {
    container["restartPolicy"] == "Always"
}

fn readiness_gates(pod: Object<'_>) -> String {
    let gates = list(&pod["spec"]["readinessGates"]);
    if gates.is_empty() {
        return NONE.into();
    }
    let holds = |gate: &&Value| {
        pod.condition(text(&gate["conditionType"])).is_some_and(|condition| condition["status"] == "True")
    };
    format!("{}/{}", gates.iter().filter(holds).count(), gates.len())
}
