//! Priorities: kube-aggregator orders groups and versions by those of their APIServices, and
//! registers the ones of this table for what is built in. Without an aggregator in front the
//! same table gives the same order.

use std::cmp::Ordering;

/// `groupPriorityMinimum` and `versionPriority` of a group version's APIService.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Priority {
    pub group: i64,
    pub version: i64,
}

/// Group, version, priority of the group, priority of the version.
const BUILTIN: &[(&str, &str, i64, i64)] = &[
    ("", "v1", 18000, 1),
    ("apps", "v1", 17800, 15),
    ("events.k8s.io", "v1", 17750, 15),
    ("authentication.k8s.io", "v1", 17700, 15),
    ("authorization.k8s.io", "v1", 17600, 15),
    ("autoscaling", "v2", 17500, 30),
    ("autoscaling", "v1", 17500, 15),
    ("batch", "v1", 17400, 15),
    ("certificates.k8s.io", "v1", 17300, 15),
    ("networking.k8s.io", "v1", 17200, 15),
    ("policy", "v1", 17100, 15),
    ("rbac.authorization.k8s.io", "v1", 17000, 15),
    ("storage.k8s.io", "v1", 16800, 15),
    ("admissionregistration.k8s.io", "v1", 16700, 15),
    ("apiextensions.k8s.io", "v1", 16700, 15),
    ("scheduling.k8s.io", "v1", 16600, 15),
    ("coordination.k8s.io", "v1", 16500, 15),
    ("node.k8s.io", "v1", 16300, 15),
    ("discovery.k8s.io", "v1", 16200, 15),
    ("resource.k8s.io", "v1", 16200, 21),
    ("flowcontrol.apiserver.k8s.io", "v1", 16100, 21),
];

/// The aggregator's own group: no APIService stands for it, and it comes first.
const AGGREGATOR: (&str, i64) = ("apiregistration.k8s.io", 20001);

/// What upstream gives to the groups of custom resources.
pub const CUSTOM: Priority = Priority { group: 1000, version: 100 };

/// The priority of a built-in group version; nothing for one that is not built in.
pub fn builtin(group: &str, version: &str) -> Option<Priority> {
    let row = BUILTIN.iter().find(|row| row.0 == group && row.1 == version)?;
    Some(Priority { group: row.2, version: row.3 })
}

/// The priority that a group has without an APIService of its own.
pub fn group(name: &str) -> i64 {
    if name == AGGREGATOR.0 {
        return AGGREGATOR.1;
    }
    BUILTIN.iter().find(|row| row.0 == name).map_or(CUSTOM.group, |row| row.2)
}

/// Orders versions as Kubernetes does, the best first: `v10`, `v2`, `v1`, `v1beta2`,
/// `v1beta1`, `v1alpha1`, then everything else by its letters.
pub fn versions(a: &str, b: &str) -> Ordering {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => b.cmp(&a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stability {
    Alpha,
    Beta,
    General,
}

/// `v<major>[alpha<minor>|beta<minor>]`, numbers without leading zeros.
fn parse(version: &str) -> Option<(Stability, u64, u64)> {
    let rest = version.strip_prefix('v')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (major, rest) = rest.split_at(digits);
    let (stability, minor) = match rest {
        "" => (Stability::General, 0),
        _ => match (rest.strip_prefix("alpha"), rest.strip_prefix("beta")) {
            (Some(minor), _) => (Stability::Alpha, number(minor)?),
            (_, Some(minor)) => (Stability::Beta, number(minor)?),
            _ => return None,
        },
    };
    Some((stability, number(major)?, minor))
}

fn number(text: &str) -> Option<u64> {
    if text.starts_with('0') || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_kubernetes_does() {
        let sorted = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"];
        let mut shuffled = sorted;
        shuffled.reverse();
        shuffled.sort_by(|a, b| versions(a, b));
        assert_eq!(shuffled, sorted);
    }

    #[test]
    fn what_is_no_kubernetes_version_comes_last() {
        for odd in ["", "v", "1", "v01", "v1beta", "v1beta01", "v1gamma1", "V1"] {
            assert_eq!(versions(odd, "v1alpha1"), Ordering::Greater, "{odd}");
        }
    }

    #[test]
    fn the_aggregator_comes_first_and_custom_groups_last() {
        assert!(group("apiregistration.k8s.io") > group(""));
        assert!(group("flowcontrol.apiserver.k8s.io") > group("example.com"));
    }
}
