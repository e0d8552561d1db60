//! What is valid, and odd all the same: the texts that clients show their users. What many
//! types share is here, what pods and their templates may have in `pods`; the rest is beside
//! each type's validation.

mod paths;
mod pods;

use apimachinery::codec::quantity::{self, Quantity};
use apimachinery::validation::names;
use apimachinery::validation::network::{Address, Range};
use apimachinery::validation::place::Place;

pub(crate) use pods::{changed_template, of_pod, of_template};

pub(crate) type Warnings = Vec<String>;

/// What is to be used in place of labels that nodes no longer have.
const OLD_NODE_LABELS: [(&str, &str); 8] = [
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    ("failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"),
    ("beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"),
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    ("scheduler.alpha.kubernetes.io/preferAvoidPods", "deprecated since v1.22; use Taints and Tolerations instead"),
    ("node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"),
];

/// Of a label that nodes no longer have.
pub(crate) fn old_node_label(label: &str) -> Option<&'static str> {
    OLD_NODE_LABELS.iter().find(|(old, _)| *old == label).map(|(_, instead)| *instead)
}

/// A term that selects nodes. One that is a wish may have values that no label can have.
pub(crate) fn node_selector_term(term: &Place<'_, '_>, is_wish: bool, out: &mut Warnings) {
    for expression in term.at("matchExpressions").items() {
        let key = expression.at("key");
        if let Some(instead) = old_node_label(key.text()) {
            out.push(format!("{}: {} is {instead}", key.path(), key.text()));
        }
        for value in expression.at("values").items().filter(|_| is_wish) {
            for why in names::label_value(value.text()) {
                out.push(format!("{}: {} is invalid, {why}", value.path(), value.text()));
            }
        }
    }
}

/// A name that becomes part of the names of pods.
pub(crate) fn name_of_hosts(object: &Place<'_, '_>, used: &str, out: &mut Warnings) {
    let wrong = names::dns1123_label(object.at("metadata.name").text());
    if !wrong.is_empty() {
        out.push(format!(
            "metadata.name: this is used in {used}, which can result in surprising behavior; a DNS label is \
             recommended: [{}]",
            wrong.join(" ")
        ));
    }
}

/// An amount of bytes that is no whole number.
pub(crate) fn fraction(amount: &Place<'_, '_>, out: &mut Warnings) {
    let found = Quantity::parse(amount.text()).ok();
    if found.is_some_and(|found| !found.is_whole()) {
        let shown = quantity::canonical(amount.text()).unwrap_or_default();
        out.push(format!("{}: fractional byte value \"{shown}\" is invalid, must be an integer", amount.path()));
    }
}

/// What a claim on storage asks for.
pub(crate) fn claim(spec: &Place<'_, '_>, out: &mut Warnings) {
    fraction(&spec.at("resources.requests").entry("storage"), out);
    fraction(&spec.at("resources.limits").entry("storage"), out);
}

/// An address that is not written in its one canonical form.
pub(crate) fn address(place: &Place<'_, '_>, out: &mut Warnings) {
    let (path, text) = (place.path(), place.text());
    let Some(address) = Address::parse(text) else { return };
    if address.is_odd() {
        let canonical = address.canonical();
        out.push(format!("{path}: non-standard IP address \"{text}\" is invalid: use \"{canonical}\""));
    } else if address.canonical() != text {
        let canonical = address.canonical();
        out.push(format!("{path}: IPv6 address \"{text}\" should be in RFC 5952 canonical format (\"{canonical}\")"));
    }
}

/// A range that is not written in its one canonical form.
pub(crate) fn range(place: &Place<'_, '_>, out: &mut Warnings) {
    let (path, text) = (place.path(), place.text());
    let Some(range) = Range::parse(text) else { return };
    let canonical = range.canonical();
    if range.first() != range.ip {
        let one = format!("{}/{}", range.ip.to_canonical(), if range.ip.is_ipv4() { 32 } else { 128 });
        out.push(format!(
            "{path}: CIDR value \"{text}\" is ambiguous in this context (should be \"{canonical}\" or \"{one}\"?)"
        ));
    }
    if range.is_odd() {
        out.push(format!("{path}: non-standard CIDR value \"{text}\" is invalid: use \"{canonical}\""));
    } else if range.first() == range.ip && canonical != text && range.ip.is_ipv6() {
        out.push(format!(
            "{path}: IPv6 CIDR value \"{text}\" should be in RFC 5952 canonical format (\"{canonical}\")"
        ));
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::{Value, json};

    use super::*;

    #[track_caller]
    fn says(rule: fn(&Place<'_, '_>, &mut Warnings), text: &str, want: &[&str]) {
        let (value, mut out): (Value, _) = (json!({"f": text}), Vec::new());
        rule(&Place::root(&value).at("f"), &mut out);
        assert_eq!(out, want);
    }

    #[test]
    fn addresses_have_one_form() {
        says(address, "10.0.0.1", &[]);
        says(address, "2001:db8::1", &[]);
        says(address, "010.0.0.1", &["f: non-standard IP address \"010.0.0.1\" is invalid: use \"10.0.0.1\""]);
        says(
            address,
            "2001:DB8:0::1",
            &["f: IPv6 address \"2001:DB8:0::1\" should be in RFC 5952 canonical format (\"2001:db8::1\")"],
        );
        says(range, "10.0.0.0/8", &[]);
        says(
            range,
            "10.0.0.1/8",
            &[
                "f: CIDR value \"10.0.0.1/8\" is ambiguous in this context (should be \"10.0.0.0/8\" or \"10.0.0.1/32\"?)",
            ],
        );
    }

    #[test]
    fn bytes_are_whole() {
        says(fraction, "1Gi", &[]);
        says(fraction, "100m", &["f: fractional byte value \"100m\" is invalid, must be an integer"]);
    }
}
