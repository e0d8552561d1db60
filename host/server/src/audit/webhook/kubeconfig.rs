//! Where a kubeconfig says to send, and how to prove who sends.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderValue, Uri};
use serde::Deserialize;

#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("`{}`: {source}", .path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Yaml(#[from] serde_saphyr::Error),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Tls(#[from] rustls::Error),
    #[error("{0}")]
    Pem(#[from] rustls::pki_types::pem::Error),
}

fn invalid(reason: impl Into<String>) -> WebhookError {
    WebhookError::Invalid(reason.into())
}

/// What the current context of a kubeconfig says.
#[derive(Clone)]
pub(crate) struct Destination {
    pub(super) uri: Uri,
    pub(super) server_name: Option<String>,
    /// PEM; the system's authorities if nothing.
    pub(super) authorities: Option<Vec<u8>>,
    pub(super) insecure: bool,
    /// Certificate and key, PEM.
    pub(super) identity: Option<(Vec<u8>, Vec<u8>)>,
    /// The value of `authorization`.
    pub(super) authorization: Option<HeaderValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Kubeconfig {
    #[serde(default)]
    current_context: String,
    #[serde(default)]
    clusters: Vec<NamedCluster>,
    #[serde(default)]
    users: Vec<NamedUser>,
    #[serde(default)]
    contexts: Vec<NamedContext>,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    cluster: Cluster,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    #[serde(default)]
    user: Option<Credentials>,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    context: Context,
}

#[derive(Deserialize)]
struct Context {
    cluster: String,
    #[serde(default)]
    user: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    server: String,
    #[serde(default)]
    tls_server_name: Option<String>,
    #[serde(default)]
    insecure_skip_tls_verify: bool,
    #[serde(default)]
    certificate_authority: Option<PathBuf>,
    #[serde(default)]
    certificate_authority_data: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Credentials {
    #[serde(default)]
    client_certificate: Option<PathBuf>,
    #[serde(default)]
    client_certificate_data: Option<String>,
    #[serde(default)]
    client_key: Option<PathBuf>,
    #[serde(default)]
    client_key_data: Option<String>,
    #[serde(default)]
    token: Option<String>,
    #[serde(default, rename = "tokenFile")]
    token_file: Option<PathBuf>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
}

/// Without what is secret.
impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Destination").field("uri", &self.uri).finish_non_exhaustive()
    }
}

impl Destination {
    pub(crate) fn read(path: &Path) -> Result<Self, WebhookError> {
        let text = String::from_utf8_lossy(&read(path)?).into_owned();
        // Files that it names are beside it, unless their paths are absolute.
        Self::parse(&text, path.parent().unwrap_or(Path::new("")))
    }

    fn parse(text: &str, dir: &Path) -> Result<Self, WebhookError> {
        let Kubeconfig { current_context, clusters, users, contexts } = serde_saphyr::from_str(text)?;
        let context = contexts.into_iter().find(|context| context.name == current_context);
        let context = context
            .map(|context| context.context)
            .ok_or_else(|| invalid(format!("it has no context `{current_context}`, which is its `current-context`")))?;
        let cluster = clusters.into_iter().find(|cluster| cluster.name == context.cluster);
        let cluster = cluster
            .map(|cluster| cluster.cluster)
            .ok_or_else(|| invalid(format!("it has no cluster `{}`, which its context names", context.cluster)))?;
        let user = users.into_iter().find(|user| user.name == context.user);
        let user = match user {
            Some(user) => user.user.unwrap_or_default(),
            None if context.user.is_empty() => Credentials::default(),
            None => return Err(invalid(format!("it has no user `{}`, whom its context names", context.user))),
        };

        let uri: Uri = cluster.server.parse().map_err(|error| invalid(format!("`{}`: {error}", cluster.server)))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err(invalid(format!("its server must be an address such as `https://HOST/PATH`: `{uri}`")));
        }
        let content = |data: &Option<String>, file: &Option<PathBuf>| match (data, file) {
            (Some(data), _) => {
                BASE64_STANDARD.decode(data.trim()).map(Some).map_err(|error| invalid(format!("not base64: {error}")))
            }
            (None, Some(file)) => read(&dir.join(file)).map(Some),
            (None, None) => Ok(None),
        };
        let certificate = content(&user.client_certificate_data, &user.client_certificate)?;
        let key = content(&user.client_key_data, &user.client_key)?;
        if certificate.is_some() != key.is_some() {
            return Err(invalid("its user needs both a client certificate and its key"));
        }
        Ok(Self {
            authorities: content(&cluster.certificate_authority_data, &cluster.certificate_authority)?,
            identity: certificate.zip(key),
            authorization: authorization(&user, dir)?,
            server_name: cluster.tls_server_name,
            insecure: cluster.insecure_skip_tls_verify,
            uri,
        })
    }
}

