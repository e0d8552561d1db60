//! What is no object in the store, or changes one in a way of its own.

mod binding;
mod components;
pub(crate) mod connect;
mod eviction;
mod reviews;
mod tokens;

use apimachinery::definition::Definition;
use apimachinery::rest::Special;
use apimachinery::status::ApiError;
use plugin_sdk::Answer;

/// Answers it if it is one of those, and as any other request if not.
pub(crate) async fn handle(special: Special<'_>, definitions: &[Definition]) -> Answer {
    match answer(&special, definitions).await {
        Some(answer) => answer.unwrap_or_else(|error| special.failure(&error)),
        None => special.as_usual().await,
    }
}

async fn answer(special: &Special<'_>, definitions: &[Definition]) -> Option<Result<Answer, ApiError>> {
    let (definition, summary) = (special.definition(), special.summary());
    let (verb, subresource) = (summary.verb(), summary.subresource());
    let action = summary.parts_count() > 1 && definition.verbs.iter().any(|served| &**served == "create");
    let served = definition.subresource(subresource);
    let connects = matches!(subresource, "exec" | "attach" | "portforward" | "proxy");
    // What is not served is refused as for any other resource, who names no object, and what is below a part.
    if summary.method() == "HEAD" && subresource != "proxy"
        || (subresource.is_empty() && action)
        || (subresource != "proxy" && summary.parts_count() > 3)
        || (served.is_some() && special.name().is_empty() && !connects)
        || served.is_some_and(|served| !served.verbs.iter().any(|served| &**served == special.part_verb()))
    {
        return None;
    }
    Some(match (verb, &*definition.resource, subresource) {
        ("create", "bindings", "") | ("create", "pods", "binding") => binding::bind(special, definitions).await,
        ("create", "pods", "eviction") => eviction::evict(special, definitions).await,
        ("get" | "list" | "watch", "componentstatuses", "") => components::read(special).await,
        (_, "pods", "log" | "exec" | "attach" | "portforward") | (_, "pods" | "services" | "nodes", "proxy") => {
            connect::connect(special, definition, subresource).await
        }
        ("create", "serviceaccounts", "token") => tokens::issue(special, definition, definitions).await,
        ("create", "selfsubjectreviews", "") => reviews::self_subject(special).await,
        ("create", "tokenreviews", "") => tokens::review(special).await,
        ("create", "selfsubjectrulesreviews", "") => reviews::rules(special).await,
        ("create", kind @ ("selfsubjectaccessreviews" | "subjectaccessreviews" | "localsubjectaccessreviews"), "") => {
            reviews::access(special, kind).await
        }
        _ => return None,
    })
}

/// A built-in definition that a special request is about.
fn of<'a>(definitions: &'a [Definition], group: &str, resource: &str) -> Result<&'a Definition, ApiError> {
    let found = definitions.iter().find(|own| &*own.group == group && &*own.resource == resource);
    found.ok_or_else(|| ApiError::internal(format!("`{resource}` is not served here")))
}
