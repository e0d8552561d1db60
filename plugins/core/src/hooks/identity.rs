//! The lease by which servers know of each other: one for each machine, in `kube-system`. It is gone when its server
//! is; that of a server which could not take it away expires, and is taken away by any other.

use apimachinery::definition::Definition;
use apimachinery::rest;
use apimachinery::rest::clock;
use apimachinery::rest::object::meta;
use apimachinery::rest::options::DeleteOptions;
use apimachinery::rest::registry::{Change, Registry};
use apimachinery::status::ApiError;
use apimachinery::tree::{Value, json};
use plugin_sdk::lifecycle::{self, Signal};
use plugin_sdk::{HookContext, Result, configuration, log};
use sha2::{Digest, Sha256};

use super::ensure;
use crate::small;
use crate::tree::text;

pub(super) const NAME: &str = "start-kube-apiserver-identity-lease-controller";
pub(super) const STOP: &str = "stop-kube-apiserver-identity-lease-controller";
pub(super) const COLLECTOR: &str = "start-kube-apiserver-identity-lease-garbage-collector";

const NAMESPACE: &str = "kube-system";
const LABEL: &str = "apiserver.kubernetes.io/identity";
const SERVER: &str = "kube-apiserver";
const HOSTNAME: &str = "kubernetes.io/hostname";
const ADDRESS: &str = "kubernetes.io/peer-advertise-address";
const LEASE_SECONDS: i64 = 3600;
const INTERVAL_MS: u64 = 10_000;
/// What others left is looked for once an hour.
const COLLECTS_EVERY: u64 = 3_600_000 / INTERVAL_MS;

/// Keeps the lease, and takes away what others left.
pub(super) async fn run(definitions: &[Definition], context: &HookContext) -> Result {
    let leases = Leases::new(definitions, context)?;
    let own = Own::new(&hostname());
    // Who had it before, be it this server under another holder, is not to be taken for this one.
    let mut failed = leases.delete(&own.name, &DeleteOptions::default()).await.err();
    let mut complaint = String::new();
    for round in 0.. {
        if !is_ending() {
            if round % COLLECTS_EVERY == 0 {
                failed = failed.or(leases.collect().await.err());
            }
            failed = leases.keep(&own).await.err().or(failed);
            // The other hook may have been faster.
            if is_ending() {
                failed = leases.delete(&own.name, &DeleteOptions::default()).await.err();
            }
        }
        let why = failed.take().map(|error| error.message).unwrap_or_default();
        if !why.is_empty() && why != complaint {
            log::warn!("the lease `{}`, and those that have expired, cannot be looked after: {why}", own.name);
        }
        complaint = why;
        context.ready();
        context.sleep(INTERVAL_MS).await;
        if context.is_cancelled() {
            break;
        }
    }
    Ok(())
}

/// Takes the lease away when the server ends.
pub(super) async fn stop(definitions: &[Definition], context: &HookContext) -> Result {
    Ok(Leases::new(definitions, context)?.delete(&name(&hostname()), &DeleteOptions::default()).await?)
}

struct Leases<'a> {
    definition: &'a Definition,
    namespaces: &'a Definition,
    store: plugin_sdk::Store,
    groups: [String; 1],
}

impl<'a> Leases<'a> {
    fn new(definitions: &'a [Definition], context: &HookContext) -> Result<Self> {
        let definition = ensure::definition(definitions, "coordination.k8s.io", "leases")?;
        let namespaces = ensure::definition(definitions, "", "namespaces")?;
        Ok(Self { definition, namespaces, store: context.store(), groups: ["system:masters".to_string()] })
    }

