//! What goes on behind definitions, in the hooks that kube-apiserver has for it.
//!
//! One hook follows all definitions ([`follow`]). For each it accepts the names and sets the
//! conditions ([`status`], [`naming`]), registers routes and claims, and only then says
//! `Established`: whoever reads that may use the resource at once. A definition that is
//! deleted loses its objects first ([`finalize`]).

mod finalize;
mod follow;
mod naming;
mod status;

use plugin_sdk::lifecycle::{self, Signal};
use plugin_sdk::storage::Error as StoreError;
use plugin_sdk::{HookContext, Result, log};
use std::rc::Rc;

use self::follow::Follower;
use crate::crd;

pub(crate) const INFORMERS: &str = "start-apiextensions-informers";
pub(crate) const CONTROLLERS: &str = "start-apiextensions-controllers";
pub(crate) const SYNCED: &str = "crd-informer-synced";
/// Why a path that nobody serves may yet be served.
pub(crate) const NOT_SYNCED: &str = "CRDInformerHasNotSynced";

const RETRY_MS: u64 = 1000;

/// The hook of the informers: definitions can be read.
pub(crate) async fn check_store(context: &HookContext) -> Result {
    context.store().count(crd::PREFIX)?;
    Ok(())
}

/// The hook that follows whether all routes are there.
pub(crate) async fn wait_until_synced() -> Result {
    lifecycle::wait(Signal::MuxAndDiscoveryComplete).await;
    Ok(())
}

/// The hook of the controllers.
pub(crate) async fn run(context: HookContext) -> Result {
    let context = Rc::new(context);
    let mut follower = Follower::new(context.clone());
    while !context.is_cancelled() {
        match follower.follow().await {
            Ok(()) => {}
            Err(StoreError::Cancelled) => break,
            Err(error) => {
                log::warn!("definitions cannot be followed, trying again: {error}");
                context.sleep(RETRY_MS).await;
            }
        }
    }
    Ok(())
}
