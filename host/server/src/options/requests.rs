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

    /// Chance, from 0 to 0.02, that a request on HTTP/2 makes its client connect anew, to spread clients over servers
    #[arg(long, value_name = "CHANCE", default_value = "0")]
    pub goaway_chance: String,
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
    pub goaway_chance: f64,
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
            goaway_chance: self.goaway_chance(checks),
        }
    }

    fn goaway_chance(&self, checks: &mut Checks) -> f64 {
        let chance = self.goaway_chance.parse().ok().filter(|chance| GOAWAY_CHANCES.contains(chance));
        chance.unwrap_or_else(|| {
            checks.error(format!("--goaway-chance must be a number from 0 to 0.02: `{}`", self.goaway_chance));
            0.0
        })
    }
}

/// More than one in fifty, and clients do little else than to connect.
const GOAWAY_CHANCES: std::ops::RangeInclusive<f64> = 0.0..=0.02;
