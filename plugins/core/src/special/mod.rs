//! What is no object in the store, or changes one in a way of its own.

mod binding;
mod components;
mod connect;
mod eviction;
mod reviews;
mod tokens;

use apimachinery::definition::Definition;
use apimachinery::rest::Special;
use apimachinery::status::ApiError;
use plugin_sdk::{Answer, Context, RequestInfo};

/// The answer, if this is one of those.
pub(crate) async fn handle(
    definition: &Definition,
    info: &RequestInfo,
    context: &Context,
    definitions: &[Definition],
) -> Option<Answer> {
    let action = definition.verbs.iter().any(|verb| &**verb == "create") && info.parts.len() > 1;
    let served = definition.subresource(&info.subresource);
    // What is not served is refused as for any other resource.
    if (info.subresource.is_empty() && action)
        || served.is_some_and(|served| !served.verbs.iter().any(|verb| **verb == *info.verb))
    {
        return None;
    }
    let special = Special::new(definition, context);
    let (resource, subresource) = (&*definition.resource, info.subresource.as_str());
    let result = match (info.verb.as_str(), resource, subresource) {
        ("create", "bindings", "") | ("create", "pods", "binding") => binding::bind(&special, definitions).await,
        ("create", "pods", "eviction") => eviction::evict(&special, definitions).await,
        ("get" | "list", "componentstatuses", "") => components::read(&special).await,
        (_, "pods", "log" | "exec" | "attach" | "portforward") | (_, "pods" | "services" | "nodes", "proxy") => {
            connect::connect(&special, definition, subresource).await
        }
        ("create", "serviceaccounts", "token") => tokens::issue(&special, definition, definitions).await,
        ("create", "selfsubjectreviews", "") => reviews::self_subject(&special).await,
        ("create", "tokenreviews", "") => tokens::review(&special).await,
        ("create", "selfsubjectrulesreviews", "") => reviews::rules(&special).await,
        ("create", kind @ ("selfsubjectaccessreviews" | "subjectaccessreviews" | "localsubjectaccessreviews"), "") => {
            reviews::access(&special, kind).await
        }
        _ => return None,
    };
    Some(result.unwrap_or_else(|error: ApiError| special.failure(&error)))
}

/// A built-in definition that a special request is about.
fn of<'a>(definitions: &'a [Definition], group: &str, resource: &str) -> Result<&'a Definition, ApiError> {
    let found = definitions.iter().find(|own| &*own.group == group && &*own.resource == resource);
    found.ok_or_else(|| ApiError::internal(format!("`{resource}` is not served here")))
}
