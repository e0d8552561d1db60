//! Flags of kube-apiserver that mean nothing here: taken, so that what starts a kube-apiserver
//! also starts a host, and named in one warning.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::check::Checks;

/// Why a group of flags has no effect, and the flags. Those that end with `?` are switches.
const FLAGS: [(&str, &[&str]); 8] = [
    (
        "objects are stored in --data-dir",
        &[
            "delete-collection-workers",
            "enable-garbage-collector?",
            "etcd-count-metric-poll-period",
            "etcd-db-metric-poll-interval",
            "etcd-healthcheck-timeout",
            "etcd-readycheck-timeout",
            "etcd-servers-overrides",
            "storage-backend",
            "storage-initialization-timeout",
            "storage-media-type",
            "default-watch-cache-size",
            "watch-cache?",
            "watch-cache-sizes",
            "lease-reuse-duration-seconds",
        ],
    ),
    ("what a token is bound to is always looked up", &["service-account-lookup?"]),
    (
        "who is asked about a token or a right is a plugin",
        &[
            "authentication-token-webhook-cache-ttl",
            "authentication-token-webhook-config-file",
            "authentication-token-webhook-version",
            "authorization-config",
            "authorization-policy-file",
            "authorization-webhook-cache-authorized-ttl",
            "authorization-webhook-cache-unauthorized-ttl",
            "authorization-webhook-config-file",
            "authorization-webhook-version",
            "oidc-ca-file",
            "oidc-client-id",
            "oidc-groups-claim",
            "oidc-groups-prefix",
            "oidc-issuer-url",
            "oidc-required-claim",
            "oidc-signing-algs",
            "oidc-username-claim",
            "oidc-username-prefix",
        ],
    ),
    (
        "what is admitted is up to the plugins",
        &[
            "admission-control",
            "admission-control-config-file",
            "allow-privileged?",
            "default-not-ready-toleration-seconds",
            "default-unreachable-toleration-seconds",
            "disable-admission-plugins",
        ],
    ),
    (
        "what is served is up to the plugins",
        &[
            "emulated-version",
            "emulation-forward-compatible?",
            "min-compatibility-version",
            "runtime-config",
            "runtime-config-emulation-forward-compatible?",
            "event-ttl",
            "service-node-port-range",
        ],
    ),
    (
        "there are no nodes",
        &[
            "egress-selector-config-file",
            "kubelet-certificate-authority",
            "kubelet-client-certificate",
            "kubelet-client-key",
            "kubelet-port",
            "kubelet-preferred-address-types",
            "kubelet-read-only-port",
            "kubelet-timeout",
            "kubernetes-service-node-port",
            "max-connection-bytes-per-sec",
        ],
    ),
    (
        "there is one server",
        &[
            "aggregator-reject-forwarding-redirect?",
            "apiserver-count",
            "coordinated-leadership-lease-duration",
            "coordinated-leadership-renew-deadline",
            "coordinated-leadership-retry-period",
            "enable-aggregator-routing?",
            "endpoint-reconciler-type",
            "external-hostname",
            "peer-advertise-ip",
            "peer-advertise-port",
            "peer-ca-file",
            "proxy-client-cert-file",
            "proxy-client-key-file",
        ],
    ),
    (
        "it does not have that",
        &[
            "allow-metric-labels",
            "allow-metric-labels-manifest",
            "contention-profiling?",
            "debug-socket-path",
            "disabled-metrics",
            "enable-bootstrap-token-auth?",
            "enable-logs-handler?",
            "enable-priority-and-fairness?",
            "log-flush-frequency",
            "log-json-info-buffer-size",
            "log-json-split-stream?",
            "log-text-info-buffer-size",
            "log-text-split-stream?",
            "logging-format",
            "permit-address-sharing?",
            "permit-port-sharing?",
            "service-account-signing-endpoint",
            "show-hidden-metrics-for-version",
            "tls-curve-preferences",
            "vmodule",
        ],
    ),
];

/// The flags that were given, and have no effect.
#[derive(Debug, Clone, Default)]
pub struct UpstreamOptions {
    given: Vec<&'static str>,
}

fn flags() -> impl Iterator<Item = (&'static str, bool)> {
    FLAGS.into_iter().flat_map(|(_, flags)| flags).map(|flag| match flag.strip_suffix('?') {
        Some(switch) => (switch, true),
        None => (*flag, false),
    })
}

impl Args for UpstreamOptions {
    fn augment_args(command: Command) -> Command {
        // Those that have an effect are the other options', whatever this table says.
        let known: Vec<String> =
            command.get_arguments().filter_map(|argument| argument.get_long()).map(str::to_owned).collect();
        command.args(flags().filter(|(name, _)| !known.iter().any(|other| other == name)).map(|(name, switch)| {
            let argument = Arg::new(name).long(name).action(ArgAction::Append).hide(true);
            if switch {
                argument.num_args(0..=1).require_equals(true).default_missing_value("true")
            } else {
                argument.num_args(1).allow_hyphen_values(true)
            }
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for UpstreamOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_given = |name: &str| {
            matches.try_contains_id(name).is_ok() && matches.value_source(name) == Some(ValueSource::CommandLine)
        };
        Ok(Self { given: flags().map(|(name, _)| name).filter(|name| is_given(name)).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl UpstreamOptions {
    /// One warning for all.
    pub(super) fn complete(&self, checks: &mut Checks) {
        let groups = FLAGS.iter().filter_map(|(reason, flags)| {
            let of_group = |name: &&str| flags.iter().any(|flag| flag.trim_end_matches('?') == *name);
            let given: Vec<String> =
                self.given.iter().copied().filter(|name| of_group(name)).map(|name| format!("--{name}")).collect();
            (!given.is_empty()).then(|| format!("{} ({reason})", given.join(", ")))
        });
        let groups: Vec<String> = groups.collect();
        if !groups.is_empty() {
            checks.warn(format!("these flags have no effect: {}", groups.join("; ")));
        }
    }
}
