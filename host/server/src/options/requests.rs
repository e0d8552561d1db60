//! How long requests may take, and how many at once.

use std::time::Duration;

use clap::Args;

use super::check::Checks;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Requests")]
pub struct RequestOptions {
    /// Time in which a request must be answered; watches and the like are exempt
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    pub request_timeout: String,

    /// Seconds that a watch stays open at least, if the client names no time: each gets one to two times as many
    #[arg(long, value_name = "SECONDS", default_value = "1800")]
    pub min_request_timeout: String,

    /// Requests that only read, at once; more get 429. 0 is no limit
    #[arg(long, value_name = "N", default_value = "400")]
    pub max_requests_inflight: String,

    /// Requests that write, at once; more get 429. 0 is no limit
    #[arg(long, value_name = "N", default_value = "200")]
    pub max_mutating_requests_inflight: String,
}

/// What [`RequestOptions`] say, checked.
#[derive(Debug, Clone)]
pub struct Requests {
    pub timeout: Duration,
    pub min_watch_timeout: Duration,
    /// 0 is no limit.
    pub max_reading: usize,
    /// 0 is no limit.
    pub max_mutating: usize,
}

impl RequestOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> Requests {
        let timeout = checks.positive_duration("request-timeout", &self.request_timeout);
        let min = checks.number("min-request-timeout", &self.min_request_timeout, "a number of seconds");
        Requests {
            timeout,
            min_watch_timeout: Duration::from_secs(min),
            max_reading: checks.number("max-requests-inflight", &self.max_requests_inflight, "a number"),
            max_mutating: checks.number(
                "max-mutating-requests-inflight",
                &self.max_mutating_requests_inflight,
                "a number",
            ),
        }
    }
}
