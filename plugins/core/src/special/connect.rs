//! What leads to a node (logs, exec, proxies): the same refusals as upstream where there is no
//! node to lead to.

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

pub(super) async fn connect(
    special: &Special<'_>,
    definition: &Definition,
    subresource: &str,
) -> Result<Answer, ApiError> {
    if special.name().is_empty() {
        return Err(ApiError::bad_request("name must be provided"));
    }
    let registry = special.registry(definition, "", false);
    let (namespace, name) = (special.namespace(), plain_name(special.name()));
    if &*definition.resource == "services" {
        return Err(no_endpoints(special, definition, name).await?);
    }
    if subresource == "log" {
        special.shape()?;
        log_options(special)?;
    }
    let object = registry.get(namespace, name).await?.value;
    if subresource == "log" {
        container(&object, &special.query().text("container"))?;
    }
    let node = if &*definition.resource == "nodes" { name } else { text(&object["spec"], "nodeName") };
    match (node, subresource) {
        ("", "log") => no_log(special.shape()?),
        ("", "proxy") => Err(ApiError::bad_request("address not allowed")),
        ("", _) => Err(ApiError::bad_request(format!("pod {name} does not have a host assigned"))),
        (node, _) => Err(unreachable(special, node).await?),
    }
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

/// Why a node cannot be reached: nobody knows where it is, or it is the cluster's network that leads there.
async fn unreachable(special: &Special<'_>, node: &str) -> Result<ApiError, ApiError> {
    let found = special.store().get(format!("{NODES_PREFIX}{node}"), Freshness::Latest).await.map_err(from_store)?;
    let value: Option<Value> = found.and_then(|found| serde_json::from_slice(&found.value()).ok());
    let Some(value) = value else {
        return Ok(ApiError::new(404, "NotFound", format!("nodes {} not found", quoted(node))));
    };
    Ok(match items(&value["status"], "addresses").next() {
        None => ApiError::new(500, "", "no preferred addresses found; known addresses: []"),
        Some(_) => unavailable(format!("no connection to the kubelet of node `{node}`")),
    })
}

/// Why a service cannot be reached: its endpoints are the cluster's network to reach.
async fn no_endpoints(special: &Special<'_>, definition: &Definition, name: &str) -> Result<ApiError, ApiError> {
    let key = format!("{ENDPOINTS_PREFIX}{}/{name}", special.namespace());
    let found = special.store().get(key, Freshness::Latest).await.map_err(from_store)?;
    Ok(match found {
        // Upstream says that the service is not there.
        None => ApiError::not_found(definition, name),
        Some(_) => unavailable(format!("no endpoints available for service {}", quoted(name))),
    })
}

fn log_options(special: &Special<'_>) -> Result<(), ApiError> {
    let query = special.query();
    let (tail, bytes, since) = (query.number("tailLines")?, query.number("limitBytes")?, query.number("sinceSeconds")?);
    let (stream, mut errors) = (query.text("stream"), Vec::new());
    let mut positive = |field: &str, number: Option<i64>| {
        if let Some(number) = number.filter(|number| *number < 1) {
            errors.push(FieldError::invalid(field, &number.into(), "must be greater than 0"));
        }
    };
    positive("limitBytes", bytes);
    if query.get("sinceTime").is_none() {
        positive("sinceSeconds", since);
    } else if since.is_some() {
        let why = "at most one of `sinceTime` or `sinceSeconds` may be specified";
        errors.push(FieldError::forbidden("", why));
    }
    if let Some(lines) = tail.filter(|lines| *lines < 0) {
        errors.insert(0, FieldError::invalid("tailLines", &lines.into(), "must be greater than or equal to 0"));
    }
    if !matches!(stream.as_str(), "" | "All") && tail.is_some() {
        let why = "`tailLines` and specific `stream` are mutually exclusive for now";
        errors.push(FieldError::forbidden("", why));
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(ApiError::invalid("", "PodLogOptions", special.name(), &errors)),
    }
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

/// Proxies name their target as `SCHEME:NAME:PORT`.
fn plain_name(name: &str) -> &str {
    match name.split(':').collect::<Vec<_>>()[..] {
        [_, name, _] => name,
        [name, _] => name,
        _ => name,
    }
}

fn unavailable(message: String) -> ApiError {
    ApiError::new(503, "ServiceUnavailable", message)
}
