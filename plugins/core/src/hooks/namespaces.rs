//! The namespaces that every cluster has.

use apimachinery::definition::Definition;
use apimachinery::tree::{Value, json};
use plugin_sdk::{HookContext, Result};

use super::ensure;

pub(super) const NAME: &str = "start-system-namespaces-controller";
const NAMESPACES: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "default"];
const INTERVAL_MS: u64 = 60_000;

/// Makes them, and again what somebody took away.
pub(super) async fn run(definitions: &[Definition], context: &HookContext) -> Result {
    let definition = ensure::definition(definitions, "", "namespaces")?;
    let store = context.store();
    loop {
        let wanted: Vec<Value> = NAMESPACES.iter().map(|name| json!({"metadata": {"name": name}})).collect();
        ensure::all(definition, &store, ensure::MANAGER, wanted, |_, _| false).await?;
        context.ready();
        context.sleep(INTERVAL_MS).await;
        if context.is_cancelled() {
            return Ok(());
        }
    }
}
