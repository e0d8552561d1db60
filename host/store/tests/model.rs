//! A plain model beside the real store and cache: random writes, and every read and watch must
//! be what the model says.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::*;
use futures_util::FutureExt as _;
use host_store::{
    Cache, Event, EventKind, FieldRequirement, Freshness, Guard, LabelRequirement, Limits, ListQuery, Op, Operator,
    ReadError, SelectableField, Selector, Store, TxnOutcome, WatchQuery, WatchStart, Watcher,
};
use proptest::prelude::*;

/// Small, so that everything overflows, falls out of memory and is read from the disk at times.
fn limits() -> Limits {
    Limits {
        recent_revisions_max: 5,
        history_changes_max: 10,
        history_changes_per_tree: 3,
        history_replayed_max: 10,
        batch_compactions_max: 3,
        watcher_events_max: 1_000,
        ..Limits::default()
    }
}

const NAMES: [&str; 3] = ["a", "b", "c"];
const PREFIXES: [&str; 5] = ["/registry/", "/registry/t/", "/registry/t/x/", "/registry/u/", "/registry/none/"];

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    tier: Option<&'static str>,
    node: Option<&'static str>,
    revision: u64,
}

/// The state at each revision, from 1 on.
struct Model {
    states: Vec<BTreeMap<String, Row>>,
}

#[derive(Clone, Debug)]
enum Want {
    All,
    Front,
    NotFront,
    Labelled,
    OnNode,
    NamedA,
}

#[derive(Clone, Debug)]
enum Write {
    Put(String, Option<&'static str>, Option<&'static str>),
    Delete(String),
}

#[derive(Clone, Debug)]
enum Step {
    /// Writes to distinct keys, guarded by what the model says if `guarded`, else by nothing.
    Txn {
        writes: Vec<Write>,
        guarded: bool,
        wrong_guard: bool,
    },
    List {
        prefix: &'static str,
        want: Want,
        limit: usize,
        back: u64,
        exact: bool,
    },
    Get {
        key: String,
        back: u64,
    },
    Watch {
        target: String,
        want: Want,
        start: Begin,
    },
    Compact {
        back: u64,
    },
    Restart,
    Reclaim,
}

#[derive(Clone, Debug)]
enum Begin {
    Now,
    Tail,
    Initial,
    Back(u64),
}

fn key() -> impl Strategy<Value = String> {
    (prop::sample::select(&["t/x", "t/y", "u/x"][..]), prop::sample::select(&NAMES[..]))
        .prop_map(|(place, name)| format!("/registry/{place}/{name}"))
}

