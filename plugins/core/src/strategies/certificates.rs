//! Requests for certificates. Who asks for one is who sends the request.

use std::collections::BTreeSet;

use apimachinery::rest::object::carry_over;
use apimachinery::schema::internal;
use apimachinery::status::FieldError;
use apimachinery::strategy::{Operation, Strategy};
use apimachinery::tree::{Value, json};
use apimachinery::validation::metadata;
use apimachinery::validation::place::{Findings, Place};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::signers;
use crate::tree::{child, items, items_mut, or_set_text, remove, text};

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

    fn default(&self, object: &mut Value) {
        for condition in items_mut(child(object, "status"), "conditions") {
            or_set_text(condition, "status", "True");
        }
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
            _ => {}
        }
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

fn request(object: &Place<'_, '_>, findings: &mut Findings) {
    let spec = object.at("spec");
    let request = spec.at("request");
    if let Err(why) = check(request.text()) {
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

/// The PEM block is looked at by its frame, and that of what is in it: who signs it reads the rest.
fn check(encoded: &str) -> Result<(), &'static str> {
    const NO_BLOCK: &str = "PEM block type must be CERTIFICATE REQUEST";
    let decoded = STANDARD.decode(encoded).unwrap_or_default();
    let decoded = String::from_utf8_lossy(&decoded);
    let (_, block) = decoded.split_once("-----BEGIN CERTIFICATE REQUEST-----").ok_or(NO_BLOCK)?;
    let (block, _) = block.split_once("-----END CERTIFICATE REQUEST-----").ok_or(NO_BLOCK)?;
    let block: String = block.split_whitespace().collect();
    sequence(&STANDARD.decode(block).map_err(|_| NO_BLOCK)?)
}

/// Whether the bytes are as many as they say.
fn sequence(der: &[u8]) -> Result<(), &'static str> {
    const HEAD: &str = "asn1: syntax error: truncated tag or length";
    let (_, rest) = der.split_first().ok_or("asn1: syntax error: sequence truncated")?;
    let (&first, rest) = rest.split_first().ok_or(HEAD)?;
    let (length, rest) = match usize::from(first) {
        short @ ..0x80 => (short, rest),
        long => {
            let (bytes, rest) = rest.split_at_checked(long & 0x7f).ok_or(HEAD)?;
            let number = |all: usize, byte: &u8| all.saturating_mul(256).saturating_add(usize::from(*byte));
            (bytes.iter().fold(0, number), rest)
        }
    };
    if rest.len() < length { Err("asn1: syntax error: data truncated") } else { Ok(()) }
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
    let decoded = STANDARD.decode(certificate.text()).unwrap_or_default();
    let decoded = String::from_utf8_lossy(&decoded);
    let mut kinds = decoded.split("-----BEGIN ").skip(1).filter_map(|block| block.split("-----").next());
    let why = match kinds.next() {
        None => "must contain at least one CERTIFICATE PEM block".to_string(),
        Some(first) => match std::iter::once(first).chain(kinds).find(|kind| *kind != "CERTIFICATE") {
            Some(kind) => format!("only CERTIFICATE PEM blocks are allowed, found {kind:?}"),
            None => return,
        },
    };
    certificate.invalid_as(&"<certificate data>".into(), why, findings);
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
