//! Hooks: they make the objects that a fresh cluster has and keep them, under the names that
//! kube-apiserver's hooks have, since tools read those in `/readyz`.

mod ensure;
mod namespaces;

use apimachinery::definition::Definition;
use plugin_sdk::registration::Hook;
use plugin_sdk::{HookContext, Result};

pub(crate) fn all() -> Vec<Hook> {
    vec![Hook::post_start(namespaces::NAME)]
}

pub(crate) async fn run(definitions: &[Definition], context: HookContext, name: &str) -> Result {
    match name {
        namespaces::NAME => namespaces::run(definitions, &context).await,
        _ => Err(format!("there is no hook `{name}`").into()),
    }
}
