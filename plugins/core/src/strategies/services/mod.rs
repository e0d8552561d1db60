//! Services: their ports and families, and the addresses and node ports that are theirs alone.
//!
//! What a client sends passes, in upstream's order, through `intent` (what it left out), `families` (of which
//! families it gets addresses), `addresses` and `ports` (taking them), and `validate`.

pub(crate) mod addresses;
mod draw;
pub(crate) mod families;
mod intent;
pub(crate) mod ports;
pub(crate) mod ranges;
mod validate;

use apimachinery::rest::from_store;
use apimachinery::rest::object::carry_over;
use apimachinery::status::{ApiError, FieldError};
use apimachinery::strategy::{Companions, Operation, Reading, Strategy};
use apimachinery::tree::{Value, json};
use apimachinery::validation::names;
use apimachinery::validation::place::Place;
use plugin_sdk::Store;
use plugin_sdk::storage::{Freshness, Guard, Operation as Write, Put};

pub(crate) use ports::PORTS_PREFIX;
pub(super) use validate::{host_name, public_address};

use families::Family;

use crate::special::connect::ENDPOINTS_PREFIX;
use crate::tree::{child, existing, is_empty, items_mut, or_set, or_set_text, remove, text};
use crate::warnings::{self, Warnings};

pub(super) struct Services;

impl Strategy for Services {
    /// Upstream does not show it of a name, whoever sets it.
    fn default_stored(&self, object: &mut Value) -> bool {
        if object["spec"]["type"] == "ExternalName" {
            remove(&mut object["spec"], "internalTrafficPolicy");
        }
        false
    }

    fn default(&self, object: &mut Value) {
        let spec = child(object, "spec");
        or_set_text(spec, "sessionAffinity", "None");
        match text(spec, "sessionAffinity") {
            "ClientIP" => or_set(child(child(spec, "sessionAffinityConfig"), "clientIP"), "timeoutSeconds", 10_800),
            _ => drop(remove(spec, "sessionAffinityConfig")),
        }
        or_set_text(spec, "type", "ClusterIP");
        for port in items_mut(spec, "ports") {
            or_set_text(port, "protocol", "TCP");
            if is_empty(&port["targetPort"]) || port["targetPort"] == 0 {
                port["targetPort"] = port["port"].clone();
            }
        }
        for ingress in existing(object, "status")
            .and_then(|status| existing(status, "loadBalancer"))
            .into_iter()
            .flat_map(|balancer| items_mut(balancer, "ingress"))
        {
            if !text(ingress, "ip").is_empty() {
                or_set(ingress, "ipMode", "VIP");
            }
        }
        let spec = child(object, "spec");
        let kind = text(spec, "type").to_string();
        if validate::is_exposed(spec) {
            or_set_text(spec, "externalTrafficPolicy", "Cluster");
        }
        if kind != "ExternalName" {
            or_set(spec, "internalTrafficPolicy", "Cluster");
        }
        if kind == "LoadBalancer" {
            or_set(spec, "allocateLoadBalancerNodePorts", true);
        }
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        object["status"] = json!({"loadBalancer": {}});
    }

    fn prepare_for_update(&self, operation: &Operation<'_>, object: &mut Value, old: &Value) {
        match operation.subresource {
            "status" => carry_over(object, old, "spec"),
            _ => {
                carry_over(object, old, "status");
                intent::drop_dependent(child(object, "spec"), &old["spec"]);
                if object["spec"]["type"] != "LoadBalancer" {
                    object["status"]["loadBalancer"] = json!({});
                }
            }
        }
    }

