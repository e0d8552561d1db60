//! What the host counts of its store and its plugins, under kube-apiserver's names where the
//! meaning is the same.
//!
//! Owns: the families and their labels. A label is a group and a resource that some link has
//! claimed the keys of, and there is a bound on how many are told apart ([`names`]). It knows no
//! resource by name: what is stored says what it is.
//!
//! - [`Metered`] stands before the store and times what it is asked.
//! - [`Reads`] counts what the watch cache answers.
//! - [`Observed`] counts what happens in it: watches that are cut, reads that wait.
//! - [`ToldEvents`] counts what watches tell.
//! - [`Scraped`] looks at what is there when somebody reads `/metrics`.

mod metered;
mod names;
mod observed;
mod reads;
mod scraped;
mod told;

pub use metered::Metered;
pub use names::ResourceNames;
pub use observed::Observed;
pub use reads::Reads;
pub use scraped::Scraped;
pub use told::{Told, ToldEvents};

use prometheus::core::Collector;
use prometheus::{IntCounterVec, Opts, Registry};

/// The labels of everything that belongs to a resource.
const RESOURCE: [&str; 2] = ["group", "resource"];

fn counter(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, family: C) -> prometheus::Result<C> {
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}
