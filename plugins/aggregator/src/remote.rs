//! Requests for a remote APIService: the host forwards them to the service behind it, and says
//! who asks.

use std::fmt;
use std::str::FromStr;

use apimachinery::codec::base64;
use apimachinery::definition::Definition;
use plugin_sdk::storage::Freshness;
use plugin_sdk::{Answer, Context, Header, Proxy, Summary, Tls, User, log};

use crate::apiservice::{ApiService, Service};

/// What a route to a remote APIService says in its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) apiservice: String,
    /// `HOST:PORT`, once the service is known.
    pub(crate) address: Option<String>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "remote {}", self.apiservice)?;
        match &self.address {
            Some(address) => write!(f, " {address}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Target {
    type Err = ();

    fn from_str(tag: &str) -> Result<Self, ()> {
        let mut words = tag.strip_prefix("remote ").ok_or(())?.splitn(2, ' ');
        let apiservice = words.next().ok_or(())?.to_string();
        Ok(Self { apiservice, address: words.next().map(str::to_string) })
    }
}

/// Answers a request that a route with this tag matched.
pub(crate) async fn serve(context: &Context, summary: &Summary, apiservices: &Definition, tag: &str) -> Answer {
    let Ok(target) = tag.parse::<Target>() else { return Answer::Pass };
    let key = apiservices.key("", &target.apiservice);
    let found = match context.store().get(key, Freshness::Latest).await {
        Ok(Some(found)) => found,
        // It went, and its route is about to.
        Ok(None) => return Answer::Pass,
        Err(error) => {
            log::warn!("APIService `{}` cannot be read: {error}", target.apiservice);
            return unavailable();
        }
    };
    let Ok(object) = serde_json::from_slice(&found.value()) else { return unavailable() };
    let apiservice = ApiService::read(&object);
    match (&apiservice.service, target.address) {
        (Some(service), Some(address)) if apiservice.is_available() => {
            forward(context, summary, &apiservice, service, &address)
        }
        (Some(_), _) => unavailable(),
        // It became local: the delegates answer.
        (None, _) => Answer::Pass,
    }
}

fn unavailable() -> Answer {
    Answer::text(503, "service unavailable\n")
}

fn forward(context: &Context, summary: &Summary, apiservice: &ApiService, service: &Service, address: &str) -> Answer {
    let ca_bundle = match apiservice.ca_bundle.as_deref().map(base64::decode) {
        Some(Err(_)) => {
            log::warn!("APIService `{}` has a `spec.caBundle` that is not base64", apiservice.name);
            return unavailable();
        }
        Some(Ok(bundle)) => Some(bundle),
        None => None,
    };
    let query = if summary.query().is_empty() { String::new() } else { format!("?{}", summary.query()) };
    let proxy = Proxy {
        uri: format!("https://{address}{}{query}", summary.path()),
        headers: identity(&context.user()),
        tls: Tls {
            ca_bundle,
            server_name: Some(format!("{}.{}.svc", service.name, service.namespace)),
            insecure_skip_verify: apiservice.insecure_skip_tls_verify,
        },
    };
    let connection = context.header("connection").unwrap_or_default();
    let upgrade = connection.split(',').any(|token| token.trim().eq_ignore_ascii_case("upgrade"));
    if upgrade { Answer::Upgrade(proxy) } else { Answer::Proxy(proxy) }
}

/// Who asks, in the headers that an aggregated server believes a front proxy. The host lets
/// none through that a client sent itself.
fn identity(user: &User) -> Vec<Header> {
    let mut headers = vec![("x-remote-user".to_string(), user.name.clone())];
    if !user.uid.is_empty() {
        headers.push(("x-remote-uid".to_string(), user.uid.clone()));
    }
    headers.extend(user.groups.iter().map(|group| ("x-remote-group".to_string(), group.clone())));
    for (key, values) in &user.extra {
        let name = format!("x-remote-extra-{}", escape(key));
        headers.extend(values.iter().map(|value| (name.clone(), value.clone())));
    }
    headers
}

/// As upstream: bytes that a header's name cannot hold, and `%`, in percent form.
fn escape(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte);
    let write = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    key.to_ascii_lowercase().bytes().map(write).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_from_its_tag() {
        for address in [None, Some("10.0.0.7:443".to_string()), Some("[fd00::1]:443".to_string())] {
            let target = Target { apiservice: "v1.metrics.example.com".into(), address };
            assert_eq!(target.to_string().parse(), Ok(target));
        }
        assert_eq!("discovery".parse::<Target>(), Err(()));
    }

    #[test]
    fn who_asks_is_said_as_a_front_proxy_says_it() {
        let user = User {
            name: "ann".into(),
            uid: String::new(),
            groups: vec!["a".into(), "b".into()],
            extra: vec![("Scopes/x".into(), vec!["one".into()])],
        };
        let expected = [
            ("x-remote-user", "ann"),
            ("x-remote-group", "a"),
            ("x-remote-group", "b"),
            ("x-remote-extra-scopes%2Fx", "one"),
        ];
        assert_eq!(identity(&user), expected.map(|(name, value)| (name.to_string(), value.to_string())));
    }
}
