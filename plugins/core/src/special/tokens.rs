//! Tokens of service accounts: asked for, and reviewed. The keys are the host's, which makes the
//! tokens and knows whose they are; who may have one, and what it is bound to, is decided here.

use apimachinery::definition::Definition;
use apimachinery::rest::object::{meta, set_meta};
use apimachinery::rest::{Special, clock};
use apimachinery::schema::{builtin, written};
use apimachinery::status::{ApiError, FieldError};
use apimachinery::tree::{Value, json};
use apimachinery::validation::quoted;
use plugin_sdk::Answer;
use plugin_sdk::tokens::{self, ObjectReference, Rules, WantedToken};

use super::of;
use super::reviews::{AUTHENTICATION, metadata, posted, user_info};
use crate::tree::{child, items, or_set, remove, text};

const KIND: &str = "TokenRequest";
const SECONDS_DEFAULT: i64 = 60 * 60;
const SECONDS_MIN: i64 = 10 * 60;
const SECONDS_MAX: i64 = 1 << 32;
/// What the tokens in pods are asked for to live, by those who renew them.
const SECONDS_RENEWED: i64 = 60 * 60 + 7;

/// A token for the service account that the path names.
pub(super) async fn issue(
    special: &Special<'_>,
    accounts: &Definition,
    definitions: &[Definition],
) -> Result<Answer, ApiError> {
    let rules = tokens::get_rules().map_err(unavailable)?;
    if !rules.issued {
        // As upstream, which does not serve this then.
        return Err(ApiError::unknown_resource());
    }
    let (mut request, options) = special.posted(AUTHENTICATION, "v1", KIND).await?;
    let schema = builtin::kind(AUTHENTICATION, "v1", KIND).ok_or_else(ApiError::unknown_resource)?.schema();
    let spec = child(&mut request, "spec");
    if spec["expirationSeconds"].is_null() {
        spec["expirationSeconds"] = SECONDS_DEFAULT.into();
    }
    metadata(&mut request);
    special.manage(schema, &options, &mut request);

    let (namespace, name) = (special.namespace(), special.name());
    check_names(&request, namespace, name)?;
    let account = special.registry(accounts, "", false).get(namespace, name).await?.value;
    complete(&mut request, &account, &rules)?;
    let bound = Bound::find(special, definitions, &request["spec"]["boundObjectRef"]).await?;
    let asked = seconds(&request);
    if let Some(max) = rules.seconds_max.and_then(|max| i64::try_from(max).ok()).filter(|max| asked > *max) {
        special.warn(&format!("requested expiration of {asked} seconds shortened to {max} seconds"));
        request["spec"]["expirationSeconds"] = max.into();
    }
    let (lasting, warn_after) = lifetime(&request, bound.pod.is_some(), &rules);

    let issued = tokens::issue(&WantedToken {
        namespace: namespace.to_string(),
        service_account: reference(&account),
        pod: bound.pod,
        secret: bound.secret,
        node: bound.node,
        audiences: audiences(&request),
        seconds: lasting,
        warn_after_seconds: warn_after,
    });
    let issued = issued.map_err(|why| ApiError::internal(format!("failed to generate token: {why}")))?;
    let from = i64::try_from(issued.issued_at).unwrap_or(i64::MAX);
    set_meta(&mut request, "creationTimestamp", &clock::rfc3339(from));
    let until = clock::rfc3339(from.saturating_add(seconds(&request)));
    let spec = &request["spec"];
    let mut answer = json!({
        "kind": KIND,
        "apiVersion": request["apiVersion"],
        "metadata": request["metadata"],
        "spec": {
            "audiences": spec["audiences"],
            "expirationSeconds": spec["expirationSeconds"],
            "boundObjectRef": spec["boundObjectRef"],
        },
        "status": {"token": issued.token, "expirationTimestamp": until},
    });
    written::arrange(builtin::schema("io.k8s.api.authentication.v1.TokenRequest"), &mut answer);
    special.annotate_audit("authentication.kubernetes.io/issued-credential-id", &issued.credential_id);
    special.answer(201, answer)
}

