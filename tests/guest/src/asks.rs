//! Asking too much of the host: of its delegate, of the store, of what it holds for the guest.

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use plugin_sdk::storage::{Freshness, Operation, Put};
use plugin_sdk::{Answer, Client, Context};

pub(crate) const KNOWN: [&str; 7] =
    ["ask", "ask-often", "handles", "large-value", "large-key", "many-operations", "foreign-key"];

/// What came of it, in words.
pub(crate) async fn answer(prefix: &str, context: &Context, word: &str, query: &str) -> Answer {
    let said = match word {
        "ask" => {
            return match Client::new(context).get(query).await {
                Ok(answer) => Answer::text(answer.status, String::from_utf8_lossy(&answer.body)),
                Err(error) => Answer::text(500, error),
            };
        }
        "ask-often" => often(context, query).await,
        "handles" => {
            let mut held = Vec::new();
            loop {
                held.push(context.store());
            }
        }
        "large-value" => write(context, vec![put(format!("{prefix}large"), 2 << 20)]).await,
        "large-key" => write(context, vec![put(format!("{prefix}{}", "x".repeat(1 << 16)), 1)]).await,
        "many-operations" => write(context, (0..500).map(|n| put(format!("{prefix}{n}"), 1)).collect()).await,
        _ => {
            let got = context.store().get("/registry/secrets/default/a".to_string(), Freshness::Any).await;
            format!("{:?}", got.map(|_| ()))
        }
    };
    Answer::text(200, format!("{said}\n"))
}

/// Asks the same a hundred times, all at once, until the host refuses.
async fn often(context: &Context, uri: &str) -> String {
    let client = Client::new(context);
    let mut asking: FuturesUnordered<_> = (0..100).map(|_| client.get(uri)).collect();
    while let Some(answer) = asking.next().await {
        if let Err(refused) = answer {
            return refused;
        }
    }
    "nothing was refused".to_string()
}

fn put(key: String, bytes: usize) -> Operation {
    let value =
        format!(r#"{{"kind":"Mark","apiVersion":"v1","metadata":{{"name":"a"}},"data":"{}"}}"#, "x".repeat(bytes));
    Operation::Put(Put { key, value: value.into(), ttl_seconds: None })
}

async fn write(context: &Context, operations: Vec<Operation>) -> String {
    format!("{:?}", context.store().txn(Vec::new(), operations).await.map(|_| ()))
}
