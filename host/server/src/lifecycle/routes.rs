//! Who has announced routes that are not there yet.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Signal, Signals};

/// Fires [`Signal::MuxAndDiscoveryComplete`] when everybody who announced routes has them.
#[derive(Debug)]
pub struct RoutesComplete {
    signals: Arc<Signals>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Who announced, and under which name.
    expected: BTreeSet<(String, String)>,
    sealed: bool,
}

impl RoutesComplete {
    pub(crate) fn new(signals: Arc<Signals>) -> Self {
        Self { signals, state: Mutex::default() }
    }

    /// Announces routes of a link. False once the server has started: it is too late then.
    pub fn expect(&self, link: &str, name: &str) -> bool {
        let mut state = self.state.lock();
        if !state.sealed {
            state.expected.insert((link.to_owned(), name.to_owned()));
        }
        !state.sealed
    }

    /// The routes that a link announced under `name` are there. False if it did not announce them.
    pub fn complete(&self, link: &str, name: &str) -> bool {
        let mut state = self.state.lock();
        let known = state.expected.remove(&(link.to_owned(), name.to_owned()));
        self.fire_if_complete(&state);
        known
    }

    /// Nobody announces any more: the chain is built.
    pub fn seal(&self) {
        let mut state = self.state.lock();
        state.sealed = true;
        self.fire_if_complete(&state);
    }

    /// The names under which something is still missing.
    pub fn missing(&self) -> Vec<String> {
        self.state.lock().expected.iter().map(|(_, name)| name.clone()).collect()
    }

    fn fire_if_complete(&self, state: &State) {
        if state.sealed && state.expected.is_empty() {
            self.signals.fire(Signal::MuxAndDiscoveryComplete);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_complete_when_everybody_has_his() {
        let signals = Arc::new(Signals::default());
        let routes = RoutesComplete::new(signals.clone());
        let complete = || signals.has_fired(Signal::MuxAndDiscoveryComplete);
        assert!(routes.expect("a", "crds") && routes.expect("a", "apiservices"));
        assert!(routes.complete("a", "crds") && !routes.complete("a", "crds") && !routes.complete("a", "nobody"));
        routes.seal();
        assert!(!routes.expect("a", "late"));
        assert_eq!((complete(), routes.missing()), (false, vec!["apiservices".to_owned()]));
        routes.complete("a", "apiservices");
        assert!(complete());
    }

    #[test]
    fn a_link_does_not_complete_what_another_announced() {
        let signals = Arc::new(Signals::default());
        let routes = RoutesComplete::new(signals.clone());
        assert!(routes.expect("a", "later") && routes.expect("b", "later"));
        routes.seal();
        assert!(routes.complete("a", "later") && !routes.complete("c", "later"));
        assert!(!signals.has_fired(Signal::MuxAndDiscoveryComplete));
        assert_eq!(routes.missing(), ["later"]);
        assert!(routes.complete("b", "later"));
        assert!(signals.has_fired(Signal::MuxAndDiscoveryComplete));
    }
}
