//! Whom this server believes, published for servers behind it: `kube-system/extension-apiserver-authentication`. Servers
//! that share a store may be told of other authorities: what each of them says is added.

mod certificates;

use std::rc::Rc;

use apimachinery::changes::Changes;
use apimachinery::definition::Definition;
use apimachinery::rest::options::DeleteOptions;
use apimachinery::rest::registry::{Change, Registry};
use apimachinery::rest::{self, clock, from_store};
use apimachinery::status::ApiError;
use apimachinery::tree::{Value, json};
use plugin_sdk::{HookContext, Result, Store, configuration, log};

use super::ensure;
use crate::tree::{is_empty, text};

pub(super) const NAME: &str = "start-cluster-authentication-info-controller";
const NAMESPACE: &str = "kube-system";
const CONFIG_MAP: &str = "extension-apiserver-authentication";
/// Changes of the object are watched; those of the files of this server are looked for.
const INTERVAL_MS: u64 = 5_000;
/// After a write; twice as long after each that follows, up to the interval: servers that do not agree, as those whose
/// clocks differ, wake each other.
const PAUSE_MS: u64 = 500;

/// Names are those in the config map; the host says what the operator gave under the same ones.
const CLIENTS: &str = "client-ca-file";
const PROXIES: &str = "requestheader-client-ca-file";
/// With the authorities of proxies: what they may be called, and which headers they send.
const LISTS: [&str; 5] = [
    "requestheader-username-headers",
    UIDS,
    "requestheader-group-headers",
    "requestheader-extra-headers-prefix",
    "requestheader-allowed-names",
];
/// Not shown if there is none.
const UIDS: &str = "requestheader-uid-headers";

pub(super) async fn run(definitions: &[Definition], context: HookContext) -> Result {
    if [CLIENTS, PROXIES].iter().all(|name| configuration::fact(name).is_none()) {
        // This server has nothing to say, and those that have look after what they said.
        context.ready();
        return Ok(());
    }
    let maps = ensure::definition(definitions, "", "configmaps")?;
    let namespaces = ensure::definition(definitions, "", "namespaces")?;
    let context = Rc::new(context);
    let store = context.store();
    let mut changes = Changes::of(context.clone(), &[&maps.key(NAMESPACE, CONFIG_MAP)]).await.map_err(from_store)?;
    let (mut complaint, mut pause_ms) = (String::new(), 0);
    loop {
        let published = publish(maps, namespaces, &store).await;
        pause_ms = match &published {
            Ok(false) => 0,
            Ok(true) | Err(_) => (pause_ms * 2).clamp(PAUSE_MS, INTERVAL_MS),
        };
        let why = published.err().map(|error| error.message).unwrap_or_default();
        if !why.is_empty() && why != complaint {
            log::warn!("`{NAMESPACE}/{CONFIG_MAP}` cannot be written: {why}");
        }
        complaint = why;
        context.ready();
        if pause_ms > 0 {
            context.sleep(pause_ms).await;
        }
        if !changes.wait(INTERVAL_MS).await.map_err(from_store)? {
            return Ok(());
        }
    }
}

/// Says whether there was anything to write.
async fn publish(maps: &Definition, namespaces: &Definition, store: &Store) -> Result<bool, ApiError> {
    let groups = ["system:masters".to_string()];
    let registry = Registry::for_server(maps, store, &groups);
    let own = |name: &str| configuration::fact(name);
    let found = registry.find(NAMESPACE, CONFIG_MAP).await?;
    let old = found.as_ref().map(|found| &found.value["data"]).unwrap_or(&Value::Null);
    let wanted = combined(old, &own, clock::now_seconds()).map_err(ApiError::internal)?;
    if wanted == *old || is_empty(&wanted) && is_empty(old) {
        return Ok(false);
    }
    ensure::one(namespaces, store, json!({"metadata": {"name": NAMESPACE}})).await?;
    let change = Change { creates: true, ..Change::default() };
    let mut next = |old: Option<&Value>| {
        let mut object = old.cloned().unwrap_or_else(|| {
            json!({
                "apiVersion": "v1",
                "kind": maps.kind,
                "metadata": {"name": CONFIG_MAP, "namespace": NAMESPACE},
            })
        });
        object["data"] = combined(&object["data"], &own, clock::now_seconds()).map_err(ApiError::internal)?;
        rest::typed(maps, object)
    };
    match registry.update(NAMESPACE, CONFIG_MAP, &change, &mut next).await {
        // There is no room for what is said now beside what was said once: the next look begins anew.
        Err(error) if error.code == 413 || error.code == 422 && error.message.contains("Too long") => {
            match registry.delete(NAMESPACE, CONFIG_MAP, &DeleteOptions::default()).await {
                Err(error) if error.code != 404 => Err(error),
                _ => Err(error),
            }
        }
        other => other.map(|_| true),
    }
}

