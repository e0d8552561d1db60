//! What is logged, and how.

use clap::Args;

use super::check::Checks;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Logs")]
pub struct LoggingOptions {
    /// text, or json with one object a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: String,

    /// 0: what an operator must know; 2: what happens; 4: each request and decision; 6: everything
    #[arg(short = 'v', long = "v", value_name = "LEVEL", default_value = "2")]
    pub verbosity: String,
}

/// What [`LoggingOptions`] say, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logging {
    pub format: LogFormat,
    pub verbosity: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl LoggingOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> Logging {
        let format = match self.log_format.as_str() {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => {
                checks.error(format!("--log-format must be `text` or `json`: `{other}`"));
                LogFormat::Text
            }
        };
        Logging { format, verbosity: checks.number("v", &self.verbosity, "a level, 0 to 10") }
    }
}
