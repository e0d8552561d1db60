//! kube-apiserver's `EncryptionConfiguration`: which resources are encrypted how.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use super::provider::{Kind, NAME_BYTES_MAX, NamedKey, PREFIX, Provider};
use super::resource::{self, GroupResource};

/// What decides how values are written, and by what they are read. The default encrypts nothing.
#[derive(Debug, Default)]
pub struct EncryptionConfig {
    rules: Vec<Rule>,
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ConfigError(String);

/// The first rule that covers a resource decides.
#[derive(Debug)]
struct Rule {
    resources: Vec<Pattern>,
    /// The first one writes, all of them read.
    providers: Vec<Provider>,
}

#[derive(Debug, PartialEq, Eq)]
enum Pattern {
    /// `*.*`
    All,
    /// `*.GROUP`, the core's being `*.`
    Group(String),
    /// `RESOURCE.GROUP`, the core's being `RESOURCE`
    One { resource: String, group: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    api_version: String,
    kind: String,
    resources: Vec<ResourcesEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResourcesEntry {
    resources: Vec<String>,
    providers: Vec<ProviderEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderEntry {
    aesgcm: Option<Keys>,
    aescbc: Option<Keys>,
    secretbox: Option<Keys>,
    identity: Option<Identity>,
    kms: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    keys: Vec<KeyEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    name: String,
    secret: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {}

impl EncryptionConfig {
    /// Reads a configuration, in YAML or JSON.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let file: File = serde_norway::from_str(text).map_err(|error| ConfigError(error.to_string()))?;
        if file.kind != "EncryptionConfiguration" || !matches!(&*file.api_version, "apiserver.config.k8s.io/v1" | "v1")
        {
            return Err(ConfigError(format!(
                "`{}` of `{}` is not `EncryptionConfiguration` of `apiserver.config.k8s.io/v1`",
                file.kind, file.api_version
            )));
        }
        if file.resources.is_empty() {
            return Err(ConfigError("`resources` is empty".to_owned()));
        }
        let rules = file
            .resources
            .into_iter()
            .enumerate()
            .map(|(at, entry)| Rule::new(entry).map_err(|what| ConfigError(format!("`resources[{at}]`: {what}"))));
        Ok(Self { rules: rules.collect::<Result<_, _>>()? })
    }

    /// The value as it is to be stored; none if that is how it is.
    pub(super) fn seal(&self, key: &str, value: &[u8]) -> Result<Option<Bytes>, String> {
        let writer = self.providers(key).first().unwrap_or(&Provider::Identity);
        Ok(writer.seal(key, value)?.map(Bytes::from))
    }

    /// The value as it was given; none if that is how it is stored.
    pub(super) fn open(&self, key: &str, value: &[u8]) -> Result<Option<Bytes>, String> {
        let providers = match self.providers(key) {
            [] => &[Provider::Identity],
            providers => providers,
        };
        match providers.iter().find_map(|provider| provider.open(key, value)) {
            Some(opened) => Ok(opened?.map(Bytes::from)),
            None if value.starts_with(PREFIX) => {
                let name = value.split(|byte| *byte == b':').nth(4).map(String::from_utf8_lossy).unwrap_or_default();
                Err(format!("no provider for its resource has the key `{name}` that it was encrypted with"))
            }
            None => Err("it is not encrypted, and no provider for its resource is `identity`".to_owned()),
        }
    }

    fn providers(&self, key: &str) -> &[Provider] {
        let Some(resource) = resource::of(key) else { return &[] };
        let rule = self.rules.iter().find(|rule| rule.resources.iter().any(|pattern| pattern.covers(resource)));
        rule.map_or(&[], |rule| &rule.providers)
    }
}

impl Rule {
    fn new(entry: ResourcesEntry) -> Result<Self, String> {
        if entry.resources.is_empty() || entry.providers.is_empty() {
            return Err("`resources` and `providers` must not be empty".to_owned());
        }
        let mut resources = Vec::new();
        for text in entry.resources {
            let pattern = Pattern::parse(&text)?;
            if resources.contains(&pattern) {
                return Err(format!("`{text}` is there twice"));
            }
            resources.push(pattern);
        }
        let providers = entry
            .providers
            .into_iter()
            .enumerate()
            .map(|(at, provider)| Provider::parse(provider).map_err(|what| format!("`providers[{at}]`: {what}")));
        Ok(Self { resources, providers: providers.collect::<Result<_, _>>()? })
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, String> {
        let (resource, group) = text.split_once('.').unwrap_or((text, ""));
        match (resource, group) {
            ("*", "*") => Ok(Self::All),
            ("*", _) if !text.contains('.') => {
                Err("`*` is no resource: `*.` is all of the core, `*.*` is everything".to_owned())
            }
            ("*", group) if !group.contains('*') => Ok(Self::Group(group.to_owned())),
            (resource, group) if !resource.is_empty() && !text.contains(['*', '/']) => {
                Ok(Self::One { resource: resource.to_owned(), group: group.to_owned() })
            }
            _ => Err(format!("`{text}` is no resource: `RESOURCE`, `RESOURCE.GROUP`, `*.GROUP` and `*.*` are")),
        }
    }

    fn covers(&self, key: GroupResource<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Group(group) => group == key.group,
            Self::One { resource, group } => resource == key.resource && group == key.group,
        }
    }
}

impl Provider {
    fn parse(entry: ProviderEntry) -> Result<Self, String> {
        let ProviderEntry { aesgcm, aescbc, secretbox, identity, kms } = entry;
        match (aesgcm, aescbc, secretbox, identity, kms) {
            (Some(keys), None, None, None, None) => Self::keyed(Kind::AesGcm, keys),
            (None, Some(keys), None, None, None) => Self::keyed(Kind::AesCbc, keys),
            (None, None, Some(keys), None, None) => Self::keyed(Kind::Secretbox, keys),
            (None, None, None, Some(Identity {}), None) => Ok(Self::Identity),
            (None, None, None, None, Some(_)) => Err("`kms` is not supported".to_owned()),
            _ => Err("it must be one of `aesgcm`, `aescbc`, `secretbox` and `identity`".to_owned()),
        }
    }

    fn keyed(kind: Kind, entries: Keys) -> Result<Self, String> {
        let mut keys: Vec<NamedKey> = Vec::new();
        for KeyEntry { name, secret } in entries.keys {
            if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(':') {
                return Err(format!("`{name}` is no name for a key: 1 to {NAME_BYTES_MAX} bytes, no `:`"));
            }
            if keys.iter().any(|key| key.name() == name) {
                return Err(format!("the key `{name}` is there twice"));
            }
            let secret = STANDARD.decode(secret).map_err(|_| format!("the secret of `{name}` is not base64"))?;
            keys.push(NamedKey::new(kind, name.clone(), &secret).map_err(|what| format!("the key `{name}`: {what}"))?);
        }
        if keys.is_empty() { Err("`keys` is empty".to_owned()) } else { Ok(Self::Keyed { kind, keys }) }
    }
}
