//! Which requests are recorded, and how much of them: the file of `--audit-policy-file`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::authz::{Attributes, Target};
use crate::names::is_subdomain;

/// How much of a request is recorded. Each level has what those before it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Level {
    None,
    /// Who asked for what, and how it ended.
    Metadata,
    /// The request's object.
    Request,
    /// The answer's too.
    RequestResponse,
}

/// When an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    RequestReceived,
    /// The head of an answer that goes on, as a watch's.
    ResponseStarted,
    ResponseComplete,
    Panic,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyError {
    #[error("{0}")]
    Unreadable(#[from] std::io::Error),
    #[error("{0}")]
    Yaml(#[from] serde_saphyr::Error),
    #[error("it must be a `Policy` of `audit.k8s.io/v1`, not a `{kind}` of `{api_version}`")]
    Kind { kind: String, api_version: String },
    #[error("{0}")]
    Invalid(String),
}

/// `Policy` of audit.k8s.io/v1.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Policy {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    omit_stages: Vec<Stage>,
    #[serde(default)]
    omit_managed_fields: bool,
    #[serde(flatten)]
    unknown: Unknown,
}

/// Fields that the format does not have: most likely misspelt.
type Unknown = BTreeMap<String, IgnoredAny>;

/// A request matches if it matches all fields that say something.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    level: Level,
    #[serde(default)]
    users: Vec<String>,
    #[serde(default)]
    user_groups: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    resources: Vec<GroupResources>,
    #[serde(default)]
    namespaces: Vec<String>,
    #[serde(default, rename = "nonResourceURLs")]
    paths: Vec<String>,
    #[serde(default)]
    omit_stages: Vec<Stage>,
    omit_managed_fields: Option<bool>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupResources {
    #[serde(default)]
    group: String,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    resource_names: Vec<String>,
    #[serde(flatten)]
    unknown: Unknown,
}

/// What the policy says of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rulings {
    pub(crate) level: Level,
    omitted: [bool; 4],
    pub(crate) omit_managed_fields: bool,
}

impl Policy {
    pub(crate) fn read(path: &Path) -> Result<Self, PolicyError> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    pub(crate) fn parse(text: &str) -> Result<Self, PolicyError> {
        let policy: Self = serde_saphyr::from_str(text)?;
        if (policy.api_version.as_str(), policy.kind.as_str()) != ("audit.k8s.io/v1", "Policy") {
            return Err(PolicyError::Kind { kind: policy.kind, api_version: policy.api_version });
        }
        if policy.rules.is_empty() {
            return Err(PolicyError::Invalid("it has no rules".to_owned()));
        }
        for (index, rule) in policy.rules.iter().enumerate() {
            rule.validate().map_err(|reason| PolicyError::Invalid(format!("rules[{index}].{reason}")))?;
        }
        Ok(policy)
    }

    /// Fields that have no effect, because there are none of that name.
    pub(crate) fn unknown_fields(&self) -> Vec<String> {
        let mut fields: Vec<String> = self.unknown.keys().filter(|name| *name != "metadata").cloned().collect();
        for (index, rule) in self.rules.iter().enumerate() {
            fields.extend(rule.unknown.keys().map(|name| format!("rules[{index}].{name}")));
            for resources in &rule.resources {
                fields.extend(resources.unknown.keys().map(|name| format!("rules[{index}].resources.{name}")));
            }
        }
        fields
    }

    /// By the first rule that matches.
    pub(crate) fn rule(&self, attributes: &Attributes<'_>) -> Rulings {
        let rule = self.rules.iter().find(|rule| rule.matches(attributes));
        let omits =
            |stage| self.omit_stages.contains(&stage) || rule.is_some_and(|rule| rule.omit_stages.contains(&stage));
        Rulings {
            level: rule.map_or(Level::None, |rule| rule.level),
            omitted: [Stage::RequestReceived, Stage::ResponseStarted, Stage::ResponseComplete, Stage::Panic].map(omits),
            omit_managed_fields: rule.and_then(|rule| rule.omit_managed_fields).unwrap_or(self.omit_managed_fields),
        }
    }
}

impl Rulings {
    pub(crate) fn wants(&self, stage: Stage) -> bool {
        self.level > Level::None && !self.omitted[stage as usize]
    }
}

impl Rule {
    fn validate(&self) -> Result<(), String> {
        let about_resources = !(self.resources.is_empty() && self.namespaces.is_empty());
        if about_resources && !self.paths.is_empty() {
            return Err("nonResourceURLs: a rule is either for resources or for other paths".to_owned());
        }
        for path in self.paths.iter().filter(|path| *path != "*") {
            if !path.starts_with('/') {
                return Err(format!("nonResourceURLs: `{path}` must begin with `/`"));
            }
            if path.trim_end_matches('*').contains('*') || path.ends_with("**") {
                return Err(format!("nonResourceURLs: `{path}` must have its `*` at the end"));
            }
        }
        for resources in &self.resources {
            let group = resources.group.as_str();
            if !(group.is_empty() || group == "*" || is_subdomain(group)) {
                return Err(format!("resources.group: `{group}` must be the name of a group, without a version"));
            }
            if !resources.resource_names.is_empty() && resources.resources.is_empty() {
                return Err("resources.resourceNames: names need at least one resource".to_owned());
            }
        }
        Ok(())
    }

