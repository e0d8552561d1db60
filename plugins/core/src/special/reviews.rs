//! Reviews: who somebody is, and what he may do. They are answered and forgotten.
//!
//! Until roles are evaluated here, `system:masters` may do everything, and everybody may see
//! health and version: what the host itself decides by.

use apimachinery::rest::{Special, clock};
use apimachinery::schema::{builtin, written};
use apimachinery::status::ApiError;
use apimachinery::tree::{Value, json};
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};
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
    let (review, _) = special.posted(AUTHORIZATION, "v1", "SelfSubjectRulesReview").await?;
    if text(&review["spec"], "namespace").is_empty() {
        return Err(ApiError::bad_request("no namespace on request"));
    }
    let mut resources = Vec::new();
    let mut paths = vec![json!({"verbs": ["get"], "nonResourceURLs": PUBLIC})];
    if special.user().groups.iter().any(|group| group == MASTERS) {
        resources.push(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
        paths.push(json!({"verbs": ["*"], "nonResourceURLs": ["*"]}));
    }
    // Nothing of what was sent is said back.
    let answer = json!({
        "kind": review["kind"],
        "apiVersion": review["apiVersion"],
        "metadata": {},
        "spec": {},
        "status": {"resourceRules": resources, "nonResourceRules": paths, "incomplete": false},
    });
    special.answer(201, answer)
}

fn check(review: &Value, kind: &str, own: bool, namespace: &str) -> Result<(), ApiError> {
    let root = Place::root(review);
    let (resource, path) = (root.at("spec.resourceAttributes"), root.at("spec.nonResourceAttributes"));
    let shown = json!({"Path": path.at("path").text(), "Verb": path.at("verb").text()});
    let mut errors = Vec::new();
    if resource.is_given() && path.is_given() {
        path.invalid_as(&shown, "cannot be specified in combination with resourceAttributes", &mut errors);
    }
    if !resource.is_given() && !path.is_given() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        resource.invalid_as(&Value::Null, why, &mut errors);
    }
    if !own && root.at("spec.user").is_empty() && root.at("spec.groups").is_empty() {
        root.at("spec.user").invalid_as(&"".into(), "at least one of user or group must be specified", &mut errors);
    }
    let selectors = ["fieldSelector", "labelSelector"].map(|name| resource.at(name));
    selectors.iter().for_each(|of| selector(of, &mut errors));
    let is_local = kind == "LocalSubjectAccessReview";
    let is_allowed = |key: &str| key == "managedFields" || (is_local && key == "namespace");
    if review["metadata"].as_object().into_iter().flatten().any(|(key, _)| !is_allowed(key)) {
        let why = if is_local { "must be empty except for namespace" } else { "must be empty" };
        root.at("metadata").invalid(why, &mut errors);
    }
    if is_local {
        let asked = resource.at("namespace");
        if resource.is_given() && asked.text() != namespace {
            asked.invalid_as(&asked.text().into(), "must match metadata.namespace", &mut errors);
        }
        if path.is_given() {
            path.invalid_as(&shown, "disallowed on this kind of request", &mut errors);
        }
    }
    match errors.is_empty() {
        true => Ok(()),
        // Upstream has read the kind away by then.
        false => Err(ApiError::invalid(AUTHORIZATION, "", "", &errors)),
    }
}

/// What is looked for, by a text or by requirements. Operators that nobody here knows may be known
/// to who decides.
fn selector(of: &Place<'_, '_>, errors: &mut Findings) {
    if !of.is_given() {
        return;
    }
    let (raw, requirements) = (of.at("rawSelector"), of.at("requirements"));
    if !raw.is_empty() && !requirements.is_empty() {
        raw.invalid("may not specified at the same time as requirements", errors);
    }
    if raw.is_empty() && requirements.is_empty() {
        let why = format!("when {} is specified, requirements or rawSelector is required", of.path());
        requirements.required(&why, errors);
    }
    let is_field = of.path().ends_with("fieldSelector");
    for requirement in requirements.items() {
        let (key, values) = (requirement.at("key"), requirement.at("values"));
        if is_field && key.is_empty() {
            key.required("must be specified", errors);
        }
        match requirement.at("operator").text() {
            "In" | "NotIn" if values.is_empty() => {
                values.required("must be specified when `operator` is 'In' or 'NotIn'", errors);
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                values.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'", errors);
            }
            _ => {}
        }
        if !is_field {
            key.shaped(names::qualified_name, errors);
            for value in values.items() {
                value.shaped(names::label_value, errors);
            }
        }
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
    written::arrange(schema, &mut review);
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
