//! h2spec against the real listener: what RFC 7540 and 7541 say that a server does.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use host_server::{Authenticator, Credentials, User};
use tokio::process::Command;

use crate::director::{config, serve_changed};

/// Knows everybody: h2spec has no credentials, and strangers get one request for each connection.
struct Everybody;

impl Authenticator for Everybody {
    fn name(&self) -> &str {
        "everybody"
    }

    fn authenticate<'a>(&'a self, _: Credentials<'a>) -> BoxFuture<'a, Result<Option<User>, String>> {
        async { Ok(Some(User { name: "h2spec".to_owned(), ..User::default() })) }.boxed()
    }
}

#[tokio::test]
async fn the_listener_does_what_h2spec_says() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/clients/bin/h2spec");
    if !program.exists() {
        let message = format!("NOT RUN: `{}` does not exist: run `scripts/h2spec`\n", program.display());
        assert!(std::env::var_os("CI").is_none(), "{message}");
        // Past the test harness, which shows the output of a passing test to nobody.
        std::io::stderr().write_all(message.as_bytes()).unwrap();
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let config = config(data.path(), &["--authorization-mode=AlwaysAllow"]);
    let served = serve_changed(data, config, |server| server.authentication().add(Arc::new(Everybody))).await;
    let port = served.running.address().port();
    let report = async |path: &str, specs: &[&str]| {
        let mut command = Command::new(&program);
        command.args(["--tls", "--insecure", "--strict", "--timeout", "5"]).args(["--path", path]);
        let output = command.args(["--port", &port.to_string()]).args(specs).output().await.unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };

    // Answers only when the whole request is there: some cases go wrong late in theirs.
    let everything = report("/hello-after-body", &[]).await;
    let failures: Vec<_> = everything.lines().filter_map(|line| line.trim().strip_prefix("× ")).collect();
    assert!(failures.iter().all(|failure| *failure == TOO_MANY_STREAMS), "{everything}");
    assert!(everything.contains("146 tests, ") && everything.contains(" 0 skipped, "), "{everything}");
    // Streams that have been answered are not concurrent, so for this one none must be.
    let streams = report("/wait", &["http2/5.1.2/1"]).await;
    assert!(streams.contains("1 tests, 1 passed, 0 skipped, 0 failed"), "{streams}");
}

const TOO_MANY_STREAMS: &str =
    "1: Sends HEADERS frames that causes their advertised concurrent stream limit to be exceeded";
