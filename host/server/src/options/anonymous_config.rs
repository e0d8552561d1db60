//! The part of an `AuthenticationConfiguration` that is about requests without credentials.

use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::authn::Anonymous;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AuthenticationConfiguration {
    api_version: String,
    kind: String,
    #[serde(default)]
    jwt: Vec<IgnoredAny>,
    #[serde(default)]
    anonymous: Option<AnonymousConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnonymousConfig {
    enabled: bool,
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    path: String,
}

/// Nothing if the file does not say.
pub(super) fn read(path: &Path) -> Result<Option<Anonymous>, String> {
    parse(&std::fs::read_to_string(path).map_err(|error| error.to_string())?)
}

fn parse(text: &str) -> Result<Option<Anonymous>, String> {
    let config: AuthenticationConfiguration = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let is_known = matches!(
        config.api_version.as_str(),
        "apiserver.config.k8s.io/v1" | "apiserver.config.k8s.io/v1beta1" | "apiserver.config.k8s.io/v1alpha1"
    );
    if !is_known || config.kind != "AuthenticationConfiguration" {
        let (kind, version) = (config.kind, config.api_version);
        return Err(format!(
            "it must be an `AuthenticationConfiguration` of `apiserver.config.k8s.io/v1`, not a `{kind}` of `{version}`"
        ));
    }
    if !config.jwt.is_empty() {
        return Err("`jwt` has no effect here: tokens are checked by plugins that export `authenticator`".to_owned());
    }
    let Some(anonymous) = config.anonymous else { return Ok(None) };
    Ok(Some(match (anonymous.enabled, anonymous.conditions.is_empty()) {
        (false, true) => Anonymous::Nowhere,
        (true, true) => Anonymous::Everywhere,
        (true, false) => Anonymous::Paths(anonymous.conditions.into_iter().map(|condition| condition.path).collect()),
        (false, false) => return Err("`anonymous.conditions` need `anonymous.enabled: true`".to_owned()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anonymous_requests_are_for_some_paths_or_all_or_none() {
        let paths = || Anonymous::Paths(vec!["/livez".to_owned(), "/readyz".to_owned()]);
        let cases = [
            ("", Ok(None)),
            ("anonymous: {enabled: true}", Ok(Some(Anonymous::Everywhere))),
            ("anonymous: {enabled: false}", Ok(Some(Anonymous::Nowhere))),
            ("anonymous: {enabled: true, conditions: [{path: /livez}, {path: /readyz}]}", Ok(Some(paths()))),
            (
                "anonymous: {enabled: false, conditions: [{path: /livez}]}",
                Err("`anonymous.conditions` need `anonymous.enabled: true`"),
            ),
            (
                "jwt: [{issuer: {}}]",
                Err("`jwt` has no effect here: tokens are checked by plugins that export `authenticator`"),
            ),
        ];
        for (text, expected) in cases {
            let head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n";
            assert_eq!(parse(&format!("{head}{text}")), expected.map_err(str::to_owned), "{text}");
        }
        let error = parse("apiVersion: v1\nkind: Config\n").unwrap_err();
        assert!(error.ends_with("not a `Config` of `v1`"), "{error}");
        assert!(parse("apiVersion: v1\nkind: Config\nanonymos: {}").is_err());
    }
}