/// Whose token somebody was shown.
pub(super) async fn review(special: &Special<'_>) -> Result<Answer, ApiError> {
    let mut review = posted(special, AUTHENTICATION, "TokenReview").await?;
    let spec = &review["spec"];
    let token = text(spec, "token").to_string();
    if token.is_empty() {
        return Err(ApiError::bad_request("token is required for TokenReview in authentication"));
    }
    let wanted = items(spec, "audiences").filter_map(Value::as_str).map(str::to_string).collect();
    let status = match tokens::review(token, wanted).await {
        Ok(known) => {
            let mut status = json!({"authenticated": true, "user": user_info(&known.user)});
            if !known.audiences.is_empty() {
                status["audiences"] = json!(known.audiences);
            }
            status
        }
        Err(why) => json!({"authenticated": false, "error": why}),
    };
    // The rest is what was sent.
    if !review["status"].is_object() {
        review["status"] = json!({});
    }
    for (name, value) in status.as_object().into_iter().flatten() {
        review["status"][name.as_str()] = value.clone();
    }
    if review["status"]["authenticated"] == false {
        remove(&mut review["status"], "authenticated");
    }
    or_set(&mut review["status"], "user", json!({}));
    written::arrange(builtin::schema("io.k8s.api.authentication.v1.TokenReview"), &mut review);
    special.answer(201, review)
}

/// What a token is bound to, beside its account.
#[derive(Default)]
struct Bound {
    pod: Option<ObjectReference>,
    secret: Option<ObjectReference>,
    node: Option<ObjectReference>,
}

impl Bound {
    async fn find(special: &Special<'_>, definitions: &[Definition], wanted: &Value) -> Result<Self, ApiError> {
        let mut bound = Self::default();
        if !wanted.is_object() {
            return Ok(bound);
        }
        let (api_version, kind, name) = (text(wanted, "apiVersion"), text(wanted, "kind"), text(wanted, "name"));
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let (resource, namespace) = match (group, kind) {
            ("", "Pod") => ("pods", special.namespace()),
            ("", "Secret") => ("secrets", special.namespace()),
            ("", "Node") => ("nodes", ""),
            _ => {
                let why = format!("cannot bind token to object of type {group}/{version}, Kind={kind}");
                return Err(ApiError::bad_request(why));
            }
        };
        if name.is_empty() {
            return Err(ApiError::bad_request("Name parameter required."));
        }
        let object = special.registry(of(definitions, "", resource)?, "", false).get(namespace, name).await?.value;
        let place = match kind {
            "Pod" => {
                if text(&object["spec"], "serviceAccountName") != special.name() {
                    return Err(ApiError::bad_request(format!(
                        "cannot bind token for serviceaccount {} to pod running with different serviceaccount name.",
                        quoted(special.name())
                    )));
                }
                bound.node = node_of(special, definitions, text(&object["spec"], "nodeName")).await?;
                &mut bound.pod
            }
            "Secret" => &mut bound.secret,
            _ => &mut bound.node,
        };
        *place = Some(reference(&object));
        let uid = text(wanted, "uid");
        if !uid.is_empty() && uid != meta(&object, "uid") {
            let why = format!(
                "the UID in the bound object reference ({uid}) does not match the UID in record. The object might have \
                 been deleted and then recreated"
            );
            return Err(conflict("", kind, name, &why));
        }
        Ok(bound)
    }
}

/// The node of a pod; by its name alone if it is not registered.
async fn node_of(
    special: &Special<'_>,
    definitions: &[Definition],
    name: &str,
) -> Result<Option<ObjectReference>, ApiError> {
    if name.is_empty() {
        return Ok(None);
    }
    let node = special.registry(of(definitions, "", "nodes")?, "", false).find("", name).await?;
    Ok(Some(match node {
        Some(node) => reference(&node.value),
        None => ObjectReference { name: name.to_string(), uid: String::new() },
    }))
}

/// What the body says of the account is what the path says, if it says anything.
fn check_names(request: &Value, namespace: &str, name: &str) -> Result<(), ApiError> {
    let own = meta(request, "namespace");
    if !own.is_empty() && own != namespace {
        let why = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(ApiError::bad_request(why));
    }
    let own = meta(request, "name");
    if !own.is_empty() && own != name {
        let why = "must match the service account name if specified";
        let error = FieldError::invalid("metadata.name", &json!(own), why);
        return Err(ApiError::invalid(AUTHENTICATION, KIND, name, &[error]));
    }
    Ok(())
}

/// Fills in what the request leaves open, and checks the rest.
fn complete(request: &mut Value, account: &Value, rules: &Rules) -> Result<(), ApiError> {
    let (uid, own) = (meta(request, "uid").to_string(), meta(account, "uid"));
    if !uid.is_empty() && uid != own {
        let why = format!("the UID in the token request ({uid}) does not match the UID of the service account ({own})");
        return Err(conflict(AUTHENTICATION, KIND, meta(account, "name"), &why));
    }
    for field in ["name", "namespace", "uid"] {
        set_meta(request, field, meta(account, field));
    }
    let spec = child(request, "spec");
    if items(spec, "audiences").next().is_none() {
        spec["audiences"] = json!(rules.audiences);
    }
    let wrong = match seconds(request) {
        short if short < SECONDS_MIN => "may not specify a duration less than 10 minutes",
        long if long > SECONDS_MAX => "may not specify a duration larger than 2^32 seconds",
        _ => return Ok(()),
    };
    let error = FieldError::invalid("spec.expirationSeconds", &request["spec"]["expirationSeconds"], wrong);
    Err(ApiError::invalid(AUTHENTICATION, KIND, "", &[error]))
}

