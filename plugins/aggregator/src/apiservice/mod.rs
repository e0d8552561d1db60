//! APIServices: what one says, and those in the store.

mod strategy;

use std::collections::BTreeMap;

use apimachinery::definition::Definition;
use apimachinery::discovery::order::Priority;
use apimachinery::tree::{Value, json};
use plugin_sdk::Store;
use plugin_sdk::storage::{Error, ListQuery};

pub(crate) const GROUP: &str = "apiregistration.k8s.io";

/// Says who keeps an APIService: a controller at each start, a controller all the time, or
/// (without it) a person.
pub(crate) const AUTOMANAGED: &str = "kube-aggregator.kubernetes.io/automanaged";

/// Objects asked for at once: a hundred APIServices are many.
const PAGE: u32 = 100;

pub(crate) fn definition() -> Definition {
    Definition::builtin(GROUP, "v1", "apiservices", &strategy::ApiServiceStrategy)
}

/// What the aggregator reads of an APIService.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiService {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) priority: Priority,
    /// Who answers, if not the delegates.
    pub(crate) service: Option<Service>,
    /// Base64.
    pub(crate) ca_bundle: Option<String>,
    pub(crate) insecure_skip_tls_verify: bool,
    pub(crate) automanaged: Option<String>,
    pub(crate) available: Condition,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Service {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) port: u16,
}

/// The condition `Available`; empty if nobody has looked yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) message: String,
}

impl Condition {
    pub(crate) fn new(status: &str, reason: &str, message: &str) -> Self {
        Self { status: status.into(), reason: reason.into(), message: message.into() }
    }

    /// Of one that the delegates serve.
    pub(crate) fn local() -> Self {
        Self::new("True", "Local", "Local APIServices are always available")
    }

    /// Sets it; its time is that of the last change of its status.
    pub(crate) fn set(&self, object: &mut Value, now: &str) {
        let conditions = &mut object["status"]["conditions"];
        if !conditions.is_array() {
            *conditions = json!([]);
        }
        let Some(conditions) = conditions.as_array_mut() else { return };
        let old = conditions.iter().position(|condition| condition["type"] == "Available");
        let since = match old.map(|at| &conditions[at]) {
            Some(old) if old["status"] == self.status.as_str() => old["lastTransitionTime"].clone(),
            _ => json!(now),
        };
        let new = json!({
            "type": "Available",
            "status": self.status,
            "lastTransitionTime": since,
            "reason": self.reason,
            "message": self.message,
        });
        match old {
            Some(at) => conditions[at] = new,
            None => conditions.push(new),
        }
    }
}

impl ApiService {
    pub(crate) fn read(object: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let spec = &object["spec"];
        let service = &spec["service"];
        let conditions = object["status"]["conditions"].as_array();
        let available = conditions.into_iter().flatten().find(|condition| condition["type"] == "Available");
        Self {
            name: text(&object["metadata"]["name"]),
            group: text(&spec["group"]),
            version: text(&spec["version"]),
            priority: Priority {
                group: spec["groupPriorityMinimum"].as_i64().unwrap_or(0),
                version: spec["versionPriority"].as_i64().unwrap_or(0),
            },
            service: service.is_object().then(|| Service {
                namespace: text(&service["namespace"]),
                name: text(&service["name"]),
                port: service["port"].as_u64().and_then(|port| port.try_into().ok()).unwrap_or(443),
            }),
            ca_bundle: spec["caBundle"].as_str().filter(|bundle| !bundle.is_empty()).map(str::to_string),
            insecure_skip_tls_verify: spec["insecureSkipTLSVerify"] == true,
            automanaged: object["metadata"]["labels"][AUTOMANAGED].as_str().map(str::to_string),
            available: available
                .map(|condition| Condition {
                    status: text(&condition["status"]),
                    reason: text(&condition["reason"]),
                    message: text(&condition["message"]),
                })
                .unwrap_or_default(),
        }
    }

    pub(crate) fn is_available(&self) -> bool {
        self.available.status == "True"
    }

    /// `/apis/metrics.k8s.io/v1`.
    pub(crate) fn path(&self) -> String {
        match self.group.as_str() {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        }
    }
}

/// The name that the APIService of a group version has.
pub(crate) fn name(group: &str, version: &str) -> String {
    format!("{version}.{group}")
}

/// All APIServices, by name.
pub(crate) async fn list(store: &Store, definition: &Definition) -> Result<BTreeMap<String, ApiService>, Error> {
    let found = store.list(ListQuery::below(&definition.storage_prefix)).await?;
    // What cannot be read is another's mistake, and no reason to serve nothing.
    let read = found.objects(PAGE).filter_map(|object| serde_json::from_slice(&object.value()).ok());
    Ok(read.map(|value| ApiService::read(&value)).map(|service| (service.name.clone(), service)).collect())
}
