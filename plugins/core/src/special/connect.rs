//! What leads to a node (logs, exec, proxies): the same refusals as upstream where there is no
//! node to lead to.

use std::net::IpAddr;

use apimachinery::codec::time;
use apimachinery::definition::Definition;
use apimachinery::negotiate::Shape;
use apimachinery::rest::{Special, from_store, not_a_list};
use apimachinery::status::{ApiError, FieldError};
use apimachinery::tree::Value;
use apimachinery::validation::quoted;
use plugin_sdk::storage::Freshness;
use plugin_sdk::{Answer, Response};

use crate::tree::{items, text};

const NODES_PREFIX: &str = "/registry/minions/";
pub(crate) const ENDPOINTS_PREFIX: &str = "/registry/services/endpoints/";

/// Of a node's addresses, the first of the first of these kinds is the one to connect to.
const PREFERRED_ADDRESSES: [&str; 5] = ["Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"];

pub(super) async fn connect(
    special: &Special<'_>,
    definition: &Definition,
    subresource: &str,
) -> Result<Answer, ApiError> {
    if special.name().is_empty() {
        return Err(ApiError::bad_request("name must be provided"));
    }
    match (subresource, &*definition.resource) {
        ("proxy", resource) => {
            let target = Target::read(resource.trim_end_matches('s'), special.name())?;
            Err(match resource {
                "nodes" => proxy_to_node(special, definition, target.name).await?,
                "pods" => proxy_to_pod(special, definition, target.name).await?,
                _ => proxy_to_service(special, definition, &target).await?,
            })
        }
        ("log", _) => log(special, definition).await,
        _ => Err(stream(special, definition, subresource).await?),
    }
}

async fn log(special: &Special<'_>, definition: &Definition) -> Result<Answer, ApiError> {
    let shape = special.shape()?;
    log_options(special)?;
    let pod = object(special, definition, special.name()).await?;
    container(&pod, &special.query().text("container"))?;
    match text(&pod["spec"], "nodeName") {
        "" => no_log(shape),
        node => {
            address(special, definition, node).await?;
            Err(no_kubelet(node))
        }
    }
}

/// Why nobody is connected to a process or a port of a pod.
async fn stream(special: &Special<'_>, definition: &Definition, subresource: &str) -> Result<ApiError, ApiError> {
    if subresource == "portforward" {
        ports(&special.query().all("ports"))?;
    }
    let pod = object(special, definition, special.name()).await?;
    if subresource != "portforward" {
        container(&pod, &special.query().text("container"))?;
    }
    let node = text(&pod["spec"], "nodeName");
    if node.is_empty() {
        return Ok(ApiError::bad_request(format!("pod {} does not have a host assigned", special.name())));
    }
    address(special, definition, node).await?;
    Ok(match special.wants_upgrade() {
        false => ApiError::bad_request("Upgrade request required"),
        true => no_kubelet(node),
    })
}

async fn proxy_to_node(special: &Special<'_>, definition: &Definition, name: &str) -> Result<ApiError, ApiError> {
    let address = address(special, definition, name).await?;
    // Where a name leads is the cluster's network to say.
    Ok(match address.parse::<IpAddr>() {
        Ok(ip) if !is_global_unicast(ip) => not_allowed(),
        _ => no_kubelet(name),
    })
}

async fn proxy_to_pod(special: &Special<'_>, definition: &Definition, name: &str) -> Result<ApiError, ApiError> {
    let pod = object(special, definition, name).await?;
    let first = items(&pod["status"], "podIPs").next().map(|first| text(first, "ip"));
    Ok(match first.unwrap_or_else(|| text(&pod["status"], "podIP")).parse() {
        Ok(ip) if is_global_unicast(ip) => unavailable(format!("no connection to pod `{name}`")),
        _ => not_allowed(),
    })
}

