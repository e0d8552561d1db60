//! Who gets in.

use std::path::PathBuf;

use clap::Args;

use super::check::{Checks, absolute};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Authentication")]
pub struct AccessOptions {
    /// PEM file with authorities whose client certificates are accepted, beside the host's own
    #[arg(long, value_name = "FILE")]
    pub client_ca_file: Option<PathBuf>,

    /// CSV file with static bearer tokens: token,user,uid,"group1,group2"
    #[arg(long, value_name = "FILE")]
    pub token_auth_file: Option<PathBuf>,

    /// Requests without credentials are those of user system:anonymous; false answers them 401
    #[arg(
        long,
        value_name = "BOOL",
        default_value = "true",
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true
    )]
    pub anonymous_auth: String,
}

/// What [`AccessOptions`] say, checked.
#[derive(Debug, Clone)]
pub struct Access {
    pub client_ca_file: Option<PathBuf>,
    pub token_auth_file: Option<PathBuf>,
    pub anonymous: bool,
}

impl AccessOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> Access {
        let mut file = |flag, path: &Option<PathBuf>| {
            path.as_ref().map(|path| {
                checks.file(flag, path);
                absolute(path)
            })
        };
        let client_ca_file = file("client-ca-file", &self.client_ca_file);
        let token_auth_file = file("token-auth-file", &self.token_auth_file);
        Access { client_ca_file, token_auth_file, anonymous: checks.flag("anonymous-auth", &self.anonymous_auth) }
    }
}
