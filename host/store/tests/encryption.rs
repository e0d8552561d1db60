//! Encryption at rest: nothing of a value lies below in the clear, all of it comes back, and
//! what upstream's own code wrote is read.

mod common;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use common::*;
use futures_util::StreamExt as _;
use host_store::{
    Cache, Change, Embedded, Encrypted, EncryptionConfig, Freshness, Guard, Limits, RangeQuery, ReadError, Store, Txn,
    TxnOut, WatchItem, WriteError, follow_encryption_config,
};

const SECRET: &str = "/registry/secrets/default/a";
const WIDGET: &str = "/registry/example.com/widgets/default/a";
const CONFIG_MAP: &str = "/registry/configmaps/default/a";

/// A secret of 32 bytes, all alike.
fn secret(byte: u8) -> String {
    STANDARD.encode([byte; 32])
}

/// A configuration of rules, each with its resources and its providers.
fn config(rules: &[(&[&str], &[&str])]) -> String {
    let mut text = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n".to_owned();
    for (resources, providers) in rules {
        text += &format!("- resources: {resources:?}\n  providers:\n");
        for provider in *providers {
            let mut parts = provider.split(' ');
            let kind = parts.next().unwrap_or_default();
            let keys: Vec<_> = parts
                .filter_map(|key| key.split_once('='))
                .map(|(name, byte)| format!("{{name: {name}, secret: {}}}", secret(byte.parse().unwrap())))
                .collect();
            text += &match kind {
                "identity" => "  - identity: {}\n".to_owned(),
                kind => format!("  - {kind}: {{keys: [{}]}}\n", keys.join(", ")),
            };
        }
    }
    text
}

fn parse(rules: &[(&[&str], &[&str])]) -> EncryptionConfig {
    EncryptionConfig::parse(&config(rules)).unwrap_or_else(|error| panic!("{error} in\n{}", config(rules)))
}

fn over(store: &Arc<Embedded>, rules: &[(&[&str], &[&str])]) -> Encrypted {
    Encrypted::new(store.clone(), parse(rules))
}

async fn apply(store: &dyn Store, key: &str, value: &str) {
    let txn = Txn { ops: vec![put(key, value)], ..Txn::default() };
    assert!(matches!(store.txn(txn).await, Ok(TxnOut::Applied { .. })));
}

async fn value(store: &dyn Store, key: &str) -> Result<Bytes, ReadError> {
    let (found, _) = store.get(key, None).await?;
    Ok(found.expect("the key is there").value)
}

/// Values that the transformers of k8s.io/apiserver 0.36.3 sealed: provider, secret, value, what they made of it.
const VECTORS: &str = include_str!("encryption-vectors.jsonl");

#[tokio::test]
async fn what_upstream_wrote_is_read() {
    let mut kinds = std::collections::BTreeSet::new();
    for line in VECTORS.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap();
        let store = store(&Limits::default());
        let sealed = Bytes::from(STANDARD.decode(text("Sealed")).unwrap());
        let key: host_store::Key = text("StorageKey").into();
        let ops = vec![host_store::Op::Put { key: key.clone(), value: sealed, ttl: None }];
        store.txn(Txn { ops, ..Txn::default() }).await.unwrap();
        let config = format!(
            "apiVersion: v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  - {}: \
             {{keys: [{{name: key1, secret: {}}}]}}",
            text("Provider"),
            text("Key")
        );
        let encrypted = Encrypted::new(store, EncryptionConfig::parse(&config).unwrap());
        assert_eq!(value(&encrypted, &key).await.unwrap(), text("Plain"), "{line}");
        kinds.insert((text("Provider").to_owned(), STANDARD.decode(text("Key")).unwrap().len()));
    }
    assert_eq!(kinds.len(), 7, "every provider with every size of its keys");
}

#[tokio::test]
async fn what_is_stored_is_encrypted_and_what_is_read_is_not() {
    for kind in ["aesgcm", "aescbc", "secretbox"] {
        let below = store(&Limits::default());
        let store = over(&below, &[(&["secrets"], &[&format!("{kind} one=1 two=2")])]);
        let plain = object("a", &[("very", "confidential")]);
        for (key, sealed) in [(SECRET, true), (CONFIG_MAP, false)] {
            apply(&store, key, &plain).await;
            assert_eq!(value(&store, key).await.unwrap(), plain, "{kind} {key}");
            let stored = value(&*below, key).await.unwrap();
            let head = format!("k8s:enc:{kind}:v1:one:");
            assert_eq!(stored.starts_with(head.as_bytes()), sealed);
            assert_eq!(stored.windows(12).any(|part| part == b"confidential"), !sealed);
        }
        // The same again is not the same ciphertext.
        let first = value(&*below, SECRET).await.unwrap();
        apply(&store, SECRET, &plain).await;
        assert_ne!(value(&*below, SECRET).await.unwrap(), first);

        let page = store.range(RangeQuery::default()).await.unwrap();
        assert!(page.kvs.iter().all(|kv| kv.value == plain));
        let guards = vec![Guard { key: SECRET.into(), revision: 1 }];
        let refused = store.txn(Txn { guards, ops: vec![], get_on_refusal: true }).await.unwrap();
        assert!(matches!(refused, TxnOut::Refused { current: Some(kv), .. } if kv.value == plain));
        let told: Vec<_> = store.watch(1).take(3).collect().await;
        for item in told {
            let WatchItem::Batch { changes, .. } = item else { panic!("{item:?}") };
            assert!(changes.iter().all(|change| matches!(change, Change::Put(kv) if kv.value == plain)));
        }
        let cache = Cache::start(Arc::new(store), Limits::default()).await.unwrap();
        let cached = cache.get(SECRET, Freshness::Latest).await.unwrap().unwrap();
        assert_eq!(cached.label("very"), Some("confidential"));
    }
}

