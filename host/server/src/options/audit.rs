//! What is written down about requests, and where.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::check::{Checks, absolute};
use crate::audit::policy::Policy;
use crate::audit::webhook::Destination;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Auditing")]
pub struct AuditOptions {
    /// YAML file that says which requests are recorded, and how much of them: a Policy of audit.k8s.io/v1
    #[arg(long, value_name = "FILE")]
    pub audit_policy_file: Option<PathBuf>,

    #[command(flatten)]
    pub log: AuditLogOptions,
    #[command(flatten)]
    pub webhook: AuditWebhookOptions,
}

#[derive(Debug, Clone, Args)]
pub struct AuditLogOptions {
    /// File to which events are written, one a line; - is standard output
    #[arg(long, value_name = "FILE")]
    pub audit_log_path: Option<PathBuf>,

    /// Days that a full file is kept; 0 is for ever
    #[arg(long, value_name = "DAYS", default_value = "366")]
    pub audit_log_maxage: String,

    /// Full files that are kept; 0 is all
    #[arg(long, value_name = "N", default_value = "100")]
    pub audit_log_maxbackup: String,

    /// Megabytes at which a file is put aside; 0 is never
    #[arg(long, value_name = "MB", default_value = "100")]
    pub audit_log_maxsize: String,

    /// Pack full files with gzip
    #[arg(long, value_name = "BOOL", default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub audit_log_compress: String,

    /// json, or legacy with fewer facts
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    pub audit_log_format: String,

    /// Version of what is written
    #[arg(long, value_name = "VERSION", default_value = "audit.k8s.io/v1")]
    pub audit_log_version: String,

    /// blocking writes before a request is answered, blocking-strict refuses requests that cannot be recorded, batch writes later
    #[arg(long, value_name = "MODE", default_value = "blocking")]
    pub audit_log_mode: String,

    /// Events that wait, in mode batch; more are lost
    #[arg(long, value_name = "N", default_value = "10000")]
    pub audit_log_batch_buffer_size: String,

    /// Events of one batch
    #[arg(long, value_name = "N", default_value = "1")]
    pub audit_log_batch_max_size: String,

    /// Time that an event waits for others
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    pub audit_log_batch_max_wait: String,

    /// Bound the batches of a second
    #[arg(long, value_name = "BOOL", default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub audit_log_batch_throttle_enable: String,

    /// Batches of a second
    #[arg(long, value_name = "N", default_value = "0")]
    pub audit_log_batch_throttle_qps: String,

    /// Batches at once, after a quiet time
    #[arg(long, value_name = "N", default_value = "0")]
    pub audit_log_batch_throttle_burst: String,

    /// Cut events that are too large
    #[arg(long, value_name = "BOOL", default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub audit_log_truncate_enabled: String,

    /// Bytes of a batch
    #[arg(long, value_name = "BYTES", default_value = "10485760")]
    pub audit_log_truncate_max_batch_size: String,

    /// Bytes of an event: first its objects are left out, then the event
    #[arg(long, value_name = "BYTES", default_value = "102400")]
    pub audit_log_truncate_max_event_size: String,
}

#[derive(Debug, Clone, Args)]
pub struct AuditWebhookOptions {
    /// Kubeconfig that says where events are posted to
    #[arg(long, value_name = "FILE")]
    pub audit_webhook_config_file: Option<PathBuf>,

    /// Version of what is posted
    #[arg(long, value_name = "VERSION", default_value = "audit.k8s.io/v1")]
    pub audit_webhook_version: String,

    /// Time before a batch is sent a second time; more with each attempt
    #[arg(long, value_name = "DURATION", default_value = "10s", visible_alias = "audit-webhook-batch-initial-backoff")]
    pub audit_webhook_initial_backoff: String,

    /// batch: requests never wait for a webhook
    #[arg(long, value_name = "MODE", default_value = "batch")]
    pub audit_webhook_mode: String,

    /// Events that wait; more are lost
    #[arg(long, value_name = "N", default_value = "10000")]
    pub audit_webhook_batch_buffer_size: String,

    /// Events of one batch
    #[arg(long, value_name = "N", default_value = "400")]
    pub audit_webhook_batch_max_size: String,

    /// Time that an event waits for others
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub audit_webhook_batch_max_wait: String,

    /// Bound the batches of a second
    #[arg(long, value_name = "BOOL", default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub audit_webhook_batch_throttle_enable: String,

    /// Batches of a second
    #[arg(long, value_name = "N", default_value = "10")]
    pub audit_webhook_batch_throttle_qps: String,

    /// Batches at once, after a quiet time
    #[arg(long, value_name = "N", default_value = "15")]
    pub audit_webhook_batch_throttle_burst: String,

    /// Cut events that are too large
    #[arg(long, value_name = "BOOL", default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true)]
    pub audit_webhook_truncate_enabled: String,

    /// Bytes of a batch
    #[arg(long, value_name = "BYTES", default_value = "10485760")]
    pub audit_webhook_truncate_max_batch_size: String,

