//! A third-party link: one route, one health check, one hook. Copy this folder to begin a
//! plugin of your own.

use std::cell::Cell;

use plugin_sdk::registration::{self, Contents, Endpoint, Hook, Route};
use plugin_sdk::{Answer, Context, HookContext, Link, Result, configuration, export_link, log};

struct Hello {
    greeting: String,
    /// How many this instance has greeted. Each of the plugin's instances counts for itself.
    greeted: Cell<u64>,
}

impl Link for Hello {
    fn init() -> Result<Self> {
        Contents::new().route(Route::prefix("/hello")).register("hello")?;
        registration::health_check("hello-words", &[Endpoint::Healthz, Endpoint::Livez, Endpoint::Readyz])?;
        registration::hook(Hook::post_start("hello-greeter"))?;
        let greeting = configuration::get().map_or("hello".to_string(), |text| text.trim().to_string());
        Ok(Self { greeting, greeted: Cell::new(0) })
    }

    async fn handle(&self, context: Context) -> Answer {
        let request = context.summary();
        if request.method() != "GET" {
            return Answer::text(405, "only GET\n");
        }
        self.greeted.set(self.greeted.get() + 1);
        let whom = match request.path().strip_prefix("/hello/") {
            Some(name) if !name.is_empty() => name,
            _ => request.user_name(),
        };
        Answer::text(200, format!("{}, {whom}\n", self.greeting))
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

export_link!(Hello);
