//! Discovery of the whole chain: what the delegates serve, what is served here, and the groups
//! of remote APIServices, in the order of all APIServices' priorities.

use std::collections::BTreeMap;

use apimachinery::definition::Definition;
use apimachinery::discovery::accept::{Asked, Form, Place};
use apimachinery::discovery::groups::Groups;
use apimachinery::discovery::{group_answer, groups_answer, merged, order, serve_merged};
use apimachinery::encode;
use apimachinery::rest::from_store;
use apimachinery::status::ApiError;
use plugin_sdk::{Answer, Context, Summary, log};

use crate::apiservice::{self, ApiService};

const GROUPS: &str = "/apis";

/// Answers the paths that every link of the chain has.
pub(crate) async fn serve(context: &Context, summary: &Summary, apiservices: &Definition) -> Answer {
    let path = summary.path().trim_end_matches('/');
    // Groups are answered by whatever method, but for the own one, which has a route for GET.
    if path.strip_prefix(GROUPS).is_some_and(|group| group.strip_prefix('/') == Some(apiservice::GROUP))
        && summary.method() != "GET"
    {
        return encode::failure(summary, &ApiError::method_not_allowed());
    }
    if path != GROUPS {
        return serve_merged(context, summary, &[apiservices]).await;
    }
    let asked = match Asked::of(summary, Place::Groups) {
        Ok(asked) => asked,
        Err(error) => return encode::failure(summary, &error),
    };
    match groups(context, apiservices, GROUPS, asked.form).await {
        Ok(groups) => groups_answer(context, &groups, GROUPS, asked),
        Err(error) => encode::failure(summary, &error),
    }
}

/// Answers `/apis/<group>` for a group that a remote APIService is in.
pub(crate) async fn serve_group(context: &Context, summary: &Summary, apiservices: &Definition) -> Answer {
    let path = summary.path().trim_end_matches('/');
    if summary.method() != "GET" {
        return Answer::Pass;
    }
    let asked = match Asked::of(summary, Place::Group) {
        Ok(asked) => asked,
        Err(error) => return encode::failure(summary, &error),
    };
    match groups(context, apiservices, path, Form::Legacy).await {
        Ok(groups) => group_answer(groups.find(path.rsplit('/').next().unwrap_or_default()), asked),
        Err(error) => encode::failure(summary, &error),
    }
}

async fn groups(context: &Context, apiservices: &Definition, path: &str, form: Form) -> Result<Groups, ApiError> {
    let known = apiservice::list(&context.store(), apiservices).await.map_err(|error| {
        log::warn!("APIServices cannot be read for discovery: {error}");
        from_store(error)
    })?;
    let mut groups = merged(context, &[apiservices], path, form).await?;
    arrange(&mut groups, &known, path);
    Ok(groups)
}

/// Adds the versions of remote APIServices, and orders all by their priorities.
fn arrange(groups: &mut Groups, known: &BTreeMap<String, ApiService>, path: &str) {
    let here =
        |service: &&ApiService| path == GROUPS || service.path().rsplit_once('/').is_some_and(|(root, _)| root == path);
    for service in known.values().filter(|service| service.service.is_some() && !service.group.is_empty()).filter(here)
    {
        let version = groups.version(&service.group, &service.version);
        // What its server serves is not known here: clients are told to ask it.
        version.resources.clear();
        version.stale = true;
    }
    let priority =
        |group: &str, version: &str| known.get(&apiservice::name(group, version)).map(|found| found.priority);
    for group in &mut groups.0 {
        let of = |version: &str| priority(&group.name, version).map_or(0, |priority| priority.version);
        group.versions.sort_by(|a, b| of(&b.name).cmp(&of(&a.name)).then_with(|| order::versions(&a.name, &b.name)));
    }
    groups.0.sort_by_cached_key(|group| {
        let of_services = group.versions.iter().filter_map(|version| priority(&group.name, &version.name));
        let priority = of_services.map(|priority| priority.group).max().unwrap_or_else(|| order::group(&group.name));
        (std::cmp::Reverse(priority), group.name.clone())
    });
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    fn services(all: &[(&str, &str, i64, i64, bool)]) -> BTreeMap<String, ApiService> {
        let read = |&(group, version, group_priority, version_priority, remote): &(&str, &str, i64, i64, bool)| {
            let mut spec = json!({
                "group": group, "version": version,
                "groupPriorityMinimum": group_priority, "versionPriority": version_priority,
            });
            if remote {
                spec["service"] = json!({ "namespace": "default", "name": "metrics" });
            }
            let name = apiservice::name(group, version);
            (name.clone(), ApiService::read(&json!({ "metadata": { "name": name }, "spec": spec })))
        };
        all.iter().map(read).collect()
    }

    fn served(all: &[(&str, &str)]) -> Groups {
        let mut groups = Groups::default();
        for (group, version) in all {
            groups.version(group, version);
        }
        groups
    }

    fn names(groups: &Groups) -> Vec<String> {
        let name = |group: &apimachinery::discovery::groups::Group| {
            let versions: Vec<&str> = group.versions.iter().map(|version| version.name.as_str()).collect();
            format!("{} {}", group.name, versions.join(" "))
        };
        groups.0.iter().map(name).collect()
    }

    #[test]
    fn priorities_of_apiservices_order_groups_and_versions() {
        let known = services(&[
            ("apps", "v1", 17800, 15, false),
            ("a.example.com", "v1", 1000, 100, false),
            ("a.example.com", "v2", 1000, 200, false),
            ("z.example.com", "v1", 19000, 100, false),
        ]);
        let mut groups = served(&[
            ("a.example.com", "v1"),
            ("apps", "v1"),
            ("z.example.com", "v1"),
            ("a.example.com", "v2"),
            (apiservice::GROUP, "v1"),
        ]);
        arrange(&mut groups, &known, GROUPS);
        assert_eq!(names(&groups), ["apiregistration.k8s.io v1", "z.example.com v1", "apps v1", "a.example.com v2 v1"]);
    }

    #[test]
    fn remote_versions_are_listed_though_nobody_knows_what_they_serve() {
        let known =
            services(&[("metrics.example.com", "v1", 100, 100, true), ("other.example.com", "v1", 100, 100, true)]);
        let mut all = served(&[("apps", "v1")]);
        arrange(&mut all, &known, GROUPS);
        assert_eq!(names(&all), ["apps v1", "metrics.example.com v1", "other.example.com v1"]);
        assert!(all.find("metrics.example.com").expect("the group").versions[0].stale);

        let mut one = Groups::default();
        arrange(&mut one, &known, "/apis/metrics.example.com");
        assert_eq!(names(&one), ["metrics.example.com v1"]);
    }
}
