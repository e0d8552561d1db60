//! The extensions server: definitions of custom resources, and those resources.
//!
//! Requests come in at [`Extensions::handle`], which looks at the tag of the route that
//! matched ([`routes`]). [`crd`] is the resource `customresourcedefinitions`; [`custom`] makes
//! of each stored definition what the engine needs to serve its objects; [`serving`] keeps
//! that in each instance. [`controllers`] run in a hook: they accept names, register routes,
//! set conditions, and remove what belongs to a definition that goes.

mod conditions;
mod controllers;
mod crd;
mod custom;
mod kept;
mod routes;
mod serving;

use apimachinery::definition::Definition;
use apimachinery::rest;
use plugin_sdk::registration::{self, Hook};
use plugin_sdk::{Answer, Context, HookContext, Item, Link, Objects, Result, Stored, export_resource_link};

use crate::routes::Tag;

struct Extensions {
    /// The definition of definitions.
    definitions: Definition,
    serving: serving::Serving,
    decoder: custom::Decoder,
}

impl Link for Extensions {
    fn init() -> Result<Self> {
        let definitions = crd::definition();
        routes::of_this_server(&definitions).register(routes::OWN_SET)?;
        routes::of_discovery(&definitions, &[], 0).register(routes::DISCOVERY_SET)?;
        registration::expect_routes(controllers::NOT_SYNCED)?;
        for name in [controllers::INFORMERS, controllers::CONTROLLERS, controllers::SYNCED] {
            registration::hook(Hook::post_start(name))?;
        }
        Ok(Self { definitions, serving: serving::Serving::default(), decoder: custom::Decoder::default() })
    }

    async fn handle(&self, context: Context) -> Answer {
        let summary = context.summary();
        match Tag::parse(summary.route_tag()) {
            Some(Tag::Definitions) => rest::handle(&self.definitions, &context, &summary).await,
            Some(Tag::Custom { name, version }) => self.serving.custom(&context, &summary, name, version).await,
            Some(Tag::Discovery) => self.serving.discovery(&context, &summary, &self.definitions).await,
            Some(Tag::OpenApi) => self.serving.openapi(&context, &summary, &self.definitions).await,
            None => Answer::Pass,
        }
    }

    async fn run_hook(&self, context: HookContext, name: &str) -> Result {
        match name {
            controllers::INFORMERS => controllers::check_store(&context).await,
            controllers::CONTROLLERS => controllers::run(context).await,
            controllers::SYNCED => controllers::wait_until_synced().await,
            other => Err(format!("there is no hook `{other}`").into()),
        }
    }
}

impl Objects for Extensions {
    async fn decode(&self, tag: &str, objects: Vec<Stored>) -> Result<Vec<Vec<u8>>> {
        Ok(self.decoder.decode(tag, objects)?)
    }

    async fn render(&self, form: &str, items: Vec<Item>) -> Result<Vec<Vec<u8>>> {
        let form = rest::render::Form::parse(form)?;
        let definition = form.custom_definition();
        Ok(rest::render::render(definition.as_ref().unwrap_or(&self.definitions), &form, items)?)
    }

    async fn read_body(&self, content_type: &str, body: Vec<u8>) -> Result<Vec<u8>> {
        Ok(apimachinery::codec::to_json(content_type, &body)?)
    }
}

/// Trees are made of small pieces.
#[cfg(target_family = "wasm")]
#[global_allocator]
static MEMORY: plugin_sdk::Pieces = plugin_sdk::Pieces::new();

export_resource_link!(Extensions);
