//! Makes certificates: an authority, and what it signs.

use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use time::{Duration, OffsetDateTime};

use super::PkiError;

/// As kubeadm has it: ten years for the authority, one for what it signs.
const AUTHORITY_DAYS: i64 = 3650;
const LEAF_DAYS: i64 = 365;

/// A certificate and its key, as PEM.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

pub(super) fn authority(name: &str) -> Result<Pair, PkiError> {
    authority_until(name, OffsetDateTime::now_utc() + Duration::days(AUTHORITY_DAYS))
}

pub(super) fn authority_until(name: &str, not_after: OffsetDateTime) -> Result<Pair, PkiError> {
    let key = KeyPair::generate()?;
    let mut params = params(name, not_after);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(Pair { certificate: params.self_signed(&key)?.pem(), key: key.serialize_pem() })
}

pub(super) fn serving(authority: &Pair, names: &[&str], addresses: &[IpAddr]) -> Result<Pair, PkiError> {
    let mut params = params("kube-apiserver", leaf_end());
    for name in names {
        params.subject_alt_names.push(SanType::DnsName((*name).try_into()?));
    }
    params.subject_alt_names.extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    signed(authority, params)
}

pub(super) fn client(authority: &Pair, user: &str, group: &str) -> Result<Pair, PkiError> {
    client_until(authority, user, group, leaf_end())
}

pub(super) fn client_until(
    authority: &Pair,
    user: &str,
    group: &str,
    not_after: OffsetDateTime,
) -> Result<Pair, PkiError> {
    let mut params = params(user, not_after);
    params.distinguished_name.push(DnType::OrganizationName, group);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    signed(authority, params)
}

fn leaf_end() -> OffsetDateTime {
    OffsetDateTime::now_utc() + Duration::days(LEAF_DAYS)
}

fn params(name: &str, not_after: OffsetDateTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    // Clients whose clocks are a little behind must take it too.
    params.not_before = OffsetDateTime::now_utc() - Duration::minutes(5);
    params.not_after = not_after;
    params
}

fn signed(authority: &Pair, mut params: CertificateParams) -> Result<Pair, PkiError> {
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    let issuer = Issuer::from_ca_cert_pem(&authority.certificate, KeyPair::from_pem(&authority.key)?)?;
    let key = KeyPair::generate()?;
    Ok(Pair { certificate: params.signed_by(&key, &issuer)?.pem(), key: key.serialize_pem() })
}