/// Why a service cannot be reached: its endpoints are the cluster's network to reach.
async fn proxy_to_service(
    special: &Special<'_>,
    definition: &Definition,
    target: &Target<'_>,
) -> Result<ApiError, ApiError> {
    let name = target.name;
    if let Ok(port) = target.port.parse::<i64>() {
        let service = object(special, definition, name).await?;
        if !items(&service["spec"], "ports").any(|own| own["port"].as_i64() == Some(port)) {
            return Ok(unavailable(format!("no service port {port} found for service {}", quoted(name))));
        }
    }
    let key = format!("{ENDPOINTS_PREFIX}{}/{name}", special.namespace());
    // Upstream says that the service is not there.
    let endpoints = stored(special, key).await?.ok_or_else(|| ApiError::not_found(definition, name))?;
    let asked = match items(&endpoints, "subsets").next() {
        None => name,
        Some(_) => special.name(),
    };
    Ok(unavailable(format!("no endpoints available for service {}", quoted(asked))))
}

async fn object(special: &Special<'_>, definition: &Definition, name: &str) -> Result<Value, ApiError> {
    Ok(special.registry(definition, "", false).get(special.namespace(), name).await?.value)
}

async fn stored(special: &Special<'_>, key: String) -> Result<Option<Value>, ApiError> {
    let found = special.store().get(key, Freshness::Latest).await.map_err(from_store)?;
    Ok(found.and_then(|found| serde_json::from_slice(&found.value()).ok()))
}

/// Where a node is. One that is not there is reported as one of what was asked for, as upstream does.
async fn address(special: &Special<'_>, definition: &Definition, node: &str) -> Result<String, ApiError> {
    let found = stored(special, format!("{NODES_PREFIX}{node}")).await?;
    preferred_address(&found.ok_or_else(|| ApiError::not_found(definition, node))?)
}

fn preferred_address(node: &Value) -> Result<String, ApiError> {
    let all = || items(&node["status"], "addresses");
    let first = |kind: &&str| all().find(|address| text(address, "type") == *kind);
    if let Some(address) = PREFERRED_ADDRESSES.iter().find_map(first) {
        return Ok(text(address, "address").to_string());
    }
    let known: Vec<String> =
        all().map(|address| format!("{{{} {}}}", text(address, "type"), text(address, "address"))).collect();
    Err(ApiError::new(500, "", format!("no preferred addresses found; known addresses: [{}]", known.join(" "))))
}

/// What may be proxied to: not the server's own machine, nor what only its neighbours reach.
fn is_global_unicast(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    let local = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !(local || ip.is_unspecified() || ip.is_loopback() || ip.is_multicast())
}

/// Nothing runs, so nothing was said. What is said has no metadata.
fn no_log(shape: Shape) -> Result<Answer, ApiError> {
    match shape {
        Shape::Whole => Ok(Response::new(204).into()),
        Shape::PartialList(_) => Err(not_a_list("*rest.LocationStreamer")),
        Shape::Partial(_) | Shape::Table(_) => {
            Err(ApiError::new(500, "", "object does not implement the Object interfaces"))
        }
    }
}

fn log_options(special: &Special<'_>) -> Result<(), ApiError> {
    let query = special.query();
    // In the order of the fields, for the first that cannot be read is reported.
    let since = query.number("sinceSeconds")?;
    let since_time = query.get("sinceTime");
    if let Some(text) = since_time.filter(|text| !matches!(*text, "" | "null")) {
        time::parse(text).map_err(ApiError::bad_request)?;
    }
    let (tail, bytes) = (query.number("tailLines")?, query.number("limitBytes")?);
    let mut errors = Vec::new();
    let mut at_least = |field: &str, number: Option<i64>, least: i64, why: &str| {
        if let Some(number) = number.filter(|number| *number < least) {
            errors.push(FieldError::invalid(field, &number.into(), why));
        }
    };
    at_least("tailLines", tail, 0, "must be greater than or equal to 0");
    at_least("limitBytes", bytes, 1, "must be greater than 0");
    if since_time.is_none() {
        at_least("sinceSeconds", since, 1, "must be greater than 0");
    } else if since.is_some() {
        let why = "at most one of `sinceTime` or `sinceSeconds` may be specified";
        // A path without a name is written so.
        errors.push(FieldError::forbidden("[]", why));
    }
    // Streams are told apart behind a feature gate that is off.
    if query.get("stream").is_some() {
        errors.push(FieldError::forbidden("stream", "may not be specified"));
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(ApiError::invalid("", "PodLogOptions", special.name(), &errors)),
    }
}