/// What is published already, and what this server has to say. Certificates that have expired are forgotten, as is what
/// does not belong there.
fn combined(old: &Value, own: &dyn Fn(&str) -> Option<String>, now_seconds: i64) -> Result<Value, String> {
    let mut data = json!({});
    let authorities = |name: &str| {
        let own = own(name).unwrap_or_default();
        certificates::combined([text(old, name), &own], now_seconds).map_err(|why| format!("`{name}`: {why}"))
    };
    let clients = authorities(CLIENTS)?;
    if !clients.is_empty() {
        data[CLIENTS] = clients.into();
    }
    let proxies = authorities(PROXIES)?;
    let mut lists = Vec::with_capacity(LISTS.len());
    for name in LISTS {
        let both = [text(old, name).to_string(), own(name).unwrap_or_default()];
        let mut list = Vec::new();
        for text in both.iter().filter(|text| !text.is_empty()) {
            let said: Option<Vec<String>> = serde_json::from_str(text).map_err(|why| format!("`{name}`: {why}"))?;
            for item in said.unwrap_or_default() {
                if !list.contains(&item) {
                    list.push(item);
                }
            }
        }
        lists.push((name, list));
    }
    if proxies.is_empty() {
        return Ok(data);
    }
    data[PROXIES] = proxies.into();
    for (name, list) in lists {
        if name != UIDS || !list.is_empty() {
            data[name] = written(&list).into();
        }
    }
    Ok(data)
}

/// As Go writes it.
fn written(list: &[String]) -> String {
    let text = json!(list).to_string();
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::certificates::tests::{OTHER, PEM};
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn said<'a>(facts: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| facts.iter().find(|(own, _)| *own == name).map(|(_, text)| text.to_string())
    }

    #[test]
    fn nothing_is_published_of_what_nobody_gave() {
        assert_eq!(combined(&Value::Null, &said(&[]), NOW), Ok(json!({})));
        let lists = [("requestheader-allowed-names", "[\"a\"]")];
        assert_eq!(combined(&Value::Null, &said(&lists), NOW), Ok(json!({})));
    }

    #[test]
    fn what_servers_say_is_added() {
        let own = [
            (CLIENTS, PEM),
            (PROXIES, PEM),
            ("requestheader-username-headers", "[\"X-Remote-User\"]"),
            ("requestheader-uid-headers", "[]"),
            ("requestheader-group-headers", "[\"X-Remote-Group\",\"X-Remote-Group\"]"),
            ("requestheader-extra-headers-prefix", "[]"),
            ("requestheader-allowed-names", "[\"a&b\"]"),
        ];
        let alone = combined(&Value::Null, &said(&own), NOW).unwrap();
        let expected = json!({
            "client-ca-file": PEM,
            "requestheader-client-ca-file": PEM,
            "requestheader-username-headers": "[\"X-Remote-User\"]",
            "requestheader-group-headers": "[\"X-Remote-Group\"]",
            "requestheader-extra-headers-prefix": "[]",
            "requestheader-allowed-names": "[\"a\\u0026b\"]",
        });
        assert_eq!(alone, expected);
        // Another server, of another authority.
        let other = [
            (CLIENTS, OTHER),
            (PROXIES, PEM),
            ("requestheader-username-headers", "[\"X-User\",\"X-Remote-User\"]"),
            ("requestheader-uid-headers", "[\"X-Remote-Uid\"]"),
        ];
        let mut both = combined(&alone, &said(&other), NOW).unwrap();
        assert_eq!(both["client-ca-file"], format!("{PEM}{OTHER}"));
        assert_eq!(both["requestheader-client-ca-file"], PEM);
        assert_eq!(both["requestheader-username-headers"], "[\"X-Remote-User\",\"X-User\"]");
        assert_eq!(both["requestheader-uid-headers"], "[\"X-Remote-Uid\"]");
        assert_eq!(combined(&both, &said(&own), NOW).unwrap(), both);
        // What somebody else put there goes, what cannot be read is an error.
        both["mine"] = "1".into();
        assert_eq!(combined(&both, &said(&own), NOW).unwrap()["mine"], Value::Null);
        both["requestheader-allowed-names"] = "a".into();
        assert!(combined(&both, &said(&own), NOW).unwrap_err().starts_with("`requestheader-allowed-names`: "));
    }
}
