//! The core server: a link of the default chain that serves every built-in resource but
//! CustomResourceDefinitions and APIServices.
//!
//! - [`resources`]: which resources there are, and which has rules of its own.
//! - `strategies`: those rules, one file for each resource.
//! - `special`: what is no object in the store: reviews, bindings, tokens.
//! - `warnings`: what is valid and odd.
//! - `hooks`: what runs beside requests and makes the objects that a fresh cluster has.

mod check;
mod hooks;
pub mod resources;
mod signers;
mod small;
mod special;
mod strategies;
mod tree;
mod warnings;

use apimachinery::definition::Definition;
use apimachinery::discovery;
use apimachinery::encode;
use apimachinery::openapi::{self, Published};
use apimachinery::rest::render::{self, Form};
use apimachinery::rest::{self, Special};
use apimachinery::status::ApiError;
use plugin_sdk::registration;
use plugin_sdk::{Answer, Context, HookContext, Item, Link, Objects, Result, Summary, export_resource_link};

/// Built-in definitions never change, so neither do their OpenAPI documents.
const DOCUMENTS: u64 = 1;

struct Core {
    definitions: Vec<Definition>,
    published: Published,
}

impl Core {
    fn definition(&self, group: &str, version: &str, resource: &str) -> Option<&Definition> {
        self.definitions
            .iter()
            .find(|own| &*own.group == group && &*own.version == version && &*own.resource == resource)
    }

    fn own(&self) -> Vec<&Definition> {
        self.definitions.iter().collect()
    }

    async fn serve(&self, context: &Context, summary: &Summary) -> Answer {
        let Some(definition) = self.definition(summary.api_group(), summary.api_version(), summary.resource()) else {
            return encode::failure(summary, &ApiError::unknown_resource());
        };
        special::handle(Special::new(definition, context, summary), &self.definitions).await
    }
}

impl Link for Core {
    fn init() -> Result<Self> {
        let definitions = resources::definitions();
        let mut contents = resources::contents(&definitions);
        contents.routes.extend(discovery::routes(&definitions));
        contents.routes.extend(openapi::routes());
        contents.register("resources")?;
        let stored = definitions.iter().filter(|definition| resources::is_stored(definition));
        registration::register_plain_reads(&stored.filter_map(rest::plain_read).collect::<Vec<_>>())?;
        for hook in hooks::all() {
            registration::hook(hook)?;
        }
        Ok(Self { definitions, published: Published::default() })
    }

    async fn handle(&self, context: Context) -> Answer {
        let summary = context.summary();
        match summary.route_tag() {
            discovery::TAG => discovery::serve_merged(&context, &summary, &self.own()).await,
            openapi::TAG => self.published.serve_merged(&context, &summary, &self.own(), DOCUMENTS).await,
            _ => self.serve(&context, &summary).await,
        }
    }

    async fn run_hook(&self, context: HookContext, name: &str) -> Result {
        hooks::run(&self.definitions, context, name).await
    }
}

impl Objects for Core {
    async fn render(&self, form: &str, items: Vec<Item>) -> Result<Vec<Vec<u8>>> {
        let form = Form::parse(form)?;
        let definition = self
            .definition(&form.group, &form.version, &form.resource)
            .ok_or_else(|| format!("`{}` is not served here", form.resource))?;
        Ok(render::render(definition, &form, items)?)
    }

    async fn read_body(&self, content_type: &str, body: Vec<u8>) -> Result<Vec<u8>> {
        Ok(apimachinery::codec::to_json(content_type, &body)?)
    }
}

/// Trees are made of small pieces.
#[cfg(target_family = "wasm")]
#[global_allocator]
static MEMORY: plugin_sdk::Pieces = plugin_sdk::Pieces::new();

export_resource_link!(Core);
