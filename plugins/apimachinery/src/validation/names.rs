//! What names may look like. Each check answers every reason why a name is wrong, in
//! upstream's words; nothing means that it is right.

const LABEL_1123: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

const LABEL_LENGTH_MAX: usize = 63;
const SUBDOMAIN_LENGTH_MAX: usize = 253;

/// A DNS label of RFC 1123: `my-name`, `123-abc`.
pub fn dns1123_label(name: &str) -> Vec<String> {
    let mut reasons = too_long(name, LABEL_LENGTH_MAX);
    if !is_label_1123(name) {
        if is_subdomain(name) {
            reasons.push("must not contain dots".into());
        } else {
            reasons.push(pattern(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', \
                 and must start and end with an alphanumeric character",
                LABEL_1123,
                &["my-name", "123-abc"],
            ));
        }
    }
    reasons
}

/// A DNS subdomain of RFC 1123: `example.com`. The shape of most objects' names.
pub fn dns1123_subdomain(name: &str) -> Vec<String> {
    let mut reasons = too_long(name, SUBDOMAIN_LENGTH_MAX);
    if !is_subdomain(name) {
        reasons.push(subdomain_pattern());
    }
    reasons
}

/// A subdomain whose labels may have underscores: domains that a resolver searches.
pub fn dns1123_subdomain_with_underscore(name: &str) -> Vec<String> {
    let mut reasons = too_long(name, SUBDOMAIN_LENGTH_MAX);
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let good = |label: &str| {
        let label = label.strip_prefix('_').unwrap_or(label);
        label.bytes().all(|byte| inner(byte) || matches!(byte, b'-' | b'_'))
            && label.bytes().next().is_some_and(inner)
            && label.bytes().next_back().is_some_and(inner)
    };
    if !name.split('.').all(good) {
        reasons.push(pattern(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and \
             must start and end with an alphanumeric character",
            "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*",
            &["example.com"],
        ));
    }
    reasons
}

/// A subdomain whose first label may be `*`: `*.example.com`.
pub fn wildcard_dns1123_subdomain(name: &str) -> Vec<String> {
    let mut reasons = too_long(name, SUBDOMAIN_LENGTH_MAX);
    if !name.strip_prefix("*.").is_some_and(is_subdomain) {
        reasons.push(pattern(
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must \
             consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
            &format!("\\*\\.{SUBDOMAIN}"),
            &["*.example.com"],
        ));
    }
    reasons
}

/// A DNS label of RFC 1035, which starts with a letter: services' names.
pub fn dns1035_label(name: &str) -> Vec<String> {
    let mut reasons = too_long(name, LABEL_LENGTH_MAX);
    if !(is_label_1123(name) && name.starts_with(|first: char| first.is_ascii_lowercase())) {
        reasons.push(pattern(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
             character, and end with an alphanumeric character",
            LABEL_1035,
            &["my-name", "abc-123"],
        ));
    }
    reasons
}

/// Anything that can be one segment of a path: RBAC's names.
pub fn path_segment(name: &str) -> Vec<String> {
    if name == "." || name == ".." {
        return vec![format!("may not be '{name}'")];
    }
    let forbidden = ["/", "%"].into_iter().filter(|part| name.contains(part));
    forbidden.map(|part| format!("may not contain '{part}'")).collect()
}

