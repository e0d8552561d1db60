//! A process that is killed while it writes: what it was told is durable is there afterwards.

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use common::*;
use host_store::{Embedded, Limits, RangeQuery, Store, Txn, TxnOut};

/// Set in the child: the directory that it writes to.
const DIRECTORY: &str = "HOST_STORE_TEST_DIRECTORY";

/// The child's part: writes as fast as it can, and says what was acknowledged, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let store = Embedded::open(directory.as_ref(), options(&Limits::default())).unwrap();
    let writers = (0..8).map(|writer| {
        let store = &store;
        async move {
            for at in 0.. {
                let key = format!("/{writer}/{}", at % 50);
                let txn = Txn { ops: vec![put(&key, &"x".repeat(500))], ..Txn::default() };
                let Ok(TxnOut::Applied { revision }) = store.txn(txn).await else { panic!("a write failed") };
                let line = format!("acknowledged {revision} {key}\n");
                let written = std::io::stdout().lock().write_all(line.as_bytes());
                // The parent has gone away without killing: so be it.
                if written.is_err() {
                    return;
                }
            }
        }
    });
    futures_util::future::join_all(writers.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_there_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut newest = 1;
    for round in 0..5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut acknowledged: Vec<(u64, String)> = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let mut words = line.split(' ');
            // The last line may be cut off: then it does not end in a key of its form.
            if let (Some("acknowledged"), Some(revision), Some(key)) = (words.next(), words.next(), words.next())
                && let Ok(revision) = revision.parse()
                && key.split('/').count() == 3
            {
                acknowledged.push((revision, key.to_owned()));
            }
            if acknowledged.len() == 300 * (round + 1) {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(acknowledged.len() >= 300 * (round + 1), "the child ended by itself");

        let store = Embedded::open(directory.path(), options(&Limits::default())).unwrap();
        let page = store.range(RangeQuery::default()).await.unwrap();
        for (revision, key) in &acknowledged {
            assert!(*revision > newest, "`{revision}` was given out twice");
            let found = page.kvs.iter().find(|kv| kv.key.starts_with(&**key)).map(|kv| kv.mod_revision);
            assert!(found.is_some_and(|found| found >= *revision), "`{key}` of `{revision}` is lost: {found:?}");
        }
        newest = page.revision;
    }
}