    fn registry(&self) -> Registry<'_> {
        Registry::for_server(self.definition, &self.store, &self.groups)
    }

    async fn keep(&self, own: &Own) -> Result<(), ApiError> {
        // On a fresh server the hook that makes it may be behind.
        ensure::one(self.namespaces, &self.store, json!({"metadata": {"name": NAMESPACE}})).await?;
        let change = Change { creates: true, ..Change::default() };
        let mut next = |old: Option<&Value>| rest::typed(self.definition, own.renewed(old, &clock::now_micro()));
        self.registry().update(NAMESPACE, &own.name, &change, &mut next).await.map(drop)
    }

    async fn delete(&self, name: &str, options: &DeleteOptions) -> Result<(), ApiError> {
        match self.registry().delete(NAMESPACE, name, options).await {
            Err(error) if error.code == 404 => Ok(()),
            other => other.map(drop),
        }
    }

    async fn collect(&self) -> Result<(), ApiError> {
        let prefix = self.definition.key(NAMESPACE, "");
        for lease in small::objects(&self.store, &prefix).await? {
            let Ok(value) = Value::read_bytes(&lease.value()) else { continue };
            if text(&value["metadata"]["labels"], LABEL) != SERVER || !has_expired(&value, clock::now_seconds()) {
                continue;
            }
            // Not one that was renewed since then.
            let options =
                DeleteOptions { resource_version: Some(lease.revision().to_string()), ..DeleteOptions::default() };
            match self.delete(meta(&value, "name"), &options).await {
                Err(error) if error.code == 409 => {}
                other => other?,
            }
        }
        Ok(())
    }
}

/// What this run of the server is called.
struct Own {
    name: String,
    holder: String,
    hostname: String,
}

impl Own {
    fn new(hostname: &str) -> Self {
        let name = name(hostname);
        Self { holder: format!("{name}_{}", clock::uid()), name, hostname: hostname.to_string() }
    }

    /// What others have written into it stays.
    fn renewed(&self, old: Option<&Value>, now: &str) -> Value {
        let mut lease = old.cloned().unwrap_or_else(|| {
            json!({
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": self.name, "namespace": NAMESPACE},
                "spec": {"holderIdentity": self.holder, "leaseDurationSeconds": LEASE_SECONDS},
            })
        });
        lease["metadata"]["labels"][LABEL] = SERVER.into();
        lease["metadata"]["labels"][HOSTNAME] = self.hostname.as_str().into();
        if let Some(address) = configuration::fact("external-address").filter(|address| !address.is_empty()) {
            lease["metadata"]["annotations"][ADDRESS] = address.into();
        }
        lease["spec"]["renewTime"] = now.into();
        lease
    }
}

/// A lease without a time or without an end was not written by a server.
fn has_expired(lease: &Value, now_seconds: i64) -> bool {
    let spec = &lease["spec"];
    let renewed = clock::parse(text(spec, "renewTime"));
    let until = renewed.zip(spec["leaseDurationSeconds"].as_i64()).map(|(renewed, seconds)| renewed + seconds);
    until.is_none_or(|until| until < now_seconds)
}

fn is_ending() -> bool {
    lifecycle::has_fired(Signal::ShutdownInitiated)
}

fn hostname() -> String {
    configuration::fact("hostname").unwrap_or_default()
}

/// The same for each run on a machine: half of a hash, in letters and digits that a name may have.
fn name(hostname: &str) -> String {
    let mut hash = Sha256::new();
    for part in [hostname, SERVER] {
        let length = u16::try_from(part.len()).unwrap_or(u16::MAX);
        hash.update(length.to_be_bytes());
        hash.update(part);
    }
    let hash = hash.finalize();
    format!("apiserver-{}", base_32(&hash[..16]))
}

/// Five bits a letter.
fn base_32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    let letter = |start: usize| (start..start + 5).fold(0, |number, at| number << 1 | bit(at));
    (0..bytes.len() * 8).step_by(5).map(|start| char::from(LETTERS[usize::from(letter(start))])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a real server on a machine of this name calls its own.
    #[test]
    fn a_machine_has_one_name() {
        assert_eq!(name("vm"), "apiserver-wlv32tlttr4jl3gtroqexyxapa");
        assert_eq!(base_32(b"foobar"), "mzxw6ytboi");
    }

    #[test]
    fn a_lease_expires() {
        let lease = |time: &str, seconds: i64| json!({"spec": {"renewTime": time, "leaseDurationSeconds": seconds}});
        let now = clock::parse("2026-01-01T02:00:00Z").unwrap();
        for (lease, expected) in [
            (lease("2026-01-01T01:00:00.000001Z", 3600), false),
            (lease("2026-01-01T00:59:59.000001Z", 3600), true),
            (lease("2026-01-01T00:59:59.000001Z", 7200), false),
            (json!({"spec": {"renewTime": "2026-01-01T02:00:00.000000Z"}}), true),
            (json!({"spec": {"leaseDurationSeconds": 3600}}), true),
            (json!({}), true),
        ] {
            assert_eq!(has_expired(&lease, now), expected, "{lease}");
        }
    }
}
