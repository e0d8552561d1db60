//! `ServiceAccount` admission: each pod has an account that exists, and a token of it where its
//! programs look for one. Off unless the operator turns it on, since without a controller manager
//! no namespace has a default account.

use std::sync::LazyLock;

use apimachinery::rest::{clock, from_store};
use apimachinery::status::ApiError;
use apimachinery::strategy::Operation;
use apimachinery::tree::{Value, json};
use plugin_sdk::storage::Freshness;
use plugin_sdk::{Store, configuration};

use crate::tree::{child, is_empty, items, items_mut, or_set_text, text};

const NAME: &str = "ServiceAccount";
const DEFAULT: &str = "default";
const MIRROR: &str = "kubernetes.io/config.mirror";
const ENFORCE: &str = "kubernetes.io/enforce-mountable-secrets";
const VOLUME: &str = "kube-api-access-";
const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// By which tokens are known that whoever runs the pod renews (`special::tokens`).
const TOKEN_SECONDS: u32 = 60 * 60 + 7;

pub(super) async fn admit(operation: &Operation<'_>, store: &Store, pod: &mut Value) -> Result<(), ApiError> {
    if !is_enabled() {
        return Ok(());
    }
    let refuse = |why: String| Err(operation.forbidden(why));
    if pod["metadata"]["annotations"].get(MIRROR).is_some() {
        return mirror(pod).map_or(Ok(()), |why| refuse(why.to_string()));
    }
    let namespace = operation.namespace;
    or_set_text(child(pod, "spec"), "serviceAccountName", DEFAULT);
    let name = text(&pod["spec"], "serviceAccountName").to_string();
    let key = format!("/registry/serviceaccounts/{namespace}/{name}");
    let Some(stored) = store.get(key, Freshness::Latest).await.map_err(from_store)? else {
        let why = format!("error looking up service account {namespace}/{name}: serviceaccount \"{name}\" not found");
        return refuse(why);
    };
    let account: Value = serde_json::from_slice(&stored.value()).map_err(ApiError::internal)?;
    let spec = child(pod, "spec");
    spec["serviceAccount"] = name.into();
    let wanted = |own: &Value| own["automountServiceAccountToken"].as_bool();
    if wanted(spec).or(wanted(&account)).unwrap_or(true) {
        mount(spec);
    }
    if is_empty(&spec["imagePullSecrets"]) && !is_empty(&account["imagePullSecrets"]) {
        spec["imagePullSecrets"] = account["imagePullSecrets"].clone();
    }
    match enforces(&account).then(|| unmountable(spec, &account)).flatten() {
        Some(why) => refuse(why),
        None => Ok(()),
    }
}

fn is_enabled() -> bool {
    static IS_ENABLED: LazyLock<bool> = LazyLock::new(|| {
        let enabled = configuration::fact("enabled-admission-plugins").unwrap_or_default();
        enabled.split(',').any(|name| name == NAME)
    });
    *IS_ENABLED
}

/// Pods that a node runs of its own accord have no account. Why one is refused.
fn mirror(pod: &Value) -> Option<&'static str> {
    let spec = &pod["spec"];
    if !text(spec, "serviceAccountName").is_empty() {
        return Some("a mirror pod may not reference service accounts");
    }
    let has_secret = |container: &Value| !secrets_of(container).is_empty();
    let volumes = || items(spec, "volumes");
    if containers(spec).any(|(_, container)| has_secret(container))
        || volumes().any(|volume| volume["secret"].is_object())
        || !is_empty(&spec["imagePullSecrets"])
    {
        return Some("a mirror pod may not reference secrets");
    }
    let mut sources = volumes().flat_map(|volume| items(&volume["projected"], "sources"));
    let why = "a mirror pod may not use ServiceAccountToken volume projections";
    sources.any(|source| source["serviceAccountToken"].is_object()).then_some(why)
}

/// Mounts a token into each container that has nothing in its place.
fn mount(spec: &mut Value) {
    let own = items(spec, "volumes").map(|volume| text(volume, "name")).find(|name| name.starts_with(VOLUME));
    let (name, is_there) = match own {
        Some(name) => (name.to_string(), true),
        None => (clock::generate_name(VOLUME), false),
    };
    let mount = json!({"name": name, "readOnly": true, "mountPath": MOUNT_PATH});
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        for container in items_mut(spec, list) {
            if !items(container, "volumeMounts").any(|other| text(other, "mountPath") == MOUNT_PATH) {
                push(container, "volumeMounts", mount.clone());
                mounted = true;
            }
        }
    }
    if mounted && !is_there {
        let sources = json!([
            {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{
                "path": "namespace",
                "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
            }]}},
        ]);
        push(spec, "volumes", json!({"name": name, "projected": {"sources": sources, "defaultMode": 0o644}}));
    }
}

fn push(object: &mut Value, list: &str, item: Value) {
    match object[list].as_array_mut() {
        Some(items) => items.push(item),
        None => object[list] = json!([item]),
    }
}

/// Whether pods of an account may use those secrets alone that it names.
fn enforces(account: &Value) -> bool {
    // What Go's strconv.ParseBool takes.
    matches!(text(&account["metadata"]["annotations"], ENFORCE), "1" | "t" | "T" | "true" | "TRUE" | "True")
}

