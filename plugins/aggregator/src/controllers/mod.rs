//! What runs beside requests, under the names that kube-apiserver's hooks have, since tools
//! read those in `/readyz`.
//!
//! Each controller is level-triggered: whenever something changed it reads all APIServices,
//! of which there are tens, and brings what it keeps to the state that they ask for.

mod availability;
mod registration;
mod routes;

use std::rc::Rc;

use apimachinery::definition::Definition;
use apimachinery::discovery::accept::Form;
use apimachinery::discovery::groups::Groups;
use apimachinery::discovery::merged;
use apimachinery::rest::from_store;
use apimachinery::rest::registry::Registry;
use apimachinery::status::ApiError;
use plugin_sdk::{Error, HookContext, Result, Store};

use crate::apiservice;

const INFORMERS: &str = "start-kube-aggregator-informers";
const DISCOVERY: &str = "apiservice-discovery-controller";
const REGISTRATION: &str = "kube-apiserver-autoregistration";
const ROUTES: &str = "apiservice-registration-controller";
const LOCAL: &str = "apiservice-status-local-available-controller";
const REMOTE: &str = "apiservice-status-remote-available-controller";

pub(crate) const NAMES: [&str; 6] = [INFORMERS, DISCOVERY, REGISTRATION, ROUTES, LOCAL, REMOTE];

pub(crate) async fn run(context: HookContext, name: &str, apiservices: &Definition) -> Result {
    let context = Rc::new(context);
    match name {
        INFORMERS => apiservices_can_be_read(&context, apiservices).await,
        DISCOVERY => delegates_can_be_discovered(&context).await,
        REGISTRATION => registration::run(context, apiservices).await,
        ROUTES => routes::run(context, apiservices).await,
        LOCAL => availability::run_local(context, apiservices).await,
        REMOTE => availability::run_remote(context, apiservices).await,
        _ => Err(format!("there is no hook `{name}`").into()),
    }
}

/// Upstream starts its caches here; ours are the host's, and full once they can be read.
async fn apiservices_can_be_read(context: &HookContext, definition: &Definition) -> Result {
    apiservice::list(&context.store(), definition)
        .await
        .map_err(|error| described("read APIServices", from_store(error)))?;
    Ok(())
}

/// Discovery is merged when it is asked for: it is ready once the delegates answer.
async fn delegates_can_be_discovered(context: &HookContext) -> Result {
    served(context).await?;
    Ok(())
}

/// The group versions that the delegates serve, the core group's included.
async fn served(context: &HookContext) -> Result<Groups> {
    let of = async |path| {
        merged(context, &[], path, Form::Legacy).await.map_err(|error| described("discover the delegates", error))
    };
    let mut groups = of("/apis").await?;
    groups.merge(of("/api").await?);
    Ok(groups)
}

fn registry<'a>(store: &'a Store, definition: &'a Definition, groups: &'a [String]) -> Registry<'a> {
    Registry::for_server(definition, store, groups)
}

/// An error of the API, as the reason why a hook ended.
fn described(doing: &str, error: ApiError) -> Error {
    format!("cannot {doing}: {}", error.message).into()
}
