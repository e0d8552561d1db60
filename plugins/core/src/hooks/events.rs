//! Events that the server's own controllers record about objects.

use apimachinery::definition::Definition;
use apimachinery::rest::object::meta;
use apimachinery::rest::registry::Registry;
use apimachinery::rest::{self, clock};
use apimachinery::tree::{Value, json};
use apimachinery::validation::names;
use plugin_sdk::{Store, log};

use super::ensure;

/// How many one recorder writes: whoever has more to say says it in the log, once.
const EVENTS_MAX: u32 = 100;

/// Events of one reporter, for one look at things.
pub(super) struct Events<'a> {
    definition: &'a Definition,
    store: &'a Store,
    reporter: &'static str,
    written: u32,
}

impl<'a> Events<'a> {
    pub(super) fn new(definitions: &'a [Definition], store: &'a Store, reporter: &'static str) -> Result<Self, String> {
        Ok(Self { definition: ensure::definition(definitions, "", "events")?, store, reporter, written: 0 })
    }

    /// Records a warning, as events.k8s.io does, among the events of the object's namespace. One that cannot be
    /// written is in the log, as all are.
    pub(super) async fn warn(&mut self, of: &Value, reason: &str, action: &str, note: String) {
        if self.written < EVENTS_MAX {
            log::warn!("{}: {note}", self.reporter);
        }
        if self.written == EVENTS_MAX {
            log::warn!("{}: there is more of this kind, which is not recorded", self.reporter);
        }
        self.written = self.written.saturating_add(1);
        if self.written > EVENTS_MAX {
            return;
        }
        let object = event(of, self.reporter, reason, action, &note);
        let groups = ["system:masters".to_string()];
        let registry = Registry::for_server(self.definition, self.store, &groups);
        let namespace = meta(&object, "namespace").to_string();
        let written = match rest::typed(self.definition, object) {
            Ok(object) => registry.create(&namespace, object).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            log::warn!("{}: an event cannot be recorded: {}", self.reporter, error.message);
        }
    }
}

fn event(of: &Value, reporter: &str, reason: &str, action: &str, note: &str) -> Value {
    let (name, own) = (meta(of, "name"), meta(of, "namespace"));
    let unique = clock::uid();
    let named = format!("{name}.{unique}");
    json!({
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {
            // An address of the new family is no part of such a name.
            "name": if names::dns1123_subdomain(&named).is_empty() { named } else { unique },
            "namespace": if own.is_empty() { "default" } else { own },
        },
        "involvedObject": {
            "kind": of["kind"],
            "apiVersion": of["apiVersion"],
            "namespace": own,
            "name": name,
            "uid": meta(of, "uid"),
            "resourceVersion": meta(of, "resourceVersion"),
        },
        "type": "Warning",
        "reason": reason,
        "action": action,
        "message": note,
        "eventTime": format!("{}.000000Z", clock::now().trim_end_matches('Z')),
        "reportingComponent": reporter,
        "reportingInstance": format!("{reporter}-host"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_in_the_namespace_of_what_they_are_about() {
        for (namespace, of) in [
            ("n", json!({"kind": "Service", "metadata": {"name": "s", "namespace": "n"}})),
            ("default", json!({"metadata": {"name": "fd00::1"}})),
        ] {
            let event = event(&of, "reporter", "Reason", "Action", "so it is");
            assert_eq!(meta(&event, "namespace"), namespace);
            assert!(names::dns1123_subdomain(meta(&event, "name")).is_empty(), "{event}");
            assert_eq!(
                (&event["involvedObject"]["name"], &event["message"]),
                (&of["metadata"]["name"], &json!("so it is"))
            );
        }
    }
}
