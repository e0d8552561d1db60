//! Reviews: who somebody is, and what he may do. They are answered and forgotten.
//!
//! Until roles are evaluated here, `system:masters` may do everything, and everybody may see
//! health and version: what the host itself decides by.

use apimachinery::rest::object::arrange;
use apimachinery::rest::{Special, clock};
use apimachinery::schema::builtin;
use apimachinery::status::{ApiError, FieldError};
use apimachinery::tree::{Value, json};
use plugin_sdk::{Answer, User};

use crate::tree::{items, text};

pub(super) const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";
const MASTERS: &str = "system:masters";
const PUBLIC: [&str; 5] = ["/healthz", "/livez", "/readyz", "/version", "/version/"];

pub(super) async fn self_subject(special: &Special<'_>) -> Result<Answer, ApiError> {
    // Nothing of what was sent is said back.
    let (review, _) = special.posted(AUTHENTICATION, "v1", "SelfSubjectReview").await?;
    let answer = json!({
        "kind": review["kind"],
        "apiVersion": review["apiVersion"],
        "metadata": {"creationTimestamp": clock::now()},
        "status": {"userInfo": user_info(special.user())},
    });
    special.answer(201, answer)
}

pub(super) async fn access(special: &Special<'_>, resource: &str) -> Result<Answer, ApiError> {
    let kind = match resource {
        "selfsubjectaccessreviews" => "SelfSubjectAccessReview",
        "localsubjectaccessreviews" => "LocalSubjectAccessReview",
        _ => "SubjectAccessReview",
    };
    let mut review = posted(special, AUTHORIZATION, kind).await?;
    let own = kind == "SelfSubjectAccessReview";
    check(&review, kind, own, special.namespace())?;
    let spec = &review["spec"];
    let groups: Vec<&str> = match own {
        true => special.user().groups.iter().map(String::as_str).collect(),
        false => items(spec, "groups").filter_map(Value::as_str).collect(),
    };
    let allowed = groups.contains(&MASTERS) || is_public(&spec["nonResourceAttributes"]);
    review["status"] = json!({"allowed": allowed});
    special.answer(201, review)
}

pub(super) async fn rules(special: &Special<'_>) -> Result<Answer, ApiError> {
    let mut review = posted(special, AUTHORIZATION, "SelfSubjectRulesReview").await?;
    if text(&review["spec"], "namespace").is_empty() {
        return Err(ApiError::bad_request("no namespace on request"));
    }
    let mut resources = Vec::new();
    let mut paths = vec![json!({"verbs": ["get"], "nonResourceURLs": PUBLIC})];
    if special.user().groups.iter().any(|group| group == MASTERS) {
        resources.push(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
        paths.push(json!({"verbs": ["*"], "nonResourceURLs": ["*"]}));
    }
    review["status"] = json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false});
    special.answer(201, review)
}

fn check(review: &Value, kind: &str, own: bool, namespace: &str) -> Result<(), ApiError> {
    let spec = &review["spec"];
    let (resource, path) = (spec["resourceAttributes"].is_object(), spec["nonResourceAttributes"].is_object());
    let mut errors = Vec::new();
    if resource && path {
        let why = "cannot be specified in combination with resourceAttributes";
        errors.push(FieldError::invalid("spec.nonResourceAttributes", &spec["nonResourceAttributes"], why));
    }
    if !resource && !path {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        errors.push(FieldError::invalid("spec.resourceAttributes", &Value::Null, why));
    }
    if !own && text(spec, "user").is_empty() && items(spec, "groups").next().is_none() {
        errors.push(FieldError::invalid("spec.user", &json!(""), "at least one of user or group must be specified"));
    }
    if kind == "LocalSubjectAccessReview" {
        if path {
            let why = "disallowed on this kind of request";
            errors.push(FieldError::invalid("spec.nonResourceAttributes", &spec["nonResourceAttributes"], why));
        }
        let asked = text(&spec["resourceAttributes"], "namespace");
        if asked != namespace {
            let why = format!("must match metadata.namespace: {asked} does not match {namespace}");
            errors.push(FieldError::invalid("spec.resourceAttributes.namespace", &json!(asked), why));
        }
    }
    match errors.is_empty() {
        true => Ok(()),
        // Upstream has read the kind away by then.
        false => Err(ApiError::invalid(AUTHORIZATION, "", "", &errors)),
    }
}

fn is_public(attributes: &Value) -> bool {
    PUBLIC.contains(&text(attributes, "path")) && matches!(text(attributes, "verb"), "get" | "head")
}

/// A review as it was posted, with who has set its fields.
pub(super) async fn posted(special: &Special<'_>, group: &str, kind: &str) -> Result<Value, ApiError> {
    let (mut review, options) = special.posted(group, "v1", kind).await?;
    let schema = builtin::kind(group, "v1", kind).ok_or_else(ApiError::unknown_resource)?.schema();
    metadata(&mut review);
    special.manage(schema, &options, &mut review);
    arrange(&mut review);
    Ok(review)
}

/// Reviews have metadata even if it is empty.
pub(super) fn metadata(review: &mut Value) {
    crate::tree::child(review, "metadata");
}

pub(super) fn user_info(user: &User) -> Value {
    let mut info = json!({"username": user.name});
    if !user.uid.is_empty() {
        info["uid"] = json!(user.uid);
    }
    info["groups"] = json!(user.groups);
    for (key, values) in &user.extra {
        crate::tree::child(&mut info, "extra")[key] = json!(values);
    }
    info
}
