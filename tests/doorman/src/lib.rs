//! A link that says who somebody is and what he may, or fails to.
//!
//! The token `token-of-NAME` is NAME's, and so is the header `x-doorman: NAME`. Whom somebody has
//! trusted with a request for `/doorman/trust/NAME` may do everything: that is stored, and each
//! instance remembers what it has seen of it. `banned` may nothing. The names and tokens `fail`,
//! `trap` and `hang` do what they say.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use plugin_sdk::access::{
    Attributes, Authenticator, Authorizer, Credentials, Decision, Question, ResourceRule, Rules, Target,
};
use plugin_sdk::registration::{Claim, Contents, Route};
use plugin_sdk::storage::{ListQuery, Operation, Put, Watch, WatchQuery, WatchStart};
use plugin_sdk::{Answer, Context, Link, Result, User, spawn};
use plugin_sdk::{export_authenticator, export_authorizer, export_link};

const TRUSTED: &str = "/registry/doorman/trusted/";

#[derive(Default)]
struct Doorman {
    trusted: Rc<RefCell<BTreeSet<String>>>,
    watches: Cell<bool>,
}

impl Link for Doorman {
    fn init() -> Result<Self> {
        Contents::new().route(Route::prefix("/doorman")).claim(Claim::new(TRUSTED)).register("doorman")?;
        Ok(Self::default())
    }

    async fn handle(&self, context: Context) -> Answer {
        let path = context.head().path;
        let Some(name) = path.strip_prefix("/doorman/trust/") else {
            return Answer::text(200, format!("hello, {}\n", context.user().name));
        };
        let value = format!(r#"{{"kind":"Trust","apiVersion":"v1","metadata":{{"name":"{name}"}}}}"#);
        let put = Put { key: format!("{TRUSTED}{name}"), value: value.into(), ttl_seconds: None };
        match context.store().txn(Vec::new(), vec![Operation::Put(put)]).await {
            Ok(_) => Answer::text(200, format!("{name} is trusted\n")),
            Err(error) => Answer::text(500, error.to_string()),
        }
    }
}

impl Authenticator for Doorman {
    async fn authenticate(&self, _: Question, credentials: Credentials) -> Result<Option<User>> {
        let header = credentials.headers.into_iter().find(|(name, _)| name == "x-doorman").map(|(_, value)| value);
        let token = credentials.bearer_token;
        if let Some(token) = &token {
            misbehave(token).await?;
        }
        let name = token.and_then(|token| token.strip_prefix("token-of-").map(str::to_string)).or(header);
        Ok(name.map(|name| User { name, uid: "7".into(), groups: vec!["people".into()], extra: Vec::new() }))
    }
}

impl Authorizer for Doorman {
    async fn authorize(&self, question: Question, wanted: Attributes) -> Result<Decision> {
        misbehave(&wanted.user.name).await?;
        if wanted.user.name == "banned" {
            let what = match wanted.target {
                Target::Path(path) => path,
                Target::Resource(target) => target.resource,
            };
            return Ok(Decision::deny(format!("nothing for the banned, {what} neither")));
        }
        self.learn(&question).await?;
        let trusted = self.trusted.borrow().contains(&wanted.user.name);
        Ok(if trusted { Decision::allow("somebody trusts him") } else { Decision::no_opinion() })
    }

    async fn rules_for(&self, question: Question, user: User, _namespace: &str) -> Rules {
        let error = self.learn(&question).await.err().map(|error| error.to_string()).unwrap_or_default();
        let all = || vec!["*".to_string()];
        let everything = ResourceRule { verbs: all(), groups: all(), resources: all(), names: Vec::new() };
        let resources = if self.trusted.borrow().contains(&user.name) { vec![everything] } else { Vec::new() };
        Rules { resources, paths: Vec::new(), incomplete: !error.is_empty(), error }
    }
}

impl Doorman {
    /// Reads who is trusted, and goes on reading for as long as the instance lives.
    async fn learn(&self, question: &Question) -> Result {
        if self.watches.get() {
            return Ok(());
        }
        let store = question.store();
        let there = store.list(ListQuery::below(TRUSTED)).await?;
        let watch = store.watch(WatchQuery::below(TRUSTED, WatchStart::After(there.revision()))).await?;
        self.trusted.borrow_mut().extend(there.objects(100).map(|object| name(&object.key())));
        if !self.watches.replace(true) {
            spawn(follow(watch, self.trusted.clone()));
        }
        Ok(())
    }
}

async fn follow(watch: Watch, trusted: Rc<RefCell<BTreeSet<String>>>) {
    while let Ok(events) = watch.next().await {
        trusted.borrow_mut().extend(events.iter().filter_map(|event| event.object.as_ref()).map(|o| name(&o.key())));
    }
}

fn name(key: &str) -> String {
    key.strip_prefix(TRUSTED).unwrap_or_default().to_string()
}

async fn misbehave(word: &str) -> Result {
    match word {
        "fail" => Err("told to fail".into()),
        "trap" => panic!("told to trap"),
        "hang" => std::future::pending().await,
        _ => Ok(()),
    }
}

export_link!(Doorman);
export_authenticator!(Doorman);
export_authorizer!(Doorman);
