//! What the server shows of itself, and whose certificates it believes. Both come from files,
//! which may change while it serves.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};
use tokio::sync::watch;

use super::StartError;
use super::certificates::{Pair, pair};
use super::sni::Certificates;
use super::tls;
use crate::authn::{Authorities, ClientAuthorities};
use crate::options::{Access, Tls};
use crate::pki::{AnyCertificate, CertificateError, FromFiles, Pki, Source, wrong};

const CLIENT_CA_FILE: &str = "client-ca-file";
const PROXY_CA_FILE: &str = "requestheader-client-ca-file";

pub(super) struct Trust {
    builder: ConfigBuilder<ServerConfig, WantsVerifier>,
    protocols: Vec<Vec<u8>>,
    files: Mutex<Files>,
    authorities: Arc<ClientAuthorities>,
    /// Those of front proxies.
    proxies: Option<Arc<ClientAuthorities>>,
    believed: watch::Sender<Believed>,
    current: RwLock<Current>,
}

/// Whose certificates are believed, PEM, as others are told of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Believed {
    /// Of clients, the host's own authority included.
    pub clients: String,
    /// Those of `--client-ca-file`, if it is given.
    pub given_clients: Option<String>,
    /// Those of `--requestheader-client-ca-file`, if it is given.
    pub front_proxies: Option<String>,
}

struct Files {
    serving: FromFiles<Pair>,
    named: Vec<(Vec<String>, FromFiles<Pair>)>,
    authorities: FromFiles<Authorities>,
    proxies: Option<FromFiles<Authorities>>,
}

/// What new connections get.
struct Current {
    config: Arc<ServerConfig>,
    /// For clients that name no server; most do not care by which address they came.
    by_address: HashMap<IpAddr, Arc<ServerConfig>>,
}

impl Trust {
    pub(super) fn read(options: &Tls, access: &Access, pki: &Pki) -> Result<Self, StartError> {
        let serving = match &options.certificate {
            Some(files) => pair(["tls-cert-file", "tls-private-key-file"], files)?,
            None => pair(["data-dir", "data-dir"], &pki.serving_files())?,
        };
        let named = options.named.iter().map(|named| {
            let pair = pair(["tls-sni-cert-key", "tls-sni-cert-key"], &named.files)?;
            Ok((named.names.clone(), pair))
        });
        let files = Files {
            serving,
            named: named.collect::<Result<_, CertificateError>>()?,
            authorities: authorities(access.client_ca_file.as_deref(), pki)?,
            proxies: access.front_proxy.as_ref().map(|proxy| proxies(&proxy.client_ca_file)).transpose()?,
        };
        let builder = tls::builder(options)?;
        let protocols = tls::protocols(options.http2);
        let current = RwLock::new(files.current(&builder, &protocols));
        let authorities = files.authorities.value();
        let proxies = files.proxies.as_ref().map(FromFiles::value);
        if let (Some(proxies), Some(access)) = (proxies, &access.front_proxy)
            && access.names.is_empty()
            && proxies.has_one_of(authorities)
        {
            return Err(StartError::AnybodyIsFrontProxy);
        }
        Ok(Self {
            proxies: proxies.map(|proxies| Arc::new(ClientAuthorities::new(proxies.clone()))),
            authorities: Arc::new(ClientAuthorities::new(authorities.clone())),
            believed: watch::Sender::new(files.believed()),
            builder,
            protocols,
            files: Mutex::new(files),
            current,
        })
    }

    /// For a connection that came to `local`.
    pub(super) fn config(&self, local: Option<IpAddr>) -> Arc<ServerConfig> {
        let current = self.current.read();
        local.and_then(|local| current.by_address.get(&local)).unwrap_or(&current.config).clone()
    }

    pub(super) fn authorities(&self) -> &Arc<ClientAuthorities> {
        &self.authorities
    }

