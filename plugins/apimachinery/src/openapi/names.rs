//! How operations and what they belong to are called.

/// `AppsV1` of `apis/apps/v1`, `Core` of `api`: what stands behind the verb of an operation's name.
pub(super) fn in_operations(group: &str, version: &str) -> String {
    format!("{}{}", identifier(short(group), true), identifier(version, true))
}

/// `rbacAuthorization_v1`: by it generators gather operations into one class.
pub(super) fn tag(group: &str, version: &str) -> String {
    format!("{}_{}", identifier(short(group), false), identifier(version, false))
}

/// `rbacAuthorization`, for what no version is named in.
pub(super) fn group_tag(group: &str) -> String {
    identifier(short(group), false)
}

fn short(group: &str) -> &str {
    if group.is_empty() { "core" } else { group.trim_end_matches(".k8s.io") }
}

/// The text with only letters, digits and `_` in it, and a capital behind whatever was left out.
pub(super) fn identifier(text: &str, mut capital: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (place, letter) in text.chars().enumerate() {
        if letter.is_alphabetic() || letter == '_' || (place != 0 && letter.is_numeric()) {
            match capital {
                true => out.extend(letter.to_uppercase()),
                false => out.push(letter),
            }
            capital = false;
        } else {
            capital = true;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_as_upstream_makes_them() {
        assert_eq!(in_operations("", "v1"), "CoreV1");
        assert_eq!(in_operations("rbac.authorization.k8s.io", "v1"), "RbacAuthorizationV1");
        assert_eq!(tag("rbac.authorization.k8s.io", "v1"), "rbacAuthorization_v1");
        assert_eq!(tag("hyphen-ated.k8s-like.example.io", "v1beta2"), "hyphenAtedK8sLikeExampleIo_v1beta2");
        assert_eq!(group_tag(""), "core");
        assert_eq!(identifier("iPv6Pool", true), "IPv6Pool");
    }
}
