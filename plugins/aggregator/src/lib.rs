//! The aggregator: the outermost server of the default chain.
//!
//! It keeps an APIService for each group version, registers those of its delegates by itself,
//! sends requests for the others to the service behind them, and discovers the whole chain.
//!
//! - `apiservice`: the resource and its rules.
//! - `discovery`: `/api`, `/apis` and groups of remote APIServices.
//! - `remote`: requests that a service answers.
//! - `controllers`: the hooks that keep APIServices and routes.

mod apiservice;
mod controllers;
mod discovery;
mod remote;

use apimachinery::definition::Definition;
use apimachinery::openapi::{self, Published};
use apimachinery::rest::render::{self, Form};
use apimachinery::{discovery as documents, rest};
use plugin_sdk::lifecycle::{self, Signal};
use plugin_sdk::registration::{self, Claim, Contents, Endpoint, Hook, Route, expect_routes};
use plugin_sdk::{Answer, Context, HookContext, Item, Link, Objects, Result, export_resource_link};

/// Announced in `init`, complete when all APIServices are registered and routed to.
const ROUTES: &str = "APIServiceRegistrationControllerInitiated";
const CHECK: &str = "autoregister-completion";

/// Tags of routes, beside those of discovery and OpenAPI.
const RESOURCE: &str = "apiservices";
const GROUP: &str = "group";

struct Aggregator {
    apiservices: Definition,
    published: Published,
}

impl Link for Aggregator {
    fn init() -> Result<Self> {
        let apiservices = apiservice::definition();
        let mut contents = Contents::new()
            .route(Route::resource(&apiservices.group, &apiservices.version, &apiservices.resource).tag(RESOURCE))
            .claim(Claim::new(&apiservices.storage_prefix));
        contents.routes.extend(documents::routes([&apiservices]));
        contents.routes.extend(openapi::routes());
        contents.routes.push(openapi::second_route());
        contents.register("aggregator")?;
        expect_routes(ROUTES)?;
        registration::health_check(CHECK, &[Endpoint::Healthz, Endpoint::Livez, Endpoint::Readyz])?;
        for name in controllers::NAMES {
            registration::hook(Hook::post_start(name))?;
        }
        Ok(Self { apiservices, published: Published::of_server() })
    }

    async fn handle(&self, context: Context) -> Answer {
        let own = [&self.apiservices];
        let summary = context.summary();
        match summary.route_tag() {
            RESOURCE => rest::handle(&self.apiservices, &context, &summary).await,
            documents::TAG => discovery::serve(&context, &summary, &self.apiservices).await,
            openapi::TAG => self.published.serve_merged(&context, &summary, &own, 0).await,
            openapi::SECOND_TAG => self.published.serve_second(&context, &summary, &own).await,
            GROUP => discovery::serve_group(&context, &summary, &self.apiservices).await,
            tag => remote::serve(&context, &summary, &self.apiservices, tag).await,
        }
    }

    /// The check has no store at hand; the routes that it stands for are complete only when
    /// every group version of the delegates has its APIService.
    async fn check_health(&self, _name: &str) -> Result {
        match lifecycle::has_fired(Signal::MuxAndDiscoveryComplete) {
            true => Ok(()),
            false => Err("missing APIService".into()),
        }
    }

    async fn run_hook(&self, context: HookContext, name: &str) -> Result {
        controllers::run(context, name, &self.apiservices).await
    }
}

impl Objects for Aggregator {
    async fn render(&self, form: &str, items: Vec<Item>) -> Result<Vec<Vec<u8>>> {
        Ok(render::render(&self.apiservices, &Form::parse(form)?, items)?)
    }

    async fn read_body(&self, content_type: &str, body: Vec<u8>) -> Result<Vec<u8>> {
        Ok(apimachinery::codec::to_json(content_type, &body)?)
    }
}

/// Trees are made of small pieces.
#[cfg(target_family = "wasm")]
#[global_allocator]
static MEMORY: plugin_sdk::Pieces = plugin_sdk::Pieces::new();

export_resource_link!(Aggregator);
