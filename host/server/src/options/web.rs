//! What browsers are told.

use clap::Args;
use http::HeaderValue;
use regex::RegexSet;

use super::check::Checks;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Browsers")]
pub struct WebOptions {
    /// Origins whose pages may use the API, as regular expressions that match the host from its start to its end: //example\.com(:|$)
    #[arg(long, value_name = "REGEX,...", value_delimiter = ',')]
    pub cors_allowed_origins: Vec<String>,

    /// What Strict-Transport-Security says: max-age=SECONDS, includeSubDomains, preload
    #[arg(long, value_name = "DIRECTIVE,...", value_delimiter = ',')]
    pub strict_transport_security_directives: Vec<String>,
}

/// What [`WebOptions`] say, checked.
#[derive(Debug, Clone, Default)]
pub struct Web {
    /// Nothing if no origin is allowed.
    pub allowed_origins: Option<RegexSet>,
    pub strict_transport_security: Option<HeaderValue>,
}

impl WebOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> Web {
        Web {
            allowed_origins: self.allowed_origins(checks),
            strict_transport_security: self.strict_transport_security(checks),
        }
    }

    fn allowed_origins(&self, checks: &mut Checks) -> Option<RegexSet> {
        for origin in &self.cors_allowed_origins {
            if !is_pinned(origin) {
                // Else `example.com` is also `example.com.evil.org`: CVE-2022-1996.
                checks.error(format!(
                    "--cors-allowed-origins must match a host from its start (`^` or `//`) to its end (`$` or `:`): \
                     `{origin}`"
                ));
            }
        }
        match RegexSet::new(&self.cors_allowed_origins) {
            Ok(origins) => (!origins.is_empty()).then_some(origins),
            Err(error) => {
                let error = error.to_string();
                let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
                checks.error(format!("--cors-allowed-origins has a wrong regular expression: {reason}"));
                None
            }
        }
    }

    fn strict_transport_security(&self, checks: &mut Checks) -> Option<HeaderValue> {
        let directives = &self.strict_transport_security_directives;
        for directive in directives {
            let is_known = matches!(directive.as_str(), "includeSubDomains" | "preload")
                || directive.strip_prefix("max-age=").is_some_and(|age| age.parse::<u64>().is_ok());
            if !is_known {
                checks.error(format!(
                    "--strict-transport-security-directives must be `max-age=SECONDS`, `includeSubDomains` or \
                     `preload`: `{directive}`"
                ));
            }
        }
        (!directives.is_empty()).then(|| HeaderValue::from_str(&directives.join("; ")).ok()).flatten()
    }
}

/// Whether a part of a host cannot match, as far as the text tells.
fn is_pinned(origin: &str) -> bool {
    let host = origin.rsplit("//").next().unwrap_or(origin);
    (origin.contains('^') || origin.contains("//")) && (origin.contains('$') || host.contains(':'))
}
