//! Jobs, which select their pods by an identity of their own, and cron jobs.

mod cron;
mod failures;
mod schedule;
mod status;
mod validate;

use apimachinery::rest::object::meta;
use apimachinery::status::FieldError;
use apimachinery::strategy::{Operation, Strategy};
use apimachinery::tree::Value;
use apimachinery::validation::metadata;
use apimachinery::validation::place::Place;

use super::pods::defaults;
use crate::tree::{child, existing, is_empty, items_mut, or_set, or_set_text};
use crate::warnings::{self, Warnings};

pub(super) struct Jobs;
pub(super) struct CronJobs;

/// Above both, what failed is no longer tracked well.
const MANY_COMPLETIONS: i64 = 100_000;
const MANY_AT_A_TIME: i64 = 10_000;
const UID: &str = "batch.kubernetes.io/controller-uid";
const NAME: &str = "batch.kubernetes.io/job-name";

impl Strategy for Jobs {
    fn default(&self, object: &mut Value) {
        let spec = child(object, "spec");
        // Without either number a job is done when one pod is.
        if spec["completions"].is_null() && spec["parallelism"].is_null() {
            spec["completions"] = 1.into();
        }
        or_set(spec, "parallelism", 1);
        let limit = if is_empty(&spec["backoffLimitPerIndex"]) { 6 } else { i32::MAX };
        or_set(spec, "backoffLimit", limit);
        or_set(spec, "completionMode", "NonIndexed");
        or_set(spec, "suspend", false);
        or_set(spec, "manualSelector", false);
        let policy = if spec["podFailurePolicy"].is_null() { "TerminatingOrFailed" } else { "Failed" };
        or_set(spec, "podReplacementPolicy", policy);
        failure_patterns(spec);
        defaults::template(spec);
        labelled_as_its_pods(object);
    }

    fn forget_disabled(&self, object: &mut Value) {
        defaults::forget_disabled_in_template(child(object, "spec"));
    }

    fn default_stored(&self, object: &mut Value) -> bool {
        labelled_as_its_pods(object)
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        let (uid, name) = (meta(object, "uid").to_string(), meta(object, "name").to_string());
        let labels = [(UID, &uid), (NAME, &name), ("controller-uid", &uid), ("job-name", &name)];
        // Labels that are the template's are the same map to upstream.
        let own = object["metadata"].get("labels");
        let shared = own.is_some_and(|own| *own == object["spec"]["template"]["metadata"]["labels"]);
        let spec = child(object, "spec");
        if spec["manualSelector"] == true {
            return;
        }
        let metadata = child(child(spec, "template"), "metadata");
        let own = child(metadata, "labels");
        // What a client has set to something else, validation refuses.
        labels.iter().for_each(|(key, value)| or_set(own, key, value.as_str()));
        or_set(child(child(spec, "selector"), "matchLabels"), UID, uid.as_str());
        if shared {
            object["metadata"]["labels"] = object["spec"]["template"]["metadata"]["labels"].clone();
        }
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        validate::job(&Place::root(object), None, errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        match operation.subresource {
            "" => {
                validate::job(&Place::root(object), Some(old), errors);
                metadata::between(operation.definition, "", object, old, errors);
                validate::change(&Place::root(object), old, errors);
            }
            _ => status::change(&Place::root(object), old, errors),
        }
    }

    fn warnings(&self, operation: &Operation<'_>, object: &Value, old: Option<&Value>) -> Warnings {
        let (mut out, root) = (Warnings::new(), Place::root(object));
        if operation.subresource.is_empty() {
            odd(&root, "spec", old, &mut out);
        }
        out
    }

    fn generation(&self) -> bool {
        true
    }

    fn orphans(&self) -> bool {
        true
    }

    fn orphan_warning(&self) -> Option<&'static str> {
        Some(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove \
             them or set propagationPolicy=Orphan to suppress this warning",
        )
    }
}

