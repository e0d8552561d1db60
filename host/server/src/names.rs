//! What names have to look like.

/// A DNS subdomain: labels of lower-case letters, digits and `-`, with dots between them.
pub(crate) fn is_subdomain(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            let inside = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
            !label.is_empty() && label.bytes().all(inside) && !label.starts_with('-') && !label.ends_with('-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subdomains_are_labels_with_dots() {
        for good in ["a", "apps", "rbac.authorization.k8s.io", "0-1.b"] {
            assert!(is_subdomain(good), "{good}");
        }
        for bad in ["", ".", "a.", "-a", "a-.b", "A", "a_b", "a/b", &"x".repeat(254)] {
            assert!(!is_subdomain(bad), "{bad}");
        }
    }
}