#[tokio::test]
async fn keys_are_rotated_by_their_order() {
    let below = store(&Limits::default());
    apply(&over(&below, &[(&["*.*"], &["identity"])]), SECRET, "plain").await;
    // Each one reads what the one before wrote, and writes by its own first provider.
    for (at, (providers, head)) in [
        (&["aescbc a=1", "identity"][..], "k8s:enc:aescbc:v1:a:"),
        (&["aesgcm b=2", "aescbc a=1"], "k8s:enc:aesgcm:v1:b:"),
        (&["aesgcm c=3 b=2"], "k8s:enc:aesgcm:v1:c:"),
        (&["secretbox c=3", "aesgcm c=3"], "k8s:enc:secretbox:v1:c:"),
        (&["identity", "secretbox c=3"], "value "),
    ]
    .into_iter()
    .enumerate()
    {
        let store = over(&below, &[(&["secrets"], providers)]);
        let before = if at == 0 { "plain".to_owned() } else { format!("value {}", at - 1) };
        assert_eq!(value(&store, SECRET).await.unwrap(), before, "{providers:?}");
        apply(&store, SECRET, &format!("value {at}")).await;
        assert!(value(&*below, SECRET).await.unwrap().starts_with(head.as_bytes()), "{providers:?}");
    }
}

