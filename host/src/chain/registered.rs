//! What a link serves: what its generation has registered, and what it keeps of the one before.
//!
//! A generation that takes the place of another begins with what its own `init` says. Routes
//! that the hooks of the other had added (custom resources, aggregated APIs) are kept until its
//! own hooks have said that theirs are complete, so that nothing is missing in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Registrations, Routes};
use crate::bindings::host::chain::registration::{Claim, Contents, RegistrationError};
use crate::limits::Limits;

type Sets = BTreeMap<String, Arc<Contents>>;

#[derive(Debug, Default, Clone)]
pub struct Registered {
    /// What `init` registered.
    initial: Arc<Registrations>,
    /// The same, with what hooks have replaced since.
    now: Registrations,
    /// Sets that the hooks of the generation before had registered; they stand in for the sets
    /// of the same names in `now`.
    inherited: Sets,
    /// Claims of other generations, by their numbers: of one that still has requests under
    /// way, or of one that is about to take over.
    beside: BTreeMap<u64, Vec<Claim>>,
    /// Names announced with `expect-routes` whose routes are not complete yet.
    missing: BTreeSet<String>,
    /// Another generation serves in this one's place.
    replaced: bool,
}

impl Registered {
    pub fn new(initial: Registrations) -> Self {
        let mut registered = Self { initial: Arc::new(initial), ..Self::default() };
        registered.start_over();
        registered
    }

    /// What `init` registered.
    pub fn initial(&self) -> &Arc<Registrations> {
        &self.initial
    }

    /// The routes that are served now, as a table.
    pub fn routes(&self) -> Arc<Routes> {
        let sets = self.sets().map(|(name, contents)| (name.clone(), contents.clone())).collect();
        Arc::new(Routes::new(&sets, &self.initial))
    }

