//! Projected volumes: files from several sources in one tree.

use std::collections::BTreeSet;

use apimachinery::tree::Value;
use apimachinery::validation::place::{Findings, Place};

use super::volumes::{downward_file, key_to_path, local_path, mode};
use crate::signers;

const TOKEN_SECONDS_MIN: i64 = 600;
const TOKEN_SECONDS_MAX: i64 = 1 << 32;
const KEY_TYPES: [&str; 6] = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];
const CERTIFICATE_SECONDS_MIN: i64 = 3600;
const DAY_SECONDS: i64 = 24 * 3600;

/// The places of files that are taken, and what is told if one is taken twice.
struct Tree<'p, 'q, 'v> {
    volume: &'p Place<'q, 'v>,
    taken: BTreeSet<&'v str>,
}

impl<'v> Tree<'_, '_, 'v> {
    fn take(&mut self, path: &'v str, shown: &str, findings: &mut Findings) {
        if !self.taken.insert(path) {
            self.volume.invalid_as(&shown.into(), "conflicting duplicate paths", findings);
        }
    }
}

pub(super) fn projected(volume: &Place<'_, '_>, findings: &mut Findings) {
    mode(&volume.at("defaultMode"), findings);
    let mut tree = Tree { volume, taken: BTreeSet::new() };
    for source in volume.at("sources").items() {
        let mut sources = 0;
        for kind in ["secret", "configMap"] {
            let files = source.at(kind);
            if files.is_given() {
                sources += 1;
                keys(&files, &mut tree, findings);
            }
        }
        let files = source.at("downwardAPI");
        if files.is_given() {
            sources += 1;
            for item in files.at("items").items() {
                downward_file(&files.with(item.value()), findings);
                let path = item.at("path").text();
                if !path.is_empty() {
                    tree.take(path, path, findings);
                }
            }
        }
        if source.at("serviceAccountToken").is_given() {
            sources += 1;
            token(&source.at("serviceAccountToken"), volume, findings);
        }
        if source.at("clusterTrustBundle").is_given() {
            sources += 1;
            bundle(&source.at("clusterTrustBundle"), &mut tree, findings);
        }
        if source.at("podCertificate").is_given() {
            sources += 1;
            certificate(&source.at("podCertificate"), &mut tree, findings);
        }
        if sources > 1 {
            source.forbidden("may not specify more than 1 volume type per source", findings);
        }
    }
}

fn keys<'v>(files: &Place<'_, 'v>, tree: &mut Tree<'_, '_, 'v>, findings: &mut Findings) {
    files.at("name").must_be_given(findings);
    for item in files.at("items").items() {
        key_to_path(&item, findings);
        let path = item.at("path").text();
        if !path.is_empty() {
            tree.take(path, files.at("name").text(), findings);
        }
    }
}

fn token(token: &Place<'_, '_>, volume: &Place<'_, '_>, findings: &mut Findings) {
    let seconds = token.at("expirationSeconds");
    match seconds.number().unwrap_or(0) {
        few if few < TOKEN_SECONDS_MIN => seconds.invalid("may not specify a duration less than 10 minutes", findings),
        many if many > TOKEN_SECONDS_MAX => {
            seconds.invalid("may not specify a duration larger than 2^32 seconds", findings);
        }
        _ => {}
    }
    // Upstream tells the volume, not the source.
    let path = token.at("path");
    match path.is_empty() {
        true => volume.at("path").required("", findings),
        false => local_path(&volume.at("path").with(path.value()), findings),
    }
}

fn bundle<'v>(bundle: &Place<'_, 'v>, tree: &mut Tree<'_, '_, 'v>, findings: &mut Findings) {
    let (name, signer) = (bundle.at("name"), bundle.at("signerName"));
    match (name.is_given(), signer.is_given()) {
        (true, true) => bundle.invalid("only one of name and signerName may be used", findings),
        (true, false) => {
            if name.is_empty() {
                name.required("must be a valid object name", findings);
            }
            for why in signers::bundle_name(name.text()) {
                name.invalid(format!("not a valid clustertrustbundlename: {why}"), findings);
            }
            if bundle.at("labelSelector").is_given() {
                bundle.at("labelSelector").invalid("labelSelector must be unset if name is specified", findings);
            }
        }
        (false, true) => {
            if signer.is_empty() {
                signer.required("must be a valid signer name", findings);
            }
            signers::name(&signer, findings);
            bundle.at("labelSelector").selector(findings);
        }
        (false, false) => bundle.required("either name or signerName must be specified", findings),
    }
    let path = bundle.at("path");
    path.must_be_given(findings);
    local_path(&path, findings);
    tree.take(path.text(), path.text(), findings);
}

fn certificate<'v>(certificate: &Place<'_, 'v>, tree: &mut Tree<'_, '_, 'v>, findings: &mut Findings) {
    let signer = certificate.at("signerName");
    signers::name(&signer, findings);
    if !KEY_TYPES.contains(&certificate.at("keyType").text()) {
        certificate.at("keyType").unsupported(&KEY_TYPES, findings);
    }
    let seconds = certificate.at("maxExpirationSeconds");
    if let Some(number) = seconds.number() {
        if number < CERTIFICATE_SECONDS_MIN {
            seconds.invalid("if provided, maxExpirationSeconds must be >= 3600", findings);
        }
        let days = if signers::is_kubernetes(signer.text()) { 1 } else { 91 };
        if number > days * DAY_SECONDS {
            seconds.invalid(format!("if provided, maxExpirationSeconds must be <= {}", days * DAY_SECONDS), findings);
        }
    }
    let mut paths = 0;
    for field in ["credentialBundlePath", "keyPath", "certificateChainPath"] {
        let path = certificate.at(field);
        if !path.is_empty() {
            paths += 1;
            local_path(&path, findings);
            tree.take(path.text(), path.text(), findings);
        }
    }
    if paths == 0 {
        let why = "specify at least one of credentialBundlePath, keyPath, and certificateChainPath";
        certificate.required(why, findings);
    }
}

/// Tokens are a service account's.
pub(super) fn tokens_without_account(spec: &Place<'_, '_>, findings: &mut Findings) {
    for volume in spec.at("volumes").items() {
        for source in volume.at("projected.sources").items() {
            let token = source.at("serviceAccountToken");
            if token.value() != &Value::Null {
                token.forbidden("must not be specified when serviceAccountName is not set", findings);
            }
        }
    }
}