#[tokio::test]
async fn the_first_rule_that_covers_a_resource_decides() {
    for (rules, sealed) in [
        (&[(&["secrets"][..], &["secretbox k=1"][..])][..], [true, false, false]),
        (&[(&["*."], &["secretbox k=1"])], [true, false, true]),
        (&[(&["*.example.com"], &["secretbox k=1"])], [false, true, false]),
        (&[(&["widgets.example.com"], &["secretbox k=1"])], [false, true, false]),
        (&[(&["*.*"], &["secretbox k=1"])], [true, true, true]),
        (&[(&["configmaps"], &["identity"]), (&["*.*"], &["secretbox k=1"])], [true, true, false]),
    ] {
        let below = store(&Limits::default());
        let store = over(&below, rules);
        for (key, sealed) in [SECRET, WIDGET, CONFIG_MAP].into_iter().zip(sealed) {
            apply(&store, key, "value").await;
            assert_eq!(value(&*below, key).await.unwrap() != "value", sealed, "{key} by {rules:?}");
            assert_eq!(value(&store, key).await.unwrap(), "value");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_decrypted_is_an_error_that_says_why() {
    let below = store(&Limits::default());
    apply(&over(&below, &[(&["secrets"], &["aesgcm k=1"])]), SECRET, "value").await;
    apply(&*below, CONFIG_MAP, "plain").await;
    let sealed = value(&*below, SECRET).await.unwrap();
    let moved = host_store::Op::Put { key: "/registry/secrets/default/b".into(), value: sealed, ttl: None };
    below.txn(Txn { ops: vec![moved], ..Txn::default() }).await.unwrap();
    let changed = "it was changed, moved, or written with another secret";
    let unknown = "no provider for its resource has the key `k` that it was encrypted with";
    let plain = "it is not encrypted, and no provider for its resource is `identity`";
    for (rules, key, why) in [
        (&[(&["secrets"][..], &["aesgcm k=1"][..])][..], "/registry/secrets/default/b", changed),
        (&[(&["secrets"], &["aesgcm k=2"])], SECRET, changed),
        (&[(&["secrets"], &["aesgcm other=1"])], SECRET, unknown),
        (&[(&["secrets"], &["secretbox k=1", "identity"])], SECRET, unknown),
        (&[(&["configmaps"], &["identity"])], SECRET, unknown),
        (&[(&["configmaps"], &["aesgcm k=1"])], CONFIG_MAP, plain),
    ] {
        let store = over(&below, rules);
        let error = ReadError::Unavailable(format!("the value of `{key}` cannot be decrypted: {why}"));
        assert_eq!(value(&store, key).await, Err(error.clone()), "by {rules:?}");
        // A host does not start on what it cannot read.
        assert!(Cache::start(Arc::new(store), Limits::default()).await.is_err());
    }
    let nothing = Encrypted::new(below, EncryptionConfig::default());
    assert!(value(&nothing, SECRET).await.is_err(), "ciphertext is never handed out");
    assert_eq!(value(&nothing, CONFIG_MAP).await.unwrap(), "plain");
}

#[tokio::test]
async fn a_value_has_room_for_what_encryption_adds() {
    let limits = Limits { value_bytes_max: 4_096, ..Limits::default() };
    let store = over(&store(&limits), &[(&["*.*"], &["aescbc k=1"])]);
    let max = store.caps().value_bytes_max;
    assert!(max < 4_096);
    apply(&store, SECRET, &"x".repeat(max)).await;
    let refused = store.txn(Txn { ops: vec![put(SECRET, &"x".repeat(max + 1))], ..Txn::default() }).await;
    assert_eq!(refused, Err(WriteError::TooLarge { what: "value", bytes: max as u64 + 1, max: max as u64 }));
}

#[test]
fn a_wrong_configuration_is_refused_and_says_what_is_wrong() {
    let entry = |providers: &str| {
        format!(
            "apiVersion: v1\nkind: EncryptionConfiguration\nresources: [{{resources: [secrets], providers: [{providers}]}}]"
        )
    };
    let resources = |resources: &[&str]| config(&[(resources, &["identity"])]);
    let short = STANDARD.encode([1; 31]);
    for (text, what) in [
        ("kind: Secret\napiVersion: v1\nresources: []".to_owned(), "is not `EncryptionConfiguration`"),
        ("kind: EncryptionConfiguration\napiVersion: v1\nresources: []".to_owned(), "`resources` is empty"),
        (entry(""), "`resources[0]`: `resources` and `providers` must not be empty"),
        (entry("{}"), "`resources[0]`: `providers[0]`: it must be one of"),
        (entry("{identity: {}, aescbc: {keys: []}}"), "it must be one of"),
        (entry("{kms: {name: x}}"), "`kms` is not supported"),
        (entry("{aescbc: {keys: []}}"), "`keys` is empty"),
        (entry("{magic: {}}"), "magic"),
        (entry("{aescbc: {keys: [{name: a, secret: '!'}]}}"), "the secret of `a` is not base64"),
        (
            entry(&format!("{{aescbc: {{keys: [{{name: a, secret: {short}}}]}}}}")),
            "the key `a`: a secret for aescbc has 16, 24 or 32 bytes, not `31`",
        ),
        (
            entry(&format!("{{secretbox: {{keys: [{{name: a, secret: {}}}]}}}}", STANDARD.encode([1; 16]))),
            "a secret for secretbox has 32 bytes, not `16`",
        ),
        (
            entry(&format!("{{aesgcm: {{keys: [{{name: a, secret: {0}}}, {{name: a, secret: {0}}}]}}}}", secret(1))),
            "the key `a` is there twice",
        ),
        (entry(&format!("{{aesgcm: {{keys: [{{name: 'a:b', secret: {}}}]}}}}", secret(1))), "`a:b` is no name"),
        (resources(&["*"]), "`*` is no resource"),
        (resources(&["secrets", "secrets"]), "`secrets` is there twice"),
        (resources(&["sec*"]), "`sec*` is no resource"),
        (resources(&["secrets/status"]), "`secrets/status` is no resource"),
    ] {
        let error = EncryptionConfig::parse(&text).expect_err(&text).to_string();
        assert!(error.contains(what), "`{error}` does not say `{what}`");
        assert!(!error.contains(&secret(1)) && !error.contains(&short), "an error shows a secret");
    }
    let debug = format!("{:?}", parse(&[(&["secrets"], &["aesgcm k=1"])]));
    assert!(debug.contains('k') && !debug.contains("1, 1, 1"), "{debug}");
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_is_read_again_and_a_wrong_one_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.yaml");
    let rules = |providers: &[&str]| config(&[(&["secrets"], providers)]);
    let first = rules(&["aesgcm a=1"]);
    std::fs::write(&path, &first).unwrap();
    let below = store(&Limits::default());
    let store = Encrypted::new(below.clone(), EncryptionConfig::parse(&first).unwrap());
    let following = tokio::spawn(follow_encryption_config(path.clone(), first, store.config().clone()));
    let writes_with = async |head: &str| {
        apply(&store, SECRET, "value").await;
        value(&*below, SECRET).await.unwrap().starts_with(head.as_bytes())
    };
    assert!(writes_with("k8s:enc:aesgcm:v1:a:").await);
    std::fs::write(&path, rules(&["secretbox b=2", "aesgcm a=1"])).unwrap();
    while !writes_with("k8s:enc:secretbox:v1:b:").await {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    // Time goes by, and it has been looked at often.
    std::fs::write(&path, "kind: wrong").unwrap();
    for _ in 0..30 {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert!(writes_with("k8s:enc:secretbox:v1:b:").await);
    }
    following.abort();
}
