use apimachinery::strategy::Strategy;
use apimachinery::tree::{Value, json};
use apimachinery::validation::place::Place;

use super::{DAEMON_SETS, DEPLOYMENTS, STATEFUL_SETS};
use crate::strategies::rules::Rules;

fn findings(rules: &Rules, spec: Value) -> Vec<String> {
    let mut object = json!({"metadata": {"name": "x"}, "spec": spec});
    rules.default(&mut object);
    let mut findings = Vec::new();
    (rules.validate)(&Place::root(&object), &mut findings);
    findings.iter().map(ToString::to_string).collect()
}

fn spec(labels: Value, more: Value) -> Value {
    let mut spec = json!({
        "selector": {"matchLabels": {"app": "x"}},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "a:1"}]}},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    spec
}

#[test]
fn what_is_right_is_left_alone() {
    for rules in [&DEPLOYMENTS, &STATEFUL_SETS, &DAEMON_SETS] {
        assert_eq!(findings(rules, spec(json!({"app": "x"}), json!({}))), [""; 0]);
    }
}

#[test]
fn findings_have_upstreams_order_and_words() {
    for (rules, spec, want) in [
        (
            &DEPLOYMENTS,
            spec(json!({"app": "y"}), json!({})),
            vec![
                "spec.template.metadata.labels: Invalid value: {\"app\":\"y\"}: `selector` does not match template `labels`",
            ],
        ),
        (
            &DEPLOYMENTS,
            spec(json!({"app": "x"}), json!({"strategy": {"type": "Sometimes"}, "progressDeadlineSeconds": 0})),
            vec![
                "spec.strategy: Unsupported value: {\"Type\":\"Sometimes\",\"RollingUpdate\":null}: \
                 supported values: \"Recreate\", \"RollingUpdate\"",
                "spec.progressDeadlineSeconds: Invalid value: 0: must be greater than minReadySeconds",
            ],
        ),
        (
            &DEPLOYMENTS,
            spec(json!({"app": "x"}), json!({"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}})),
            vec![
                "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": may not be 0 when `maxSurge` is 0",
            ],
        ),
        (
            &DAEMON_SETS,
            spec(json!({"app": "x"}), json!({"updateStrategy": {"rollingUpdate": {"maxSurge": 1}}})),
            vec![
                "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero",
            ],
        ),
        (
            &STATEFUL_SETS,
            spec(json!({"app": "x"}), json!({"podManagementPolicy": "Any", "updateStrategy": {"type": "Never"}})),
            vec![
                "spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or 'Parallel'",
                "spec.updateStrategy: Invalid value: {\"Type\":\"Never\",\"RollingUpdate\":null}: \
                 must be 'RollingUpdate' or 'OnDelete'",
            ],
        ),
    ] {
        assert_eq!(findings(rules, spec), want);
    }
}
