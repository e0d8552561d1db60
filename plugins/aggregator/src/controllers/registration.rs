//! `kube-apiserver-autoregistration`: an APIService for each group version that the delegates
//! serve.
//!
//! Those of built-in versions are kept at start only: who deletes one, or changes it, has his
//! way until then. Those of custom resources follow the group versions that are served.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use apimachinery::changes::Changes;
use apimachinery::definition::Definition;
use apimachinery::discovery::groups::Groups;
use apimachinery::discovery::order::{self, Priority};
use apimachinery::rest;
use apimachinery::rest::from_store;
use apimachinery::rest::options::DeleteOptions;
use apimachinery::rest::registry::{Change, Registry};
use apimachinery::status::ApiError;
use apimachinery::tree::{Value, json};
use futures_util::future::join_all;
use plugin_sdk::lifecycle::{self, Signal};
use plugin_sdk::{HookContext, Result, log};

use super::{described, registry, served};
use crate::apiservice::{self, AUTOMANAGED, ApiService, GROUP};

/// The group of definitions of custom resources.
const DEFINITIONS_GROUP: &str = "apiextensions.k8s.io";
/// Where the extensions server keeps them; a change there says that other groups may be served soon.
const DEFINITIONS: &str = "/registry/apiextensions.k8s.io/customresourcedefinitions/";
/// When to look after a definition changed: its controllers need a moment to serve it.
const LOOKS_MS: [u64; 4] = [0, 100, 300, 1000];
/// How often to look when nothing is heard of, and where definitions cannot be watched.
const INTERVAL_MS: u64 = 30_000;
const UNWATCHED_INTERVAL_MS: u64 = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// `onstart`: of a built-in version.
    AtStart,
    /// `true`: of custom resources.
    Always,
}

