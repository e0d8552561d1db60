//! The etcd backend on a real etcd: that it keeps its contract while members come and go.
#![cfg(feature = "etcd")]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::etcd::{binary, cluster, connect, distant_cluster, empty};
use common::relay::Relay;
use common::witness::Witness;
use common::*;
use futures_util::StreamExt as _;
use host_store::{
    Change, Etcd, EtcdOptions, Guard, Limits, Op, RangeQuery, ReadError, Store, Txn, TxnOut, WatchItem, WriteError,
};

async fn apply(store: &dyn Store, ops: Vec<Op>) -> u64 {
    match store.txn(Txn { ops, ..Txn::default() }).await.expect("a write succeeds") {
        TxnOut::Applied { revision } => revision,
        TxnOut::Refused { key, .. } => panic!("a write to `{key}` was refused"),
    }
}

fn shown(item: WatchItem) -> String {
    match item {
        WatchItem::Compacted { oldest } => format!("compacted to {oldest}"),
        WatchItem::Batch { revision, changes } => {
            let change = |change: &Change| match change {
                Change::Put(kv) => format!(" {}={}", kv.key, text(&kv.value)),
                Change::Delete { key } => format!(" -{key}"),
            };
            format!("{revision}:{}", changes.iter().map(change).collect::<String>())
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_keeps_the_contract_of_a_store() {
    let Some(binary) = binary() else { return };
    let member = cluster(&binary, 1);
    let limits = Limits { value_bytes_max: 4, ..Limits::default() };
    let store = empty(&member[0].url, &limits).await;
    let (a, b) = ("/registry/t/a", "/registry/t/b");
    assert_eq!(store.read_barrier().await.unwrap(), 1);
    assert_eq!(apply(&store, vec![put(a, "1"), put(b, "1")]).await, 2);
    assert_eq!(apply(&store, vec![put(a, "2")]).await, 3);

    // Refusals say which key, and bring what is there.
    let refused = |guards: Vec<Guard>, ops| {
        let txn = Txn { guards, ops, get_on_refusal: true };
        async {
            match store.txn(txn).await.unwrap() {
                TxnOut::Refused { revision, key, current } => {
                    (revision, key.to_string(), current.map(|kv| (kv.mod_revision, kv.create_revision, kv.version)))
                }
                TxnOut::Applied { revision } => panic!("applied at `{revision}`"),
            }
        }
    };
    let (at_3, none) = (Some((3, 2, 2)), "/registry/t/none");
    assert_eq!(refused(vec![guard(b, 2), guard(a, 2)], vec![put(b, "x")]).await, (3, a.to_owned(), at_3));
    assert_eq!(refused(vec![guard(a, 0)], vec![put(a, "x")]).await, (3, a.to_owned(), at_3));
    assert_eq!(refused(vec![guard(none, 1)], vec![]).await, (3, none.to_owned(), None));
    assert_eq!(refused(vec![], vec![delete(a), delete(none)]).await, (3, none.to_owned(), None));
    let too_large = store.txn(Txn { ops: vec![put(a, "12345")], ..Txn::default() }).await;
    assert_eq!(too_large, Err(WriteError::TooLarge { what: "value", bytes: 5, max: 4 }));

    assert_eq!(apply(&store, vec![delete(b), put(none, "3")]).await, 4);
    let page = |query: RangeQuery| async {
        let page = store.range(query).await.unwrap();
        let kvs: Vec<_> = page.kvs.iter().map(|kv| format!("{}={}", kv.key, text(&kv.value))).collect();
        (kvs.join(" "), page.more, page.count, page.revision)
    };
    let all = RangeQuery { counted: true, ..RangeQuery::prefix("/registry/t/") };
    assert_eq!(page(all.clone()).await, (format!("{a}=2 {none}=3"), false, 2, 4));
    let first = RangeQuery { limit: 1, ..all.clone() };
    assert_eq!(page(first).await, (format!("{a}=2"), true, 2, 4));
    assert_eq!(page(RangeQuery { at: Some(2), ..all.clone() }).await, (format!("{a}=1 {b}=1"), false, 2, 2));
    assert_eq!(page(RangeQuery { at: Some(3), keys_only: true, ..all }).await, (format!("{a}= {b}="), false, 2, 3));
    assert_eq!(page(RangeQuery::default()).await.0, format!("{a}=2 {none}=3"));

    let ahead = store.get(a, Some(9)).await;
    assert!(matches!(ahead, Err(ReadError::Ahead { newest: 4 })), "{ahead:?}");
    assert_eq!(store.get(b, Some(3)).await.unwrap().0.unwrap().mod_revision, 2);
    let told: Vec<_> = store.watch(0).take(3).map(shown).collect().await;
    assert_eq!(told, [format!("2: {a}=1 {b}=1"), format!("3: {a}=2"), format!("4: -{b} {none}=3")]);

    store.compact(4).await.unwrap();
    assert_eq!(store.compacted(), 4);
    assert_eq!(store.get(a, Some(3)).await, Err(ReadError::Compacted { oldest: 4 }));
    assert_eq!(store.get(a, Some(4)).await.unwrap().0.unwrap().mod_revision, 3);
    let told: Vec<_> = store.watch(3).map(shown).collect().await;
    assert_eq!(told, ["compacted to 4"]);
    assert_eq!(store.watch(4).map(shown).next().await, Some(format!("4: -{b} {none}=3")));
    assert!(matches!(store.compact(99).await, Err(WriteError::Invalid(_))));

    // It goes by itself, as a deletion.
    let leased = Op::Put { key: a.into(), value: Bytes::from_static(b"x"), ttl: Some(Duration::from_secs(1)) };
    assert_eq!(apply(&store, vec![leased]).await, 5);
    let told: Vec<_> = store.watch(5).take(2).map(shown).collect().await;
    assert_eq!(told, [format!("5: {a}=x"), format!("6: -{a}")]);
}

#[tokio::test]
async fn nobody_who_answers_and_wrong_options_are_errors_that_say_so() {
    let options = |servers: &[&str]| EtcdOptions {
        servers: servers.iter().map(|server| (*server).to_owned()).collect(),
        ca: None,
        identity: None,
        prefix: "/registry".to_owned(),
        compaction_interval: None,
        limits: Limits::default(),
    };
    for (servers, what) in [
        (&[][..], "there is no etcd server"),
        (&["localhost:2379"], "`localhost:2379` is no etcd server"),
        (&["http://127.0.0.1:1"], "etcd says"),
    ] {
        let error = Etcd::connect(options(servers)).await.err().expect("nobody is there").to_string();
        assert!(error.contains(what), "`{error}` does not say `{what}`");
    }
}

/// How long there is trouble: a short time, unless somebody has more.
fn trouble() -> Duration {
    let seconds = std::env::var("ETCD_TROUBLE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(8))
}

/// What a host waits for that was cut off; longer than any cut.
fn patient() -> Limits {
    Limits { future_revision_wait: Duration::from_secs(60), ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_is_lost_and_no_read_is_stale_while_members_are_killed_paused_and_cut_off() {
    let Some(binary) = binary() else { return };
    let mut members = cluster(&binary, 3);
    let urls: Vec<String> = members.iter().map(|member| member.url.clone()).collect();
    let first = Arc::new(connect(urls.clone(), "/registry", &patient()).await);
    // One of two hosts is cut off from members that the other reaches.
    let mut relays = Vec::new();
    for url in &urls {
        relays.push(Relay::to(url).await);
    }
    let second = relays.iter().map(|relay| relay.url.clone()).collect();
    let second = Arc::new(connect(second, "/registry", &patient()).await);
    let witness = Witness::start(&first, &second, &patient()).await;

    let until = Instant::now() + trouble();
    for round in 0.. {
        if Instant::now() > until {
            break;
        }
        // Each member in turn, and each in each of the ways.
        let at = (round + round / 3) % members.len();
        match round % 3 {
            0 => members[at].kill_and_restart(),
            1 => {
                members[at].pause(true);
                tokio::time::sleep(Duration::from_millis(1_500)).await;
                members[at].pause(false);
            }
            _ => {
                relays[at].cut(true);
                // With more time: longer than a silent member is waited for.
                let long = trouble() > Duration::from_secs(60);
                tokio::time::sleep(Duration::from_millis(if long { 8_000 } else { 1_500 })).await;
                relays[at].cut(false);
            }
        }
        // Long enough to elect another leader, and to write something.
        witness.sees_writes(20).await;
    }
    witness.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_is_lost_and_no_read_is_stale_while_members_are_cut_off_from_each_other() {
    let Some(binary) = binary() else { return };
    let (members, network) = distant_cluster(&binary, 3).await;
    let urls = members.iter().map(|member| member.url.clone()).collect();
    let first = Arc::new(connect(urls, "/registry", &patient()).await);
    // A host that knows one member only, and reaches it even when that one reaches nobody.
    let second = Arc::new(connect(vec![members[0].url.clone()], "/registry", &patient()).await);
    let witness = Witness::start(&first, &second, &patient()).await;

    // One of three alone, whoever leads; two that reach each other by a third only.
    let minorities: [&[(usize, usize)]; 4] = [&[(0, 1), (0, 2)], &[(1, 0), (1, 2)], &[(2, 0), (2, 1)], &[(0, 1)]];
    let until = Instant::now() + trouble();
    loop {
        for cut in minorities {
            network.cut(cut);
            // More than come by chance before the member that is alone is left out.
            witness.sees_writes(100).await;
            network.cut(&[]);
            witness.sees_writes(20).await;
        }
        // Each alone: nobody can acknowledge anything, until they find each other again.
        network.cut(&[(0, 1), (0, 2), (1, 2)]);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        network.cut(&[]);
        witness.sees_writes(20).await;
        if Instant::now() > until {
            break;
        }
    }
    witness.verify().await;
}
