//! Hooks: they make the objects that a fresh cluster has and keep them, under the names that
//! kube-apiserver's hooks have, since tools read those in `/readyz`.

mod authentication;
pub(crate) mod bootstrap;
pub(crate) mod endpoints;
mod ensure;
mod events;
mod flowschemas;
mod identity;
mod kubernetes;
mod namespaces;
mod node_ports;
mod ranges;
mod repair;
mod statuses;

use apimachinery::definition::Definition;
use plugin_sdk::registration::Hook;
use plugin_sdk::{HookContext, Result};

pub(crate) fn all() -> Vec<Hook> {
    let names = [
        namespaces::NAME,
        authentication::NAME,
        identity::NAME,
        identity::COLLECTOR,
        kubernetes::NAME,
        flowschemas::NAME,
        ranges::NAME,
        repair::NAME,
    ];
    let names = names.into_iter().chain(bootstrap::SETS.iter().map(|set| set.hook));
    names.map(Hook::post_start).chain([kubernetes::STOP, identity::STOP].map(Hook::pre_shutdown)).collect()
}

pub(crate) async fn run(definitions: &[Definition], context: HookContext, name: &str) -> Result {
    match name {
        namespaces::NAME => namespaces::run(definitions, &context).await,
        authentication::NAME => authentication::run(definitions, context).await,
        identity::NAME => identity::run(definitions, &context).await,
        identity::STOP => identity::stop(definitions, &context).await,
        // Tools look for its name; an instance that sleeps for an hour each time would be memory for nothing.
        identity::COLLECTOR => {
            context.ready();
            Ok(())
        }
        kubernetes::NAME => kubernetes::run(definitions, &context).await,
        kubernetes::STOP => kubernetes::stop(definitions, &context).await,
        flowschemas::NAME => flowschemas::run(definitions, context).await,
        ranges::NAME => ranges::run(definitions, &context).await,
        repair::NAME => repair::run(definitions, &context).await,
        _ => match bootstrap::SETS.iter().find(|set| set.hook == name) {
            Some(set) => bootstrap::run(definitions, &context, set).await,
            None => Err(format!("there is no hook `{name}`").into()),
        },
    }
}
