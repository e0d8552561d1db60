//! Groups of the Kubernetes community: a definition in one names who approved it.

use apimachinery::validation::quoted;

use super::Crd;

pub(crate) const ANNOTATION: &str = "api-approved.kubernetes.io";
const SEE: &str = "see https://github.com/kubernetes/enhancements/pull/1111";

/// What the annotation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Approval {
    Missing,
    Invalid,
    Approved,
    /// Knowingly not.
    Bypassed,
}

/// Whether definitions in this group need an approval.
pub(crate) fn is_protected(group: &str) -> bool {
    ["k8s.io", "kubernetes.io"]
        .iter()
        .any(|domain| group.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

impl Approval {
    /// The state of a definition's approval, and the reason in upstream's words.
    pub(crate) fn of(crd: &Crd) -> (Self, String) {
        let text = crd.metadata.annotations.get(ANNOTATION).map_or("", String::as_str);
        let annotation = quoted(ANNOTATION);
        if text.is_empty() {
            return (Self::Missing, format!("protected groups must have approval annotation {annotation}, {SEE}"));
        }
        if text.starts_with("unapproved") {
            return (Self::Bypassed, format!("not approved: {}", quoted(text)));
        }
        if is_url(text) {
            return (Self::Approved, format!("approved in {text}"));
        }
        let why = format!(
            "protected groups must have approval annotation {annotation} with either a URL or a reason starting with \
             \"unapproved\", {SEE}"
        );
        (Self::Invalid, why)
    }
}

/// A scheme and a host.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    scheme.starts_with(|char: char| char.is_ascii_alphabetic())
        && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
        && !host.is_empty()
        && !text.contains(|char: char| char.is_control() || char == ' ')
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn community_groups_are_protected() {
        for (group, expected) in [
            ("k8s.io", true),
            ("a.k8s.io", true),
            ("x.kubernetes.io", true),
            ("ak8s.io", false),
            ("example.com", false),
        ] {
            assert_eq!(is_protected(group), expected, "{group}");
        }
    }

    #[test]
    fn the_annotation_says_who_approved() {
        for (text, expected) in [
            ("", Approval::Missing),
            ("unapproved, for a test", Approval::Bypassed),
            ("https://github.com/kubernetes/kubernetes/pull/1", Approval::Approved),
            ("yes", Approval::Invalid),
            ("https://", Approval::Invalid),
        ] {
            let crd = Crd::of(&json!({"metadata": {"annotations": {ANNOTATION: text}}}));
            assert_eq!(Approval::of(&crd).0, expected, "{text}");
        }
    }
}