impl Keep {
    fn label(self) -> &'static str {
        match self {
            Self::AtStart => "onstart",
            Self::Always => "true",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Desired {
    group: String,
    version: String,
    priority: Priority,
    keep: Keep,
}

/// What has to be done to one APIService.
#[derive(Debug, PartialEq)]
enum Step {
    Create(Desired),
    Update(Desired),
    Delete(String),
}

pub(super) async fn run(context: Rc<HookContext>, definition: &Definition) -> Result {
    // Who asks for keys that no link has claimed does something wrong.
    let mut definitions = match has_definitions(&context).await {
        true => Changes::of(context.clone(), &[DEFINITIONS]).await.ok(),
        false => None,
    };
    if definitions.is_none() {
        log::debug!("custom resource definitions cannot be watched: looking for their groups each second");
    }
    let mut start = None;
    loop {
        for pause in LOOKS_MS {
            if pause > 0 {
                context.sleep(pause).await;
            }
            sync(&context, definition, &mut start).await?;
            context.ready();
            if definitions.is_none() || context.is_cancelled() {
                break;
            }
        }
        let goes_on = match &mut definitions {
            Some(definitions) => {
                definitions.wait(INTERVAL_MS).await.map_err(|error| described("watch", from_store(error)))?
            }
            None => {
                context.sleep(UNWATCHED_INTERVAL_MS).await;
                !context.is_cancelled()
            }
        };
        if !goes_on {
            return Ok(());
        }
    }
}

/// Whether a delegate serves definitions of custom resources, as far as is known.
async fn has_definitions(context: &HookContext) -> bool {
    let has = |served: Groups| served.0.iter().any(|group| group.name == DEFINITIONS_GROUP);
    served(context).await.map_or(true, has)
}

/// What is remembered so that APIServices of built-in versions are kept at start only.
struct Start {
    /// Those that were there when this began, until all that is served is known.
    present: BTreeSet<String>,
    /// Those that have been there at any time: who deletes one means it.
    seen: BTreeSet<String>,
}

/// Makes APIServices what they should be, once.
async fn sync(context: &HookContext, definition: &Definition, start: &mut Option<Start>) -> Result {
    let store = context.store();
    let known =
        apiservice::list(&store, definition).await.map_err(|error| described("read APIServices", from_store(error)))?;
    let names = || known.keys().cloned().collect();
    let start = start.get_or_insert_with(|| Start { present: names(), seen: BTreeSet::new() });
    start.seen.append(&mut names());
    // Until then a delegate may not serve all that it is going to, and what is there may only
    // seem to be too much.
    let complete = lifecycle::has_fired(Signal::MuxAndDiscoveryComplete);
    let served = match served(context).await {
        Ok(served) => served,
        // What is not known stays as it is until the next look.
        Err(error) => {
            log::warn!("APIServices stay as they are: {error}");
            return Ok(());
        }
    };
    let desired = desired(&served);
    let steps = steps(&desired, &known, start, complete);
    let groups = ["system:masters".to_string()];
    let registry = registry(&store, definition, &groups);
    // Together, so that the store writes them to disk together.
    for done in join_all(steps.iter().map(|step| take(&registry, step))).await {
        done.map_err(|error| described("register APIServices", error))?;
    }
    start.seen.extend(desired.into_keys());
    if complete {
        start.present.clear();
    }
    Ok(())
}

/// The APIServices that there should be, by name.
fn desired(served: &Groups) -> BTreeMap<String, Desired> {
    let versions = served.0.iter().flat_map(|group| group.versions.iter().map(move |version| (group, version)));
    versions
        .filter(|(group, _)| group.name != GROUP)
        .map(|(group, version)| {
            let builtin = order::builtin(&group.name, &version.name);
            let desired = Desired {
                group: group.name.clone(),
                version: version.name.clone(),
                priority: builtin.unwrap_or(order::CUSTOM),
                keep: if builtin.is_some() { Keep::AtStart } else { Keep::Always },
            };
            (apiservice::name(&group.name, &version.name), desired)
        })
        .collect()
}

fn steps(
    desired: &BTreeMap<String, Desired>,
    known: &BTreeMap<String, ApiService>,
    start: &Start,
    complete: bool,
) -> Vec<Step> {
    let ours = |known: &ApiService| {
        // Who sent a group version elsewhere keeps it.
        known.service.is_none()
            && match known.automanaged.as_deref() {
                Some("true") => true,
                Some("onstart") => start.present.contains(&known.name),
                _ => false,
            }
    };
    let mut steps = Vec::new();
    for (name, desired) in desired {
        match known.get(name) {
            None if desired.keep == Keep::Always || !start.seen.contains(name) => {
                steps.push(Step::Create(desired.clone()));
            }
            Some(known) if ours(known) && known.priority != desired.priority => {
                steps.push(Step::Update(desired.clone()));
            }
            _ => {}
        }
    }
    if complete {
        let gone = known.values().filter(|known| ours(known) && !desired.contains_key(&known.name));
        steps.extend(gone.map(|known| Step::Delete(known.name.clone())));
    }
    steps
}

async fn take(registry: &Registry<'_>, step: &Step) -> Result<(), ApiError> {
    match step {
        Step::Create(desired) => {
            let object = rest::typed(registry.definition, object(desired))?;
            match registry.create("", object).await {
                Err(error) if error.reason == "AlreadyExists" => Ok(()),
                other => other.map(drop),
            }
        }
        Step::Update(desired) => {
            let name = apiservice::name(&desired.group, &desired.version);
            let mut next = |old: Option<&Value>| {
                let mut next = old.cloned().unwrap_or_else(|| object(desired));
                next["spec"] = object(desired)["spec"].take();
                Ok(next)
            };
            match registry.update("", &name, &Change::default(), &mut next).await {
                Err(error) if error.reason == "NotFound" => Ok(()),
                other => other.map(drop),
            }
        }
        Step::Delete(name) => match registry.delete("", name, &DeleteOptions::default()).await {
            Err(error) if error.reason == "NotFound" => Ok(()),
            other => other.map(drop),
        },
    }
}

fn object(desired: &Desired) -> Value {
    let mut spec = json!({});
    if !desired.group.is_empty() {
        spec["group"] = json!(desired.group);
    }
    spec["version"] = json!(desired.version);
    spec["groupPriorityMinimum"] = json!(desired.priority.group);
    spec["versionPriority"] = json!(desired.priority.version);
    json!({
        "kind": "APIService",
        "apiVersion": "apiregistration.k8s.io/v1",
        "metadata": {
            "name": apiservice::name(&desired.group, &desired.version),
            "labels": { AUTOMANAGED: desired.keep.label() },
        },
        "spec": spec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(all: &[(&str, &str)]) -> Groups {
        let mut groups = Groups::default();
        for (group, version) in all {
            groups.version(group, version);
        }
        groups
    }

    /// An APIService with this label and these changes to its spec.
    fn known(group: &str, version: &str, label: &str, change: Value) -> ApiService {
        let desired = desired(&groups(&[(group, version)])).into_values().next().expect("one");
        let mut object = object(&desired);
        object["metadata"]["labels"][AUTOMANAGED] = json!(label);
        for (key, value) in change.as_object().into_iter().flatten() {
            object["spec"][key] = value.clone();
        }
        ApiService::read(&object)
    }

    fn run(served: &[(&str, &str)], known: &[ApiService], start: Start, complete: bool) -> Vec<String> {
        let known = known.iter().map(|service| (service.name.clone(), service.clone())).collect();
        let text = |step: &Step| match step {
            Step::Create(desired) => format!("create {}", apiservice::name(&desired.group, &desired.version)),
            Step::Update(desired) => format!("update {}", apiservice::name(&desired.group, &desired.version)),
            Step::Delete(name) => format!("delete {name}"),
        };
        steps(&desired(&groups(served)), &known, &start, complete).iter().map(text).collect()
    }

    fn names(all: &[&str]) -> BTreeSet<String> {
        all.iter().map(|name| name.to_string()).collect()
    }

    /// These were there when it began.
    fn during(present: &[&str]) -> Start {
        Start { present: names(present), seen: names(present) }
    }

    /// These have been there.
    fn after(seen: &[&str]) -> Start {
        Start { present: BTreeSet::new(), seen: names(seen) }
    }

    const SERVED: [(&str, &str); 3] = [("", "v1"), ("apps", "v1"), ("example.com", "v1")];
    const NONE: Value = Value::Null;

    #[test]
    fn what_is_missing_is_made_at_start_and_custom_versions_at_any_time() {
        assert_eq!(run(&SERVED, &[], during(&[]), false), ["create v1.", "create v1.apps", "create v1.example.com"]);
        let seen = after(&["v1.", "v1.apps", "v1.example.com"]);
        assert_eq!(run(&SERVED, &[], seen, true), ["create v1.example.com"]);
    }

    #[test]
    fn built_in_ones_have_upstreams_priorities() {
        let all = desired(&groups(&SERVED));
        assert_eq!(all["v1."].priority, Priority { group: 18000, version: 1 });
        assert_eq!((all["v1.apps"].priority.group, all["v1.apps"].keep), (17800, Keep::AtStart));
        assert_eq!((all["v1.example.com"].priority, all["v1.example.com"].keep), (order::CUSTOM, Keep::Always));
    }

    #[test]
    fn what_is_served_no_more_goes_but_not_before_all_is_served() {
        let known = [known("example.com", "v1", "true", NONE), known("apps", "v1", "onstart", NONE)];
        assert_eq!(run(&[], &known, during(&["v1.apps"]), false), [] as [&str; 0]);
        assert_eq!(run(&[], &known, during(&["v1.apps"]), true), ["delete v1.apps", "delete v1.example.com"]);
        assert_eq!(run(&[], &known, after(&[]), true), ["delete v1.example.com"]);
    }

    #[test]
    fn who_changes_one_has_his_way_until_the_next_start() {
        let change = json!({ "versionPriority": 99 });
        let builtin = || [known("apps", "v1", "onstart", change.clone())];
        assert_eq!(run(&[("apps", "v1")], &builtin(), during(&["v1.apps"]), true), ["update v1.apps"]);
        assert_eq!(run(&[("apps", "v1")], &builtin(), after(&[]), true), [] as [&str; 0]);
        let custom = [known("example.com", "v1", "true", change.clone())];
        assert_eq!(run(&[("example.com", "v1")], &custom, after(&[]), true), ["update v1.example.com"]);
    }

    #[test]
    fn what_people_made_or_sent_elsewhere_is_theirs() {
        let service = json!({ "service": { "namespace": "default", "name": "mine" }, "versionPriority": 99 });
        let known = [known("apps", "v1", "onstart", service), known("example.com", "v1", "", NONE)];
        let start = || during(&["v1.apps", "v1.example.com"]);
        assert_eq!(run(&[("apps", "v1")], &known, start(), true), [] as [&str; 0]);
        assert_eq!(run(&[], &known, start(), true), [] as [&str; 0]);
    }
}
