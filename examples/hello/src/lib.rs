//! A third-party link: one route, one health check, one hook. Copy this folder to begin a
//! plugin of your own.

use plugin_sdk::immediate::{Immediate, Reply};
use plugin_sdk::registration::{self, Contents, Endpoint, Hook, Route};
use plugin_sdk::{
    Answer, Context, HookContext, Link, Result, Summary, configuration, export_immediate, export_link, log,
};

// What requests need, small pieces of memory, at a fraction of what the standard allocator costs.
#[cfg(target_family = "wasm")]
#[global_allocator]
static MEMORY: plugin_sdk::Pieces = plugin_sdk::Pieces::new();

struct Hello {
    greeting: String,
}

impl Hello {
    fn greet(&self, request: &Summary) -> Reply {
        let whom = match request.path().strip_prefix("/hello/") {
            Some(name) if !name.is_empty() => name,
            _ => request.user_name(),
        };
        Reply::text(200, [&self.greeting, ", ", whom, "\n"].concat())
    }
}

impl Link for Hello {
    fn init() -> Result<Self> {
        Contents::new().route(Route::prefix("/hello").tag("greeting")).register("hello")?;
        registration::immediate(&["greeting"])?;
        registration::health_check("hello-words", &[Endpoint::Healthz, Endpoint::Livez, Endpoint::Readyz])?;
        registration::hook(Hook::post_start("hello-greeter"))?;
        let greeting = configuration::get().map_or("hello".to_string(), |text| text.trim().to_string());
        Ok(Self { greeting })
    }

    // May wait: for the body, for storage, for the rest of the chain.
    async fn handle(&self, context: Context) -> Answer {
        let request = context.summary();
        match request.method() {
            "GET" | "HEAD" => self.greet(&request).into(),
            _ => Answer::text(405, "only GET\n"),
        }
    }

    async fn check_health(&self, _name: &str) -> Result {
        if self.greeting.is_empty() {
            return Err("the configured greeting is empty".into());
        }
        Ok(())
    }

    async fn run_hook(&self, context: HookContext, _name: &str) -> Result {
        log::info!("ready to say `{}`", self.greeting);
        context.ready();
        // A controller would go on working here until it is told to end.
        context.cancelled().await;
        Ok(())
    }
}

// What needs no waiting is answered in a plain call, for a fraction of the cost; the rest by `handle`.
impl Immediate for Hello {
    fn answer(&self, request: &Summary) -> Option<Reply> {
        (request.method() == "GET").then(|| self.greet(request))
    }
}

export_link!(Hello);
export_immediate!(Hello);
