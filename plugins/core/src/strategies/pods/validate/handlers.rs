//! Probes and hooks of containers: what a kubelet runs or asks beside the container itself.

use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use super::Scope;

pub(super) fn lifecycle(container: &Place<'_, '_>, scope: &Scope<'_>, findings: &mut Findings) {
    let lifecycle = container.at("lifecycle");
    for hook in ["postStart", "preStop"] {
        let hook = lifecycle.at(hook);
        if hook.is_given() {
            handler(&hook, &["exec", "httpGet", "tcpSocket", "sleep"], scope, findings);
        }
    }
}

pub(super) fn probes(container: &Place<'_, '_>, scope: &Scope<'_>, findings: &mut Findings) {
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let probe = container.at(name);
        if !probe.is_given() {
            continue;
        }
        handler(&probe, &["exec", "httpGet", "tcpSocket", "grpc"], scope, findings);
        for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
        {
            probe.at(field).not_negative(findings);
        }
        let grace = probe.at("terminationGracePeriodSeconds");
        if grace.number().is_some_and(|seconds| seconds <= 0) {
            grace.invalid("must be greater than 0", findings);
        }
        if name == "readinessProbe" {
            if grace.is_given() {
                grace.invalid("must not be set for readinessProbes", findings);
            }
        } else if probe.at("successThreshold").number() != Some(1) {
            let shown = probe.at("successThreshold").number().unwrap_or(0).into();
            probe.at("successThreshold").invalid_as(&shown, "must be 1", findings);
        }
    }
}

/// Exactly one of these.
fn handler(place: &Place<'_, '_>, kinds: &[&str], scope: &Scope<'_>, findings: &mut Findings) {
    let mut chosen = false;
    for kind in kinds {
        let action = place.at(kind);
        if !action.is_given() {
            continue;
        }
        if chosen {
            action.forbidden("may not specify more than 1 handler type", findings);
            continue;
        }
        chosen = true;
        match *kind {
            "exec" => action.at("command").must_be_given(findings),
            "httpGet" => http_get(&action, findings),
            "sleep" => sleep(&action, scope, findings),
            "grpc" => action.at("port").port(findings),
            _ => action.at("port").port_or_name(findings),
        }
    }
    if !chosen {
        place.required("must specify a handler type", findings);
    }
}

fn http_get(action: &Place<'_, '_>, findings: &mut Findings) {
    action.at("path").must_be_given(findings);
    action.at("port").port_or_name(findings);
    if !["HTTP", "HTTPS"].contains(&action.at("scheme").text()) {
        action.at("scheme").unsupported(&["HTTP", "HTTPS"], findings);
    }
    let headers = action.at("httpHeaders");
    for header in headers.items() {
        let name = header.at("name");
        for why in names::http_header(name.text()) {
            headers.invalid_as(&name.text().into(), why, findings);
        }
    }
}

fn sleep(action: &Place<'_, '_>, scope: &Scope<'_>, findings: &mut Findings) {
    let seconds = action.at("seconds").number().unwrap_or(0);
    if let Some(grace) = scope.grace_seconds
        && !(0..=grace).contains(&seconds)
    {
        let why = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        action.invalid_as(&seconds.into(), why, findings);
    }
}
