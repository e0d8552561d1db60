//! The documents of discovery: written from [`Groups`], and read from a delegate's answers.

use sha2::{Digest, Sha256};

use super::groups::{Group, Groups, Version, subresource_version};
use crate::codec::base64;
use crate::definition::Definition;
use crate::tree::{Value, json};

/// `/apis` and `/api` in the aggregated form.
pub fn aggregated(groups: &Groups) -> Value {
    let items = groups.0.iter().map(|group| {
        let metadata = if group.name.is_empty() { json!({}) } else { json!({ "name": group.name }) };
        let versions: Vec<Value> = group.versions.iter().map(aggregated_version).collect();
        json!({ "metadata": metadata, "versions": versions })
    });
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items.collect::<Vec<_>>(),
    })
}

fn aggregated_version(version: &Version) -> Value {
    let mut entry = json!({ "version": version.name });
    if !version.resources.is_empty() {
        entry["resources"] = json!(version.resources);
    }
    entry["freshness"] = json!(if version.stale { "Stale" } else { "Current" });
    entry
}

/// `/api` in the legacy form. `host` is the address that clients use.
pub fn api_versions(groups: &Groups, host: &str) -> Value {
    let versions: Vec<&str> = groups.find("").into_iter().flat_map(|core| &core.versions).map(|v| &*v.name).collect();
    json!({
        "kind": "APIVersions",
        "versions": versions,
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": host }],
    })
}

/// `/apis` in the legacy form.
pub fn group_list(groups: &Groups) -> Value {
    let groups: Vec<Value> = groups.0.iter().map(group_members).collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

/// `/apis/<group>`.
pub fn group(group: &Group) -> Value {
    let mut document = json!({ "kind": "APIGroup", "apiVersion": "v1" });
    if let (Value::Object(document), Value::Object(members)) = (&mut document, group_members(group)) {
        document.extend(members);
    }
    document
}

fn group_members(group: &Group) -> Value {
    let entry = |version: &Version| json!({ "groupVersion": format!("{}/{}", group.name, version.name), "version": version.name });
    let versions: Vec<Value> = group.versions.iter().map(entry).collect();
    json!({ "name": group.name, "versions": versions, "preferredVersion": versions.first() })
}

/// `/api/<version>` and `/apis/<group>/<version>`: all definitions are of that version.
pub fn resource_list(definitions: &[&Definition]) -> Value {
    let mut resources = Vec::new();
    for definition in definitions {
        resources.push(legacy_resource(definition));
        for sub in &definition.subresources {
            let (group, version) = subresource_version(definition, sub);
            let mut entry = json!({
                "name": format!("{}/{}", definition.resource, sub.name),
                "singularName": "",
                "namespaced": definition.namespaced,
            });
            if (group, version) != (&*definition.group, &*definition.version) {
                entry["group"] = json!(group);
                entry["version"] = json!(version);
            }
            entry["kind"] = json!(sub.kind);
            entry["verbs"] = json!(sub.verbs);
            resources.push(entry);
        }
    }
    let group_version = definitions.first().map(|first| first.api_version()).unwrap_or_default();
    let mut document = json!({ "kind": "APIResourceList" });
    // Upstream writes the core group's list without it, since before there were groups.
    if group_version.contains('/') {
        document["apiVersion"] = json!("v1");
    }
    document["groupVersion"] = json!(group_version);
    document["resources"] = Value::Array(resources);
    document
}

fn legacy_resource(definition: &Definition) -> Value {
    let mut entry = json!({
        "name": definition.resource,
        "singularName": definition.singular,
        "namespaced": definition.namespaced,
        "kind": definition.kind,
        "verbs": definition.verbs,
    });
    if !definition.short_names.is_empty() {
        entry["shortNames"] = json!(definition.short_names);
    }
    if !definition.categories.is_empty() {
        entry["categories"] = json!(definition.categories);
    }
    // Only what is stored has one: reviews, bindings and component statuses are not.
    let has = |verb: &str| definition.verbs.iter().any(|known| &**known == verb);
    if has("create") && has("get") {
        entry["storageVersionHash"] = json!(storage_version_hash(definition));
    }
    entry
}

/// What tells clients that objects are stored in another version than before.
fn storage_version_hash(definition: &Definition) -> String {
    let own = definition.api_version();
    let stored = if definition.storage_version.is_empty() { &own } else { &*definition.storage_version };
    let (group, version) = stored.split_once('/').unwrap_or(("", stored));
    let digest = Sha256::digest(format!("{group}/{version}/{}", definition.kind));
    base64::encode(&digest[..8])
}

/// Reads any document about groups; what is none of ours has no groups.
pub fn read(document: &Value) -> Groups {
    let mut groups = Groups::default();
    match document["kind"].as_str() {
        Some("APIGroupDiscoveryList") => {
            for item in members(&document["items"]) {
                let group = item["metadata"]["name"].as_str().unwrap_or_default();
                for version in members(&item["versions"]) {
                    let entry = groups.version(group, version["version"].as_str().unwrap_or_default());
                    entry.resources = members(&version["resources"]).to_vec();
                    entry.stale = version["freshness"] == "Stale";
                }
            }
        }
        Some("APIGroupList") => members(&document["groups"]).iter().for_each(|group| read_group(&mut groups, group)),
        Some("APIGroup") => read_group(&mut groups, document),
        Some("APIVersions") => {
            for version in members(&document["versions"]).iter().filter_map(Value::as_str) {
                groups.version("", version);
            }
        }
        _ => {}
    }
    groups
}

fn read_group(groups: &mut Groups, document: &Value) {
    for version in members(&document["versions"]).iter().filter_map(|version| version["version"].as_str()) {
        groups.version(document["name"].as_str().unwrap_or_default(), version);
    }
}

fn members(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