/// Why a secret may not be used, in upstream's order.
fn unmountable(spec: &Value, account: &Value) -> Option<String> {
    let has = |list: &str, name: &str| items(account, list).any(|own| text(own, "name") == name);
    let name = text(&account["metadata"], "name");
    let because = format!("is not allowed because service account {name} does not reference that");
    for volume in items(spec, "volumes").filter(|volume| volume["secret"].is_object()) {
        let secret = text(&volume["secret"], "secretName");
        if !has("secrets", secret) {
            return Some(format!("volume with secret.secretName=\"{secret}\" {because} secret"));
        }
    }
    for (kind, container) in containers(spec) {
        for (place, secret) in secrets_of(container) {
            if !has("secrets", secret) {
                let container = text(container, "name");
                return Some(format!(
                    "{kind} {container} with {place} referencing secret.secretName=\"{secret}\" {because} secret"
                ));
            }
        }
    }
    items(spec, "imagePullSecrets").enumerate().find_map(|(index, pull)| {
        let secret = text(pull, "name");
        (!has("imagePullSecrets", secret))
            .then(|| format!("imagePullSecrets[{index}].name=\"{secret}\" {because} imagePullSecret"))
    })
}

/// All containers, with what each is called.
fn containers(spec: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    let kinds = [("init container", "initContainers"), ("container", "containers")];
    kinds.into_iter().flat_map(|(kind, list)| items(spec, list).map(move |container| (kind, container)))
}

/// The secrets in a container's environment, and where they stand.
fn secrets_of(container: &Value) -> Vec<(String, &str)> {
    let single = items(container, "env").filter_map(|variable| {
        let secret = variable["valueFrom"].get("secretKeyRef").filter(|secret| secret.is_object())?;
        Some((format!("envVar {}", text(variable, "name")), text(secret, "name")))
    });
    let whole = items(container, "envFrom").filter_map(|from| {
        let secret = from.get("secretRef").filter(|secret| secret.is_object())?;
        Some(("envFrom".to_string(), text(secret, "name")))
    });
    single.chain(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_mounted_where_nothing_else_is() {
        let busy = json!({"name": "b", "volumeMounts": [{"name": "x", "mountPath": MOUNT_PATH}]});
        let mut spec = json!({"initContainers": [{"name": "i"}], "containers": [{"name": "a"}, busy.clone()]});
        mount(&mut spec);
        let volume = &spec["volumes"][0];
        assert!(text(volume, "name").starts_with(VOLUME) && spec["volumes"].as_array().unwrap().len() == 1);
        for container in [&spec["initContainers"][0], &spec["containers"][0]] {
            let expected = json!([{"name": volume["name"], "readOnly": true, "mountPath": MOUNT_PATH}]);
            assert_eq!(container["volumeMounts"], expected);
        }
        assert_eq!(spec["containers"][1], busy);

        let mut full = json!({"containers": [busy]});
        mount(&mut full);
        assert!(full.get("volumes").is_none());

        // One that is there already is used.
        let mut own = json!({"volumes": [{"name": "kube-api-access-mine"}], "containers": [{"name": "a"}]});
        mount(&mut own);
        assert_eq!(own["containers"][0]["volumeMounts"][0]["name"], "kube-api-access-mine");
        assert_eq!(own["volumes"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn an_account_can_bound_the_secrets_of_its_pods() {
        let account = json!({
            "metadata": {"name": "robot", "annotations": {ENFORCE: "true"}},
            "secrets": [{"name": "known"}],
            "imagePullSecrets": [{"name": "known"}],
        });
        assert!(enforces(&account) && !enforces(&json!({})));
        let environment =
            |name: &str| json!([{"name": "E", "valueFrom": {"secretKeyRef": {"name": name, "key": "k"}}}]);
        let reason = "is not allowed because service account robot does not reference that";
        for (spec, refusal) in [
            (json!({"containers": [{"name": "c", "env": environment("known")}]}), None),
            (
                json!({"volumes": [{"secret": {"secretName": "x"}}]}),
                Some(format!("volume with secret.secretName=\"x\" {reason} secret")),
            ),
            (
                json!({"initContainers": [{"name": "c", "env": environment("x")}]}),
                Some(format!("init container c with envVar E referencing secret.secretName=\"x\" {reason} secret")),
            ),
            (
                json!({"containers": [{"name": "c", "envFrom": [{"secretRef": {"name": "x"}}]}]}),
                Some(format!("container c with envFrom referencing secret.secretName=\"x\" {reason} secret")),
            ),
            (
                json!({"imagePullSecrets": [{"name": "known"}, {"name": "x"}]}),
                Some(format!("imagePullSecrets[1].name=\"x\" {reason} imagePullSecret")),
            ),
        ] {
            assert_eq!(unmountable(&spec, &account), refusal, "{spec}");
        }
    }

    #[test]
    fn a_mirror_pod_has_neither_account_nor_secrets() {
        for (spec, refused) in [
            (json!({"containers": [{"name": "c"}]}), false),
            (json!({"serviceAccountName": "robot"}), true),
            (json!({"volumes": [{"secret": {"secretName": "x"}}]}), true),
            (json!({"volumes": [{"projected": {"sources": [{"serviceAccountToken": {}}]}}]}), true),
            (json!({"imagePullSecrets": [{"name": "x"}]}), true),
        ] {
            assert_eq!(mirror(&json!({"spec": spec})).is_some(), refused, "{spec}");
        }
    }
}
