//! Whether a cron job's jobs can be made.

use apimachinery::schema::internal;
use apimachinery::tree::Value;
use apimachinery::validation::place::{Findings, Place};

use super::{schedule, validate};

pub(super) fn spec(spec: &Place<'_, '_>, old: Option<&Value>, findings: &mut Findings) {
    let (schedule, zone) = (spec.at("schedule"), spec.at("timeZone"));
    if schedule.is_empty() {
        schedule.required("", findings);
    } else {
        if let Some(why) = schedule::error(schedule.text()) {
            schedule.invalid(why, findings);
        }
        // Those that had a zone in the schedule may keep it.
        let had = old.is_some_and(|old| old["schedule"].as_str().unwrap_or_default().contains("TZ"));
        if schedule.text().contains("TZ") && !had {
            schedule.invalid("cannot use TZ or CRON_TZ in schedule, use timeZone field instead", findings);
        } else if schedule.text().contains("TZ") && zone.is_given() {
            schedule.invalid("cannot use both timeZone field and TZ or CRON_TZ in schedule", findings);
        }
    }
    spec.at("startingDeadlineSeconds").not_negative(findings);
    if zone.is_given() && old.is_none_or(|old| &old["timeZone"] != zone.value()) {
        time_zone(&zone, findings);
    }
    spec.at("concurrencyPolicy").one_of(&["Allow", "Forbid", "Replace"], findings);
    let job = spec.at("jobTemplate.spec");
    validate::spec(&job, findings);
    let selector = job.at("selector");
    if selector.is_given() {
        let shown = internal::show("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector", selector.value());
        selector.invalid_as(&shown, "`selector` will be auto-generated", findings);
    }
    if job.at("manualSelector").is_true() {
        job.at("manualSelector").unsupported(&["nil", "false"], findings);
    }
    spec.at("successfulJobsHistoryLimit").not_negative(findings);
    spec.at("failedJobsHistoryLimit").not_negative(findings);
}

/// The names of the zones that Go brings along, sorted.
const ZONES: &str = include_str!("../../../data/time-zones.txt");

fn time_zone(zone: &Place<'_, '_>, findings: &mut Findings) {
    if zone.is_empty() {
        return zone.invalid("timeZone must be nil or non-empty string", findings);
    }
    let good = |part: &str| {
        !matches!(part, "." | "..")
            && !part.starts_with('-')
            && (1..=14).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+'))
    };
    if !zone.text().split('/').all(good) {
        return zone.invalid(format!("unknown time zone {}", zone.text()), findings);
    }
    if zone.text().eq_ignore_ascii_case("Local") {
        let why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        zone.invalid(why, findings);
    }
    if !ZONES.lines().any(|known| known == zone.text()) && !zone.text().eq_ignore_ascii_case("Local") {
        zone.invalid(format!("unknown time zone {}", zone.text()), findings);
    }
}
