//! Tokens of service accounts: who signs them, whom they are for, and how long they are good.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http::Uri;

use super::check::{Checks, absolute};

/// What kube-apiserver is told by those who install it, most of the time.
const ISSUER: &str = "https://kubernetes.default.svc";

/// What may be chosen for `--service-account-max-token-expiration`.
const LONGEST: std::ops::RangeInclusive<Duration> = Duration::from_secs(3600)..=Duration::from_secs(1 << 32);

#[derive(Debug, Clone, Args)]
pub struct ServiceAccountOptions {
    /// Who signs tokens of service accounts, as they say; others after the first are believed too
    #[arg(long, value_name = "URL", default_value = ISSUER)]
    pub service_account_issuer: Vec<String>,

    /// For whom tokens are meant that are meant for this server [default: the issuers]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub api_audiences: Vec<String>,

    /// PEM file with the key that signs them [default: pki/sa.key in the data directory, made once]
    #[arg(long, value_name = "FILE")]
    pub service_account_signing_key_file: Option<PathBuf>,

    /// PEM file with keys or certificates that verify them, repeatable; without a signing key, none are issued then
    #[arg(long, value_name = "FILE")]
    pub service_account_key_file: Vec<PathBuf>,

    /// Where others find the keys to verify them [default: this server]
    #[arg(long, value_name = "URL")]
    pub service_account_jwks_uri: Option<String>,

    /// The longest that one may be asked to be good for, at least 1h; 0 is no bound
    #[arg(long, value_name = "DURATION", default_value = "0")]
    pub service_account_max_token_expiration: String,

    /// Tokens that are renewed in pods are good for a year, and their use after the time that was asked for is noted [default: true]
    #[arg(long, value_name = "BOOL", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub service_account_extend_token_expiration: Option<String>,
}

/// What [`ServiceAccountOptions`] say, checked.
#[derive(Debug, Clone)]
pub struct ServiceAccounts {
    /// At least one; the first signs.
    pub issuers: Vec<String>,
    pub audiences: Vec<String>,
    pub signing_key_file: Option<PathBuf>,
    pub key_files: Vec<PathBuf>,
    pub jwks_uri: Option<String>,
    pub expiration_max: Option<Duration>,
    pub extend_expiration: bool,
}

impl ServiceAccountOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> ServiceAccounts {
        let issuers = self.issuers(checks);
        let mut file = |flag, path: &PathBuf| {
            checks.file(flag, path);
            absolute(path)
        };
        let signing = self.service_account_signing_key_file.as_ref();
        let signing_key_file = signing.map(|path| file("service-account-signing-key-file", path));
        let keys = self.service_account_key_file.iter();
        let key_files = keys.map(|path| file("service-account-key-file", path)).collect();
        let is_https = |uri: &String| uri.parse::<Uri>().is_ok_and(|uri| uri.scheme_str() == Some("https"));
        if let Some(uri) = self.service_account_jwks_uri.as_ref().filter(|uri| !is_https(uri)) {
            checks.error(format!("--service-account-jwks-uri must be a URL that begins with `https://`: `{uri}`"));
        }
        let extend = self.service_account_extend_token_expiration.as_ref();
        ServiceAccounts {
            audiences: if self.api_audiences.is_empty() { issuers.clone() } else { self.api_audiences.clone() },
            issuers,
            signing_key_file,
            key_files,
            jwks_uri: self.service_account_jwks_uri.clone(),
            expiration_max: self.expiration_max(checks),
            extend_expiration: extend.is_none_or(|text| checks.flag("service-account-extend-token-expiration", text)),
        }
    }

    fn issuers(&self, checks: &mut Checks) -> Vec<String> {
        let issuers = &self.service_account_issuer;
        for (index, issuer) in issuers.iter().enumerate() {
            if issuer.is_empty() || (issuer.contains(':') && issuer.parse::<Uri>().is_err()) {
                checks.error(format!("--service-account-issuer must be a URL, or a text without `:`: `{issuer}`"));
            } else if issuers[..index].contains(issuer) {
                checks.error(format!("--service-account-issuer has `{issuer}` more than once"));
            }
        }
        issuers.clone()
    }

    fn expiration_max(&self, checks: &mut Checks) -> Option<Duration> {
        let text = &self.service_account_max_token_expiration;
        let max = checks.duration("service-account-max-token-expiration", text);
        if max.is_zero() {
            return None;
        }
        if !LONGEST.contains(&max) {
            checks.error(format!(
                "--service-account-max-token-expiration must be from 1 hour to 2^32 seconds, or 0: `{text}`"
            ));
        }
        Some(max)
    }
}
