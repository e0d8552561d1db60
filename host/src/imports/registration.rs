//! `registration`: what a link says about itself.

use crate::bindings::host::chain::registration::{Contents, HealthCheck, Hook, Host, RegistrationError as Error};
use crate::imports::{Role, State};

impl Host for State {
    fn replace(&mut self, name: String, contents: Contents) -> wasmtime::Result<Result<(), Error>> {
        let link = self.link.clone();
        Ok(match &mut self.role {
            Role::Init(registrations) => registrations.replace(link.limits(), name, contents),
            Role::Hook(_) => link.replace(name, contents),
            Role::Serve => Err(closed("`replace`", "`init` or a hook")),
        })
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
        Ok(match self.role {
            Role::Hook(_) => self.link.routes_complete(&name),
            _ => Err(closed("`routes-complete`", "a hook")),
        })
    }
}

impl State {
    /// Later instances of a generation register the same again: that is accepted and ignored.
    fn during_init(
        &mut self,
        function: &str,
        register: impl FnOnce(&mut crate::chain::Registrations) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match &mut self.role {
            Role::Init(registrations) => register(registrations),
            _ => Err(closed(function, "`init`")),
        }
    }
}

fn closed(function: &str, moment: &str) -> Error {
    Error::Closed(format!("{function} is only possible in {moment}"))
}
