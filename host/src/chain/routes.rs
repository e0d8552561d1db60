//! The routes of one link, as a value: which of them a request matches.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use host_server::RequestInfo;
use http::Uri;

use super::Registrations;
use super::plain::{PlainRead, PlainReads};
use crate::bindings::host::chain::registration::{Contents, Pattern, Route};

/// A route that matched, with what the link said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    pub tag: Arc<str>,
    pub revision: u64,
    /// How the host answers plain reads by itself, if it may.
    pub read: Option<Arc<PlainRead>>,
    /// Whether `immediate` is asked before `handle`.
    pub immediate: bool,
}

/// An immutable table; a change makes a new one.
#[derive(Debug, Default)]
pub struct Routes {
    exact: HashMap<String, Matched>,
    exact_lengths: Lengths,
    /// By the resource's name, which few have in common.
    resources: HashMap<String, Vec<OfVersion>>,
    prefixes: BTreeMap<String, Matched>,
    prefix_lengths: Lengths,
}

#[derive(Debug)]
struct OfVersion {
    group: String,
    version: String,
    matched: Matched,
}

/// The lengths that some texts have. Each request is looked up in the tables of several links, most of which
/// have nothing as long as what it asks for.
#[derive(Debug, Default, Clone, Copy)]
struct Lengths(u128);

impl Lengths {
    fn add(&mut self, text: &str) {
        self.0 |= Self::bit(text);
    }

    fn may_be(self, text: &str) -> bool {
        self.0 & Self::bit(text) != 0
    }

    /// All that is longer is alike.
    fn bit(text: &str) -> u128 {
        1 << text.len().min(127)
    }
}

/// What routes are matched against.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub path: &'a str,
    /// Group, version and resource, where the path names one.
    pub resource: Option<(&'a str, &'a str, &'a str)>,
}

impl<'a> Target<'a> {
    pub fn of(info: &'a RequestInfo) -> Self {
        let resource = (info.is_resource_request() && !info.resource().is_empty())
            .then(|| (info.api_group(), info.api_version(), info.resource()));
        Self { path: info.path(), resource }
    }

    /// With the path as it came, by which routes are matched.
    pub fn of_message(uri: &'a Uri, info: &'a RequestInfo) -> Self {
        Self { path: uri.path(), ..Self::of(info) }
    }
}

impl Routes {
    /// The table of all sets of a link, some of whose requests are answered as `init` registered.
    /// Where two sets have the same pattern the later name wins, so that the result does not
    /// depend on the order of registration.
    pub fn new(sets: &BTreeMap<String, Arc<Contents>>, Registrations { reads, immediate, .. }: &Registrations) -> Self {
        // A link reads what it claims, and hooks may change that.
        let claims = sets.values().flat_map(|contents| &contents.claims).filter(|claim| claim.decode.is_none());
        let reads = reads.below(&claims.map(|claim| &*claim.prefix).collect());
        let mut routes = Self::default();
        for route in sets.values().flat_map(|contents| &contents.routes) {
            routes.add(route, &reads, immediate.contains(&route.tag));
        }
        routes
    }

    /// Exact before resource before the longest prefix.
    pub fn find(&self, target: Target<'_>) -> Option<&Matched> {
        self.find_exact(target.path).or_else(|| self.find_resource(target)).or_else(|| self.find_prefix(target.path))
    }

    pub fn len(&self) -> usize {
        self.exact.len() + self.resources.values().map(Vec::len).sum::<usize>() + self.prefixes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The paths to show at `/`: exact and prefix routes.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.exact.keys().chain(self.prefixes.keys()).map(String::as_str)
    }

    fn add(&mut self, route: &Route, reads: &PlainReads, immediate: bool) {
        let tag = route.tag.as_str().into();
        let mut matched = Matched { tag, revision: route.revision, read: None, immediate };
        match &route.pattern {
            Pattern::Exact(path) => {
                self.exact_lengths.add(path);
                self.exact.insert(path.clone(), matched);
            }
            Pattern::Prefix(path) => {
                let path = path.trim_end_matches('/');
                self.prefix_lengths.add(path);
                self.prefixes.insert(path.to_string(), matched);
            }
            Pattern::Resource(key) => {
                let key = (key.group.clone(), key.version.clone(), key.resource.clone());
                matched.read = reads.of(&key).cloned();
                let (group, version, resource) = key;
                let named = self.resources.entry(resource).or_default();
                named.retain(|other| other.group != group || other.version != version);
                named.push(OfVersion { group, version, matched });
            }
        }
    }

    fn find_exact(&self, path: &str) -> Option<&Matched> {
        self.exact_lengths.may_be(path).then(|| self.exact.get(path)).flatten()
    }

    fn find_resource(&self, target: Target<'_>) -> Option<&Matched> {
        // What a path says is the same behind two slashes, but nothing is served there.
        let (group, version, resource) = target.resource.filter(|_| !target.path.starts_with("//"))?;
        let mut named = self.resources.get(resource)?.iter();
        named.find(|other| other.group == group && other.version == version).map(|found| &found.matched)
    }