/// How long the token is good for, and from when on its use is noted. Those in pods that are
/// renewed each hour live longer, for programs that read them only once.
fn lifetime(request: &Value, in_pod: bool, rules: &Rules) -> (u64, Option<u64>) {
    let asked = seconds(request);
    let for_this_server = || audiences(request).iter().all(|audience| rules.audiences.contains(audience));
    match rules.extended_seconds {
        Some(extended) if in_pod && asked == SECONDS_RENEWED && for_this_server() => {
            (extended, Some(asked.unsigned_abs()))
        }
        _ => (asked.unsigned_abs(), None),
    }
}

fn seconds(request: &Value) -> i64 {
    request["spec"]["expirationSeconds"].as_i64().unwrap_or_default()
}

fn audiences(request: &Value) -> Vec<String> {
    items(&request["spec"], "audiences").filter_map(Value::as_str).map(str::to_string).collect()
}

fn reference(object: &Value) -> ObjectReference {
    ObjectReference { name: meta(object, "name").to_string(), uid: meta(object, "uid").to_string() }
}

fn conflict(group: &str, kind: &str, name: &str, why: &str) -> ApiError {
    let resource = if group.is_empty() { kind.to_string() } else { format!("{kind}.{group}") };
    let message = format!("Operation cannot be fulfilled on {resource} {}: {why}", quoted(name));
    let mut error = ApiError::new(409, "Conflict", message);
    (error.group, error.kind, error.name) = (group.to_string(), kind.to_string(), name.to_string());
    error
}

/// Without the host's leave nothing is known of tokens.
fn unavailable(why: String) -> ApiError {
    ApiError::new(503, "ServiceUnavailable", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules { issued: true, audiences: vec!["api".into()], seconds_max: None, extended_seconds: Some(1000) }
    }

    fn account() -> Value {
        json!({"metadata": {"name": "robot", "namespace": "n", "uid": "1"}})
    }

    #[test]
    fn what_is_left_open_is_filled_in() {
        let mut request = json!({"spec": {"expirationSeconds": 600}});
        complete(&mut request, &account(), &rules()).unwrap();
        let expected = json!({
            "spec": {"expirationSeconds": 600, "audiences": ["api"]},
            "metadata": {"name": "robot", "namespace": "n", "uid": "1"},
        });
        assert_eq!(request, expected);
    }

    #[test]
    fn what_is_wrong_is_said_in_upstreams_words() {
        let invalid = "TokenRequest.authentication.k8s.io \"";
        for (metadata, seconds, code, message) in [
            (json!({}), 599, 422, "may not specify a duration less than 10 minutes"),
            (json!({}), (1_i64 << 32) + 1, 422, "may not specify a duration larger than 2^32 seconds"),
            (json!({"name": "other"}), 600, 422, "must match the service account name if specified"),
            (json!({"namespace": "other"}), 600, 400, "the namespace of the provided object does not match"),
            (json!({"uid": "2"}), 600, 409, "the UID in the token request (2) does not match"),
        ] {
            let mut request = json!({"metadata": metadata, "spec": {"expirationSeconds": seconds}});
            let checked = check_names(&request, "n", "robot");
            let error = checked.and_then(|()| complete(&mut request, &account(), &rules())).unwrap_err();
            assert_eq!(error.code, code, "{}", error.message);
            assert!(error.message.contains(message), "{}", error.message);
            assert!(code != 422 || error.message.starts_with(invalid), "{}", error.message);
        }
    }

    #[test]
    fn only_renewed_tokens_of_pods_for_this_server_live_longer() {
        let request =
            |audience: &str, seconds: i64| json!({"spec": {"audiences": [audience], "expirationSeconds": seconds}});
        let unextended = Rules { extended_seconds: None, ..rules() };
        for (request, in_pod, rules, expected) in [
            (request("api", SECONDS_RENEWED), true, rules(), (1000, Some(3607))),
            (request("api", SECONDS_RENEWED), false, rules(), (3607, None)),
            (request("api", 3600), true, rules(), (3600, None)),
            (request("vault", SECONDS_RENEWED), true, rules(), (3607, None)),
            (request("api", SECONDS_RENEWED), true, unextended, (3607, None)),
        ] {
            assert_eq!(lifetime(&request, in_pod, &rules), expected, "{request}");
        }
    }
}
