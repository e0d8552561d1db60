//! What a link registers: collected in `init`, checked against the bounds, then a value.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use host_store::HOST_KEYS;

use crate::bindings::host::chain::registration::{
    Claim, Contents, Endpoint, GroupVersionResource, HealthCheck, Hook, Pattern, PlainRead, RegistrationError as Error,
    Route,
};
use crate::limits::Limits;

use super::plain::PlainReads;

/// All that one generation of a link has registered.
#[derive(Debug, Default, Clone)]
pub struct Registrations {
    /// Routes and claims by the name of their set.
    pub sets: BTreeMap<String, Arc<Contents>>,
    /// What the host may answer by itself.
    pub reads: PlainReads,
    /// Tags of routes whose requests `immediate` may answer.
    pub immediate: BTreeSet<String>,
    pub checks: Vec<HealthCheck>,
    pub hooks: Vec<Hook>,
    /// Names announced with `expect-routes`.
    pub expected: Vec<String>,
}

impl Registrations {
    /// Sets or removes a named set.
    pub fn replace(&mut self, limits: &Limits, name: String, contents: Contents) -> Result<(), Error> {
        check(limits, &contents)?;
        bounded("tag_bytes_max", name.len(), limits.tag_bytes_max)?;
        if contents.routes.is_empty() && contents.claims.is_empty() {
            self.sets.remove(&name);
            return Ok(());
        }
        let others = self.sets.iter().filter(|(other, _)| **other != name).map(|(_, contents)| contents);
        let (routes, claims) = others.fold((contents.routes.len(), contents.claims.len()), |(routes, claims), set| {
            (routes + set.routes.len(), claims + set.claims.len())
        });
        bounded("routes_max", routes, limits.routes_max)?;
        bounded("claims_max", claims, limits.claims_max)?;
        let others = self.sets.iter().filter(|(other, _)| **other != name);
        let bytes = others.map(|(name, contents)| name.len() + bytes(contents)).sum::<usize>();
        bounded("registration_bytes_max", bytes + name.len() + self::bytes(&contents), limits.registration_bytes_max)?;
        self.sets.insert(name, Arc::new(contents));
        Ok(())
    }

    /// One read for each resource: a later one takes the place of an earlier.
    pub fn add_reads(&mut self, limits: &Limits, reads: Vec<PlainRead>) -> Result<(), Error> {
        for read in &reads {
            bounded("tag_bytes_max", bytes_of_read(read), limits.tag_bytes_max)?;
            let Some(claim) = self.claims().find(|claim| claim.prefix == read.prefix) else {
                return Err(Error::Invalid(format!("plain reads of `{}`, which is no claim", read.prefix)));
            };
            if claim.decode.is_some() {
                return Err(Error::Invalid(format!("plain reads of `{}`, whose objects are decoded", read.prefix)));
            }
        }
        let all = self.reads.with(reads);
        bounded("routes_max", all.len(), limits.routes_max)?;
        self.reads = all;
        Ok(())
    }

    pub fn add_immediate(&mut self, limits: &Limits, tags: Vec<String>) -> Result<(), Error> {
        for tag in &tags {
            bounded("tag_bytes_max", tag.len(), limits.tag_bytes_max)?;
        }
        let mut all = self.immediate.clone();
        all.extend(tags);
        bounded("routes_max", all.len(), limits.routes_max)?;
        bounded("registration_bytes_max", all.iter().map(String::len).sum(), limits.registration_bytes_max)?;
        self.immediate = all;
        Ok(())
    }

    pub fn add_check(&mut self, limits: &Limits, check: HealthCheck) -> Result<(), Error> {
        named("a health check", &check.name)?;
        if self.checks.iter().any(|other| other.name == check.name) {
            return Err(Error::Invalid(format!("health check `{}` is registered twice", check.name)));
        }
        bounded("checks_max", self.checks.len() + 1, limits.checks_max)?;
        let all = [Endpoint::Healthz, Endpoint::Livez, Endpoint::Readyz];
        // Each once, however often it was named.
        let endpoints = all.into_iter().filter(|endpoint| check.endpoints.contains(endpoint)).collect();
        self.checks.push(HealthCheck { endpoints, ..check });
        Ok(())
    }

    pub fn add_hook(&mut self, limits: &Limits, hook: Hook) -> Result<(), Error> {
        named("a hook", &hook.name)?;
        if self.hooks.iter().any(|other| other.name == hook.name) {
            return Err(Error::Invalid(format!("hook `{}` is registered twice", hook.name)));
        }
        bounded("checks_max", self.hooks.len() + 1, limits.checks_max)?;
        self.hooks.push(hook);
        Ok(())
    }

    pub fn expect_routes(&mut self, limits: &Limits, name: String) -> Result<(), Error> {
        named("a set of expected routes", &name)?;
        bounded("checks_max", self.expected.len() + 1, limits.checks_max)?;
        self.expected.push(name);
        Ok(())
    }

    /// Every claim, in the order of the sets' names.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.sets.values().flat_map(|contents| &contents.claims)
    }
}

fn bytes_of_read(read: &PlainRead) -> usize {
    let typed = read.typed.as_ref().map_or(0, |typed| typed.kind.len() + typed.api_version.len());
    let GroupVersionResource { group, version, resource } = &read.resource;
    read.prefix.len() + typed + group.len() + version.len() + resource.len()
}