fn want() -> impl Strategy<Value = Want> {
    prop_oneof![
        Just(Want::All),
        Just(Want::Front),
        Just(Want::NotFront),
        Just(Want::Labelled),
        Just(Want::OnNode),
        Just(Want::NamedA)
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let tier = prop::sample::select(&[None, Some("front"), Some("back")][..]);
    let node = prop::sample::select(&[None, Some("one"), Some("two")][..]);
    let write = prop_oneof![
        4 => (key(), tier, node).prop_map(|(key, tier, node)| Write::Put(key, tier, node)),
        2 => key().prop_map(Write::Delete),
    ];
    let back = || prop_oneof![2 => 0..8_u64, 1 => 0..60_u64];
    let prefix = || prop::sample::select(&PREFIXES[..]);
    let target = prop_oneof![prefix().prop_map(str::to_owned), key()];
    let start = prop_oneof![1 => Just(Begin::Now), 1 => Just(Begin::Tail), 1 => Just(Begin::Initial), 3 => back().prop_map(Begin::Back)];
    prop_oneof![
        12 => (prop::collection::vec(write, 1..4), any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(writes, guarded, wrong_guard)| Step::Txn { writes, guarded, wrong_guard }),
        4 => (prefix(), want(), 0..4_usize, back(), any::<bool>())
            .prop_map(|(prefix, want, limit, back, exact)| Step::List { prefix, want, limit, back, exact }),
        2 => (key(), back()).prop_map(|(key, back)| Step::Get { key, back }),
        2 => (target, want(), start).prop_map(|(target, want, start)| Step::Watch { target, want, start }),
        1 => (5..60_u64).prop_map(|back| Step::Compact { back }),
        1 => Just(Step::Restart),
        1 => Just(Step::Reclaim),
    ]
}

impl Want {
    fn selector(&self) -> Selector {
        let label = |operator, values: &[&str]| Selector {
            labels: vec![LabelRequirement {
                key: "tier".to_owned(),
                operator,
                values: values.iter().map(|value| (*value).to_owned()).collect(),
            }],
            fields: vec![],
        };
        let field = |name: &str, value: &str| Selector {
            labels: vec![],
            fields: vec![FieldRequirement {
                name: name.to_owned(),
                operator: Operator::Equals,
                value: value.to_owned(),
            }],
        };
        match self {
            Self::All => Selector::default(),
            Self::Front => label(Operator::Equals, &["front"]),
            Self::NotFront => label(Operator::NotIn, &["front"]),
            Self::Labelled => label(Operator::Exists, &[]),
            Self::OnNode => field("spec.node", "one"),
            Self::NamedA => field("metadata.name", "a"),
        }
    }

    fn holds(&self, key: &str, row: &Row) -> bool {
        match self {
            Self::All => true,
            Self::Front => row.tier == Some("front"),
            Self::NotFront => row.tier != Some("front"),
            Self::Labelled => row.tier.is_some(),
            Self::OnNode => row.node == Some("one"),
            Self::NamedA => key.ends_with("/a"),
        }
    }
}

fn value(key: &str, tier: Option<&str>, node: Option<&str>) -> String {
    let name = key.rsplit('/').next().unwrap_or_default();
    let tier = tier.map(|tier| format!(r#""tier":"{tier}""#)).unwrap_or_default();
    let node = node.map(|node| format!(r#""node":"{node}""#)).unwrap_or_default();
    format!(r#"{{"kind":"T","apiVersion":"v1","metadata":{{"name":"{name}","labels":{{{tier}}}}},"spec":{{{node}}}}}"#)
}

/// What a client gets.
fn json(key: &str, row: &Row, revision: u64) -> String {
    value(key, row.tier, row.node)
        .replace(r#""metadata":{"#, &format!(r#""metadata":{{"resourceVersion":"{revision}","#))
}

fn covers(target: &str, key: &str) -> bool {
    if target.ends_with('/') { key.starts_with(target) } else { key == target }
}

impl Model {
    fn revision(&self) -> u64 {
        self.states.len() as u64
    }

    fn now(&self) -> &BTreeMap<String, Row> {
        self.at(self.revision())
    }

    fn at(&self, revision: u64) -> &BTreeMap<String, Row> {
        &self.states[revision as usize - 1]
    }

    fn matching(&self, revision: u64, target: &str, want: &Want) -> Vec<String> {
        let rows = self.at(revision).iter();
        let found = rows.filter(|(key, row)| covers(target, key) && want.holds(key, row));
        found.map(|(key, row)| json(key, row, row.revision)).collect()
    }

    /// The events of the revisions after `from` up to `to`, in the order of the operations.
    fn events(&self, from: u64, to: u64, target: &str, want: &Want, order: &[Vec<String>]) -> Vec<String> {
        let mut events = Vec::new();
        for revision in from + 1..=to {
            let (old, new) = (self.at(revision - 1), self.at(revision));
            for key in order[revision as usize - 1].iter().filter(|key| covers(target, key)) {
                let before = old.get(key).filter(|row| want.holds(key, row));
                let after = new.get(key).filter(|row| want.holds(key, row));
                events.extend(match (before, after) {
                    (None, None) => None,
                    (None, Some(row)) => Some(format!("ADDED {}", json(key, row, revision))),
                    (Some(_), Some(row)) => Some(format!("MODIFIED {}", json(key, row, revision))),
                    (Some(row), None) => Some(format!("DELETED {}", json(key, row, revision))),
                });
            }
        }
        events
    }
}

struct Watching {
    watcher: Watcher,
    told: Vec<String>,
    initial: Vec<String>,
    after: u64,
    target: String,
    want: Want,
}

impl Watching {
    /// Reads until everything up to a revision was told.
    async fn read(&mut self, revision: u64) {
        loop {
            let Some(events) = self.watcher.next().now_or_never() else {
                if self.watcher.progress() >= revision {
                    return;
                }
                tokio::task::yield_now().await;
                continue;
            };
            let events = events.expect("the watch goes on");
            assert!(!events.is_empty());
            for event in events {
                self.told.push(match event {
                    Event::Object(event) => {
                        let json = text(event.object.json());
                        let frame = event.frame();
                        let kind = match event.kind {
                            EventKind::Added => "ADDED",
                            EventKind::Modified => "MODIFIED",
                            EventKind::Deleted => "DELETED",
                        };
                        assert_eq!(text(&frame), format!("{{\"type\":\"{kind}\",\"object\":{json}}}\n"));
                        format!("{kind} {json}")
                    }
                    Event::InitialEventsEnd { revision } => format!("END {revision}"),
                });
            }
        }
    }
}

fn claim(cache: &Cache) {
    let path = vec!["spec".to_owned(), "node".to_owned()];
    let field = SelectableField { name: "spec.node".to_owned(), path, absent: String::new() };
    for prefix in ["/registry/", "/registry/u/"] {
        cache.claim(prefix, vec![field.clone()]).unwrap();
    }
}

async fn run(steps: Vec<Step>, store: Arc<dyn Store>) {
    let limits = limits();
    let mut cache = Cache::start(store.clone(), limits.clone()).await.unwrap();
    claim(&cache);
    let mut model = Model { states: vec![BTreeMap::new()] };
    // The keys that each revision wrote, in order.
    let mut order: Vec<Vec<String>> = vec![vec![]];
    let mut watching: Vec<Watching> = Vec::new();
    for step in steps {
        match step {
            Step::Txn { mut writes, guarded, wrong_guard } => {
                let key = |write: &Write| match write {
                    Write::Put(key, ..) | Write::Delete(key) => key.clone(),
                };
                let mut keys = Vec::new();
                writes.retain(|write| {
                    let fresh = !keys.contains(&key(write));
                    keys.push(key(write));
                    fresh
                });
                let current = |key: &String| model.now().get(key).map_or(0, |row| row.revision);
                let mut guards = Vec::new();
                if guarded {
                    guards.extend(writes.iter().map(|write| guard(&key(write), current(&key(write)))));
                }
                if wrong_guard {
                    let key = key(&writes[0]);
                    guards.push(Guard { revision: current(&key) + 1, key: key.into() });
                }
                let ops: Vec<Op> = writes
                    .iter()
                    .map(|write| match write {
                        Write::Put(key, tier, node) => put(key, &value(key, *tier, *node)),
                        Write::Delete(key) => delete(key),
                    })
                    .collect();
                let absent = |write: &&Write| matches!(write, Write::Delete(key) if current(key) == 0);
                let refused = if wrong_guard { Some(key(&writes[0])) } else { writes.iter().find(absent).map(key) };
                match (cache.txn(guards, ops).await.unwrap(), refused) {
                    (TxnOutcome::Refused { current: object, .. }, Some(key)) => {
                        let row = model.now().get(&key).map(|row| json(&key, row, row.revision));
                        assert_eq!(object.map(|object| text(object.json()).to_owned()), row);
                    }
                    (TxnOutcome::Applied(objects), None) => {
                        let revision = model.revision() + 1;
                        let mut state = model.now().clone();
                        let mut expected = Vec::new();
                        for write in &writes {
                            match write {
                                Write::Put(key, tier, node) => {
                                    let row = Row { tier: *tier, node: *node, revision };
                                    expected.push(json(key, &row, revision));
                                    state.insert(key.clone(), row);
                                }
                                Write::Delete(key) => {
                                    let row = state.remove(key).unwrap();
                                    expected.push(json(key, &row, revision));
                                }
                            }
                        }
                        let objects: Vec<_> = objects.iter().map(|object| text(object.json()).to_owned()).collect();
                        assert_eq!(objects, expected);
                        model.states.push(state);
                        order.push(writes.iter().map(key).collect());
                    }
                    (outcome, refused) => panic!("{outcome:?}, but refused should be {refused:?}"),
                }
                assert_eq!(cache.revision(), model.revision());
            }
            Step::List { prefix, want, limit, back, exact } => {
                let revision = if exact { model.revision().saturating_sub(back).max(1) } else { model.revision() };
                let mut freshness = if exact { Freshness::Exact(revision) } else { Freshness::Latest };
                let (mut start, mut found) = (None, Vec::new());
                loop {
                    let query =
                        ListQuery { prefix: prefix.to_owned(), start, selector: want.selector(), freshness, limit };
                    let listing = match cache.list(query).await {
                        Err(ReadError::Compacted { oldest }) => {
                            assert!(revision < oldest && oldest == store.compacted(), "`{revision}` was there");
                            break;
                        }
                        listing => listing.unwrap(),
                    };
                    assert!(limit == 0 || listing.objects.len() <= limit);
                    assert_eq!(listing.revision, revision);
                    freshness = Freshness::Exact(revision);
                    found.extend(listing.objects.iter().map(|object| text(object.json()).to_owned()));
                    if let (Some(remaining), Want::All) = (listing.remaining, &want) {
                        assert_eq!(remaining as usize, model.matching(revision, prefix, &want).len() - found.len());
                    }
                    assert_eq!(listing.remaining.is_some(), listing.next.is_some() && matches!(want, Want::All));
                    start = listing.next;
                    if start.is_none() {
                        assert_eq!(found, model.matching(revision, prefix, &want), "{prefix} {want:?} at {revision}");
                        break;
                    }
                }
                assert_eq!(cache.count(prefix) as usize, model.matching(model.revision(), prefix, &Want::All).len());
            }
            Step::Get { key, back } => {
                let revision = model.revision().saturating_sub(back).max(1);
                match cache.get(&key, Freshness::Exact(revision)).await {
                    Err(ReadError::Compacted { oldest }) => assert!(revision < oldest && oldest == store.compacted()),
                    found => {
                        let row = model.at(revision).get(&key).map(|row| json(&key, row, row.revision));
                        assert_eq!(found.unwrap().map(|object| text(object.json()).to_owned()), row);
                    }
                }
            }
            Step::Watch { target, want, start } => {
                let now = model.revision();
                let initial = || -> Vec<String> {
                    model.matching(now, &target, &want).iter().map(|json| format!("ADDED {json}")).collect()
                };
                let (start, after, initial) = match start {
                    Begin::Now => (WatchStart::Now, now, initial()),
                    Begin::Tail => (WatchStart::Tail, now, vec![]),
                    Begin::Initial => {
                        let mut initial = initial();
                        initial.push(format!("END {now}"));
                        (WatchStart::InitialEvents(now), now, initial)
                    }
                    Begin::Back(back) => {
                        let after = now.saturating_sub(back);
                        (WatchStart::After(after), after, vec![])
                    }
                };
                let query = WatchQuery { target: target.clone(), selector: want.selector(), start };
                match cache.watch(query).await {
                    Err(ReadError::Compacted { oldest }) => {
                        assert!(after < oldest && oldest <= cache.oldest_revision());
                    }
                    watcher => {
                        let watcher = watcher.unwrap();
                        watching.push(Watching { watcher, told: vec![], initial, after, target, want });
                    }
                }
            }
            Step::Compact { back } => {
                let revision = model.revision().saturating_sub(back);
                store.compact(revision).await.unwrap();
                assert!(store.compacted() >= revision);
            }
            Step::Restart => {
                for watching in &mut watching {
                    watching.read(model.revision()).await;
                }
                check(&mut watching, &model, &order);
                cache = Cache::start(store.clone(), limits.clone()).await.unwrap();
                claim(&cache);
            }
            Step::Reclaim => {
                cache.unclaim("/registry/");
                claim(&cache);
            }
        }
    }
    for watching in &mut watching {
        watching.read(model.revision()).await;
    }
    check(&mut watching, &model, &order);
    let page = store.range(host_store::RangeQuery::default()).await.unwrap();
    let stored: Vec<_> = page.kvs.iter().map(|kv| (kv.key.to_string(), text(&kv.value).to_owned())).collect();
    let expected: Vec<_> = model.now().iter().map(|(key, row)| (key.clone(), value(key, row.tier, row.node))).collect();
    assert_eq!(stored, expected, "the store holds what was given to it");
}

/// Every watch was told exactly what happened.
fn check(watching: &mut Vec<Watching>, model: &Model, order: &[Vec<String>]) {
    for watching in watching.drain(..) {
        let mut expected = watching.initial;
        expected.extend(model.events(watching.after.max(1), model.revision(), &watching.target, &watching.want, order));
        assert_eq!(watching.told, expected, "a watch of `{}` after {}", watching.target, watching.after);
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..160)
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, max_shrink_iters: 2_000, failure_persistence: None, ..ProptestConfig::default() }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn store_and_cache_are_what_the_model_says(steps in steps()) {
        runtime().block_on(run(steps, store(&limits())));
    }
}

/// The same on a real etcd.
#[cfg(feature = "etcd")]
#[test]
fn etcd_and_cache_are_what_the_model_says() {
    use common::etcd::{binary, cluster, empty};
    let Some(binary) = binary() else { return };
    let member = cluster(&binary, 1);
    let mut runner = proptest::test_runner::TestRunner::new(config(16));
    let run = |steps| {
        runtime().block_on(async {
            let store = empty(&member[0].url, &limits()).await;
            run(steps, Arc::new(store)).await;
        });
        Ok(())
    };
    runner.run(&steps(), run).unwrap();
}
