//! `--feature-gates`: what kube-apiserver switches on and off by name.

use std::collections::BTreeMap;

use clap::Args;

use super::check::Checks;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Features")]
pub struct FeatureOptions {
    /// Features by their names in kube-apiserver: APIResponseCompression=false packs no answer; others have no effect,
    /// and what it does not know is refused
    #[arg(long, value_name = "NAME=BOOL,...", value_delimiter = ',')]
    pub feature_gates: Vec<String>,
}

/// What [`FeatureOptions`] say, checked.
#[derive(Debug, Clone)]
pub struct Features {
    /// Large answers are packed for clients that take them so.
    pub response_compression: bool,
}

/// All that kube-apiserver 1.36 knows, as its metric `kubernetes_feature_enabled` names them, one on each line.
const KNOWN: &str = include_str!("feature-gates.txt");
const RESPONSE_COMPRESSION: &str = "APIResponseCompression";
/// All features that are as old as that one.
const ALL_BETA: &str = "AllBeta";

impl FeatureOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> Features {
        let mut gates = BTreeMap::new();
        for gate in self.feature_gates.iter().filter(|gate| !gate.is_empty()) {
            if let Some((name, value)) = checks.pair("feature-gates", gate.trim()) {
                // Some features are several components', and theirs is the one that counts here.
                let name = match name.split_once(':') {
                    None | Some(("kube", _)) => name.trim_start_matches("kube:").to_owned(),
                    Some((component, _)) => {
                        checks.error(format!("--feature-gates: component not registered: `{component}`"));
                        continue;
                    }
                };
                if KNOWN.lines().any(|known| known == name) {
                    gates.insert(name, checks.flag("feature-gates", value.trim()));
                } else {
                    checks.error(format!("--feature-gates: unrecognized feature gate: `{name}`"));
                }
            }
        }
        let response_compression = gates.remove(RESPONSE_COMPRESSION).or(gates.remove(ALL_BETA)).unwrap_or(true);
        if !gates.is_empty() {
            let names: Vec<String> = gates.into_keys().collect();
            checks.warn(format!("--feature-gates has no effect on {}", names.join(", ")));
        }
        Features { response_compression }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(gates: &[&str]) -> (bool, Vec<String>, Vec<String>) {
        let mut checks = Checks::default();
        let options = FeatureOptions { feature_gates: gates.iter().map(|gate| (*gate).to_owned()).collect() };
        let features = options.complete(&mut checks);
        (features.response_compression, checks.warnings().to_vec(), checks.errors().to_vec())
    }

    #[test]
    fn answers_are_packed_unless_the_feature_is_switched_off() {
        for (gates, is_on) in [
            (&[][..], true),
            (&[""], true),
            (&["APIResponseCompression=true"], true),
            (&["APIResponseCompression=false"], false),
            (&["kube:APIResponseCompression=F"], false),
            (&["AllBeta=false"], false),
            (&["AllBeta=false", "APIResponseCompression=true"], true),
        ] {
            assert_eq!(complete(gates), (is_on, vec![], vec![]), "{gates:?}");
        }
    }

    #[test]
    fn what_has_no_effect_is_said_once_and_what_is_wrong_each_time() {
        let warning = "--feature-gates has no effect on AllAlpha, WatchList";
        assert_eq!(complete(&["WatchList=false", "AllAlpha=true"]).1, [warning]);
        let expected = [
            "--feature-gates must have the form `NAME=VALUE`: `WatchList`",
            "--feature-gates must be `true` or `false`: `maybe`",
        ];
        assert_eq!(complete(&["WatchList", "AllAlpha=maybe"]).2, expected);
    }

    #[test]
    fn what_kube_apiserver_does_not_know_is_refused() {
        // Switched on for ever, on, and off there.
        for known in ["APIServerTracing", "kube:WatchList", "CBORServingAndStorage"] {
            assert_eq!(complete(&[&format!("{known}=true")]).2, Vec::<String>::new(), "{known}");
        }
        let unknown = "--feature-gates: unrecognized feature gate: `WatchLists`";
        for gates in [&["WatchLists=true"][..], &["WatchList=true", "kube:WatchLists=false"]] {
            assert_eq!(complete(gates).2, [unknown], "{gates:?}");
        }
        assert_eq!(complete(&["=true", "scheduler:WatchList=true"]).2.len(), 2);
        assert!(complete(&["scheduler:WatchList=true"]).2[0].ends_with("component not registered: `scheduler`"));
    }
}
