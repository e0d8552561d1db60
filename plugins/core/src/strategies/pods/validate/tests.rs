use apimachinery::tree::{Value, json};

use super::*;
use crate::strategies::pods::defaults;

fn findings(mut spec: Value) -> Vec<String> {
    defaults::pod_spec(&mut spec);
    let pod = json!({"metadata": {"name": "p"}, "spec": spec});
    let mut findings = Vec::new();
    super::pod(&pod, &mut findings);
    findings.iter().map(ToString::to_string).collect()
}

fn changes(old: Value, new: Value) -> Vec<String> {
    let pod = |mut spec: Value| {
        defaults::pod_spec(&mut spec);
        json!({"metadata": {"name": "p"}, "spec": spec})
    };
    let mut findings = Vec::new();
    update(&pod(new), &pod(old), &mut findings);
    findings.iter().map(|finding| finding.to_string().lines().next().unwrap_or_default().to_string()).collect()
}

#[test]
fn findings_have_upstreams_order_and_words() {
    assert_eq!(findings(json!({})), ["spec.containers: Required value"]);
    assert_eq!(findings(json!({"containers": [{"name": "c", "image": "a"}]})), [""; 0]);
    let found = findings(json!({
        "restartPolicy": "Sometimes", "dnsPolicy": "Nope",
        "containers": [
            {"name": "a", "image": "", "imagePullPolicy": "Maybe", "ports": [{"containerPort": 99999}],
             "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}},
            {"name": "dup", "image": "a"}, {"name": "dup", "image": "a", "volumeMounts": [{"name": "v", "mountPath": "/"}]},
        ],
    }));
    assert_eq!(
        found,
        [
            "spec.containers[0].image: Required value",
            "spec.containers[0].ports[0].containerPort: Invalid value: 99999: must be between 1 and 65535, inclusive",
            "spec.containers[0].imagePullPolicy: Unsupported value: \"Maybe\": supported values: \"Always\", \"IfNotPresent\", \"Never\"",
            "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1",
            "spec.containers[2].volumeMounts[0].name: Not found: \"v\"",
            "spec.containers[2].name: Duplicate value: \"dup\"",
            "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\"",
            "spec.dnsPolicy: Unsupported value: \"Nope\": supported values: \"ClusterFirstWithHostNet\", \"ClusterFirst\", \"Default\", \"None\"",
        ]
    );
}

#[test]
fn only_little_of_a_pod_may_change() {
    let spec =
        |image: &str, policy: &str| json!({"containers": [{"name": "c", "image": image}], "restartPolicy": policy});
    assert_eq!(changes(spec("a:1", "Always"), spec("a:2", "Always")), [""; 0]);
    let refused = changes(spec("a:1", "Always"), spec("a:1", "Never"));
    assert!(refused[0].starts_with("spec: Forbidden: pod updates may not change fields other than"), "{refused:?}");
    let mut more = spec("a:1", "Always");
    more["activeDeadlineSeconds"] = 5.into();
    assert_eq!(
        changes(more, spec("a:1", "Always")),
        ["spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value"]
    );
}
