//! Links that come and go while the chain serves.

use std::sync::Arc;

use host_server::options::PluginChoice;

use super::start::reason;
use super::swap::Candidate;
use super::{Assembly, ChangeError, LinkReport};
use crate::chain::{Chain, Entry};

/// Where a new link stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// It is offered each request first.
    Outermost,
    /// It is offered requests just before this one is.
    Before(String),
    /// It is offered what this one passes on.
    After(String),
}

impl Place {
    fn position(&self, chain: &Chain) -> Result<usize, ChangeError> {
        let find = |name: &String| {
            let names: Vec<String> = chain.entries().iter().map(|entry| entry.link.name().to_string()).collect();
            chain.position(name).ok_or_else(|| ChangeError::unknown(name, names.iter()))
        };
        match self {
            Self::Outermost => Ok(0),
            Self::Before(name) => find(name),
            Self::After(name) => find(name).map(|position| position + 1),
        }
    }
}

impl Assembly {
    /// Adds a link to the chain that serves.
    ///
    /// # Errors
    /// If it cannot be part of the chain: that stays as it is.
    pub async fn add(self: &Arc<Self>, choice: PluginChoice, place: &Place) -> Result<LinkReport, ChangeError> {
        let (name, file) = (choice.name.clone(), choice.path.display().to_string());
        let result = self.try_add(choice, place).await;
        match &result {
            Ok(_) => tracing::info!(plugin = name, "it serves as a link of the chain now"),
            Err(error) => tracing::error!(plugin = name, "`{file}` was not added to the chain: {error}"),
        }
        result
    }

    async fn try_add(self: &Arc<Self>, choice: PluginChoice, place: &Place) -> Result<LinkReport, ChangeError> {
        self.check_not_ending()?;
        let name = choice.name.clone();
        if !PluginChoice::is_name(&name) {
            return Err(ChangeError::Name(name));
        }
        // Before the work is done, and again when nobody else can change the chain.
        self.check_absent(&name)?;
        place.position(&self.services.chain.load())?;
        let prepared = self.loader.load(&choice).await?;
        let candidate = Candidate::new(self.start_link(prepared).await?);

        let _changing = self.changing.lock().await;
        self.check_not_ending()?;
        self.check_absent(&name)?;
        let link = candidate.link();
        let chain = self.services.chain.load_full();
        let position = place.position(&chain)?;
        self.check_hooks(&self.state.lock(), link)?;
        let refused = |why: &str| ChangeError::refused(&name, format!("cannot be loaded: {why}"));
        link.claim().map_err(|error| refused(reason(&error)))?;
        let entry = Entry::new(link.clone(), link.routes());
        let ready = self.get_ready(link, chain.with_link(position, &entry)).await;
        ready.inspect_err(|_| self.services.claims.clear(&self.services.cache, &name))?;

        self.services.chain.rcu(|chain| chain.with_link(position, &entry));
        let hooks = self.add_member(candidate.keep())?;
        let serving = {
            let mut state = self.state.lock();
            self.update_checks(&mut state);
            state.serving
        };
        if serving {
            hooks.start();
        }
        self.report_of(&name)
    }

    /// Takes a link out of the chain that serves. What it stored stays.
    ///
    /// # Errors
    /// If there is no such link, or no other.
    pub async fn remove(self: &Arc<Self>, name: &str) -> Result<(), ChangeError> {
        let _changing = self.changing.lock().await;
        self.check_not_ending()?;
        let version = self.version(name)?;
        let chain = self.services.chain.load_full();
        if chain.entries().len() == 1 {
            return Err(ChangeError::Last(name.to_string()));
        }
        let entry = chain.entries().iter().find(|entry| entry.link.name() == name);
        let released = entry.map(Entry::released).unwrap_or_default();
        drop(chain);

        version.link.close();
        self.services.chain.rcu(|chain| chain.without_link(name));
        self.services.removals.send_replace(());
        self.access.remove(name);
        let member = {
            let mut state = self.state.lock();
            self.update_checks(&mut state);
            state.members.remove(name)
        };
        self.services.metrics.remove_generation(name);
        for expected in &version.link.registrations().expected {
            self.services.routes_complete.complete(name, expected);
        }
        let mut links = vec![(version.link, released)];
        if let Some(member) = member {
            member.hooks.remove_all_checks(&self.health);
            member.hooks.stop().await;
            links.extend(member.probation.map(|probation| probation.end()));
        }
        self.let_go(links);
        tracing::info!(plugin = name, "it is not a link of the chain any more");
        Ok(())
    }

    fn check_absent(&self, name: &str) -> Result<(), ChangeError> {
        match self.state.lock().members.contains_key(name) {
            true => Err(ChangeError::Present(name.to_string())),
            false => Ok(()),
        }
    }
}
