//! Who gets in, and who may do what.

use std::path::PathBuf;

use clap::Args;

use super::anonymous_config;
use super::check::{Checks, absolute};
use super::front_proxy::{FrontProxyAccess, FrontProxyOptions};
use super::service_accounts::{ServiceAccountOptions, ServiceAccounts};
use crate::authn::Anonymous;
use crate::authz::Mode;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Authentication and authorization")]
pub struct AccessOptions {
    /// PEM file with authorities whose client certificates are accepted, beside the host's own
    #[arg(long, value_name = "FILE")]
    pub client_ca_file: Option<PathBuf>,

    /// CSV file with static bearer tokens: token,user,uid,"group1,group2"
    #[arg(long, value_name = "FILE")]
    pub token_auth_file: Option<PathBuf>,

    /// Requests without credentials are those of user system:anonymous; false answers them 401 [default: true, but false with AlwaysAllow]
    #[arg(long, value_name = "BOOL", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub anonymous_auth: Option<String>,

    /// YAML file that says for which paths requests need no credentials: an AuthenticationConfiguration
    #[arg(long, value_name = "FILE")]
    pub authentication_config: Option<PathBuf>,

    #[command(flatten)]
    pub front_proxy: FrontProxyOptions,

    #[command(flatten)]
    pub service_accounts: ServiceAccountOptions,

    /// Who is asked whether a request is allowed, in this order: AlwaysAllow, AlwaysDeny, or a plugin's name; all plugins that decide, if nothing is said
    #[arg(long, value_name = "MODE,...", value_delimiter = ',')]
    pub authorization_mode: Vec<String>,
}

/// What [`AccessOptions`] say, checked.
#[derive(Debug, Clone)]
pub struct Access {
    pub client_ca_file: Option<PathBuf>,
    pub token_auth_file: Option<PathBuf>,
    pub anonymous: Anonymous,
    pub front_proxy: Option<FrontProxyAccess>,
    pub service_accounts: ServiceAccounts,
    pub authorization: Vec<Mode>,
}

/// What kube-apiserver decides itself, and a plugin of that name here.
const PLUGIN_MODES: [&str; 2] = ["Node", "RBAC"];

impl AccessOptions {
    /// `plugins` are the names of the links.
    pub(super) fn complete(&self, plugins: &[&str], checks: &mut Checks) -> Access {
        let mut file = |flag, path: &Option<PathBuf>| {
            path.as_ref().map(|path| {
                checks.file(flag, path);
                absolute(path)
            })
        };
        Access {
            client_ca_file: file("client-ca-file", &self.client_ca_file),
            token_auth_file: file("token-auth-file", &self.token_auth_file),
            anonymous: self.anonymous(checks),
            front_proxy: self.front_proxy.complete(checks),
            service_accounts: self.service_accounts.complete(checks),
            authorization: self.modes(plugins, checks),
        }
    }

    fn anonymous(&self, checks: &mut Checks) -> Anonymous {
        let flag = self.anonymous_auth.as_ref().map(|text| checks.flag("anonymous-auth", text));
        let file = self.authentication_config.as_ref().and_then(|path| match anonymous_config::read(path) {
            Ok(anonymous) => anonymous,
            Err(reason) => {
                checks.error(format!("--authentication-config cannot be used: `{}`: {reason}", path.display()));
                None
            }
        });
        match (flag, file) {
            (Some(_), Some(_)) => {
                checks.error("--anonymous-auth cannot be used: --authentication-config says who is anonymous");
                Anonymous::Nowhere
            }
            (_, Some(anonymous)) => anonymous,
            (Some(false), None) => Anonymous::Nowhere,
            // As kube-apiserver: else whoever reaches the port may do everything.
            (Some(true) | None, None) if self.authorization_mode.iter().any(|mode| mode == "AlwaysAllow") => {
                checks.warn(
                    "--authorization-mode=AlwaysAllow: requests without credentials are answered 401, since they would be \
                     allowed everything",
                );
                Anonymous::Nowhere
            }
            (Some(true) | None, None) => Anonymous::Everywhere,
        }
    }

    fn modes(&self, plugins: &[&str], checks: &mut Checks) -> Vec<Mode> {
        if self.authorization_mode.is_empty() {
            return vec![Mode::Plugins, Mode::PublicPaths];
        }
        let mut modes = Vec::new();
        for (index, text) in self.authorization_mode.iter().enumerate() {
            if self.authorization_mode[..index].contains(text) {
                checks.error(format!("--authorization-mode has `{text}` more than once"));
                continue;
            }
            let named = text.to_lowercase();
            modes.push(match text.as_str() {
                "AlwaysAllow" => Mode::AlwaysAllow,
                "AlwaysDeny" => Mode::AlwaysDeny,
                mode if PLUGIN_MODES.contains(&mode) && !plugins.contains(&named.as_str()) => {
                    checks.warn(format!(
                        "--authorization-mode={mode} decides nothing: there is no plugin `{named}`. `system:masters` may \
                         do everything, everybody may read health and version"
                    ));
                    Mode::PublicPaths
                }
                mode if PLUGIN_MODES.contains(&mode) => Mode::Named(named),
                name if plugins.contains(&name) => Mode::Named(name.to_owned()),
                other => {
                    checks.error(format!(
                        "--authorization-mode must be `AlwaysAllow`, `AlwaysDeny`, `Node`, `RBAC` or the name of a \
                         plugin: `{other}`"
                    ));
                    continue;
                }
            });
        }
        modes
    }
}
