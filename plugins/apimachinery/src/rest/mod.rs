//! Serves a resource from its definition.
//!
//! A request comes in at [`handle`], which chooses the verb. Verbs (`list`, `write`, `patch`,
//! `scale`) read what the client sent (`request`, `options`, `body`), call [`registry`], which
//! knows the rules of objects in the store, and say the outcome in the client's form
//! (`answer`, [`render`]).

mod answer;
mod body;
pub mod clock;
mod continuation;
mod errors;
mod list;
pub mod object;
pub mod options;
mod patch;
pub(crate) mod query;
pub mod registry;
pub mod render;
mod request;
mod scale;
mod special;
mod write;

use plugin_sdk::{Answer, Context, Summary};

pub use answer::{not_a_list, plain_read};
pub use body::typed;
pub use errors::from_store;
pub use query::Query;
pub use special::Special;

use crate::definition::Definition;
use crate::status::ApiError;
use request::Request;

/// Answers one request for a resource.
pub async fn handle(definition: &Definition, context: &Context, summary: &Summary) -> Answer {
    answered(&Request::new(definition, context, summary)).await
}

async fn answered(request: &Request<'_>) -> Answer {
    match serve(request).await {
        Ok(answer) => answer,
        Err(error) => request.failure(&error),
    }
}

async fn serve(request: &Request<'_>) -> Result<Answer, ApiError> {
    let (definition, summary) = (request.definition, request.summary);
    // `/api/v1/proxy/...`, which upstream names and serves no more.
    if summary.verb() == "proxy" && definition.builtin {
        return Err(ApiError::unknown_resource());
    }
    if summary.subresource().is_empty() {
        // `NAME//status` names no subresource, and is no name to the router of built-in types.
        if definition.builtin && summary.parts_count() > 2 {
            return Err(ApiError::unknown_resource());
        }
        return serve_resource(request).await;
    }
    // Nothing below `/watch` leads to a part of an object.
    if summary.verb() == "watch" && definition.builtin {
        return Err(ApiError::unknown_resource());
    }
    // What reads custom resources does not look at what comes after.
    let is_whole = !definition.builtin || summary.parts_count() == 3;
    let Some(subresource) = definition.subresource(summary.subresource()).filter(|_| is_whole) else {
        return Err(ApiError::unknown_resource());
    };
    if !subresource.verbs.iter().any(|verb| **verb == *request.part_verb()) {
        return Err(refused_method(definition, summary.verb()));
    }
    refuse_head(request)?;
    request.check_named()?;
    if summary.verb() != "update" {
        request.check_path_name()?;
    }
    request.warn_of_deprecation();
    match summary.verb() {
        verb @ ("get" | "update" | "patch") if subresource.scale.is_some() => request.scale(subresource, verb).await,
        // The others that take and answer the object itself change a part of it.
        "get" => request.get().await,
        "update" => request.update().await,
        "patch" => request.patch().await,
        _ => Err(ApiError::method_not_allowed()),
    }
}

async fn serve_resource(request: &Request<'_>) -> Result<Answer, ApiError> {
    let (definition, summary) = (request.definition, &request.summary);
    let (named, within) = (!request.name().is_empty(), !summary.namespace().is_empty() || request.names_no_namespace());
    // Objects of namespaces are not below the cluster, nor the other way round; RequestInfo
    // takes a namespace's own name for its namespace.
    let namespaces = definition.group.is_empty() && &*definition.resource == "namespaces";
    if (named && definition.namespaced && !within) || (within && !definition.namespaced && !namespaces) {
        return Err(ApiError::unknown_resource());
    }
    let verb = summary.verb();
    let by_name = ["get", "update", "patch", "delete"];
    if named && !definition.verbs.iter().any(|served| by_name.contains(&&**served)) {
        return Err(ApiError::unknown_resource());
    }
    if !definition.verbs.iter().any(|served| **served == *verb) {
        return Err(refused_method(definition, verb));
    }
    refuse_head(request)?;
    request.warn_of_deprecation();
    if !matches!(verb, "create" | "update") {
        request.check_path_name()?;
    }
    if !named && matches!(verb, "list" | "watch" | "deletecollection") {
        request.check_path_namespace()?;
    }
    match (verb, named) {
        // Upstream's handler of custom resources looks at the verb alone.
        ("create", true) if !definition.builtin => request.create().await,
        ("update" | "patch", false) if !definition.builtin => Err(ApiError::bad_request("name must be provided")),
        ("watch", _) if !request.reads() => Err(refused_method(definition, verb)),
        ("get", true) => request.get().await,
        ("list", false) => request.list().await,
        ("watch", _) => request.watch().await,
        ("create", false) if within || !definition.namespaced => request.create().await,
        ("update", true) => request.update().await,
        ("patch", true) => request.patch().await,
        ("delete", true) => request.delete().await,
        ("deletecollection", false) if within || !definition.namespaced => request.delete_collection().await,
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// Built-in types have routes for GET alone, which custom resources read as well.
fn refuse_head(request: &Request<'_>) -> Result<(), ApiError> {
    match request.definition.builtin && request.summary.method() == "HEAD" {
        true => Err(ApiError::method_not_allowed()),
        false => Ok(()),
    }
}

/// Built-in types have a route for each method, custom resources one for all.
fn refused_method(definition: &Definition, verb: &str) -> ApiError {
    match definition.builtin {
        true => ApiError::method_not_allowed(),
        false => ApiError::method_not_supported(definition, verb),
    }
}
