//! What a link says about itself, mostly in `init`.
//!
//! ```
//! # fn init() -> plugin_sdk::Result {
//! use plugin_sdk::registration::{self, Contents, Endpoint, Hook, Route};
//!
//! Contents::new().route(Route::prefix("/hello").tag("greeting")).register("hello")?;
//! registration::health_check("hello-words", &[Endpoint::Livez, Endpoint::Readyz])?;
//! registration::hook(Hook::post_start("hello-greeter"))?;
//! # Ok(())
//! # }
//! ```

pub use crate::bindings::host::chain::registration::{
    Claim, Contents, Endpoint, GroupVersionResource, HealthCheck, Hook, Moment, Pattern, Placement, PlainRead,
    PlainType, Readers, RegistrationError, Route, SelectableField, expect_routes, register_health_check, register_hook,
    register_immediate, register_plain_reads, replace, routes_complete,
};

/// Registers a check of this name at these endpoints.
pub fn health_check(name: &str, endpoints: &[Endpoint]) -> Result<(), RegistrationError> {
    register_health_check(&HealthCheck { name: name.to_string(), endpoints: endpoints.to_vec() })
}

/// Says that requests that match routes with these tags may be answered by
/// [`Immediate::answer`](crate::immediate::Immediate::answer).
pub fn immediate(tags: &[&str]) -> Result<(), RegistrationError> {
    let tags: Vec<String> = tags.iter().map(|tag| tag.to_string()).collect();
    register_immediate(&tags)
}

/// Registers a hook.
pub fn hook(hook: Hook) -> Result<(), RegistrationError> {
    register_hook(&hook)
}

impl Hook {
    /// Runs after the listener serves, on every host.
    pub fn post_start(name: &str) -> Self {
        Self { name: name.to_string(), moment: Moment::PostStart, placement: Placement::EveryHost }
    }

    /// Runs after shutdown was asked for, before new requests are refused, on every host.
    pub fn pre_shutdown(name: &str) -> Self {
        Self { moment: Moment::PreShutdown, ..Self::post_start(name) }
    }

    /// On one of the hosts that share the store at a time.
    pub fn one_at_a_time(mut self) -> Self {
        self.placement = Placement::OneAtATime;
        self
    }
}

impl Route {
    pub fn new(pattern: Pattern) -> Self {
        Self { pattern, tag: String::new(), revision: 0 }
    }

    /// The whole path.
    pub fn exact(path: &str) -> Self {
        Self::new(Pattern::Exact(path.to_string()))
    }

    /// A path and everything below it.
    pub fn prefix(path: &str) -> Self {
        Self::new(Pattern::Prefix(path.to_string()))
    }

    /// All requests for a resource. `group` is empty for the core group.
    pub fn resource(group: &str, version: &str, resource: &str) -> Self {
        Self::new(Pattern::Resource(GroupVersionResource {
            group: group.to_string(),
            version: version.to_string(),
            resource: resource.to_string(),
        }))
    }

    /// What [`Context::route`](crate::Context::route) gives back.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = tag.into();
        self
    }

    /// An instance serves this route only once it has caught up with this store revision.
    pub fn from_revision(mut self, revision: u64) -> Self {
        self.revision = revision;
        self
    }
}

impl PlainRead {
    /// Objects of a resource, in no namespace and as they are stored. `prefix` is one of the link's
    /// claims.
    pub fn new(group: &str, version: &str, resource: &str, prefix: &str) -> Self {
        let resource = GroupVersionResource {
            group: group.to_string(),
            version: version.to_string(),
            resource: resource.to_string(),
        };
        Self { resource, prefix: prefix.to_string(), namespaced: false, typed: None }
    }

    /// Each is in a namespace.
    pub fn namespaced(mut self) -> Self {
        self.namespaced = true;
        self
    }

    /// With this kind and version in place of its own.
    pub fn typed(mut self, kind: &str, api_version: &str) -> Self {
        self.typed = Some(PlainType { kind: kind.to_string(), api_version: api_version.to_string() });
        self
    }
}

impl Claim {
    /// The objects below `prefix`, which ends in `/`.
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_string(), selectable: Vec::new(), readers: Readers::Link, decode: None }
    }

    /// The rest of the chain may read them too.
    pub fn readable_by_chain(mut self) -> Self {
        self.readers = Readers::Chain;
        self
    }

    /// One more field that a selector may name.
    pub fn selectable(mut self, field: SelectableField) -> Self {
        self.selectable.push(field);
        self
    }

    /// Reads pass through [`Objects::decode`](crate::Objects::decode) with this tag.
    pub fn decoded(mut self, tag: impl Into<String>) -> Self {
        self.decode = Some(tag.into());
        self
    }
}

impl Contents {
    pub fn new() -> Self {
        Self { routes: Vec::new(), claims: Vec::new() }
    }

    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    pub fn claim(mut self, claim: Claim) -> Self {
        self.claims.push(claim);
        self
    }

    /// Makes this what the set `name` holds. In `init` and in hooks.
    pub fn register(self, name: &str) -> Result<(), RegistrationError> {
        replace(name, &self)
    }
}

impl Default for Contents {
    fn default() -> Self {
        Self::new()
    }
}