    fn admit<'a>(
        &'a self,
        operation: &'a Operation<'a>,
        store: &'a Store,
        object: &'a mut Value,
        old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        Box::pin(async move {
            if !operation.subresource.is_empty() {
                return Ok(Companions::default());
            }
            let (spec, old) = (child(object, "spec"), old.map_or(&Value::Null, |old| &old["spec"]));
            intent::complete(spec, old);
            let families: Vec<Family> = ranges::configured().iter().map(|range| range.family).collect();
            families::settle(operation.name, spec, old, &families)?;
            let mut companions = Companions::default();
            addresses::allocate(operation, store, spec, old, &mut companions).await?;
            ports::allocate(operation, store, spec, old, &mut companions).await?;
            Ok(if operation.dry_run { Companions::default() } else { companions })
        })
    }

    fn allocates(&self) -> bool {
        true
    }

    fn companions_of_removal(&self, object: &Value) -> Companions {
        let mut companions = Companions::default();
        addresses::release(&object["spec"], &mut companions);
        ports::release(&object["spec"], &mut companions);
        // Else the next service of the name would begin with them, where their controller lags behind.
        let metadata = &object["metadata"];
        let endpoints = format!("{ENDPOINTS_PREFIX}{}/{}", text(metadata, "namespace"), text(metadata, "name"));
        companions.operations.push(Write::Delete(endpoints));
        companions
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        validate::service(object, None, errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        match operation.subresource {
            "" => validate::change(object, old, errors),
            "status" => validate::status(object, old, errors),
            _ => {}
        }
    }

    fn warnings(&self, operation: &Operation<'_>, object: &Value, _old: Option<&Value>) -> Warnings {
        let (mut out, root) = (Warnings::new(), Place::root(object));
        match operation.subresource {
            "" => odd(&root, &mut out),
            "status" => {
                for ingress in root.at("status.loadBalancer.ingress").items() {
                    warnings::address(&ingress.with(ingress.at("ip").value()), &mut out);
                }
            }
            _ => {}
        }
        out
    }

    fn create_on_update(&self) -> bool {
        true
    }

    fn returns_deleted(&self) -> bool {
        true
    }

    fn validate_name(&self, name: &str) -> Vec<String> {
        names::dns1123_label(name)
    }
}

fn odd(service: &Place<'_, '_>, out: &mut Warnings) {
    const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
    if service.at("metadata.annotations").entry(HINTS).is_given() {
        out.push(format!("annotation {HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead"));
    }
    let spec = service.at("spec");
    let (kind, first) = (spec.at("type").text(), spec.at("clusterIP").text());
    let (external, balancer) = (spec.at("externalIPs"), spec.at("loadBalancerIP"));
    let headless = kind == "ClusterIP" && first == "None";
    if !matches!(first, "" | "None") {
        spec.at("clusterIPs").items().for_each(|address| warnings::address(&address, out));
    }
    if headless {
        for (is_set, field) in [
            (!balancer.is_empty(), "loadBalancerIP"),
            (!external.is_empty(), "externalIPs"),
            (spec.at("sessionAffinity").text() != "None", "SessionAffinity"),
        ] {
            out.extend(is_set.then(|| format!("spec.{field} is ignored for headless services")));
        }
    }
    external.items().for_each(|address| warnings::address(&address, out));
    let is_name = kind == "ExternalName";
    if !external.is_empty() && !headless && !is_name {
        out.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters".into());
    }
    warnings::address(&balancer, out);
    spec.at("loadBalancerSourceRanges").items().for_each(|range| warnings::range(&range, out));
    if is_name && !external.is_empty() {
        out.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".into());
    }
    if !is_name && !spec.at("externalName").is_empty() {
        out.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".into());
    }
    if spec.at("trafficDistribution").text() == "PreferClose" {
        out.push("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".into());
    }
}

/// The object at `key`, if there is one.
async fn exists(store: &Store, key: &str) -> Result<bool, ApiError> {
    Ok(store.get(key.to_string(), Freshness::Latest).await.map_err(from_store)?.is_some())
}

fn take(key: String, value: Value, companions: &mut Companions) {
    companions.guards.push(Guard { key: key.clone(), revision: 0 });
    companions.operations.push(Write::Put(Put { key, value: value.to_string().into_bytes(), ttl_seconds: None }));
}

fn refused(name: &str, field: &str, value: &Value, why: impl Into<String>) -> ApiError {
    ApiError::invalid("", "Service", name, &[FieldError::invalid(field, value, why)])
}

fn invalid(name: &str, errors: Vec<FieldError>) -> Result<(), ApiError> {
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid("", "Service", name, &errors)) }
}

/// Whether the service has no address by intent.
fn headless(spec: &Value) -> bool {
    texts(&spec["clusterIPs"]).first() == Some(&"None")
}

pub(crate) fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaulted(spec: Value) -> Value {
        let mut object = json!({"spec": spec});
        Services.default(&mut object);
        object["spec"].take()
    }

    #[test]
    fn services_are_completed_by_their_type() {
        let spec = defaulted(json!({"ports": [{"port": 80}], "selector": {"a": "b"}}));
        assert_eq!(spec["ports"][0], json!({"port": 80, "protocol": "TCP", "targetPort": 80}));
        assert_eq!((&spec["type"], &spec["internalTrafficPolicy"]), (&json!("ClusterIP"), &json!("Cluster")));
        let spec = defaulted(json!({"type": "ExternalName", "externalName": "example.com"}));
        assert_eq!(spec, json!({"type": "ExternalName", "externalName": "example.com", "sessionAffinity": "None"}));
    }
}