    fn find_prefix(&self, path: &str) -> Option<&Matched> {
        let mut rest = path.trim_end_matches('/');
        loop {
            if self.prefix_lengths.may_be(rest)
                && let Some(matched) = self.prefixes.get(rest)
            {
                return Some(matched);
            }
            rest = &rest[..rest.bytes().rposition(|byte| byte == b'/')?];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::host::chain::registration::GroupVersionResource;
    use crate::limits::Limits;

    fn table(patterns: Vec<Pattern>) -> Routes {
        let routes = patterns
            .into_iter()
            .enumerate()
            .map(|(index, pattern)| Route { pattern, tag: index.to_string(), revision: 0 })
            .collect();
        Routes::new(
            &BTreeMap::from([("all".to_string(), Arc::new(Contents { routes, claims: vec![] }))]),
            &Registrations::default(),
        )
    }

    #[test]
    fn exact_beats_resource_beats_the_longest_prefix() {
        let pods = GroupVersionResource { group: String::new(), version: "v1".into(), resource: "pods".into() };
        let routes = table(vec![
            Pattern::Prefix("/api".into()),
            Pattern::Prefix("/api/v1".into()),
            Pattern::Resource(pods),
            Pattern::Exact("/api/v1/pods".into()),
            Pattern::Prefix("/".into()),
        ]);
        let cases = [
            ("/api/v1/pods", Some(("", "v1", "pods")), Some("3")),
            ("/api/v1/namespaces/a/pods", Some(("", "v1", "pods")), Some("2")),
            ("/api/v1/nonsense", Some(("", "v1", "nonsense")), Some("1")),
            ("/api/v1/", None, Some("1")),
            ("/api", None, Some("0")),
            ("/apis", None, Some("4")),
            ("/", None, Some("4")),
            ("/apis/example.com/v1/pods", Some(("example.com", "v1", "pods")), Some("4")),
            ("/api/v2/pods", Some(("", "v2", "pods")), Some("0")),
            ("//api/v1/pods", Some(("", "v1", "pods")), Some("4")),
        ];
        for (path, resource, expected) in cases {
            let found = routes.find(Target { path, resource }).map(|matched| matched.tag.to_string());
            assert_eq!(found.as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn the_later_of_two_sets_has_what_both_ask_for_and_long_paths_are_found() {
        let pods = || GroupVersionResource { group: String::new(), version: "v1".into(), resource: "pods".into() };
        let long = format!("/{}", "x".repeat(300));
        let routes = table(vec![
            Pattern::Resource(pods()),
            Pattern::Resource(pods()),
            Pattern::Exact(long.clone()),
            Pattern::Prefix(format!("{long}x")),
        ]);
        assert_eq!(routes.len(), 3);
        for (path, resource, expected) in [
            ("/api/v1/pods", Some(("", "v1", "pods")), Some("1")),
            (&*long, None, Some("2")),
            (&format!("{long}x/y"), None, Some("3")),
            (&format!("{long}y"), None, None),
        ] {
            let found = routes.find(Target { path, resource }).map(|matched| matched.tag.to_string());
            assert_eq!(found.as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn a_request_is_matched_by_its_resource_or_its_path() {
        for (path, resource) in [
            ("/api/v1/namespaces/a/secrets/b", Some(("", "v1", "secrets"))),
            ("/api/v1/namespaces/a/serviceaccounts/b/token", Some(("", "v1", "serviceaccounts"))),
            ("/apis/apps/v1/deployments", Some(("apps", "v1", "deployments"))),
            ("/apis/apps/v1", None),
            ("/hello", None),
        ] {
            let info = RequestInfo::new(&http::Method::POST, &http::Uri::from_static(path)).expect("it can be");
            let target = Target::of(&info);
            assert_eq!((target.path, target.resource), (path, resource));
        }
    }

    #[test]
    fn a_tag_says_which_requests_are_answered_immediately() {
        let route = |path: &str, tag: &str| Route {
            pattern: Pattern::Exact(path.to_string()),
            tag: tag.to_string(),
            revision: 0,
        };
        let contents = Contents { routes: vec![route("/a", "quick"), route("/b", "")], claims: vec![] };
        let sets = BTreeMap::from([("all".to_string(), Arc::new(contents))]);
        let mut registrations = Registrations::default();
        registrations.add_immediate(&Limits::default(), vec!["quick".to_string()]).expect("it is valid");
        let routes = Routes::new(&sets, &registrations);
        let immediate = |path| routes.find(Target { path, resource: None }).map(|route| route.immediate);
        assert_eq!(["/a", "/b", "/c"].map(immediate), [Some(true), Some(false), None]);
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        let routes = table(vec![Pattern::Prefix("/apis/example.com".into())]);
        for (path, expected) in [
            ("/apis/example.com", true),
            ("/apis/example.com/v1", true),
            ("/apis/example.community", false),
            ("/apis", false),
        ] {
            assert_eq!(routes.find(Target { path, resource: None }).is_some(), expected, "{path}");
        }
    }
}
