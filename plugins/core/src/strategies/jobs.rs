//! Jobs, which select their pods by an identity of their own, and cron jobs.

use apimachinery::rest::object::meta;
use apimachinery::status::FieldError;
use apimachinery::strategy::{Operation, Strategy};
use serde_json::Value;

use super::pods::{defaults, validate};
use crate::check;
use crate::tree::{child, is_empty, or_set, or_set_text, text};

pub(super) struct Jobs;
pub(super) struct CronJobs;

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
        or_set_text(spec, "completionMode", "NonIndexed");
        or_set(spec, "suspend", false);
        or_set(spec, "manualSelector", false);
        let policy = if is_empty(&spec["podFailurePolicy"]) { "TerminatingOrFailed" } else { "Failed" };
        or_set_text(spec, "podReplacementPolicy", policy);
        defaults::template(spec);
        let labels = spec["template"]["metadata"]["labels"].clone();
        if !is_empty(&labels) && is_empty(&object["metadata"]["labels"]) {
            object["metadata"]["labels"] = labels;
        }
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        let (uid, name) = (meta(object, "uid").to_string(), meta(object, "name").to_string());
        let labels = [(UID, &uid), (NAME, &name), ("controller-uid", &uid), ("job-name", &name)];
        let spec = child(object, "spec");
        if spec["manualSelector"] == true {
            return;
        }
        let metadata = child(child(spec, "template"), "metadata");
        let own = child(metadata, "labels");
        labels.iter().for_each(|(key, value)| own[*key] = value.as_str().into());
        let selector = child(spec, "selector");
        child(selector, "matchLabels")[UID] = uid.as_str().into();
        let own = child(child(object, "metadata"), "labels");
        labels.iter().for_each(|(key, value)| own[*key] = value.as_str().into());
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        job_spec(&object["spec"], "spec", errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        if operation.subresource == "status" {
            return;
        }
        self.validate(operation, object, errors);
        let (new, old) = (&object["spec"], &old["spec"]);
        for field in ["selector", "template", "completionMode", "podFailurePolicy", "backoffLimitPerIndex"] {
            check::immutable(&format!("spec.{field}"), &new[field], &old[field], errors);
        }
        // Indexed jobs may grow and shrink with their parallelism.
        if new["completionMode"] != "Indexed" {
            check::immutable("spec.completions", &new["completions"], &old["completions"], errors);
        }
    }

    fn generation(&self) -> bool {
        true
    }
}

impl Strategy for CronJobs {
    fn default(&self, object: &mut Value) {
        let spec = child(object, "spec");
        or_set_text(spec, "concurrencyPolicy", "Allow");
        or_set(spec, "suspend", false);
        or_set(spec, "successfulJobsHistoryLimit", 3);
        or_set(spec, "failedJobsHistoryLimit", 1);
        defaults::template(child(child(spec, "jobTemplate"), "spec"));
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let spec = &object["spec"];
        job_spec(&spec["jobTemplate"]["spec"], "spec.jobTemplate.spec", errors);
        match text(spec, "schedule") {
            "" => errors.push(FieldError::required("spec.schedule", "")),
            schedule => {
                if let Some(why) = schedule_error(schedule) {
                    errors.push(FieldError::invalid("spec.schedule", &spec["schedule"], why));
                }
            }
        }
        check::not_negative("spec.startingDeadlineSeconds", &spec["startingDeadlineSeconds"], errors);
        let policies = ["Allow", "Forbid", "Replace"];
        check::one_of("spec.concurrencyPolicy", &spec["concurrencyPolicy"], &policies, true, errors);
        check::not_negative("spec.successfulJobsHistoryLimit", &spec["successfulJobsHistoryLimit"], errors);
        check::not_negative("spec.failedJobsHistoryLimit", &spec["failedJobsHistoryLimit"], errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, _old: &Value, errors: &mut Vec<FieldError>) {
        if operation.subresource.is_empty() {
            self.validate(operation, object, errors);
        }
    }

    /// Jobs are named after it, with a time behind.
    fn validate_name(&self, name: &str) -> Vec<String> {
        const LENGTH_MAX: usize = 63 - 11;
        let mut wrong = apimachinery::validation::names::dns1123_subdomain(name);
        if name.len() > LENGTH_MAX {
            wrong.push(format!("must be no more than {LENGTH_MAX} characters"));
        }
        wrong
    }

    fn generation(&self) -> bool {
        true
    }
}

fn job_spec(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for field in ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"] {
        check::not_negative(&format!("{path}.{field}"), &spec[field], errors);
    }
    validate::template(spec, path, errors);
    let policy = &spec["template"]["spec"]["restartPolicy"];
    let field = format!("{path}.template.spec.restartPolicy");
    match policy.as_str().unwrap_or_default() {
        "OnFailure" | "Never" => {}
        "" | "Always" => errors.push(FieldError::required(field, "valid values: \"OnFailure\", \"Never\"")),
        _ => errors.push(check::unsupported(field, policy, &["OnFailure", "Never"])),
    }
}

