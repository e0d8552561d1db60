//! How the server comes up in the eyes of its probes, and how it goes away.

use std::time::Duration;

use clap::Args;

use super::check::Checks;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Life cycle")]
pub struct ShutdownOptions {
    /// Time between the start of a shutdown, when /readyz fails, and refusing new requests
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    pub shutdown_delay_duration: String,

    /// While requests drain keep the port open, and answer new requests 429 with Retry-After
    #[arg(
        long,
        value_name = "BOOL",
        default_value = "false",
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true
    )]
    pub shutdown_send_retry_after: String,

    /// Time in which a shutdown ends the watches, one after the other, before the server closes; 0 ends all at once
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    pub shutdown_watch_termination_grace_period: String,

    /// Time from the start in which unfinished post-start hooks do not make /livez fail
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    pub livez_grace_period: String,
}

/// What [`ShutdownOptions`] say, checked.
#[derive(Debug, Clone)]
pub struct Shutdown {
    pub delay: Duration,
    pub send_retry_after: bool,
    /// Nobody waits for watches if it is zero.
    pub watch_grace_period: Duration,
    pub livez_grace_period: Duration,
}

impl ShutdownOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> Shutdown {
        Shutdown {
            delay: checks.duration("shutdown-delay-duration", &self.shutdown_delay_duration),
            send_retry_after: checks.flag("shutdown-send-retry-after", &self.shutdown_send_retry_after),
            watch_grace_period: checks
                .duration("shutdown-watch-termination-grace-period", &self.shutdown_watch_termination_grace_period),
            livez_grace_period: checks.duration("livez-grace-period", &self.livez_grace_period),
        }
    }
}