    /// Every prefix that this link has to hold now. A prefix may come more than once; this
    /// generation's comes first.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.own_claims().chain(self.beside.values().flatten())
    }

    /// Replaces a set, or removes it if nothing is in it.
    ///
    /// # Errors
    /// If it is not valid, or another generation serves in this one's place.
    pub fn replace(&mut self, limits: &Limits, name: String, contents: Contents) -> Result<(), RegistrationError> {
        self.check_serving()?;
        self.inherited.remove(&name);
        self.now.replace(limits, name, contents)
    }

    /// The routes announced under this name are there. When all are, nothing is kept of the
    /// generation before.
    ///
    /// # Errors
    /// If nothing was announced under this name, or another generation serves in this one's
    /// place.
    pub fn complete(&mut self, name: &str) -> Result<(), RegistrationError> {
        self.check_serving()?;
        if !self.initial.expected.iter().any(|expected| expected == name) {
            return Err(RegistrationError::Invalid(format!("`{name}` was not announced with `expect-routes`")));
        }
        self.missing.remove(name);
        if self.missing.is_empty() {
            self.inherited.clear();
        }
        Ok(())
    }

    /// Takes over from another generation, as if `init` had just returned.
    pub fn take_over(&mut self, before: &Self, generation: u64, generation_before: u64) {
        self.start_over();
        // A generation that announces nothing has all of its routes when `init` returns.
        if !self.missing.is_empty() {
            self.inherited = before.by_hooks();
        }
        self.beside = before.beside.clone();
        self.beside.remove(&generation);
        self.beside.insert(generation_before, before.own_claims().cloned().collect());
    }

    /// Another generation serves from now on: what hooks of this one still say has no effect.
    pub fn set_replaced(&mut self) {
        self.replaced = true;
    }

    /// Holds the claims of another generation, too.
    pub fn hold(&mut self, generation: u64, claims: Vec<Claim>) {
        self.beside.insert(generation, claims);
    }

    /// Lets go of the claims of another generation.
    pub fn let_go(&mut self, generation: u64) {
        self.beside.remove(&generation);
    }

    fn check_serving(&self) -> Result<(), RegistrationError> {
        match self.replaced {
            true => Err(RegistrationError::Closed("another generation of this plugin serves now".to_string())),
            false => Ok(()),
        }
    }

    fn start_over(&mut self) {
        self.now = Registrations::clone(&self.initial);
        self.missing = self.initial.expected.iter().cloned().collect();
        self.inherited.clear();
        self.replaced = false;
    }

    fn sets(&self) -> impl Iterator<Item = (&String, &Arc<Contents>)> {
        let own = self.now.sets.iter().filter(|(name, _)| !self.inherited.contains_key(*name));
        own.chain(&self.inherited)
    }

    fn own_claims(&self) -> impl Iterator<Item = &Claim> {
        self.sets().flat_map(|(_, contents)| &contents.claims)
    }

    /// The sets that are not as `init` left them.
    fn by_hooks(&self) -> Sets {
        let as_initial = |name: &String, contents: &Arc<Contents>| {
            self.initial.sets.get(name).is_some_and(|initial| Arc::ptr_eq(initial, contents))
        };
        let by_hooks = self.sets().filter(|(name, contents)| !as_initial(name, contents));
        by_hooks.map(|(name, contents)| (name.clone(), contents.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::host::chain::registration::{Pattern, Readers, Route};
    use crate::chain::Target;

    fn contents(path: &str) -> Contents {
        let route = Route { pattern: Pattern::Prefix(path.to_string()), tag: String::new(), revision: 0 };
        let prefix = format!("/registry{path}/");
        Contents {
            routes: vec![route],
            claims: vec![Claim { prefix, selectable: vec![], readers: Readers::Link, decode: None }],
        }
    }

    /// What a generation is whose `init` registers these sets and announces these names.
    fn generation(sets: &[(&str, &str)], expected: &[&str]) -> Registered {
        let mut registrations = Registrations::default();
        for (name, path) in sets {
            registrations.replace(&Limits::default(), name.to_string(), contents(path)).expect("it is valid");
        }
        registrations.expected = expected.iter().map(|name| name.to_string()).collect();
        Registered::new(registrations)
    }

    fn hook(registered: &mut Registered, name: &str, path: &str) -> Result<(), RegistrationError> {
        registered.replace(&Limits::default(), name.to_string(), contents(path))
    }

    /// Of these paths, those that are served.
    fn served<'a>(registered: &Registered, paths: &[&'a str]) -> Vec<&'a str> {
        let routes = registered.routes();
        paths.iter().copied().filter(|path| routes.find(Target { path, resource: None }).is_some()).collect()
    }

    #[test]
    fn what_hooks_had_added_is_served_until_the_next_generation_is_complete() {
        let mut first = generation(&[("own", "/own"), ("index", "/index1")], &["customs"]);
        hook(&mut first, "index", "/index2").expect("a hook may replace a set");
        hook(&mut first, "a", "/a").expect("a hook may add a set");
        hook(&mut first, "b", "/b").expect("a hook may add a set");
        let all = ["/own", "/new", "/index1", "/index2", "/a", "/b", "/c"];
        assert_eq!(served(&first, &all), ["/own", "/index2", "/a", "/b"]);

        let mut second = generation(&[("own", "/new"), ("index", "/index1")], &["customs"]);
        second.take_over(&first, 2, 1);
        assert_eq!(served(&second, &all), ["/new", "/index2", "/a", "/b"]);
        hook(&mut second, "a", "/c").expect("a hook may replace what it took over");
        assert_eq!(served(&second, &all), ["/new", "/index2", "/b", "/c"]);

        // A third that comes before the second is complete takes over from both.
        let mut third = generation(&[("own", "/own")], &["customs", "others"]);
        third.take_over(&second, 3, 2);
        assert_eq!(served(&third, &all), ["/own", "/index2", "/b", "/c"]);
        third.complete("customs").expect("it was announced");
        assert_eq!(served(&third, &all), ["/own", "/index2", "/b", "/c"]);
        third.complete("others").expect("it was announced");
        assert_eq!(served(&third, &all), ["/own"]);
        third.complete("nothing").expect_err("it was not announced");
    }

    #[test]
    fn a_generation_that_announces_nothing_takes_nothing_over() {
        let mut first = generation(&[("own", "/own")], &["customs"]);
        hook(&mut first, "a", "/a").expect("a hook may add a set");
        let mut second = generation(&[("own", "/own")], &[]);
        second.take_over(&first, 2, 1);
        assert_eq!(served(&second, &["/own", "/a"]), ["/own"]);
    }

    #[test]
    fn a_generation_that_was_replaced_registers_nothing_until_it_comes_back() {
        let mut first = generation(&[("own", "/own")], &["customs"]);
        let mut second = generation(&[("own", "/own")], &["customs"]);
        second.take_over(&first, 2, 1);
        first.set_replaced();
        let refused = hook(&mut first, "a", "/a").expect_err("it was replaced");
        assert!(matches!(refused, RegistrationError::Closed(_)), "{refused:?}");

        hook(&mut second, "b", "/b").expect("a hook may add a set");
        first.take_over(&second, 1, 2);
        assert_eq!(served(&first, &["/own", "/a", "/b"]), ["/own", "/b"]);
        hook(&mut first, "a", "/a").expect("it serves again");
    }

    #[test]
    fn claims_of_other_generations_are_held_until_they_are_let_go_of() {
        let claims = |registered: &Registered| {
            let mut claims: Vec<String> = registered.claims().map(|claim| claim.prefix.clone()).collect();
            claims.dedup();
            claims
        };
        let mut first = generation(&[("own", "/one")], &[]);
        let mut second = generation(&[("own", "/two")], &[]);
        first.hold(2, second.claims().cloned().collect());
        assert_eq!(claims(&first), ["/registry/one/", "/registry/two/"]);
        second.take_over(&first, 2, 1);
        assert_eq!(claims(&second), ["/registry/two/", "/registry/one/"]);
        let mut third = generation(&[("own", "/three")], &[]);
        third.take_over(&second, 3, 2);
        assert_eq!(claims(&third), ["/registry/three/", "/registry/one/", "/registry/two/"]);
        third.let_go(2);
        assert_eq!(claims(&third), ["/registry/three/", "/registry/one/"]);
        third.let_go(1);
        assert_eq!(claims(&third), ["/registry/three/"]);
    }
}
