//! What leads to a node (logs, exec, proxies): the same refusals as upstream where there is no
//! node to lead to.

use apimachinery::definition::Definition;
use apimachinery::rest::Special;
use apimachinery::status::ApiError;
use plugin_sdk::Answer;

use crate::tree::text;

pub(super) async fn connect(
    special: &Special<'_>,
    definition: &Definition,
    subresource: &str,
) -> Result<Answer, ApiError> {
    let registry = special.registry(definition, "", false);
    let (namespace, name) = (special.namespace(), plain_name(special.name()));
    let object = registry.get(namespace, name).await?.value;
    if &*definition.resource == "services" {
        return Err(unavailable(format!(
            "no endpoints available for service {}",
            apimachinery::validation::quoted(name)
        )));
    }
    let node = if &*definition.resource == "nodes" { name } else { text(&object["spec"], "nodeName") };
    match (node, subresource) {
        // Nothing runs, so nothing was said.
        ("", "log") => Ok(Answer::text(200, "")),
        ("", "proxy") => Err(ApiError::bad_request("address not allowed")),
        ("", _) => Err(ApiError::bad_request(format!("pod {name} does not have a host assigned"))),
        (node, _) => Err(unavailable(format!("no connection to the kubelet of node `{node}`"))),
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
