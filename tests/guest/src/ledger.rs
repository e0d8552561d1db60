//! A hook that writes who it is, again and again, and what all of them have written.

use std::hash::{BuildHasher as _, RandomState};

use plugin_sdk::storage::{ListQuery, Operation, Put};
use plugin_sdk::{Context, HookContext, Result};

/// Writes until it is told to end, or may not write.
pub(crate) async fn keep(prefix: &str, context: &HookContext) -> Result {
    let writer = format!("{:016x}", RandomState::new().hash_one(0));
    for n in 0_u64.. {
        if context.is_cancelled() {
            break;
        }
        let key = format!("{}{writer}-{n}", entries(prefix));
        let value = format!(r#"{{"kind":"Entry","apiVersion":"v1","metadata":{{"name":"{writer}-{n}"}}}}"#);
        let put = Put { key, value: value.into(), ttl_seconds: None };
        context.store().txn(Vec::new(), vec![Operation::Put(put)]).await?;
        context.sleep(10).await;
    }
    Ok(())
}

/// A line for each entry, in the order of time: its revision, and who wrote it.
pub(crate) async fn read(prefix: &str, context: &Context) -> Result<String> {
    let found = context.store().list(ListQuery::below(&entries(prefix))).await?;
    let writer = |key: String| key.rsplit('/').next().and_then(|name| Some(name.split_once('-')?.0.to_string()));
    let mut lines: Vec<_> =
        found.objects(100).map(|entry| (entry.revision(), writer(entry.key()).unwrap_or_default())).collect();
    lines.sort();
    Ok(lines.iter().map(|(revision, writer)| format!("{revision} {writer}\n")).collect())
}

fn entries(prefix: &str) -> String {
    format!("{prefix}ledger/")
}
