//! The cache in front of an embedded store: what readers and watchers see.

mod common;

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::time::Duration;

use common::*;
use futures_util::task::{ArcWake, waker};
use host_store::{
    Freshness, LabelRequirement, Limits, ListQuery, Observer, Operator, ReadError, SelectableField, Selector,
    Store as _, Txn, TxnOutcome, WatchEnd, WatchStart,
};

fn labelled(key: &str, value: &str) -> Selector {
    let values = vec![value.to_owned()];
    Selector {
        labels: vec![LabelRequirement { key: key.to_owned(), operator: Operator::Equals, values }],
        fields: vec![],
    }
}

fn query(prefix: &str) -> ListQuery {
    ListQuery {
        prefix: prefix.to_owned(),
        start: None,
        selector: Selector::default(),
        freshness: Freshness::Latest,
        limit: 0,
    }
}

#[tokio::test]
async fn whoever_wrote_reads_what_he_wrote() {
    let limits = Limits::default();
    let cache = cache(&store(&limits), &limits).await;
    assert_eq!(cache.revision(), 1);
    for round in 0..50 {
        let written = write(&cache, put("/r/t/d/a", &object("a", &[("round", &round.to_string())]))).await;
        let read = cache.get("/r/t/d/a", Freshness::Any).await.unwrap().unwrap();
        assert_eq!(read.json(), written.json());
        assert_eq!(written.revision(), round + 2);
        assert_eq!(
            text(written.json()),
            format!(
                r#"{{"kind":"T","apiVersion":"v1","metadata":{{"resourceVersion":"{}","name":"a","namespace":"d","labels":{{"round":"{round}"}}}}}}"#,
                round + 2
            )
        );
    }
}

#[tokio::test]
async fn a_start_replays_all_it_has_to_however_long_that_takes_and_in_bounded_pieces() {
    // Nobody waits for a revision, and a piece of the history is one revision.
    let limits = Limits { future_revision_wait: std::time::Duration::ZERO, recent_bytes_max: 1, ..Limits::default() };
    let store = store(&limits);
    for round in 0..50 {
        let both = ["/r/t/d/a", "/r/t/d/b"].map(|key| put(key, &object("a", &[("round", &round.to_string())])));
        store.txn(Txn { guards: vec![], ops: both.into(), get_on_refusal: false }).await.unwrap();
    }
    let cache = cache(&store, &limits).await;
    assert_eq!(cache.revision(), 51);
    assert_eq!(cache.list(query("/r/")).await.unwrap().objects.len(), 2);
}

#[tokio::test]
async fn a_store_with_protobuf_is_refused_by_name() {
    let limits = Limits { history_replayed_max: 0, ..Limits::default() };
    let store = store(&limits);
    store.txn(Txn { ops: vec![put("/registry/pods/d/a", "k8s\0binary")], ..Txn::default() }).await.unwrap();
    let error = host_store::Cache::start(store.clone(), limits).await.err().unwrap().to_string();
    assert!(
        error.starts_with("the value of `/registry/pods/d/a` is protobuf: let kube-apiserver store JSON"),
        "{error}"
    );
    // The same if it is met among the latest changes.
    assert!(host_store::Cache::start(store, Limits::default()).await.is_err());
}

#[tokio::test]
async fn a_latest_read_shows_what_others_wrote() {
    let limits = Limits::default();
    let store = store(&limits);
    let (ours, theirs) = (cache(&store, &limits).await, cache(&store, &limits).await);
    for _ in 0..50 {
        let written = write(&theirs, put("/r/t/d/a", &object("a", &[]))).await.revision();
        let read = ours.get("/r/t/d/a", Freshness::Latest).await.unwrap().unwrap();
        assert_eq!(read.revision(), written);
        let written = write(&theirs, put("/r/t/d/a", &object("a", &[]))).await.revision();
        assert_eq!(ours.list(query("/r/")).await.unwrap().revision, written);
        let written = write(&theirs, put("/r/t/d/a", &object("a", &[]))).await.revision();
        assert!(ours.get("/r/t/d/a", Freshness::NotOlder(written)).await.unwrap().is_some());
        assert!(ours.revision() >= written);
    }
}