/// Ports to forward: each value is a list of them.
fn ports(values: &[String]) -> Result<(), ApiError> {
    match values.iter().flat_map(|value| value.split(',')).find_map(|port| Some((port, why_no_port(port)?))) {
        None => Ok(()),
        Some((port, why)) => Err(ApiError::bad_request(format!(
            "cannot convert to []int32: strconv.ParseUint: parsing {}: {why}",
            quoted(port)
        ))),
    }
}

/// Read digit by digit, for what comes first is reported: too large a number, or what is no digit.
fn why_no_port(text: &str) -> Option<&'static str> {
    let mut number: u32 = 0;
    for character in text.chars() {
        let Some(digit) = character.to_digit(10) else {
            return Some("invalid syntax");
        };
        number = number * 10 + digit;
        if number > u32::from(u16::MAX) {
            return Some("value out of range");
        }
    }
    text.is_empty().then_some("invalid syntax")
}

/// Whose log: the one container's, or that of the one that was named.
fn container(pod: &Value, asked: &str) -> Result<(), ApiError> {
    let name = text(&pod["metadata"], "name");
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let all: Vec<&str> =
        lists.iter().flat_map(|list| items(&pod["spec"], list)).map(|container| text(container, "name")).collect();
    if !asked.is_empty() {
        return match all.contains(&asked) {
            true => Ok(()),
            false => Err(ApiError::bad_request(format!("container {asked} is not valid for pod {name}"))),
        };
    }
    match items(&pod["spec"], "containers").count() {
        1 => Ok(()),
        _ => Err(ApiError::bad_request(format!(
            "a container name must be specified for pod {name}, choose one of: [{}]",
            all.join(" ")
        ))),
    }
}

/// What a proxy leads to: `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`.
struct Target<'a> {
    name: &'a str,
    port: &'a str,
}

impl<'a> Target<'a> {
    fn read(what: &str, text: &'a str) -> Result<Self, ApiError> {
        let (scheme, name, port) = match text.split(':').collect::<Vec<_>>()[..] {
            [name] => ("", name, ""),
            [name, port] => ("", name, port),
            [scheme, name, port] => (scheme, name, port),
            _ => ("", "", ""),
        };
        match !name.is_empty() && matches!(scheme, "" | "http" | "https") {
            true => Ok(Self { name, port }),
            false => Err(ApiError::bad_request(format!("invalid {what} request {}", quoted(text)))),
        }
    }
}

fn not_allowed() -> ApiError {
    ApiError::bad_request("address not allowed")
}

fn no_kubelet(node: &str) -> ApiError {
    unavailable(format!("no connection to the kubelet of node `{node}`"))
}

fn unavailable(message: String) -> ApiError {
    ApiError::new(503, "ServiceUnavailable", message)
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn a_port_is_read_until_it_cannot_be_one() {
        for (text, why) in [
            ("80", None),
            ("65535", None),
            ("65536", Some("value out of range")),
            ("99999x", Some("value out of range")),
            ("9x", Some("invalid syntax")),
            ("+1", Some("invalid syntax")),
            ("", Some("invalid syntax")),
        ] {
            assert_eq!(why_no_port(text), why, "{text}");
        }
    }

    #[test]
    fn what_is_near_is_no_address_to_proxy_to() {
        for (ip, is) in [
            ("10.0.0.1", true),
            ("2001:db8::1", true),
            ("127.0.0.1", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("169.254.0.1", false),
            ("fe80::1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(is_global_unicast(ip.parse().unwrap()), is, "{ip}");
        }
    }

    #[test]
    fn a_node_is_where_its_preferred_address_is() {
        let node = json!({"status": {"addresses": [
            {"type": "ExternalIP", "address": "a"},
            {"type": "InternalIP", "address": "b"},
            {"type": "InternalIP", "address": "c"},
        ]}});
        assert_eq!(preferred_address(&node).unwrap(), "b");
        let node = json!({"status": {"addresses": [{"type": "X", "address": "a"}, {"type": "Y", "address": "b"}]}});
        let error = preferred_address(&node).unwrap_err();
        assert_eq!(error.message, "no preferred addresses found; known addresses: [{X a} {Y b}]");
    }
}
