//! Whether the server may be profiled.

use clap::Args;

use super::check::Checks;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Profiles")]
pub struct ProfilingOptions {
    /// Take CPU profiles of the host and of plugins for those who may read /debug/pprof/: only administrators, unless somebody is let to
    // As kube-apiserver's default: it costs nothing until somebody asks, and hardly anybody may.
    #[arg(long, value_name = "BOOL", default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub profiling: String,
}

impl ProfilingOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> bool {
        checks.flag("profiling", &self.profiling)
    }
}
