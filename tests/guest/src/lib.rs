//! A link that behaves as its configuration and its requests say, well or badly.
//!
//! Its configuration is a line for each thing that `init` does:
//!
//! ```text
//! prefix /a         a route for a path and all below it
//! exact /a/b        a route for one path
//! immediate /a      as `prefix`, with answers that wait for nothing
//! check NAME        a health check; the last part of its name says what it does
//! hook NAME         a post-start hook; the last part of its name says what it does
//! lone-hook NAME    the same, on one host at a time
//! pre-shutdown NAME a hook before the end, likewise
//! expect NAME       says that routes will be added
//! claim PREFIX      one more key prefix that is its own
//! adds PATH         a route that a hook adds which completes the routes
//! prepare WORD      does what the word says in `prepare-run`
//! WORD              does what the word says, at this point of `init`
//! ```
//!
//! What a request wants is the last part of its path. [`words`] is what can be wanted of checks,
//! hooks and requests alike; the rest is beside who understands it.

mod answers;
mod asks;
mod fetch;
mod granted;
mod immediate;
mod ledger;
mod objects;
mod random;
mod words;

use std::cell::{Cell, RefCell};

use plugin_sdk::registration::{self, Claim, Contents, Endpoint, Hook, Route};
use plugin_sdk::storage::{Operation, Put, Watch, WatchQuery, WatchStart};
use plugin_sdk::{
    Answer, Client, Context, HookContext, Link, Proxy, Result, Tls, configuration, export_immediate,
    export_resource_link,
};

/// The routes that are announced with `expect`.
const LATER: &str = "later";

#[derive(Default)]
struct Scripted {
    name: String,
    /// Watches that nobody reads.
    watches: RefCell<Vec<Watch>>,
    added: Vec<String>,
    prepare: String,
    /// How often this instance's health was asked for.
    asked: Cell<u32>,
}

impl Link for Scripted {
    fn init() -> Result<Self> {
        let mut scripted = Self { name: configuration::plugin_name(), ..Self::default() };
        let mut contents = Contents::new().claim(Claim::new(&scripted.prefix()));
        for line in configuration::get().unwrap_or_default().lines() {
            match line.split_once(' ').unwrap_or((line, "")) {
                ("prefix", path) => contents = contents.route(Route::prefix(path).tag(line)),
                ("exact", path) => contents = contents.route(Route::exact(path).tag(line)),
                ("immediate", path) => {
                    contents = contents.route(Route::prefix(path).tag(line));
                    registration::immediate(&[line])?;
                }
                ("claim", prefix) => contents = contents.claim(Claim::new(prefix)),
                ("adds", path) => scripted.added.push(path.to_string()),
                ("prepare", behaviour) => scripted.prepare = behaviour.to_string(),
                ("check", name) => registration::health_check(name, &[Endpoint::Readyz])?,
                ("hook", name) => registration::hook(Hook::post_start(name))?,
                ("lone-hook", name) => registration::hook(Hook::post_start(name).one_at_a_time())?,
                ("pre-shutdown", name) => registration::hook(Hook::pre_shutdown(name))?,
                ("expect", name) => registration::expect_routes(name)?,
                (word, _) => words::now(word)?,
            }
        }
        contents.register("scripted")?;
        Ok(scripted)
    }

    async fn prepare_run(&self, _: HookContext) -> Result {
        if configuration::get().is_some_and(|script| script.contains("hang-before-run")) {
            words::for_ever::<()>().await;
        }
        words::now(&self.prepare)
    }

    async fn handle(&self, context: Context) -> Answer {
        let head = context.head();
        let word = head.path.rsplit('/').next().unwrap_or_default();
        if word.strip_suffix("-passes") == Some(&self.name) {
            return Answer::Pass;
        }
        match word {
            "forward" => return Answer::Proxy(self.proxy(head.query)),
            "upgrade" => return Answer::Upgrade(self.proxy(head.query)),
            _ => {}
        }
        if let Some(answer) = answers::to(word) {
            return answer;
        }
        let said = match word {
            "hang" => words::for_ever().await,
            "told" => self.remember(&context).await.map(|()| "told".to_string()),
            "watch" => self.watch(&context, &head.query).await,
            "ledger" => ledger::read(&self.prefix(), &context).await,
            "random" => Ok(format!("{} bytes", random::bytes(1 << 20))),
            "render" => match objects::rendered(&self.prefix(), &context, &head.query).await {
                Ok(answer) => return answer,
                Err(error) => Err(error),
            },
            word if asks::KNOWN.contains(&word) => {
                return asks::answer(&self.prefix(), &context, word, &head.query).await;
            }
            "fetch" => fetch::fetched(&head.query),
            "fetch-often" => fetch::fetched_often(&head.query),
            word if granted::KNOWN.contains(&word) => granted::used(word, &head.query),
            word => words::now(word).map(|()| format!("{}: {} for {}", self.name, context.route().tag, head.path)),
        };
        match said {
            Ok(text) => Answer::text(200, format!("{text}\n")),
            Err(error) => Answer::text(500, error.to_string()),
        }
    }

    async fn check_health(&self, name: &str) -> Result {
        let before = self.asked.replace(self.asked.get() + 1);
        if name.ends_with("-wears-off") && before > 0 {
            return Err("it has worn off".into());
        }
        words::last(name).await
    }

    async fn run_hook(&self, context: HookContext, name: &str) -> Result {
        words::last(name).await?;
        if name.ends_with("-asks") {
            Client::new(&context).get("/inner/hang").await?;
        }
        context.ready();
        if name.ends_with("-completes") {
            self.told(&context).await?;
            let added = self.added.iter().fold(Contents::new(), |contents, path| {
                contents.route(Route::prefix(path).tag(format!("prefix {path}")))
            });
            added.register("added")?;
            registration::routes_complete(LATER)?;
        }
        if name.ends_with("-burns") {
            words::burn(&context).await;
        }
        if name.ends_with("-ledger") {
            ledger::keep(&self.prefix(), &context).await?;
        }
        if name.ends_with("-listens") {
            return words::listen().await;
        }
        context.cancelled().await;
        if name.ends_with("-lingers") {
            words::for_ever::<()>().await;
        }
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
        let watch = context.store().watch(WatchQuery::below(&self.prefix(), WatchStart::Now)).await?;
        watch.next().await?;
        Ok(())
    }

    /// Opens so many watches, and keeps them.
    async fn watch(&self, context: &Context, count: &str) -> Result<String> {
        for _ in 0..count.parse()? {
            let watch = context.store().watch(WatchQuery::below(&self.prefix(), WatchStart::Tail)).await?;
            self.watches.borrow_mut().push(watch);
        }
        Ok(format!("{} are open", self.watches.borrow().len()))
    }
}

export_resource_link!(Scripted);
export_immediate!(Scripted);
