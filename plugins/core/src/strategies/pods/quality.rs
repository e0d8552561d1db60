//! The quality of service that a pod has by what its containers ask for and are limited to.

use std::collections::BTreeMap;

use apimachinery::codec::quantity::Quantity;
use apimachinery::tree::Value;

use crate::tree::items;

const COMPUTE: [&str; 2] = ["cpu", "memory"];

pub(crate) fn of(spec: &Value) -> &'static str {
    let mut requests: BTreeMap<&str, i128> = BTreeMap::new();
    let mut limits: BTreeMap<&str, i128> = BTreeMap::new();
    let mut guaranteed = true;
    let own = spec.get("resources").filter(|resources| !resources.is_null());
    let parts: Vec<&Value> = match own {
        Some(resources) => vec![resources],
        None => items(spec, "containers")
            .chain(items(spec, "initContainers"))
            .map(|container| &container["resources"])
            .collect(),
    };
    for resources in parts {
        add(&resources["requests"], &mut requests);
        guaranteed &= add(&resources["limits"], &mut limits) == COMPUTE.len();
    }
    if requests.is_empty() && limits.is_empty() {
        return "BestEffort";
    }
    guaranteed &=
        limits.len() == requests.len() && requests.iter().all(|(name, asked)| limits.get(name) == Some(asked));
    if guaranteed { "Guaranteed" } else { "Burstable" }
}

/// Adds up what is above zero; answers how many of the two resources were.
fn add(amounts: &Value, sums: &mut BTreeMap<&'static str, i128>) -> usize {
    let mut found = 0;
    for name in COMPUTE {
        let amount =
            amounts[name].as_str().and_then(|text| Quantity::parse(text).ok()).map_or(0, |amount| amount.nanos());
        if amount > 0 {
            *sums.entry(name).or_default() += amount;
            found += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use apimachinery::tree::json;

    #[test]
    fn quality_follows_requests_and_limits() {
        for (resources, quality) in [
            (json!({}), "BestEffort"),
            (json!({"requests": {"cpu": "1"}}), "Burstable"),
            (json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}), "Guaranteed"),
            (
                json!({"limits": {"cpu": "1000m", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1024Mi"}}),
                "Guaranteed",
            ),
            (json!({"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}), "Burstable"),
        ] {
            assert_eq!(of(&json!({"containers": [{"resources": resources}]})), quality, "{resources}");
        }
    }
}