    /// Those of front proxies, if any is trusted.
    pub(super) fn proxies(&self) -> Option<&Arc<ClientAuthorities>> {
        self.proxies.as_ref()
    }

    pub(super) fn believed(&self) -> watch::Receiver<Believed> {
        self.believed.subscribe()
    }

    /// The chain that is served to clients that ask for nothing special, PEM.
    pub(super) fn serving_pem(&self) -> String {
        self.files.lock().serving.value().pem.clone()
    }

    /// Reads the files again. New connections get what is new; old ones are authenticated by it.
    /// True if the default certificate is another one.
    pub(super) fn refresh(&self) -> bool {
        let mut files = self.files.lock();
        let serving = files.serving.refresh();
        // Each is looked at, whatever the others are like.
        let named = files.named.iter_mut().fold(false, |changed, (_, pair)| pair.refresh() | changed);
        let authorities = files.authorities.refresh();
        if authorities {
            let new = files.authorities.value();
            self.authorities.replace(new.clone());
        }
        if let (Some(proxies), Some(files)) = (&self.proxies, &mut files.proxies)
            && files.refresh()
        {
            proxies.replace(files.value().clone());
        }
        let now = files.believed();
        self.believed.send_if_modified(|believed| {
            let changed = *believed != now;
            *believed = now;
            changed
        });
        if serving || named || authorities {
            *self.current.write() = files.current(&self.builder, &self.protocols);
        }
        serving
    }
}

impl Files {
    fn believed(&self) -> Believed {
        Believed {
            clients: self.authorities.value().pem().to_owned(),
            given_clients: self.authorities.content(CLIENT_CA_FILE),
            front_proxies: self.proxies.as_ref().and_then(|proxies| proxies.content(PROXY_CA_FILE)),
        }
    }

    fn current(&self, builder: &ConfigBuilder<ServerConfig, WantsVerifier>, protocols: &[Vec<u8>]) -> Current {
        let named = self.named.iter().map(|(names, pair)| {
            let pair: &Pair = pair.value();
            (names.as_slice(), pair.names.as_slice(), &pair.key)
        });
        let certificates = Certificates::new(self.serving.value().key.clone(), named);
        let hints = self.authorities.value().subjects();
        let verifier = AnyCertificate::with_hints(builder.crypto_provider(), hints);
        let config = |certificates: Certificates| {
            let builder = builder.clone().with_client_cert_verifier(verifier.clone());
            let mut config = builder.with_cert_resolver(Arc::new(certificates));
            config.alpn_protocols = protocols.to_vec();
            Arc::new(config)
        };
        let by_address = certificates.by_address().map(|(address, certificates)| (address, config(certificates)));
        Current { by_address: by_address.collect(), config: config(certificates) }
    }
}

/// The host's own authority stays, so that `admin.kubeconfig` always lets somebody in.
fn authorities(client_ca_file: Option<&Path>, pki: &Pki) -> Result<FromFiles<Authorities>, CertificateError> {
    let own = Source { flag: "data-dir", path: pki.authority_file() };
    let given = client_ca_file.map(|path| Source { flag: CLIENT_CA_FILE, path: path.to_owned() });
    let sources: Vec<_> = given.into_iter().chain([own]).collect();
    FromFiles::read(sources.clone(), move |contents| {
        for (source, content) in sources.iter().zip(contents) {
            // One without any would go unnoticed among the others.
            Authorities::from_pem(content).map_err(|error| wrong(source, error))?;
        }
        // A file may end without a line end.
        Authorities::from_pem(&contents.join(&b'\n')).map_err(|error| wrong(&sources[0], error))
    })
}

fn proxies(client_ca_file: &Path) -> Result<FromFiles<Authorities>, CertificateError> {
    let source = Source { flag: PROXY_CA_FILE, path: client_ca_file.to_owned() };
    FromFiles::read(vec![source.clone()], move |contents| {
        Authorities::from_pem(&contents.concat()).map_err(|error| wrong(&source, error))
    })
}