/// What the cron library says of a schedule that is none.
fn schedule_error(schedule: &str) -> Option<String> {
    if schedule.starts_with('@') {
        const NAMED: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
        let known = NAMED.contains(&schedule) || schedule.starts_with("@every ");
        return (!known).then(|| format!("unrecognized descriptor: {schedule}"));
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != 5 {
        return Some(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    }
    const BOUNDS: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];
    fields.iter().zip(BOUNDS).enumerate().find_map(|(index, (field, bounds))| field_error(index, field, bounds))
}

fn field_error(index: usize, field: &str, (low, high): (u32, u32)) -> Option<String> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let number = |text: &str| -> Result<u32, String> {
        let named = match index {
            3 => MONTHS.iter().position(|name| text.eq_ignore_ascii_case(name)).map(|at| at + 1),
            4 => DAYS.iter().position(|name| text.eq_ignore_ascii_case(name)),
            _ => None,
        };
        if let Some(named) = named {
            return Ok(named as u32);
        }
        text.parse().map_err(|_| {
            format!(
                "failed to parse int from {text}: strconv.Atoi: parsing {}: invalid syntax",
                apimachinery::validation::quoted(text)
            )
        })
    };
    let part = |part: &str| -> Result<(), String> {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        if let Some(step) = step
            && number(step)? == 0
        {
            return Err(format!("step of range should be a positive number: {part}"));
        }
        if matches!(range, "*" | "?") {
            return Ok(());
        }
        let (start, end) = range.split_once('-').unwrap_or((range, range));
        let (start, end) = (number(start)?, number(end)?);
        if start < low {
            return Err(format!("beginning of range ({start}) below minimum ({low}): {part}"));
        }
        if end > high {
            return Err(format!("end of range ({end}) above maximum ({high}): {part}"));
        }
        if start > end {
            return Err(format!("beginning of range ({start}) beyond end of range ({end}): {part}"));
        }
        Ok(())
    };
    field.split(',').find_map(|text| part(text).err())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schedules_are_read_as_cron_reads_them() {
        for (schedule, want) in [
            ("*/5 * * * *", None),
            ("@daily", None),
            ("0 12 1-15 jan,mar mon-fri", None),
            ("soon", Some("expected exactly 5 fields, found 1: [soon]")),
            ("60 * * * *", Some("end of range (60) above maximum (59): 60")),
            ("x * * * *", Some("failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax")),
            ("@never", Some("unrecognized descriptor: @never")),
        ] {
            assert_eq!(schedule_error(schedule).as_deref(), want, "{schedule}");
        }
    }

    #[test]
    fn a_job_selects_by_its_identity() {
        let mut object = json!({"metadata": {"name": "j", "uid": "u"}, "spec": {"template": {"spec": {}}}});
        Jobs.default(&mut object);
        let definition = apimachinery::definition::Definition::builtin("batch", "v1", "jobs", &Jobs);
        let operation = Operation {
            definition: &definition,
            namespace: "ns",
            name: "j",
            subresource: "",
            user: "u",
            groups: &[],
            dry_run: false,
        };
        Jobs.prepare_for_create(&operation, &mut object);
        assert_eq!(object["spec"]["selector"], json!({"matchLabels": {UID: "u"}}));
        assert_eq!(object["spec"]["template"]["metadata"]["labels"][NAME], "j");
        assert_eq!((&object["spec"]["completions"], &object["spec"]["parallelism"]), (&json!(1), &json!(1)));
    }
}
