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
    expected: BTreeSet<String>,
    sealed: bool,
}

impl RoutesComplete {
    pub(crate) fn new(signals: Arc<Signals>) -> Self {
        Self { signals, state: Mutex::default() }
    }

    /// Announces routes. False once the server has started: it is too late then.
    pub fn expect(&self, name: &str) -> bool {
        let mut state = self.state.lock();
        if !state.sealed {
            state.expected.insert(name.to_owned());
        }
        !state.sealed
    }

    /// The routes announced under `name` are there. False if nobody announced them.
    pub fn complete(&self, name: &str) -> bool {
        let mut state = self.state.lock();
        let known = state.expected.remove(name);
        self.fire_if_complete(&state);
        known
    }

    /// Nobody announces any more: the chain is built.
    pub fn seal(&self) {
        let mut state = self.state.lock();
        state.sealed = true;
        self.fire_if_complete(&state);
    }

    /// What is still missing.
    pub fn missing(&self) -> Vec<String> {
        self.state.lock().expected.iter().cloned().collect()
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
        assert!(routes.expect("crds") && routes.expect("apiservices"));
        assert!(routes.complete("crds") && !routes.complete("crds") && !routes.complete("nobody"));
        routes.seal();
        assert!(!routes.expect("late"));
        assert_eq!((complete(), routes.missing()), (false, vec!["apiservices".to_owned()]));
        routes.complete("apiservices");
        assert!(complete());
    }
}
