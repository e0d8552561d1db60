//! The file with which an unmodified kubectl comes in.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::ADMIN_USER;

/// A kubeconfig whose certificates are embedded, so that it can be copied elsewhere.
pub(super) fn text(server: SocketAddr, authority: &str, certificate: &str, key: &str) -> String {
    let [authority, certificate, key] = [authority, certificate, key].map(|pem| STANDARD.encode(pem));
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: host
  cluster:
    server: https://{server}
    certificate-authority-data: {authority}
users:
- name: {ADMIN_USER}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: {ADMIN_USER}@host
  context:
    cluster: host
    user: {ADMIN_USER}
current-context: {ADMIN_USER}@host
"
    )
}