#[tokio::test]
async fn a_transaction_is_applied_or_refused_as_a_whole() {
    let limits = Limits::default();
    let cache = cache(&store(&limits), &limits).await;
    let first = write(&cache, put("/r/t/d/a", &object("a", &[]))).await;

    let ops = || vec![put("/r/t/d/a", &object("a", &[("x", "y")])), put("/r/t/d/b", &object("b", &[]))];
    let guards = |revision| vec![guard("/r/t/d/b", 0), guard("/r/t/d/a", revision)];
    let TxnOutcome::Refused { current: Some(current), .. } = cache.txn(guards(0), ops()).await.unwrap() else {
        panic!("not refused")
    };
    assert_eq!(current.json(), first.json());
    assert_eq!(cache.revision(), 2, "a refused transaction used a revision");

    let TxnOutcome::Applied(objects) = cache.txn(guards(2), ops()).await.unwrap() else { panic!("not applied") };
    assert_eq!(
        objects.iter().map(|object| (&**object.key(), object.revision())).collect::<Vec<_>>(),
        [("/r/t/d/a", 3), ("/r/t/d/b", 3)]
    );
    let TxnOutcome::Applied(gone) = cache.txn(vec![], vec![delete("/r/t/d/a")]).await.unwrap() else {
        panic!("not applied")
    };
    assert!(text(gone[0].json()).contains(r#""resourceVersion":"4""#));
    let TxnOutcome::Refused { current: None, .. } = cache.txn(vec![], vec![delete("/r/t/d/a")]).await.unwrap() else {
        panic!("what is not there was deleted")
    };
}

#[tokio::test]
async fn pages_show_one_state_while_it_is_written_on() {
    let limits = Limits::default();
    let cache = cache(&store(&limits), &limits).await;
    for name in ["a", "b", "c", "d", "e"] {
        write(&cache, put(&format!("/r/t/d/{name}"), &object(name, &[]))).await;
    }
    write(&cache, put("/r/tt/d/x", &object("x", &[]))).await;
    let names = |listing: &host_store::Listing| {
        listing.objects.iter().map(|object| object.name().unwrap().to_owned()).collect::<String>()
    };
    let first = cache.list(ListQuery { limit: 2, ..query("/r/t/") }).await.unwrap();
    assert_eq!((names(&first).as_str(), first.remaining, first.revision), ("ab", Some(3), 7));
    write(&cache, delete("/r/t/d/d")).await;
    write(&cache, put("/r/t/d/cc", &object("cc", &[]))).await;
    let freshness = Freshness::Exact(first.revision);
    let second = cache.list(ListQuery { limit: 2, start: first.next, freshness, ..query("/r/t/") }).await.unwrap();
    assert_eq!((names(&second).as_str(), second.remaining), ("cd", Some(1)));
    let last = cache.list(ListQuery { limit: 2, start: second.next, freshness, ..query("/r/t/") }).await.unwrap();
    assert_eq!((names(&last).as_str(), last.remaining, last.next), ("e", None, None));
    assert_eq!(names(&cache.list(query("/r/t/")).await.unwrap()), "abccce");
    assert_eq!((cache.count("/r/t/"), cache.count("/r/"), cache.count("/x/")), (5, 6, 0));
}

#[tokio::test]
async fn an_object_that_enters_or_leaves_a_selector_is_added_or_deleted() {
    let limits = Limits::default();
    let cache = cache(&store(&limits), &limits).await;
    let mut watcher = watch(&cache, "/r/t/", labelled("tier", "front"), WatchStart::After(1)).await;
    let mut all = watch(&cache, "/r/t/", Selector::default(), WatchStart::Tail).await;
    for (name, tier) in [("a", "front"), ("b", "back"), ("a", "front"), ("a", "back"), ("a", "back"), ("b", "front")] {
        write(&cache, put(&format!("/r/t/d/{name}"), &object(name, &[("tier", tier)]))).await;
    }
    write(&cache, delete("/r/t/d/a")).await;
    write(&cache, delete("/r/t/d/b")).await;
    let expected = ["ADDED a@2", "MODIFIED a@4", "DELETED a@5", "ADDED b@7", "DELETED b@9"];
    assert_eq!(events(&mut watcher, 5).await, expected);
    assert_eq!(watcher.progress(), 9);
    assert_eq!(events(&mut all, 8).await.len(), 8);

    // The same, from history.
    let mut again = watch(&cache, "/r/t/", labelled("tier", "front"), WatchStart::After(1)).await;
    assert_eq!(events(&mut again, 5).await, expected);
}

#[tokio::test]
async fn what_left_the_selector_is_shown_as_it_was_with_the_new_revision() {
    let limits = Limits::default();
    let cache = cache(&store(&limits), &limits).await;
    let mut watcher = watch(&cache, "/r/t/", labelled("tier", "front"), WatchStart::Now).await;
    write(&cache, put("/r/t/d/a", &object("a", &[("tier", "front")]))).await;
    assert_eq!(events(&mut watcher, 1).await, ["ADDED a@2"]);
    write(&cache, put("/r/t/d/a", &object("a", &[("tier", "back")]))).await;
    let told = watcher.next().await.unwrap();
    let host_store::Event::Object(event) = &told[0] else { panic!("not an object") };
    assert_eq!(
        text(&event.frame()),
        concat!(
            r#"{"type":"DELETED","object":{"kind":"T","apiVersion":"v1","metadata":{"resourceVersion":"3","name":"a","#,
            r#""namespace":"d","labels":{"tier":"front"}}}}"#,
            "\n"
        )
    );
}

#[tokio::test]
async fn initial_events_come_before_their_end_and_changes_after_it() {
    let limits = Limits::default();
    let cache = cache(&store(&limits), &limits).await;
    for at in 0..700 {
        write(&cache, put(&format!("/r/t/d/{at:03}"), &object(&format!("{at:03}"), &[]))).await;
    }
    let mut watcher = watch(&cache, "/r/t/", Selector::default(), WatchStart::InitialEvents(701)).await;
    write(&cache, delete("/r/t/d/699")).await;
    let told = events(&mut watcher, 701).await;
    assert_eq!(
        (told[0].as_str(), told[699].as_str(), told[700].as_str()),
        ("ADDED 000@2", "ADDED 699@701", "END @701")
    );
    assert_eq!(events(&mut watcher, 1).await, ["DELETED 699@702"]);
}

#[tokio::test]
async fn a_watch_of_one_key_sees_that_key_only() {
    let limits = Limits::default();
    let cache = cache(&store(&limits), &limits).await;
    let mut watcher = watch(&cache, "/r/t/d/a", Selector::default(), WatchStart::Now).await;
    for name in ["aa", "a", "b"] {
        write(&cache, put(&format!("/r/t/d/{name}"), &object(name, &[]))).await;
    }
    write(&cache, put("/r/t/d/a/b", "raw")).await;
    write(&cache, delete("/r/t/d/a")).await;
    assert_eq!(events(&mut watcher, 2).await, ["ADDED a@3", "DELETED a@6"]);
}

#[tokio::test]
async fn a_watcher_that_is_not_read_is_closed_and_harms_nobody() {
    let limits = Limits { watcher_events_max: 4, ..Limits::default() };
    let cache = cache(&store(&limits), &limits).await;
    let mut slow = watch(&cache, "/r/t/", Selector::default(), WatchStart::Tail).await;
    let mut quick = watch(&cache, "/r/t/", Selector::default(), WatchStart::Tail).await;
    for _ in 0..5 {
        write(&cache, put("/r/t/d/a", &object("a", &[]))).await;
        assert_eq!(events(&mut quick, 1).await.len(), 1);
    }
    assert!(slow.next().await.is_none());
    assert_eq!(slow.end(), Some(WatchEnd::Overflow));
    assert_eq!(cache.watchers(), 2);
    drop((slow, quick));
    assert_eq!(cache.watchers(), 0);
}

/// What was told, in its order.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Observer for Told {
    fn watch_cut(&self, target: &str) {
        self.0.lock().unwrap().push(format!("cut {target}"));
    }

    fn read_waited(&self, target: &str, _: Duration) {
        self.0.lock().unwrap().push(format!("waited {target}"));
    }
}

#[tokio::test]
async fn an_observer_is_told_of_watches_that_are_cut_and_of_reads_that_wait() {
    let limits = Limits { watcher_events_max: 1, future_revision_wait: Duration::from_millis(1), ..Limits::default() };
    let cache = cache(&store(&limits), &limits).await;
    let told = Told::default();
    cache.observe(told.clone());
    let slow = watch(&cache, "/r/t/", Selector::default(), WatchStart::Tail).await;
    let elsewhere = watch(&cache, "/r/u/", Selector::default(), WatchStart::Tail).await;
    // Once, however much follows.
    for _ in 0..4 {
        write(&cache, put("/r/t/d/a", &object("a", &[]))).await;
    }
    cache.get("/r/t/d/a", Freshness::NotOlder(5)).await.unwrap();
    cache.get("/r/t/d/a", Freshness::NotOlder(6)).await.unwrap_err();
    assert_eq!(*told.0.lock().unwrap(), ["cut /r/t/", "waited /r/t/d/a"]);
    drop((slow, elsewhere));
}

/// How often somebody was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl ArcWake for Woken {
    fn wake_by_ref(this: &Arc<Self>) {
        this.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn ten_thousand_idle_watches_are_not_disturbed_by_what_they_do_not_watch() {
    let limits = Limits::default();
    let cache = cache(&store(&limits), &limits).await;
    let woken = Arc::new(Woken::default());
    let waker = waker(woken.clone());
    let mut context = Context::from_waker(&waker);
    let mut watchers = Vec::new();
    for at in 0..10_000 {
        watchers.push(watch(&cache, &format!("/r/t/{}/", at % 100), Selector::default(), WatchStart::Tail).await);
    }
    for watcher in &mut watchers {
        assert!(pin!(watcher.next()).poll(&mut context).is_pending());
    }
    for _ in 0..100 {
        write(&cache, put("/r/other/a", &object("a", &[]))).await;
    }
    assert_eq!(woken.0.load(Ordering::SeqCst), 0);
    write(&cache, put("/r/t/7/a", &object("a", &[]))).await;
    assert_eq!(woken.0.load(Ordering::SeqCst), 100);
    for (at, watcher) in watchers.iter_mut().enumerate() {
        assert_eq!(pin!(watcher.next()).poll(&mut context).is_ready(), at % 100 == 7, "watcher {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_does_not_come_is_ahead() {
    let limits = Limits::default();
    let cache = cache(&store(&limits), &limits).await;
    let ahead = ReadError::Ahead { newest: 1 };
    for freshness in [Freshness::NotOlder(9), Freshness::Exact(9)] {
        assert_eq!(cache.get("/r/t/d/a", freshness).await.unwrap_err(), ahead);
        assert_eq!(cache.list(ListQuery { freshness, ..query("/r/") }).await.unwrap_err(), ahead);
    }
}

#[tokio::test]
async fn a_watch_from_a_revision_that_has_not_come_tells_what_is_behind_it() {
    let limits = Limits::default();
    let cache = cache(&store(&limits), &limits).await;
    let start = WatchStart::After(cache.revision() + 1);
    let mut watcher = watch(&cache, "/r/", Selector::default(), start).await;
    for key in ["/r/t/d/before", "/r/t/d/behind"] {
        write(&cache, put(key, &object(key.rsplit_once('/').unwrap().1, &[]))).await;
    }
    let told = events(&mut watcher, 1).await;
    assert!(told[0].starts_with("ADDED behind@"), "{told:?}");
}

#[tokio::test]
async fn fields_are_selected_by_whatever_the_claim_says_now() {
    let limits = Limits::default();
    let cache = cache(&store(&limits), &limits).await;
    let value = |name: &str, node: &str| {
        format!(r#"{{"kind":"T","metadata":{{"name":"{name}"}},"spec":{{"nodeName":{node}}}}}"#)
    };
    write(&cache, put("/r/t/d/a", &value("a", r#""one""#))).await;
    write(&cache, put("/r/t/d/b", &value("b", r#""tw\u006f""#))).await;
    write(&cache, put("/r/t/d/c", &value("c", "null"))).await;
    write(&cache, put("/r/t/d/d", &value("d", "true"))).await;
    let by = |name: &str, operator, value: &str| {
        let field = host_store::FieldRequirement { name: name.to_owned(), operator, value: value.to_owned() };
        let selector = Selector { labels: vec![], fields: vec![field] };
        let list = cache.list(ListQuery { selector, ..query("/r/t/") });
        async move {
            let listing = list.await?;
            Ok(listing.objects.iter().map(|object| object.name().unwrap().to_owned()).collect::<String>())
        }
    };
    let unknown = ReadError::Invalid("the field `spec.nodeName` cannot be selected by".to_owned());
    assert_eq!(by("spec.nodeName", Operator::Equals, "one").await, Err(unknown.clone()));
    let field = |name: &str, path: [&str; 2]| SelectableField {
        name: name.to_owned(),
        path: path.map(str::to_owned).into(),
        absent: String::new(),
    };
    let node = ["spec", "nodeName"];
    let fields = [field("spec.nodeName", node), field("either", node), field("either", ["metadata", "name"])];
    cache.claim("/r/t/", fields.into()).unwrap();
    write(&cache, put("/r/t/d/e", &value("e", r#""one""#))).await;
    for (name, operator, wanted, found) in [
        ("spec.nodeName", Operator::Equals, "one", "ae"),
        ("spec.nodeName", Operator::NotEquals, "one", "bcd"),
        ("spec.nodeName", Operator::Equals, "two", "b"),
        ("spec.nodeName", Operator::Equals, "", "c"),
        ("spec.nodeName", Operator::Equals, "true", "d"),
        ("either", Operator::Equals, "one", "ae"),
        ("either", Operator::Equals, "a", ""),
        ("either", Operator::Equals, "c", "c"),
        ("metadata.name", Operator::Equals, "c", "c"),
        ("metadata.namespace", Operator::Equals, "", "abcde"),
    ] {
        assert_eq!(by(name, operator, wanted).await.as_deref(), Ok(found), "`{name}` {operator:?} `{wanted}`");
    }
    cache.unclaim("/r/t/");
    assert_eq!(by("spec.nodeName", Operator::Equals, "one").await, Err(unknown));
}