/// `[prefix/]name` as labels, annotations, finalizers and resources are named.
pub fn qualified_name(name: &str) -> Vec<String> {
    const NAME: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
    const NAME_LENGTH_MAX: usize = 63;
    let shape = || {
        pattern(
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
             character",
            NAME,
            &["MyName", "my.name", "123-abc"],
        )
    };

    let mut reasons = Vec::new();
    let parts: Vec<&str> = name.split('/').collect();
    let name = match parts.as_slice() {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                reasons.push("prefix part must be non-empty".into());
            } else {
                // Label keys count bytes where names count characters; the limit is the same.
                if prefix.len() > SUBDOMAIN_LENGTH_MAX {
                    reasons.push(format!("prefix part must be no more than {SUBDOMAIN_LENGTH_MAX} bytes"));
                }
                if !is_subdomain(prefix) {
                    reasons.push(format!("prefix part {}", subdomain_pattern()));
                }
            }
            name
        }
        _ => {
            return vec![format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                shape()
            )];
        }
    };
    if name.is_empty() {
        reasons.push("name part must be non-empty".into());
    } else if name.len() > NAME_LENGTH_MAX {
        reasons.push(format!("name part must be no more than {NAME_LENGTH_MAX} bytes"));
    }
    if name.is_empty() || !is_label_text(name) {
        reasons.push(format!("name part {}", shape()));
    }
    reasons
}

/// The value of a label.
pub fn label_value(value: &str) -> Vec<String> {
    const VALUE_LENGTH_MAX: usize = 63;
    let mut reasons = Vec::new();
    if value.len() > VALUE_LENGTH_MAX {
        reasons.push(format!("must be no more than {VALUE_LENGTH_MAX} bytes"));
    }
    if !is_label_text(value) {
        reasons.push(pattern(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must \
             start and end with an alphanumeric character",
            "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
            &["MyValue", "my_value", "12345"],
        ));
    }
    reasons
}

/// A key in a config map or secret, which becomes a file name.
pub fn config_key(key: &str) -> Vec<String> {
    let mut reasons = too_long(key, SUBDOMAIN_LENGTH_MAX);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if key.is_empty() || !key.bytes().all(allowed) {
        reasons.push(pattern(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            "[-._a-zA-Z0-9]+",
            &["key.name", "KEY_NAME", "key-name"],
        ));
    }
    reasons.extend(parent_directory(key));
    reasons
}

/// An environment variable's name, in the relaxed form that is the default since 1.34.
pub fn environment_variable(name: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    if name.is_empty() {
        reasons.push("environment variable name must be non-empty".to_string());
    }
    if name.chars().any(|character| !matches!(character, ' '..='~') || character == '=') {
        reasons.push(
            "a valid environment variable name must consist only of printable ASCII characters other than '='".into(),
        );
    }
    reasons
}

/// A port's name (RFC 6335, lower case only).
pub fn port_name(name: &str) -> Vec<String> {
    let mut reasons = too_long(name, 15);
    if name.is_empty() || !name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
        reasons.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".into());
    }
    if !name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        reasons.push("must contain at least one letter (a-z)".into());
    }
    if name.contains("--") {
        reasons.push("must not contain consecutive hyphens".into());
    }
    if name.starts_with('-') || name.ends_with('-') {
        reasons.push("must not begin or end with a hyphen".into());
    }
    reasons
}

/// The name of an HTTP header.
pub fn http_header(name: &str) -> Vec<String> {
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Vec::new();
    }
    let message = "a valid HTTP header must consist of alphanumeric characters or '-'";
    vec![pattern(message, "[-A-Za-z0-9]+", &["X-Header-Name"])]
}

/// A generated name's prefix as upstream validates it: a dash at the end is masked, since
/// the random part follows it.
pub fn mask_trailing_dash(prefix: &str) -> String {
    match prefix.strip_suffix('-') {
        // Upstream drops the character before the dash too.
        Some(rest) if !rest.is_empty() => {
            let kept = rest.char_indices().next_back().map_or(0, |(at, _)| at);
            format!("{}a", &rest[..kept])
        }
        _ => prefix.to_string(),
    }
}

fn is_label_1123(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label_1123)
}

/// Empty, or alphanumeric at both ends with `-`, `_` and `.` between.
fn is_label_text(text: &str) -> bool {
    let ends = |byte: u8| byte.is_ascii_alphanumeric();
    let inner = |byte: u8| ends(byte) || matches!(byte, b'-' | b'_' | b'.');
    match text.as_bytes() {
        [] => true,
        [only] => ends(*only),
        [first, middle @ .., last] => ends(*first) && ends(*last) && middle.iter().all(|byte| inner(*byte)),
    }
}