fn authorization(user: &Credentials, dir: &Path) -> Result<Option<HeaderValue>, WebhookError> {
    let token = match (&user.token, &user.token_file) {
        (Some(token), _) => Some(token.clone()),
        (None, Some(file)) => Some(String::from_utf8_lossy(&read(&dir.join(file))?).trim().to_owned()),
        (None, None) => None,
    };
    let value = match (token, &user.username) {
        (Some(token), _) => format!("Bearer {token}"),
        (None, Some(name)) => {
            let password = user.password.as_deref().unwrap_or_default();
            format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}")))
        }
        (None, None) => return Ok(None),
    };
    let mut value = HeaderValue::from_str(&value).map_err(|_| invalid("its user's token cannot be in a header"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn read(path: &Path) -> Result<Vec<u8>, WebhookError> {
    std::fs::read(path).map_err(|source| WebhookError::Unreadable { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(cluster: &str, user: &str) -> Result<Destination, String> {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{{name: c, context: {{cluster: x, user: u}}}}]\n\
             clusters: [{{name: x, cluster: {cluster}}}]\nusers: [{{name: u, user: {user}}}]"
        );
        Destination::parse(&text, Path::new("/nowhere")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_current_context_counts() {
        let cluster = "{server: 'https://audit.example.com:8443/events?x=1', certificate-authority-data: Q0E=}";
        let destination = parse(cluster, "{client-certificate-data: QUI=, client-key-data: Q0Q=}").unwrap();
        assert_eq!(destination.uri, "https://audit.example.com:8443/events?x=1");
        assert_eq!(destination.authorities.unwrap(), b"CA");
        assert_eq!(destination.identity.unwrap(), (b"AB".to_vec(), b"CD".to_vec()));
        assert!(!destination.insecure && destination.server_name.is_none() && destination.authorization.is_none());

        let cluster = "{server: 'http://h', insecure-skip-tls-verify: true, tls-server-name: n}";
        let cases =
            [("{token: t}", Some("Bearer t")), ("{username: a, password: b}", Some("Basic YTpi")), ("{}", None)];
        for (user, expected) in cases {
            let destination = parse(cluster, user).unwrap();
            assert!(destination.insecure && destination.server_name.as_deref() == Some("n"));
            assert_eq!(destination.authorization.as_ref().map(|value| value.to_str().unwrap()), expected, "{user}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let good = "{server: 'https://h'}";
        let cases = [
            ("{server: audit}", "{}", "its server must be an address such as `https://HOST/PATH`: `audit`"),
            (good, "{client-key-data: Q0Q=}", "its user needs both a client certificate and its key"),
            (good, "{tokenFile: token}", "`/nowhere/token`: No such file or directory (os error 2)"),
            (
                "{server: 'https://h', certificate-authority-data: '*'}",
                "{}",
                "not base64: Invalid symbol 42, offset 0.",
            ),
        ];
        for (cluster, user, expected) in cases {
            assert_eq!(parse(cluster, user).unwrap_err(), expected, "{cluster} {user}");
        }
        let error = Destination::parse("current-context: c", Path::new("")).unwrap_err().to_string();
        assert_eq!(error, "it has no context `c`, which is its `current-context`");
    }
}
