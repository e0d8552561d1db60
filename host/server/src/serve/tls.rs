//! TLS as kube-apiserver has it: 1.2 at least, HTTP/2 or 1.1 by ALPN.

use std::sync::Arc;

use rustls::{ConfigBuilder, Error, ServerConfig, WantsVerifier, version};

use crate::options::Tls;

pub(super) const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// The protocols that are offered, the best first.
pub(super) fn protocols(http2: bool) -> Vec<Vec<u8>> {
    let both = [HTTP2.to_vec(), HTTP1.to_vec()];
    both.into_iter().skip(usize::from(!http2)).collect()
}

/// Everything that does not change while the server serves.
pub(super) fn builder(options: &Tls) -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, Error> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    if !options.cipher_suites.is_empty() {
        // As in Go, those of TLS 1.3 are no matter of choice.
        provider.cipher_suites.retain(|suite| {
            let always = suite.version() == &version::TLS13;
            always || options.cipher_suites.contains(&suite.suite())
        });
    }
    let only_13 = options.tls_13_only || provider.cipher_suites.iter().all(|suite| suite.version() == &version::TLS13);
    let versions: &[_] = if only_13 { &[&version::TLS13] } else { &[&version::TLS13, &version::TLS12] };
    ServerConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(versions)
}
