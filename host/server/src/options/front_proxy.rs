//! A proxy in front of the server that authenticates users.

use std::path::PathBuf;

use clap::Args;
use http::HeaderName;

use super::check::{Checks, absolute};
use crate::authn::FrontProxyHeaders;

#[derive(Debug, Clone, Args)]
pub struct FrontProxyOptions {
    /// PEM file with the authorities of proxies that say in headers who asks
    #[arg(long, value_name = "FILE")]
    pub requestheader_client_ca_file: Option<PathBuf>,

    /// Common names of the proxies' certificates; any, if none is given
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub requestheader_allowed_names: Vec<String>,

    /// Headers that name the user: X-Remote-User
    #[arg(long, value_name = "HEADER,...", value_delimiter = ',')]
    pub requestheader_username_headers: Vec<String>,

    /// Headers that name his uid: X-Remote-Uid
    #[arg(long, value_name = "HEADER,...", value_delimiter = ',')]
    pub requestheader_uid_headers: Vec<String>,

    /// Headers that name his groups: X-Remote-Group
    #[arg(long, value_name = "HEADER,...", value_delimiter = ',')]
    pub requestheader_group_headers: Vec<String>,

    /// What the headers begin with that say more: X-Remote-Extra-
    #[arg(long, value_name = "PREFIX,...", value_delimiter = ',')]
    pub requestheader_extra_headers_prefix: Vec<String>,
}

/// What [`FrontProxyOptions`] say, checked.
#[derive(Debug, Clone)]
pub struct FrontProxyAccess {
    pub client_ca_file: PathBuf,
    pub names: Vec<String>,
    pub headers: FrontProxyHeaders,
    /// The headers as they were given, which is how others are told of them.
    pub given: GivenHeaders,
}

/// Names of headers, in the operator's words.
#[derive(Debug, Clone, Default)]
pub struct GivenHeaders {
    pub user: Vec<String>,
    pub uid: Vec<String>,
    pub group: Vec<String>,
    pub extra_prefixes: Vec<String>,
}

impl FrontProxyOptions {
    /// Nothing if no proxy is trusted.
    pub(super) fn complete(&self, checks: &mut Checks) -> Option<FrontProxyAccess> {
        let mut headers = |flag, names: &[String], standard: &str| {
            let texts: Vec<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
            if !texts.is_empty() && !texts.iter().any(|text| text == &standard.to_lowercase()) {
                checks.warn(format!("--{flag} is without `{standard}`: aggregated servers send that"));
            }
            let parsed = texts.iter().map(|text| text.parse::<HeaderName>().map(|_| text.clone()));
            parsed.collect::<Result<Vec<_>, _>>().unwrap_or_else(|_| {
                checks.error(format!("--{flag} must be names of headers: `{}`", names.join("`, `")));
                Vec::new()
            })
        };
        let user = headers("requestheader-username-headers", &self.requestheader_username_headers, "X-Remote-User");
        let uid = headers("requestheader-uid-headers", &self.requestheader_uid_headers, "X-Remote-Uid");
        let group = headers("requestheader-group-headers", &self.requestheader_group_headers, "X-Remote-Group");
        let extra_prefixes =
            headers("requestheader-extra-headers-prefix", &self.requestheader_extra_headers_prefix, "X-Remote-Extra-");
        let Some(path) = &self.requestheader_client_ca_file else {
            if !(user.is_empty() && group.is_empty() && self.requestheader_allowed_names.is_empty()) {
                checks.warn("--requestheader flags have no effect without --requestheader-client-ca-file");
            }
            return None;
        };
        checks.file("requestheader-client-ca-file", path);
        if user.is_empty() {
            checks.warn("--requestheader-client-ca-file has no effect without --requestheader-username-headers");
        }
        let names = |texts: Vec<String>| texts.iter().filter_map(|text| text.parse().ok()).collect();
        Some(FrontProxyAccess {
            client_ca_file: absolute(path),
            names: self.requestheader_allowed_names.clone(),
            headers: FrontProxyHeaders { user: names(user), uid: names(uid), group: names(group), extra_prefixes },
            given: GivenHeaders {
                user: self.requestheader_username_headers.clone(),
                uid: self.requestheader_uid_headers.clone(),
                group: self.requestheader_group_headers.clone(),
                extra_prefixes: self.requestheader_extra_headers_prefix.clone(),
            },
        })
    }
}
