//! `registration`: what a link says about itself.

use std::time::Instant;

use crate::bindings::host::chain::registration::{
    Contents, HealthCheck, Hook, Host, PlainRead, RegistrationError as Error,
};
use crate::chain::Fault;
use crate::imports::{Role, State};

impl Host for State {
    fn replace(&mut self, name: String, contents: Contents) -> wasmtime::Result<Result<(), Error>> {
        let link = self.link.clone();
        let result = match &mut self.role {
            Role::Init(registrations) => registrations.replace(link.limits(), name, contents),
            Role::Hook(_) => {
                // The work is the host's, the wish the guest's.
                let begun = Instant::now();
                let result = link.replace(name, contents);
                link.conduct().hook_computed(begun.elapsed());
                result
            }
            Role::Serve => Err(closed("`replace`", "`init` or a hook")),
        };
        Ok(self.judged(result))
    }

    fn register_plain_reads(&mut self, reads: Vec<PlainRead>) -> wasmtime::Result<Result<(), Error>> {
        let limits = self.link.limits().clone();
        Ok(self.during_init("`register-plain-reads`", |registrations| registrations.add_reads(&limits, reads)))
    }

    fn register_immediate(&mut self, tags: Vec<String>) -> wasmtime::Result<Result<(), Error>> {
        let link = self.link.clone();
        Ok(self.during_init("`register-immediate`", |registrations| match link.loaded().immediate {
            Some(_) => registrations.add_immediate(link.limits(), tags),
            None => {
                Err(Error::Invalid("immediate answers of a component that does not export `immediate`".to_string()))
            }
        }))
    }

    fn register_health_check(&mut self, check: HealthCheck) -> wasmtime::Result<Result<(), Error>> {
        let limits = self.link.limits().clone();
        Ok(self.during_init("`register-health-check`", |registrations| registrations.add_check(&limits, check)))
    }

    fn register_hook(&mut self, hook: Hook) -> wasmtime::Result<Result<(), Error>> {
        let limits = self.link.limits().clone();
        Ok(self.during_init("`register-hook`", |registrations| registrations.add_hook(&limits, hook)))
    }

    fn expect_routes(&mut self, name: String) -> wasmtime::Result<Result<(), Error>> {
        let limits = self.link.limits().clone();
        Ok(self.during_init("`expect-routes`", |registrations| registrations.expect_routes(&limits, name)))
    }

    fn routes_complete(&mut self, name: String) -> wasmtime::Result<Result<(), Error>> {
        let result = match self.role {
            Role::Hook(_) => self.link.routes_complete(&name),
            _ => Err(closed("`routes-complete`", "a hook")),
        };
        Ok(self.judged(result))
    }
}

impl State {
    /// Later instances of a generation register the same again: that is accepted and ignored.
    fn during_init(
        &mut self,
        function: &str,
        register: impl FnOnce(&mut crate::chain::Registrations) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let result = match &mut self.role {
            Role::Init(registrations) => register(registrations),
            _ => Err(closed(function, "`init`")),
        };
        self.judged(result)
    }

    /// What is refused is the plugin's fault; the guest is told, too.
    fn judged(&self, result: Result<(), Error>) -> Result<(), Error> {
        result.inspect_err(|error| {
            let (Error::Closed(reason) | Error::Taken(reason) | Error::Invalid(reason) | Error::Limit(reason)) = error;
            self.link.conduct().fault(Fault::Registration, &format!("a registration is refused: {reason}"));
        })
    }
}

fn closed(function: &str, moment: &str) -> Error {
    Error::Closed(format!("{function} is only possible in {moment}"))
}
