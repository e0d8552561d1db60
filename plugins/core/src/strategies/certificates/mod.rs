//! Requests for certificates. Who asks for one is who sends the request.
//!
//! - `request`: what is asked for, in PKCS #10, and whether who asks has the key.
//! - `key`, `algorithm`, `alternatives`: parts of that.
//! - `pem`, `asn1`: how that is written.

mod algorithm;
mod alternatives;
pub(crate) mod asn1;
mod key;
pub(crate) mod pem;
mod request;

use std::collections::BTreeSet;

use apimachinery::rest::clock;
use apimachinery::rest::object::carry_over;
use apimachinery::schema::internal;
use apimachinery::status::FieldError;
use apimachinery::strategy::{Companions, Operation, Reading, Strategy};
use apimachinery::tree::{Value, json};
use apimachinery::validation::metadata;
use apimachinery::validation::place::{Findings, Place};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plugin_sdk::{Store, signatures};

use self::request::Request;
use crate::signers;
use crate::tree::{child, items, items_mut, or_set_text, remove, text};

const CLIENT_SIGNER: &str = "kubernetes.io/kube-apiserver-client";
const MASTERS: &str = "system:masters";
const SECONDS_MIN: i64 = 600;
const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];
const CONDITION: &str = "io.k8s.api.certificates.v1.CertificateSigningRequestCondition";

pub(super) struct SigningRequests;

impl Strategy for SigningRequests {
    /// Nobody owns a request: its spec never changes, its status is written below it.
    fn unreachable_fields(&self, subresource: &str) -> Option<&'static [&'static [&'static str]]> {
        Some(match subresource {
            "status" => &[&["spec"], &["status", "conditions"]],
            "approval" => &[&["spec"], &["status", "certificate"]],
            _ => &[&["spec"], &["status"]],
        })
    }

    /// `CertificateSubjectRestriction`: nobody becomes a master of the cluster by a certificate.
    fn admit<'a>(
        &'a self,
        _operation: &'a Operation<'a>,
        _store: &'a Store,
        _object: &'a mut Value,
        old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        let companions =
            match old {
                Some(_) => Companions::default(),
                None => Companions::review(|operation, object| match asks_for_masters(&object["spec"]) {
                    true => Err(operation
                        .forbidden(format!("use of {CLIENT_SIGNER} signer with {MASTERS} group is not allowed"))),
                    false => Ok(()),
                }),
            };
        Box::pin(std::future::ready(Ok(companions)))
    }

    fn prepare_for_create(&self, operation: &Operation<'_>, object: &mut Value) {
        let spec = child(object, "spec");
        for key in ["uid", "extra"] {
            remove(spec, key);
        }
        spec["username"] = operation.user.into();
        spec["groups"] = json!(operation.groups);
        let Some(identity) = operation.identity else { return };
        if !identity.uid.is_empty() {
            spec["uid"] = identity.uid.as_str().into();
        }
        if !identity.extra.is_empty() {
            spec["extra"] = identity.extra.iter().map(|(key, values)| (key.clone(), json!(values))).collect();
        }
    }

    fn prepare_for_update(&self, operation: &Operation<'_>, object: &mut Value, old: &Value) {
        carry_over(object, old, "spec");
        // Approving is a matter of conditions alone, and the status of all but those.
        let approval = |value: &Value| matches!(text(value, "type"), "Approved" | "Denied");
        match operation.subresource {
            "approval" => {
                let conditions = object["status"]["conditions"].clone();
                carry_over(object, old, "status");
                child(object, "status")["conditions"] = conditions;
            }
            "status" => {
                let kept = items(&old["status"], "conditions").filter(|condition| approval(condition)).cloned();
                let new = items(&object["status"], "conditions").filter(|condition| !approval(condition)).cloned();
                let all: Vec<Value> = kept.chain(new).collect();
                if !all.is_empty() {
                    child(object, "status")["conditions"] = all.into();
                }
            }
            _ => return,
        }
        date(object, old);
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        request(&Place::root(object), errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        request(&Place::root(object), errors);
        metadata::between(operation.definition, operation.subresource, object, old, errors);
        change(operation.subresource, &Place::root(object), old, errors);
    }

    /// Any name.
    fn validate_name(&self, _name: &str) -> Vec<String> {
        Vec::new()
    }
}

/// When conditions were set and changed, where nobody says so.
fn date(object: &mut Value, old: &Value) {
    let now = clock::now();
    for condition in items_mut(child(object, "status"), "conditions") {
        or_set_text(condition, "lastUpdateTime", &now);
        let same = |other: &&Value| ["type", "status"].iter().all(|key| other[key] == condition[key]);
        let before = items(&old["status"], "conditions").find(same).map(|other| text(other, "lastTransitionTime"));
        let changed = before.filter(|time| !time.is_empty()).unwrap_or(&now).to_string();
        or_set_text(condition, "lastTransitionTime", &changed);
    }
}

fn asks_for_masters(spec: &Value) -> bool {
    text(spec, "signerName") == CLIENT_SIGNER
        && Request::parse(&decoded(text(spec, "request")))
            .is_ok_and(|request| request.organizations.iter().any(|group| group == MASTERS))
}