fn check(limits: &Limits, contents: &Contents) -> Result<(), Error> {
    for route in &contents.routes {
        bounded("tag_bytes_max", route.tag.len(), limits.tag_bytes_max)?;
        if let Pattern::Exact(path) | Pattern::Prefix(path) = &route.pattern {
            bounded("tag_bytes_max", path.len(), limits.tag_bytes_max)?;
        }
        if let Pattern::Exact(path) | Pattern::Prefix(path) = &route.pattern
            && !path.starts_with('/')
        {
            return Err(Error::Invalid(format!("the path `{path}` of a route does not begin with `/`")));
        }
    }
    for Claim { prefix, decode, selectable, .. } in &contents.claims {
        bounded("tag_bytes_max", prefix.len(), limits.tag_bytes_max)?;
        bounded("decode_tag_bytes_max", decode.as_ref().map_or(0, String::len), limits.decode_tag_bytes_max)?;
        for field in selectable {
            let bytes = field.path.iter().map(String::len).sum::<usize>() + field.name.len() + field.absent.len();
            bounded("tag_bytes_max", bytes, limits.tag_bytes_max)?;
            // Objects are searched for it by a function that calls itself once a step.
            bounded("selectable_path_steps_max", field.path.len(), limits.selectable_path_steps_max)?;
        }
        if !prefix.starts_with("/registry/") || !prefix.ends_with('/') || prefix.contains("//") {
            return Err(Error::Invalid(format!("the claim `{prefix}` is not of the form `/registry/.../`")));
        }
        if prefix.starts_with(HOST_KEYS) {
            return Err(Error::Invalid(format!(
                "the claim `{prefix}` is not a plugin's: `{HOST_KEYS}` is the host's own"
            )));
        }
    }
    Ok(())
}

/// All texts in a set.
fn bytes(contents: &Contents) -> usize {
    let route = |route: &Route| {
        let pattern = match &route.pattern {
            Pattern::Exact(path) | Pattern::Prefix(path) => path.len(),
            Pattern::Resource(key) => key.group.len() + key.version.len() + key.resource.len(),
        };
        pattern + route.tag.len()
    };
    let claim = |claim: &Claim| {
        let fields = claim.selectable.iter().map(|field| {
            // An empty key takes place, too.
            let path: usize = field.path.iter().map(|key| key.len() + 1).sum();
            field.name.len() + path + field.absent.len()
        });
        claim.prefix.len() + claim.decode.as_ref().map_or(0, String::len) + fields.sum::<usize>()
    };
    contents.routes.iter().map(route).sum::<usize>() + contents.claims.iter().map(claim).sum::<usize>()
}

fn named(what: &str, name: &str) -> Result<(), Error> {
    let shape = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
    if name.is_empty() || name.len() > 200 || !name.bytes().all(shape) {
        return Err(Error::Invalid(format!("`{name}` cannot name {what}: letters, digits, `-`, `.`, `_` and `/` can")));
    }
    Ok(())
}

fn bounded(bound: &str, value: usize, max: usize) -> Result<(), Error> {
    if value > max {
        return Err(Error::Limit(format!("{value} is more than `{bound}` ({max})")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::host::chain::registration::Readers;
    use crate::chain::{Routes, Target};

    #[test]
    fn what_the_host_keeps_for_itself_cannot_be_claimed() {
        for (prefix, allowed) in [
            ("/registry/pods/", true),
            ("/registry/_hosts/", true),
            ("/registry/_host/", false),
            ("/registry/_host/leaders/sync/", false),
        ] {
            let claim = Claim { prefix: prefix.to_owned(), selectable: vec![], readers: Readers::Link, decode: None };
            let contents = Contents { routes: vec![], claims: vec![claim] };
            let result = Registrations::default().replace(&Limits::default(), "set".to_owned(), contents);
            assert_eq!(result.is_ok(), allowed, "{prefix}: {result:?}");
        }
    }

    #[test]
    fn plain_reads_are_of_claims_whose_objects_are_served_as_they_are_stored() {
        let claim = |prefix: &str, decode: Option<&str>| Claim {
            prefix: prefix.to_owned(),
            selectable: vec![],
            readers: Readers::Link,
            decode: decode.map(str::to_owned),
        };
        let claims = vec![claim("/registry/plain/", None), claim("/registry/decoded/", Some("tag"))];
        let mut registrations = Registrations::default();
        let limits = Limits::default();
        registrations.replace(&limits, "set".to_owned(), Contents { routes: vec![], claims }).expect("it is valid");
        for (prefix, refusal) in [
            ("/registry/plain/", None),
            ("/registry/", Some("is no claim")),
            ("/registry/plain/a/", Some("is no claim")),
            ("/registry/decoded/", Some("are decoded")),
        ] {
            let resource =
                GroupVersionResource { group: String::new(), version: "v1".to_owned(), resource: "plain".to_owned() };
            let read = PlainRead { resource, prefix: prefix.to_owned(), namespaced: true, typed: None };
            let refused = registrations.add_reads(&limits, vec![read]).err().map(|error| format!("{error:?}"));
            let expected = refused.as_deref().zip(refusal).is_some_and(|(said, why)| said.contains(why));
            assert!(expected || refused.is_none() && refusal.is_none(), "{prefix}: {refused:?}");
        }
        let routes = |claims| {
            let resource =
                GroupVersionResource { group: String::new(), version: "v1".to_owned(), resource: "plain".to_owned() };
            let route = Route { pattern: Pattern::Resource(resource), tag: String::new(), revision: 0 };
            let sets = BTreeMap::from([("set".to_owned(), Arc::new(Contents { routes: vec![route], claims }))]);
            Routes::new(&sets, &registrations)
        };
        let read = |routes: &Routes| {
            let target = Target { path: "/api/v1/plain/a", resource: Some(("", "v1", "plain")) };
            routes.find(target).expect("it is there").read.is_some()
        };
        assert!(read(&routes(vec![claim("/registry/plain/", None)])));
        // A hook has let go of the claim, or has its objects decoded.
        assert!(!read(&routes(vec![])));
        assert!(!read(&routes(vec![claim("/registry/plain/", Some("tag"))])));
    }
}