    fn matches(&self, attributes: &Attributes<'_>) -> bool {
        let user = attributes.user;
        let has = |list: &[String], text: &str| list.is_empty() || list.iter().any(|other| other == text);
        if !has(&self.users, &user.name)
            || !(self.user_groups.is_empty() || self.user_groups.iter().any(|group| user.is_in(group)))
            || !has(&self.verbs, attributes.verb)
        {
            return false;
        }
        match attributes.target {
            Target::Resource(target) => {
                let about_paths = !self.paths.is_empty();
                !about_paths
                    && has(&self.namespaces, target.namespace)
                    && (self.resources.is_empty()
                        || self.resources.iter().any(|resources| {
                            resources.matches(target.group, target.resource, target.subresource, target.name)
                        }))
            }
            Target::Path(path) => {
                let about_resources = !(self.namespaces.is_empty() && self.resources.is_empty());
                !about_resources && (self.paths.is_empty() || self.paths.iter().any(|spec| path_matches(spec, path)))
            }
        }
    }
}

impl GroupResources {
    fn matches(&self, group: &str, resource: &str, subresource: &str, name: &str) -> bool {
        if self.group != group && self.group != "*" {
            return false;
        }
        if self.resources.is_empty() {
            return true;
        }
        if !self.resource_names.is_empty() && !self.resource_names.iter().any(|other| other == name) {
            return false;
        }
        self.resources.iter().any(|spec| match spec.split_once('/') {
            None => spec == "*" || (subresource.is_empty() && spec == resource),
            Some(("*", wanted)) => !subresource.is_empty() && wanted == subresource,
            // Of the resource itself too, as upstream.
            Some((wanted, "*")) => wanted == resource,
            Some((wanted, below)) => wanted == resource && below == subresource,
        })
    }
}