fn failure_patterns(spec: &mut Value) {
    let Some(policy) = existing(spec, "podFailurePolicy") else { return };
    for pattern in items_mut(policy, "rules").flat_map(|rule| items_mut(rule, "onPodConditions")) {
        or_set_text(pattern, "status", "True");
    }
}

/// A job without labels of its own has those of its template.
fn labelled_as_its_pods(object: &mut Value) -> bool {
    let labels = object["spec"]["template"]["metadata"]["labels"].clone();
    let is_told = !is_empty(&labels) && is_empty(&object["metadata"]["labels"]);
    if is_told {
        object["metadata"]["labels"] = labels;
    }
    is_told
}

/// Of a job, and of what makes jobs.
fn odd(object: &Place<'_, '_>, path: &str, old: Option<&Value>, out: &mut Warnings) {
    if old.is_none() {
        warnings::name_of_hosts(object, "Pod names and hostnames", out);
    }
    let generation = object.at("metadata.generation");
    if old.is_some_and(|old| &old["metadata"]["generation"] == generation.value()) {
        return;
    }
    let spec = object.at(path);
    let number = |field: &str| spec.at(field).number().unwrap_or(0);
    if spec.at("completionMode").text() == "Indexed"
        && number("completions") > MANY_COMPLETIONS
        && number("parallelism") > MANY_AT_A_TIME
    {
        out.push(format!(
            "{path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, \
             Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
        ));
    }
    warnings::of_template(&spec.at("template"), out);
}

impl Strategy for CronJobs {
    fn default(&self, object: &mut Value) {
        let spec = child(object, "spec");
        or_set_text(spec, "concurrencyPolicy", "Allow");
        or_set(spec, "suspend", false);
        or_set(spec, "successfulJobsHistoryLimit", 3);
        or_set(spec, "failedJobsHistoryLimit", 1);
        let job = child(child(spec, "jobTemplate"), "spec");
        failure_patterns(job);
        defaults::template(job);
    }

    fn forget_disabled(&self, object: &mut Value) {
        defaults::forget_disabled_in_template(child(child(child(object, "spec"), "jobTemplate"), "spec"));
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        const LENGTH_MAX: usize = 63 - 11;
        let root = Place::root(object);
        cron::spec(&root.at("spec"), None, errors);
        let name = root.at("metadata.name");
        // Jobs are named after it, with a time behind.
        if name.text().len() > LENGTH_MAX {
            name.invalid(format!("must be no more than {LENGTH_MAX} characters"), errors);
        }
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        if operation.subresource.is_empty() {
            cron::spec(&Place::root(object).at("spec"), Some(&old["spec"]), errors);
        }
    }

    fn warnings(&self, operation: &Operation<'_>, object: &Value, old: Option<&Value>) -> Warnings {
        let (mut out, root) = (Warnings::new(), Place::root(object));
        if operation.subresource.is_empty() {
            odd(&root, "spec.jobTemplate.spec", old, &mut out);
            if old.is_some() && root.at("spec.schedule").text().contains("TZ") {
                out.push(
                    "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see \
                     https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
                        .into(),
                );
            }
        }
        out
    }

    fn generation(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn a_job_selects_by_its_identity() {
        let mut object = json!({"metadata": {"name": "j", "uid": "u"}, "spec": {"template": {"spec": {}}}});
        Jobs.default(&mut object);
        let definition = apimachinery::definition::Definition::builtin("batch", "v1", "jobs", &Jobs);
        let operation = Operation {
            definition: &definition,
            namespace: "ns",
            name: "j",
            asked_name: "j",
            subresource: "",
            user: "u",
            groups: &[],
            identity: None,
            dry_run: false,
        };
        Jobs.prepare_for_create(&operation, &mut object);
        assert_eq!(object["spec"]["selector"], json!({"matchLabels": {UID: "u"}}));
        assert_eq!(object["spec"]["template"]["metadata"]["labels"][NAME], "j");
        assert_eq!((&object["spec"]["completions"], &object["spec"]["parallelism"]), (&json!(1), &json!(1)));
    }
}
