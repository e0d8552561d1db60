//! Who gets in: the server's questions, put to a guest or to the store.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use host_server::{
    Attributes, Authentication, Authenticator, Authorization, Authorizer, BoundObjects, Credentials, Decision,
    PathRule, ResourceRule, Rules, Server, Target, User, Verdict,
};
use host_store::{Cache, Freshness};

use crate::bindings::exports::host::chain::authorizer as wit;
use crate::bindings::host::chain::types;
use crate::chain::{Link, Services};
use crate::guest::{self, CallError, Question};

/// The server's questions, and the links that are asked them.
pub struct Access {
    authentication: Arc<Authentication>,
    authorization: Arc<Authorization>,
}

impl Access {
    pub fn new(server: &Server) -> Self {
        Self { authentication: server.authentication().clone(), authorization: server.authorization().clone() }
    }

    /// Lets the server ask a link for what it exports, and not for what only the generation before
    /// it did.
    pub fn update(&self, link: &Arc<Link>) {
        let asked = || Arc::new(Asked { services: link.services().clone(), plugin: link.name().to_string() });
        match link.loaded().authenticator.is_some() {
            true => self.authentication.add(asked()),
            false => self.authentication.remove(link.name()),
        }
        match link.loaded().authorizer.is_some() {
            true => self.authorization.add(asked()),
            false => self.authorization.remove(link.name()),
        }
    }

    /// Asks a plugin no more.
    pub fn remove(&self, plugin: &str) {
        self.authentication.remove(plugin);
        self.authorization.remove(plugin);
    }
}

/// The objects that tokens are bound to, where kube-apiserver stores them.
pub struct StoredObjects(Cache);

impl StoredObjects {
    pub fn new(cache: Cache) -> Self {
        Self(cache)
    }
}

impl BoundObjects for StoredObjects {
    fn get<'a>(
        &'a self,
        resource: &'static str,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, String>> {
        let key = match resource {
            "nodes" => format!("/registry/minions/{name}"),
            _ => format!("/registry/{resource}/{namespace}/{name}"),
        };
        async move {
            // What is at hand, as requests come often; what is not may have been written elsewhere
            // a moment ago.
            for freshness in [Freshness::Any, Freshness::Latest] {
                let found = self.0.get(&key, freshness).await.map_err(|error| error.to_string())?;
                if let Some(object) = found {
                    return Ok(Some(object.json().to_vec()));
                }
            }
            Ok(None)
        }
        .boxed()
    }
}

/// A plugin that is asked, in the generation that serves then.
struct Asked {
    services: Arc<Services>,
    plugin: String,
}

impl Asked {
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(tokio::sync::oneshot::Sender<T>) -> Question,
    ) -> Result<T, CallError> {
        // Held until there is an answer: a generation is let go of when no chain has it.
        let chain = self.services.chain.load_full();
        let Some(link) = chain.link(&self.plugin) else {
            let plugin = self.plugin.as_str().into();
            return Err(CallError::Unavailable { plugin, reason: "it is not part of the chain".into() });
        };
        let answer = link.pool().ask(question, link.limits().access_ms_max).await;
        answer.inspect_err(|error| link.log().host(tracing::Level::ERROR, &error.to_string()))
    }
}

impl Authenticator for Asked {
    fn name(&self) -> &str {
        &self.plugin
    }

    fn authenticate<'a>(&'a self, credentials: Credentials<'a>) -> BoxFuture<'a, Result<Option<User>, String>> {
        let headers = credentials.headers.iter();
        let headers = headers.filter_map(|(name, value)| {
            let value = std::str::from_utf8(value.as_bytes()).ok()?;
            Some((name.to_string(), value.to_string()))
        });
        let credentials = guest::Credentials {
            bearer_token: credentials.bearer_token.map(str::to_string),
            headers: headers.collect(),
        };
        async {
            let answer = self.ask(|reply| Question::Authenticate { credentials, reply }).await;
            Ok(answer.map_err(|error| error.to_string())??.map(user))
        }
        .boxed()
    }
}

impl Authorizer for Asked {
    fn name(&self) -> &str {
        &self.plugin
    }

    fn authorize<'a>(&'a self, attributes: &'a Attributes<'a>) -> BoxFuture<'a, Result<Decision, String>> {
        let target = match attributes.target {
            Target::Path(path) => wit::Target::Path(path.to_string()),
            Target::Resource(target) => wit::Target::Resource(wit::ResourceTarget {
                group: target.group.to_string(),
                version: target.version.to_string(),
                resource: target.resource.to_string(),
                subresource: target.subresource.to_string(),
                namespace: target.namespace.to_string(),
                name: target.name.to_string(),
                field_selector: target.field_selector.to_string(),
                label_selector: target.label_selector.to_string(),
            }),
        };
        let attributes = wit::Attributes { user: asking(attributes.user), verb: attributes.verb.to_string(), target };
        async {
            let answer = self.ask(|reply| Question::Authorize { attributes, reply }).await;
            let wit::Decision { verdict, reason } = answer.map_err(|error| error.to_string())??;
            let verdict = match verdict {
                wit::Verdict::Allow => Verdict::Allow,
                wit::Verdict::Deny => Verdict::Deny,
                wit::Verdict::NoOpinion => Verdict::NoOpinion,
            };
            Ok(Decision { verdict, reason: reason.into() })
        }
        .boxed()
    }

    fn rules_for<'a>(&'a self, user: &'a User, namespace: &'a str) -> BoxFuture<'a, Rules> {
        let (user, namespace) = (asking(user), namespace.to_string());
        async {
            match self.ask(|reply| Question::Rules { user, namespace, reply }).await {
                Ok(rules) => listed(rules),
                Err(error) => Rules { incomplete: true, error: error.to_string(), ..Rules::default() },
            }
        }
        .boxed()
    }
}

fn listed(rules: wit::Rules) -> Rules {
    let resource = |rule: wit::ResourceRule| {
        let wit::ResourceRule { verbs, groups, resources, names } = rule;
        ResourceRule { verbs, groups, resources, names }
    };
    let path = |wit::PathRule { verbs, paths }| PathRule { verbs, paths };
    Rules {
        resources: rules.resources.into_iter().map(resource).collect(),
        paths: rules.paths.into_iter().map(path).collect(),
        incomplete: rules.incomplete,
        error: rules.error,
    }
}

pub fn asking(user: &User) -> types::User {
    let User { name, uid, groups, extra } = user.clone();
    types::User { name, uid, groups, extra }
}

fn user(user: types::User) -> User {
    let types::User { name, uid, groups, extra } = user;
    User { name, uid, groups, extra }
}