fn too_long(text: &str, length_max: usize) -> Vec<String> {
    if text.len() > length_max { vec![format!("must be no more than {length_max} characters")] } else { Vec::new() }
}

fn subdomain_pattern() -> String {
    pattern(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
         start and end with an alphanumeric character",
        SUBDOMAIN,
        &["example.com"],
    )
}

/// The sentence for something that does not match a pattern.
pub(crate) fn pattern(message: &str, expression: &str, examples: &[&str]) -> String {
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    if examples.is_empty() {
        return format!("{message} (regex used for validation is '{expression}')");
    }
    format!("{message} (e.g. {}regex used for validation is '{expression}')", examples.join(" or "))
}

fn parent_directory(name: &str) -> Option<String> {
    match name {
        "." => Some("must not be '.'".into()),
        ".." => Some("must not be '..'".into()),
        _ if name.starts_with("..") => Some("must not start with '..'".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: fn(&str) -> Vec<String>, good: &[&str], bad: &[&str]) {
        for name in good {
            assert_eq!(rule(name), Vec::<String>::new(), "`{name}`");
        }
        for name in bad {
            assert!(!rule(name).is_empty(), "`{name}`");
        }
    }

    #[test]
    fn dns_labels() {
        let long = "a".repeat(64);
        check(
            dns1123_label,
            &["a", "a1", "a--1", "0", "1-a", &long[..63]],
            &["", "A", "-", "a-", "-a", "a_b", "a.b", " a", &long],
        );
        check(dns1035_label, &["a", "a-1", &long[..63]], &["", "1a", "a-", "A", "a.b", &long]);
    }

    #[test]
    fn dns_subdomains() {
        let long = "a".repeat(254);
        check(
            dns1123_subdomain,
            &["a", "a.b", "1.2.3", "a-1.b", &long[..253]],
            &["", ".", "a.", "a..b", "A.b", "a_b", "a-.b", &long],
        );
        check(wildcard_dns1123_subdomain, &["*.a", "*.a.b"], &["*", "*.", "a.b", "*.*.a", "*a.b"]);
    }

    #[test]
    fn qualified_names_and_values() {
        let long = "a".repeat(64);
        check(
            qualified_name,
            &["simple", "A_b.c-1", "example.com/X", "1.2/3"],
            &["", "-a", "a-", "a b", "a/b/c", "/a", "a/", "Example.com/a", &long],
        );
        check(label_value, &["", "1", "a.b_c-D"], &["-a", "a-", "a b", "ä", &long]);
    }

    #[test]
    fn the_rest() {
        check(path_segment, &["", "system:node", "a b", "..a"], &[".", "..", "a/b", "a%b"]);
        check(config_key, &["a", "A_b.c-1", "..b.".trim_start_matches('.')], &["", ".", "..", "..a", "a/b", "a b"]);
        check(environment_variable, &["A", "a b", "1"], &["", "a=b", "ä", "\n"]);
        check(port_name, &["http", "a-1"], &["", "1", "a--b", "-a", "A", "a234567890123456"]);
        check(http_header, &["X-A"], &["", "X A", "X_A"]);
    }

    #[test]
    fn says_what_upstream_says() {
        assert_eq!(
            dns1123_subdomain("Not_Valid"),
            [
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
              start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
              '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            ]
        );
        assert_eq!(dns1123_label("a.b"), ["must not contain dots"]);
        assert_eq!(
            label_value("not ok!"),
            ["a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must \
              start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used \
              for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"]
        );
    }

    #[test]
    fn a_generated_name_may_end_in_a_dash() {
        for (prefix, masked) in [("gen-", "gea"), ("-", "-"), ("a-", "a"), ("x", "x")] {
            assert_eq!(mask_trailing_dash(prefix), masked);
        }
    }
}