    /// Bytes of an event: first its objects are left out, then the event
    #[arg(long, value_name = "BYTES", default_value = "102400")]
    pub audit_webhook_truncate_max_event_size: String,
}

/// What [`AuditOptions`] say, checked.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    pub(crate) policy: Option<Policy>,
    pub(crate) log: Option<AuditLog>,
    pub(crate) webhook: Option<AuditWebhook>,
}

#[derive(Debug, Clone)]
pub(crate) struct AuditLog {
    pub(crate) target: AuditLogTarget,
    pub(crate) format: AuditLogFormat,
    pub(crate) mode: AuditMode,
    pub(crate) truncate: Option<AuditTruncate>,
}

#[derive(Debug, Clone)]
pub(crate) enum AuditLogTarget {
    Stdout,
    File { path: PathBuf, rotation: Option<AuditRotation> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuditLogFormat {
    Json,
    Legacy,
}

/// When a file is full, and what becomes of full ones; nothing is no bound.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AuditRotation {
    pub(crate) bytes_max: u64,
    pub(crate) backups_max: Option<usize>,
    pub(crate) age_max: Option<Duration>,
    pub(crate) compress: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AuditMode {
    Batch(AuditBatch),
    Blocking,
    BlockingStrict,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AuditBatch {
    pub(crate) buffer_size: usize,
    pub(crate) batch_size: usize,
    pub(crate) max_wait: Duration,
    /// A second, and at once.
    pub(crate) throttle: Option<(f64, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AuditTruncate {
    pub(crate) event_bytes_max: usize,
    pub(crate) batch_bytes_max: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct AuditWebhook {
    pub(crate) destination: Destination,
    pub(crate) initial_backoff: Duration,
    pub(crate) batch: AuditBatch,
    pub(crate) truncate: Option<AuditTruncate>,
}

impl std::fmt::Display for AuditLogTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stdout => f.write_str("-"),
            Self::File { path, .. } => path.display().fmt(f),
        }
    }
}

impl AuditOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> Audit {
        let policy = self.policy(checks);
        let audit = Audit { policy, log: self.log.complete(checks), webhook: self.webhook.complete(checks) };
        for (flag, given) in [
            ("audit-log-path", audit.log.is_some()),
            ("audit-webhook-config-file", self.webhook.audit_webhook_config_file.is_some()),
        ] {
            if given && self.audit_policy_file.is_none() {
                checks.warn(format!("--{flag} gets no events: --audit-policy-file says which requests are recorded"));
            }
        }
        audit
    }

    fn policy(&self, checks: &mut Checks) -> Option<Policy> {
        let path = self.audit_policy_file.as_ref()?;
        match Policy::read(path) {
            Ok(policy) => {
                let unknown = policy.unknown_fields();
                if !unknown.is_empty() {
                    let (path, unknown) = (path.display(), unknown.join("`, `"));
                    checks.warn(format!("--audit-policy-file has fields without effect: `{path}`: `{unknown}`"));
                }
                Some(policy)
            }
            Err(error) => {
                checks.error(format!("--audit-policy-file cannot be used: `{}`: {error}", path.display()));
                None
            }
        }
    }
}

impl AuditLogOptions {
    fn complete(&self, checks: &mut Checks) -> Option<AuditLog> {
        let path = self.audit_log_path.as_ref()?;
        version("audit-log-version", &self.audit_log_version, checks);
        let rotation = self.rotation(checks);
        let target = match path.to_str() {
            Some("-") => AuditLogTarget::Stdout,
            _ => AuditLogTarget::File { path: absolute(path), rotation },
        };
        let format = match self.audit_log_format.as_str() {
            "json" => AuditLogFormat::Json,
            "legacy" => AuditLogFormat::Legacy,
            other => {
                checks.error(format!("--audit-log-format must be `json` or `legacy`: `{other}`"));
                AuditLogFormat::Json
            }
        };
        let mode = match self.audit_log_mode.as_str() {
            "batch" => AuditMode::Batch(self.batch(checks)),
            "blocking" => AuditMode::Blocking,
            "blocking-strict" => AuditMode::BlockingStrict,
            other => {
                checks.error(format!("--audit-log-mode must be `batch`, `blocking` or `blocking-strict`: `{other}`"));
                AuditMode::Blocking
            }
        };
        let truncate = truncate(
            "audit-log",
            &self.audit_log_truncate_enabled,
            &self.audit_log_truncate_max_event_size,
            &self.audit_log_truncate_max_batch_size,
            checks,
        );
        Some(AuditLog { target, format, mode, truncate })
    }

    fn rotation(&self, checks: &mut Checks) -> Option<AuditRotation> {
        let mut number = |flag, text: &str| checks.number::<u64>(flag, text, "a number");
        let megabytes = number("audit-log-maxsize", &self.audit_log_maxsize);
        let backups = number("audit-log-maxbackup", &self.audit_log_maxbackup);
        let days = number("audit-log-maxage", &self.audit_log_maxage);
        let rotation = AuditRotation {
            bytes_max: megabytes << 20,
            backups_max: (backups > 0).then_some(backups as usize),
            age_max: (days > 0).then(|| Duration::from_secs(days.saturating_mul(24 * 3600))),
            compress: checks.flag("audit-log-compress", &self.audit_log_compress),
        };
        (megabytes > 0).then_some(rotation)
    }

    fn batch(&self, checks: &mut Checks) -> AuditBatch {
        batch(
            "audit-log-batch",
            [&self.audit_log_batch_buffer_size, &self.audit_log_batch_max_size],
            &self.audit_log_batch_max_wait,
            &self.audit_log_batch_throttle_enable,
            [&self.audit_log_batch_throttle_qps, &self.audit_log_batch_throttle_burst],
            checks,
        )
    }
}

impl AuditWebhookOptions {
    fn complete(&self, checks: &mut Checks) -> Option<AuditWebhook> {
        let path = self.audit_webhook_config_file.as_ref()?;
        version("audit-webhook-version", &self.audit_webhook_version, checks);
        if self.audit_webhook_mode != "batch" {
            let mode = &self.audit_webhook_mode;
            checks.error(format!("--audit-webhook-mode must be `batch`: requests do not wait for a webhook: `{mode}`"));
        }
        let initial_backoff = checks.duration("audit-webhook-initial-backoff", &self.audit_webhook_initial_backoff);
        let batch = batch(
            "audit-webhook-batch",
            [&self.audit_webhook_batch_buffer_size, &self.audit_webhook_batch_max_size],
            &self.audit_webhook_batch_max_wait,
            &self.audit_webhook_batch_throttle_enable,
            [&self.audit_webhook_batch_throttle_qps, &self.audit_webhook_batch_throttle_burst],
            checks,
        );
        let truncate = truncate(
            "audit-webhook",
            &self.audit_webhook_truncate_enabled,
            &self.audit_webhook_truncate_max_event_size,
            &self.audit_webhook_truncate_max_batch_size,
            checks,
        );
        match Destination::read(path) {
            Ok(destination) => Some(AuditWebhook { destination, initial_backoff, batch, truncate }),
            Err(error) => {
                checks.error(format!("--audit-webhook-config-file cannot be used: `{}`: {error}", path.display()));
                None
            }
        }
    }
}

fn version(flag: &str, text: &str, checks: &mut Checks) {
    if text != "audit.k8s.io/v1" {
        checks.error(format!("--{flag} must be `audit.k8s.io/v1`: `{text}`"));
    }
}

/// Of the flags that begin with `flags`: buffer and batch, the wait, and the throttle's numbers.
fn batch(
    flags: &str,
    [buffer, size]: [&String; 2],
    wait: &str,
    enable: &str,
    [per_second, burst]: [&String; 2],
    checks: &mut Checks,
) -> AuditBatch {
    const POSITIVE: &str = "a number above 0";
    let positive = |flag: &str, text: &str, checks: &mut Checks| {
        let flag = format!("{flags}-{flag}");
        match text {
            "0" => {
                checks.error(format!("--{flag} must be {POSITIVE}: `0`"));
                1
            }
            text => checks.number::<u32>(&flag, text, POSITIVE).max(1),
        }
    };
    let buffer_size = positive("buffer-size", buffer, checks) as usize;
    let batch_size = positive("max-size", size, checks) as usize;
    let throttled = checks.flag(&format!("{flags}-throttle-enable"), enable);
    let throttle = throttled.then(|| {
        let qps = checks.number::<f64>(&format!("{flags}-throttle-qps"), per_second, POSITIVE);
        if qps <= 0.0 || !qps.is_finite() {
            checks.error(format!("--{flags}-throttle-qps must be {POSITIVE}: `{per_second}`"));
        }
        (qps, positive("throttle-burst", burst, checks))
    });
    AuditBatch { buffer_size, batch_size, max_wait: checks.duration(&format!("{flags}-max-wait"), wait), throttle }
}

fn truncate(flags: &str, enabled: &str, event: &str, batch: &str, checks: &mut Checks) -> Option<AuditTruncate> {
    let enabled = checks.flag(&format!("{flags}-truncate-enabled"), enabled);
    let mut bytes = |flag: &str, text: &str| {
        checks.number::<usize>(&format!("{flags}-truncate-{flag}"), text, "a number of bytes above 0")
    };
    let truncate = AuditTruncate {
        event_bytes_max: bytes("max-event-size", event),
        batch_bytes_max: bytes("max-batch-size", batch),
    };
    if truncate.event_bytes_max == 0 || truncate.batch_bytes_max < truncate.event_bytes_max {
        checks.error(format!(
            "--{flags}-truncate-max-batch-size must be at least --{flags}-truncate-max-event-size, and that above 0: \
             `{batch}`, `{event}`"
        ));
    }
    enabled.then_some(truncate)
}
