//! `--feature-gates`: what kube-apiserver switches on and off by name.

use std::collections::BTreeMap;

use clap::Args;

use super::check::Checks;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Features")]
pub struct FeatureOptions {
    /// Features by their names in kube-apiserver: APIResponseCompression=false packs no answer; others have no effect
    #[arg(long, value_name = "NAME=BOOL,...", value_delimiter = ',')]
    pub feature_gates: Vec<String>,
}

/// What [`FeatureOptions`] say, checked.
#[derive(Debug, Clone)]
pub struct Features {
    /// Large answers are packed for clients that take them so.
    pub response_compression: bool,
}

const RESPONSE_COMPRESSION: &str = "APIResponseCompression";
/// All features that are as old as that one.
const ALL_BETA: &str = "AllBeta";

impl FeatureOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> Features {
        let mut gates = BTreeMap::new();
        for gate in self.feature_gates.iter().filter(|gate| !gate.is_empty()) {
            if let Some((name, value)) = checks.pair("feature-gates", gate.trim()) {
                // Some features are several components', and theirs is the one that counts here.
                let name = name.trim_start_matches("kube:").to_owned();
                gates.insert(name, checks.flag("feature-gates", value.trim()));
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
}