fn request(object: &Place<'_, '_>, findings: &mut Findings) {
    let spec = object.at("spec");
    let request = spec.at("request");
    let checked =
        Request::parse(&decoded(request.text())).and_then(|request| request.check_signature(signatures::verify));
    if let Err(why) = checked {
        // Bytes show as bytes do in JSON.
        let shown = request.value().to_string();
        findings.push(FieldError::new(apimachinery::status::FieldErrorKind::Invalid, request.path(), shown, why));
    }
    let usages = spec.at("usages");
    usages.must_be_given(findings);
    usages.items().for_each(|usage| usage.none_or_one_of(&USAGES, findings));
    let mut seen = BTreeSet::new();
    for usage in usages.items() {
        if !seen.insert(usage.text()) {
            usage.duplicate(findings);
        }
    }
    let signer = spec.at("signerName");
    match signer.text() {
        "kubernetes.io/legacy-unknown" => {
            signer.invalid("the legacy signerName is not allowed via this API version", findings);
        }
        _ => signers::name(&signer, findings),
    }
    let seconds = spec.at("expirationSeconds");
    if seconds.number().is_some_and(|number| number < SECONDS_MIN) {
        seconds.invalid("may not specify a duration less than 600 seconds (10 minutes)", findings);
    }
    conditions(&object.at("status.conditions"), findings);
    certificate(&object.at("status.certificate"), findings);
}

/// The text that bytes are, which show as base64 in JSON.
fn decoded(bytes: &str) -> String {
    String::from_utf8_lossy(&STANDARD.decode(bytes).unwrap_or_default()).into_owned()
}

fn conditions(conditions: &Place<'_, '_>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for condition in conditions.items() {
        let (kind, status) = (condition.at("type"), condition.at("status"));
        kind.must_be_given(findings);
        let decided = matches!(kind.text(), "Approved" | "Denied" | "Failed");
        status.one_of(if decided { &["True"] } else { &["False", "True", "Unknown"] }, findings);
        let other = match kind.text() {
            "Approved" => "Denied",
            "Denied" => "Approved",
            _ => "",
        };
        if seen.contains(other) {
            let why = "Approved and Denied conditions are mutually exclusive";
            conditions.invalid_as(kind.value(), why, findings);
        }
        if !seen.insert(kind.text()) {
            kind.duplicate(findings);
        }
    }
}

fn certificate(certificate: &Place<'_, '_>, findings: &mut Findings) {
    if certificate.is_empty() {
        return;
    }
    let text = decoded(certificate.text());
    let mut blocks = pem::blocks(&text).peekable();
    let why = match blocks.peek() {
        None => Some("must contain at least one CERTIFICATE PEM block".to_string()),
        Some(_) => blocks.find_map(|block| wrong_certificate(&block)),
    };
    let Some(why) = why else { return };
    certificate.invalid_as(&"<certificate data>".into(), why, findings);
}

fn wrong_certificate(block: &pem::Block<'_>) -> Option<String> {
    let mut certificates = asn1::Reader::new(&block.bytes);
    if block.kind != "CERTIFICATE" {
        return Some(format!("only CERTIFICATE PEM blocks are allowed, found {:?}", block.kind));
    }
    if block.has_headers {
        return Some("no PEM block headers are permitted".to_string());
    }
    if certificates.is_empty() {
        return Some("found CERTIFICATE PEM block containing 0 certificates".to_string());
    }
    while !certificates.is_empty() {
        let Ok(certificate) = certificates.value(asn1::SEQUENCE, "") else {
            return Some("x509: malformed certificate".to_string());
        };
        if asn1::Reader::new(certificate.content).value(asn1::SEQUENCE, "").is_err() {
            return Some("x509: malformed tbs certificate".to_string());
        }
    }
    None
}

/// What is decided stays so, and only the right subresource decides.
fn change(subresource: &str, object: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    let place = object.at("status.conditions");
    let of = |value: &Value, kind: &str| -> Vec<Value> {
        items(&value["status"], "conditions").filter(|condition| text(condition, "type") == kind).cloned().collect()
    };
    for kind in ["Approved", "Denied", "Failed"] {
        if of(object.value(), kind).len() < of(old, kind).len() {
            place.forbidden(format!("updates may not remove a condition of type {kind:?}"), findings);
        }
    }
    if subresource != "approval" {
        for kind in ["Approved", "Denied"] {
            let (new, before) = (of(object.value(), kind), of(old, kind));
            if new.len() > before.len() {
                place.forbidden(format!("updates may not add a condition of type {kind:?}"), findings);
            } else if new.len() == before.len() && new != before {
                let difference = internal::diff(CONDITION, &before.into(), &new.into());
                let why = format!("updates may not modify a condition of type {kind:?}\n{difference}");
                place.forbidden(why, findings);
            }
        }
    }
    let certificate = object.at("status.certificate");
    let before = &old["status"]["certificate"];
    if certificate.value() != before {
        if subresource != "status" {
            certificate.forbidden("updates may not set certificate content", findings);
        } else if !before.is_null() {
            certificate.forbidden("updates may not modify existing certificate content", findings);
        }
    }
}