fn path_matches(spec: &str, path: &str) -> bool {
    match spec.strip_suffix('*') {
        Some(beginning) => path.starts_with(beginning),
        None => spec == path,
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, Uri};

    use super::*;
    use crate::authn::User;
    use crate::request::RequestInfo;

    fn policy(rules: &str) -> Result<Policy, PolicyError> {
        Policy::parse(&format!("apiVersion: audit.k8s.io/v1\nkind: Policy\n{rules}"))
    }

    #[test]
    fn the_first_rule_that_matches_counts() {
        use Level::{Metadata, None, Request, RequestResponse};
        // A rule, method and path, and whether eve's request matches.
        let cases = [
            ("{}", "GET", "/api/v1/pods", true),
            ("{users: [eve]}", "GET", "/api", true),
            ("{users: [bob]}", "GET", "/api", false),
            ("{userGroups: [nobody, staff]}", "GET", "/api", true),
            ("{userGroups: [nobody]}", "GET", "/api", false),
            ("{verbs: [get, watch]}", "GET", "/api/v1/pods?watch=1", true),
            ("{verbs: [get]}", "GET", "/api/v1/pods", false),
            ("{namespaces: [kube-system]}", "GET", "/api/v1/namespaces/kube-system/pods", true),
            ("{namespaces: [kube-system]}", "GET", "/api/v1/pods", false),
            ("{namespaces: ['']}", "GET", "/api/v1/nodes", true),
            ("{namespaces: ['']}", "GET", "/api", false),
            ("{resources: [{resources: [pods]}]}", "GET", "/api/v1/pods", true),
            ("{resources: [{resources: [pods]}]}", "GET", "/apis/apps/v1/pods", false),
            ("{resources: [{group: '*', resources: [pods]}]}", "GET", "/apis/apps/v1/pods", true),
            ("{resources: [{group: apps}]}", "GET", "/apis/apps/v1/anything/x/scale", true),
            ("{resources: [{resources: [pods]}]}", "GET", "/api/v1/namespaces/a/pods/b/log", false),
            ("{resources: [{resources: [pods/log]}]}", "GET", "/api/v1/namespaces/a/pods/b/log", true),
            ("{resources: [{resources: ['pods/*']}]}", "GET", "/api/v1/namespaces/a/pods/b/log", true),
            ("{resources: [{resources: ['pods/*']}]}", "GET", "/api/v1/namespaces/a/pods/b", true),
            ("{resources: [{resources: ['*/log']}]}", "GET", "/api/v1/namespaces/a/pods/b/log", true),
            ("{resources: [{resources: ['*/log']}]}", "GET", "/api/v1/namespaces/a/pods/b", false),
            ("{resources: [{resources: ['*']}]}", "GET", "/api/v1/namespaces/a/pods/b/log", true),
            ("{resources: [{resources: [pods], resourceNames: [b]}]}", "GET", "/api/v1/namespaces/a/pods/b", true),
            ("{resources: [{resources: [pods], resourceNames: [c]}]}", "GET", "/api/v1/namespaces/a/pods/b", false),
            ("{nonResourceURLs: ['/healthz*', /version]}", "GET", "/healthz/ping", true),
            ("{nonResourceURLs: ['/healthz*', /version]}", "GET", "/version", true),
            ("{nonResourceURLs: [/version]}", "GET", "/version/", false),
            ("{nonResourceURLs: ['*']}", "GET", "/anything", true),
            ("{nonResourceURLs: ['*']}", "GET", "/api/v1/pods", false),
        ];
        let eve = User { name: "eve".into(), groups: vec!["staff".into()], ..User::default() };
        let level = |policy: &Policy, method: &str, uri: &str| {
            let info = RequestInfo::new(&method.parse::<Method>().unwrap(), &uri.parse::<Uri>().unwrap()).unwrap();
            policy.rule(&Attributes::new(&eve, &info)).level
        };
        for (rule, method, uri, matches) in cases {
            let rules = format!("rules:\n- {}", rule.replacen('{', "{level: Request, ", 1));
            let expected = if matches { Request } else { None };
            assert_eq!(level(&policy(&rules).unwrap(), method, uri), expected, "{rule} {uri}");
        }

        let several =
            "rules:\n- {level: None, users: [bob]}\n- {level: RequestResponse, verbs: [get]}\n- level: Metadata";
        let several = policy(several).unwrap();
        assert_eq!(level(&several, "GET", "/api"), RequestResponse);
        assert_eq!(level(&several, "POST", "/api"), Metadata);
    }

    #[test]
    fn stages_and_managed_fields_are_left_out_by_the_policy_or_the_rule() {
        let policy = policy(
            "omitStages: [RequestReceived]\nomitManagedFields: true\nrules:\n\
             - {level: Metadata, verbs: [get], omitStages: [Panic], omitManagedFields: false}\n- level: None",
        );
        let policy = policy.unwrap();
        let user = User::default();
        let ruling = |verb| policy.rule(&Attributes { user: &user, verb, target: Target::Path("/") });
        let stages = [Stage::RequestReceived, Stage::ResponseStarted, Stage::ResponseComplete, Stage::Panic];
        assert_eq!(stages.map(|stage| ruling("get").wants(stage)), [false, true, true, false]);
        assert_eq!(stages.map(|stage| ruling("put").wants(stage)), [false; 4]);
        assert_eq!((ruling("get").omit_managed_fields, ruling("put").omit_managed_fields), (false, true));
    }

    #[test]
    fn fields_that_have_no_effect_are_found() {
        let rules = "metadata: {name: x}\nrule: []\nrules: [{level: None, verb: [get], resources: [{names: [a]}]}]";
        assert_eq!(policy(rules).unwrap().unknown_fields(), ["rule", "rules[0].verb", "rules[0].resources.names"]);
    }

    #[test]
    fn a_wrong_policy_says_what_is_wrong() {
        let cases = [
            ("rules: []", "it has no rules"),
            (
                "rules: [{level: None, nonResourceURLs: ['*'], namespaces: [a]}]",
                "rules[0].nonResourceURLs: a rule is either for resources or for other paths",
            ),
            ("rules: [{level: None, nonResourceURLs: [api]}]", "rules[0].nonResourceURLs: `api` must begin with `/`"),
            (
                "rules: [{level: None}, {level: None, nonResourceURLs: ['/a*b']}]",
                "rules[1].nonResourceURLs: `/a*b` must have its `*` at the end",
            ),
            (
                "rules: [{level: None, resources: [{group: apps/v1}]}]",
                "rules[0].resources.group: `apps/v1` must be the name of a group, without a version",
            ),
            (
                "rules: [{level: None, resources: [{resourceNames: [a]}]}]",
                "rules[0].resources.resourceNames: names need at least one resource",
            ),
        ];
        for (rules, expected) in cases {
            assert_eq!(policy(rules).unwrap_err().to_string(), expected, "{rules}");
        }
        let error = Policy::parse("apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules: []").unwrap_err().to_string();
        assert_eq!(error, "it must be a `Policy` of `audit.k8s.io/v1`, not a `Policy` of `audit.k8s.io/v1beta1`");
        for unreadable in
            ["rules: [{level: Everything}]", "rules: [{}]", "rules: [{level: None, omitStages: [Never]}]", "- a"]
        {
            assert!(matches!(policy(unreadable), Err(PolicyError::Yaml(_))), "{unreadable}");
        }
    }
}
