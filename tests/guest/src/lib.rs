//! A link that behaves as its configuration and its requests say, well or badly.
//!
//! Its configuration is a line for each thing that `init` does:
//!
//! ```text
//! prefix /a      a route for a path and all below it
//! exact /a/b     a route for one path
//! check NAME     a health check; one whose name ends in `-fails` or `-traps` does
//! hook NAME      a post-start hook; `-fails` and `-traps` as above, `-completes` says that routes
//!                are complete once somebody has asked for `/.../told`
//! expect NAME    says that routes will be added
//! fail, trap, spin   what it says, at this point of `init`
//! ```
//!
//! What a request wants is the last part of its path, see `handle`.

use plugin_sdk::registration::{self, Claim, Contents, Endpoint, Hook, Route};
use plugin_sdk::storage::{Operation, Put, Selector, WatchQuery, WatchStart};
use plugin_sdk::{Answer, Client, Context, HookContext, Link, Proxy, Result, Tls, configuration, export_link};

/// The routes that are announced with `expect`.
const LATER: &str = "later";

struct Scripted {
    name: String,
}

impl Link for Scripted {
    fn init() -> Result<Self> {
        let scripted = Self { name: configuration::plugin_name() };
        let mut contents = Contents::new().claim(Claim::new(&scripted.prefix()));
        for line in configuration::get().unwrap_or_default().lines() {
            match line.split_once(' ').unwrap_or((line, "")) {
                ("prefix", path) => contents = contents.route(Route::prefix(path).tag(line)),
                ("exact", path) => contents = contents.route(Route::exact(path).tag(line)),
                ("check", name) => registration::health_check(name, &[Endpoint::Readyz])?,
                ("hook", name) => registration::hook(Hook::post_start(name))?,
                ("expect", name) => registration::expect_routes(name)?,
                (behaviour, _) => misbehave(behaviour)?,
            }
        }
        contents.register("scripted")?;
        Ok(scripted)
    }

    async fn handle(&self, context: Context) -> Answer {
        let head = context.head();
        match head.path.rsplit('/').next().unwrap_or_default() {
            word if word.strip_suffix("-passes") == Some(&self.name) => Answer::Pass,
            "ask" => match Client::new(&context).get(&head.query).await {
                Ok(answer) => Answer::text(answer.status, String::from_utf8_lossy(&answer.body)),
                Err(error) => Answer::text(500, error),
            },
            "forward" => Answer::Proxy(self.proxy(head.query)),
            "upgrade" => Answer::Upgrade(self.proxy(head.query)),
            "told" => match self.remember(&context).await {
                Ok(()) => Answer::text(200, "told\n"),
                Err(error) => Answer::text(500, error.to_string()),
            },
            behaviour => match misbehave(behaviour) {
                Ok(()) => Answer::text(200, format!("{}: {} for {}\n", self.name, context.route().tag, head.path)),
                Err(error) => Answer::text(500, error.to_string()),
            },
        }
    }

    async fn check_health(&self, name: &str) -> Result {
        misbehave_by_name(name)
    }

    async fn run_hook(&self, context: HookContext, name: &str) -> Result {
        misbehave_by_name(name)?;
        context.ready();
        if name.ends_with("-completes") {
            self.told(&context).await?;
            registration::routes_complete(LATER)?;
        }
        context.cancelled().await;
        Ok(())
    }
}

impl Scripted {
    fn prefix(&self) -> String {
        format!("/registry/scripted/{}/", self.name)
    }

    /// To the address in the query, on its own behalf.
    fn proxy(&self, uri: String) -> Proxy {
        let tls = Tls { ca_bundle: None, server_name: None, insecure_skip_verify: false };
        Proxy { uri, headers: vec![("x-remote-user".to_string(), self.name.clone())], tls }
    }

    /// Leaves a mark for the hook, which runs in another instance.
    async fn remember(&self, context: &Context) -> Result {
        let value = r#"{"kind":"Mark","apiVersion":"v1","metadata":{"name":"told"}}"#;
        let put = Put { key: format!("{}told", self.prefix()), value: value.into(), ttl_seconds: None };
        context.store().txn(Vec::new(), vec![Operation::Put(put)]).await?;
        Ok(())
    }

    /// Waits for the mark.
    async fn told(&self, context: &HookContext) -> Result {
        let query = WatchQuery {
            prefix: self.prefix(),
            selector: Selector { labels: Vec::new(), fields: Vec::new() },
            start: WatchStart::Now,
            bookmarks: false,
            timeout_ms: None,
        };
        let watch = context.store().watch(query).await?;
        watch.next().await?;
        Ok(())
    }
}

fn misbehave_by_name(name: &str) -> Result {
    match name.rsplit('-').next() {
        Some("fails") => misbehave("fail"),
        Some("traps") => misbehave("trap"),
        _ => Ok(()),
    }
}

/// Does harm, if that is what the word says.
fn misbehave(behaviour: &str) -> Result {
    match behaviour {
        "fail" => Err("told to fail".into()),
        "trap" => panic!("told to trap"),
        "spin" => loop {
            std::hint::black_box(());
        },
        "grow" => {
            let mut held = Vec::new();
            loop {
                held.push(std::hint::black_box(vec![1_u8; 1 << 20]));
            }
        }
        _ => Ok(()),
    }
}

export_link!(Scripted);
