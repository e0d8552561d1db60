//! One small way to misbehave each, in one chain with the three servers: it is answered, counted
//! and named, and harms nobody else.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use e2e::{Client, Setup, checkout, eventually};

/// The three servers and one link more, and around them one that does what `script` says, with
/// these bounds.
fn around_the_servers(script: &str, limits: &[&str]) -> Option<Setup> {
    let setup = Setup::default_chain()?.link("inner", "prefix /inner")?;
    let setup = setup.link("faulty", &format!("prefix /faulty\n{script}"))?;
    Some(bounded(setup, limits))
}

/// The same link alone, where the servers have no part in what is shown.
fn alone(script: &str, limits: &[&str]) -> Option<Setup> {
    let setup = Setup::bare()?.link("faulty", &format!("prefix /faulty\n{script}"))?;
    Some(bounded(setup, limits))
}

fn bounded(setup: Setup, limits: &[&str]) -> Setup {
    limits.iter().fold(setup, |setup, limit| setup.with(&["--plugin-limit", &format!("faulty={limit}")]))
}

/// What is never refused: no failure degrades it.
const FORGIVEN: &str = "failures_max=1000000";

/// The value of a counter or gauge of the faulty plugin; 0 if there is none.
fn metric(client: &Client, name: &str, label: &str) -> u64 {
    let text = client.get("/metrics").expect(200).text();
    let mut lines = text.lines().filter(|line| line.starts_with(&format!("{name}{{")));
    let line = lines.find(|line| line.contains("plugin=\"faulty\"") && line.contains(label));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
}

fn faults(client: &Client, fault: &str) -> u64 {
    metric(client, "host_plugin_faults_total", &format!("fault=\"{fault}\""))
}

#[track_caller]
fn the_servers_serve(client: &Client) {
    for path in ["/api/v1/namespaces/default", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "/apis"] {
        client.get(path).expect(200);
    }
}

/// What is asked; then the status, words of the answer, the fault, and words of the log.
type Case = (&'static str, u16, &'static str, &'static str, &'static str);

#[test]
fn each_way_to_misbehave_is_answered_counted_and_named_and_harms_nobody_else() {
    let limits = [
        FORGIVEN,
        "cpu_ms_max=200",
        "cancelled_call_ms_max=50",
        "watches_max=10",
        "memory_bytes_max=167772160",
        "render_ms_max=2000",
        // What they compute counts against them afterwards, too: another test's concern.
        "cpu_share_max=100",
    ];
    let Some(host) = around_the_servers("", &limits).map(|setup| setup.start()) else { return };
    let client = host.client();
    let failed = "plugin `faulty` failed";
    let unsendable = "an answer that cannot be sent";
    let cases: [Case; 38] = [
        ("trap", 500, failed, "trap", "told to trap"),
        ("recurse", 500, failed, "trap", "call stack exhausted"),
        ("spin", 504, "Timeout", "cpu", "`cpu_ms_max` (200)"),
        ("hang?timeout=200ms", 504, "Timeout", "cancelled", "`cancelled_call_ms_max` (50)"),
        ("grow", 500, failed, "memory", "`memory_bytes_max`"),
        ("handles", 500, failed, "handles", "`handles_max`"),
        ("huge", 500, failed, "bytes", "`hostcall_bytes_max`"),
        // `random_bytes_max`
        ("random", 500, failed, "trap", "exceeds limit 65536"),
        ("render?well", 200, "rendered 0", "", ""),
        ("render?few", 500, "could not write the answer", "", "it gave 0 values for 1 objects"),
        ("render?told-fails", 500, "could not write the answer", "", "told to fail"),
        ("render?told-traps", 500, failed, "trap", "told to trap"),
        ("render?told-hangs", 504, "Timeout", "cancelled", "within 2000 ms"),
        ("log", 200, "faulty: ", "log_lines", "`log_lines_per_second_max` (500)"),
        ("print", 200, "faulty: ", "log_lines", "`log_lines_per_second_max` (500)"),
        ("metrics", 200, "faulty: ", "metrics", "`metric_series_max` (1000)"),
        ("large-metric", 200, "faulty: ", "metrics", "`metric_series_bytes_max` (4096)"),
        ("short", 200, "0123456789", "answer", "says that its answer has `5` bytes, of which `10` are there"),
        ("long", 200, "0123456789", "answer", "says that its answer has `500` bytes, of which `10` are there"),
        ("bad-name", 200, "0123456789", "answer", "its header `not a name` is not valid"),
        ("bad-value", 200, "0123456789", "answer", "its header `x-odd` is not valid"),
        ("many-headers", 500, unsendable, "answer", "`response_headers_max` (128)"),
        ("large-header", 500, unsendable, "answer", "`response_header_bytes_max` (65536)"),
        ("status-0", 500, unsendable, "answer", "the status `0`"),
        ("status-101", 500, unsendable, "answer", "the status `101`"),
        ("status-1000", 500, unsendable, "answer", "the status `1000`"),
        ("stream-silent?timeout=2s", 504, "Timeout", "stream", "its stream did not end"),
        ("ask-often?/inner/hang", 200, "`subrequests_max` (64)", "subrequest", "`subrequests_max` (64)"),
        ("watch?10", 200, "10 are open", "", ""),
        ("watch?1", 500, "`watches_max` (10)", "watch", "`watches_max` (10)"),
        ("large-value", 200, "TooLarge", "", ""),
        ("large-key", 200, "TooLarge", "", ""),
        ("many-operations", 200, "at most `128`", "", ""),
        ("foreign-key", 200, "NotGranted", "grant", "`/registry/secrets/default/a`"),
        ("read?/etc/hostname", 500, "", "", ""),
        ("variable?HOME", 500, "not found", "", ""),
        ("connect?127.0.0.1:1", 500, "denied", "grant", "`--plugin-grant faulty=net:127.0.0.1:1`"),
        ("smuggled", 200, "0123456789", "", ""),
    ];
    for (asked, status, words, fault, log) in cases {
        let before = faults(client, fault);
        let reply = client.get(&format!("/faulty/{asked}")).expect(status);
        assert!(reply.text().contains(words), "{asked}: no {words:?} in {}", reply.text());
        let counted = || fault.is_empty() || faults(client, fault) > before;
        eventually(counted, || format!("{asked}: `{fault}` is not counted"));
        host.wait_for_log(log);
        the_servers_serve(client);
        client.get("/faulty/well").expect(200);
    }
    client.get("/readyz").expect(200);
}

#[test]
fn a_body_that_a_plugin_does_not_finish_is_cut_off_and_does_not_look_complete() {
    let Some(host) = around_the_servers("", &[FORGIVEN]).map(|setup| setup.start()) else { return };
    let client = host.client();
    assert_eq!(client.get("/faulty/stream").expect(200).text(), "the first piece\n");
    for (asked, words) in [
        ("stream-traps", "the plugin ended while it wrote"),
        ("stream-endless?timeout=3s", "its stream did not end before the deadline"),
    ] {
        let before = faults(client, "stream");
        // A connection that was kept may have been broken by what came before: then it is asked again.
        let cut_off_and_counted = || {
            let reply = client.try_send("GET", &format!("/faulty/{asked}"), "", b"");
            assert!(reply.is_err(), "{asked}: a body that has ended: {}", reply.expect("just seen").text().len());
            faults(client, "stream") > before
        };
        eventually(cut_off_and_counted, || format!("{asked}: not counted"));
        host.wait_for_log(words);
        the_servers_serve(client);
    }
}

#[test]
fn hooks_and_checks_that_misbehave_fail_alone_and_do_not_hold_up_the_end() {
    let script = "hook it-traps\nhook it-spins\nhook it-hangs\nhook it-burns\nhook it-lingers\nhook it-grows\n\
                  check it-traps\ncheck it-spins\ncheck it-hangs\ncheck it-is-well\npre-shutdown end-hangs\npre-shutdown end-traps";
    let limits = [
        FORGIVEN,
        "cpu_ms_max=200",
        "health_check_ms_max=500",
        "cancelled_call_ms_max=50",
        "hook_end_ms_max=200",
        "pre_shutdown_hook_ms_max=300",
    ];
    let Some(setup) = around_the_servers(script, &limits) else { return };
    let host = setup.start_until("/livez/ping");
    let client = host.client();
    // It is never ready: what the servers make first is waited for apart.
    let is_made = || client.get("/api/v1/namespaces/default").status == 200;
    eventually(is_made, || "there is no default namespace".to_owned());
    the_servers_serve(client);
    eventually(|| faults(client, "hook") >= 4, || "the hooks are not counted".to_owned());
    let expected = [
        ('-', &["it-traps", "it-spins", "it-hangs"][..]),
        ('-', &["poststarthook/it-traps", "poststarthook/it-spins", "poststarthook/it-hangs"]),
        ('+', &["poststarthook/it-burns", "poststarthook/it-lingers", "plugin/faulty", "plugin/core"]),
    ];
    let report = || client.get("/readyz?verbose").expect(500).text();
    let is_told = || {
        let report = report();
        let has = |sign, name: &str| report.contains(&format!("[{sign}]{name} "));
        expected.iter().all(|(sign, names)| names.iter().all(|name| has(sign, name)))
    };
    // Each in its own time.
    eventually(is_told, || format!("not all of {expected:?} are in:\n{}", report()));
    // Asked for alone: beside one that traps it shares the instance that ends, and the next one is waited for.
    eventually(|| client.get("/readyz/it-is-well").status == 200, || "it is never well".to_owned());
    the_servers_serve(client);
    client.get("/faulty/well").expect(200);

    let begun = std::time::Instant::now();
    let (_, status) = host.terminate();
    assert_eq!(status.code(), Some(0));
    // Without these bounds the hook before the end has half a minute.
    assert!(begun.elapsed().as_secs() < 25, "it took {:?} to end", begun.elapsed());
}

#[test]
fn a_flood_of_registrations_is_refused_by_the_bound_that_it_reaches() {
    for (script, limit, bound) in [
        ("routes", "routes_max=20000", "`routes_max` (20000)"),
        ("immediates", "routes_max=20000", "`routes_max` (20000)"),
        ("sets", "routes_max=500", "`routes_max` (500)"),
        ("claims", "claims_max=10000", "`claims_max` (10000)"),
        ("long-path", "selectable_path_steps_max=32", "`selectable_path_steps_max` (32)"),
        ("large-tag", "tag_bytes_max=4096", "`tag_bytes_max` (4096)"),
        ("large-decode-tag", "decode_tag_bytes_max=1048576", "`decode_tag_bytes_max` (1048576)"),
        ("large-routes", "registration_bytes_max=16777216", "`registration_bytes_max` (16777216)"),
        ("checks", "checks_max=200", "`checks_max` (200)"),
        ("hooks", "checks_max=200", "`checks_max` (200)"),
    ] {
        let Some(setup) = alone(script, &[limit]) else { return };
        let output = setup.refused();
        assert_eq!(output.code, Some(1), "{script}: {}", output.stderr);
        for words in ["plugin `faulty`", bound] {
            assert!(output.stderr.contains(words), "{script}: no {words:?} in:\n{}", output.stderr);
        }
    }
}

#[test]
fn a_start_that_takes_too_long_is_refused() {
    for (script, limit, bound) in [
        ("spin", "init_ms_max=200", "`init_ms_max` (200)"),
        ("# hang-before-run", "prepare_run_ms_max=200", "within 200 ms"),
        ("", "component_bytes_max=1000", "`component_bytes_max` is 1000"),
    ] {
        let Some(setup) = alone(script, &[limit]) else { return };
        let output = setup.refused();
        assert_eq!(output.code, Some(1), "{limit}: {}", output.stderr);
        assert!(
            output.stderr.contains("plugin `faulty`") && output.stderr.contains(bound),
            "{limit}: {}",
            output.stderr
        );
    }
}

#[test]
fn subrequests_are_only_so_deep() {
    let chain = || {
        let setup = Setup::bare()?.link("inner", "prefix /inner")?.link("middle", "prefix /middle")?;
        setup.link("faulty", "prefix /faulty")
    };
    let Some(setup) = chain() else { return };
    let host = setup.with(&["--plugin-limit", "middle=subrequest_depth_max=1"]).start();
    host.client().get("/faulty/ask?/inner/x").expect(200);
    host.client().get("/middle/ask?/inner/x").expect(200);
    let refused = host.client().get("/faulty/ask?/middle/ask?/inner/x").expect(500);
    assert!(refused.text().contains("`subrequest_depth_max` (1)"), "{}", refused.text());
    // What is behind a link does not lead back to it.
    host.client().get("/faulty/ask?/faulty/ask").expect(404);
}

#[test]
fn calls_wait_for_room_and_are_refused_when_too_many_wait() {
    let limits = [
        FORGIVEN,
        "instances_per_link_max=1",
        "calls_per_instance_max=1",
        "calls_queued_max=2",
        "cancelled_call_ms_max=50",
    ];
    let Some(host) = around_the_servers("", &limits).map(|setup| setup.start()) else { return };
    let client = host.client();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let hang = || client.get("/faulty/hang?timeout=1s").status;
        let waiting: Vec<_> = (0..20).map(|_| scope.spawn(hang)).collect();
        the_servers_serve(client);
        waiting.into_iter().map(|request| request.join().expect("it is answered")).collect()
    });
    assert!(statuses.contains(&503) && statuses.contains(&504), "{statuses:?}");
    host.wait_for_log("`calls_queued_max`");
    eventually(|| client.get("/faulty/well?timeout=1s").status == 200, || "it has no room again".to_owned());
}

#[test]
fn a_plugin_that_keeps_failing_is_degraded_tried_again_and_recovers() {
    let limits = ["failures_max=3", "degraded_ms_max=2000"];
    let Some(host) = around_the_servers("", &limits).map(|setup| setup.start()) else { return };
    let client = host.client();
    // It is tried again after a second: who is slower to ask finds it well, and all is as in the beginning.
    let refused = (0..60).find_map(|_| {
        (0..3).for_each(|_| drop(client.get("/faulty/trap").expect(500)));
        Some(client.get("/faulty/well")).filter(|reply| reply.status == 503)
    });
    let refused = refused.expect("it is degraded when it has failed three times");
    assert_eq!(metric(client, "host_plugin_degraded", ""), 1);
    host.wait_for_log("it keeps failing and is degraded");
    assert_eq!(refused.headers["retry-after"], "1");
    assert!(refused.text().contains("plugin `faulty` takes no requests now: it keeps failing"), "{}", refused.text());

    // Shown, but nobody is sent away for it.
    let report = client.get("/readyz?verbose").expect(200).text();
    assert!(report.contains("[-]plugin/faulty failed: not required\n"), "{report}");
    client.get("/readyz/plugin/faulty").expect(500);
    client.get("/livez").expect(200);
    client.get("/livez/plugin/faulty").expect(404);
    the_servers_serve(client);

    eventually(|| client.get("/faulty/well").status == 200, || "it is never tried again".to_owned());
    assert_eq!(metric(client, "host_plugin_degraded", ""), 0);
    client.get("/readyz/plugin/faulty").expect(200);
    host.wait_for_log("it works again");
}

#[test]
fn a_plugin_that_computes_for_more_than_its_share_is_slowed_down_and_its_calls_refused() {
    // Of all cores one percent: on two it has saved up 100 ms at most.
    let limits = [FORGIVEN, "cpu_share_max=1", "cpu_share_saved_ms_max=5000", "cpu_ms_max=200"];
    let Some(host) = around_the_servers("", &limits).map(|setup| setup.start()) else { return };
    let client = host.client();
    let refused = thread::scope(|scope| {
        let spinning = scope.spawn(|| client.get("/faulty/spin").status);
        let refused = loop {
            let reply = client.get("/faulty/well");
            if reply.status == 503 {
                break reply;
            }
            assert!(!spinning.is_finished(), "its calls were let in all the time");
        };
        the_servers_serve(client);
        assert_eq!(spinning.join().expect("it is answered"), 504);
        refused
    });
    assert!(refused.text().contains("more than its share"), "{}", refused.text());
    assert!(refused.headers.contains_key("retry-after"), "{:?}", refused.headers);
    assert!(faults(client, "cpu_share") > 0);
    host.wait_for_log("`cpu_share_max`");
    // It is let in again once it has paid.
    eventually(|| client.get("/faulty/well").status == 200, || "its calls are refused for ever".to_owned());
}

#[test]
fn what_is_granted_by_name_works_and_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has one").to_string();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a guest connects");
        let mut line = [0; 19];
        stream.read_exact(&mut line).expect("it sends a line");
        stream.write_all(b"and hello to it\n").expect("it reads");
        line
    });
    let Some(setup) = alone("", &[]) else { return };
    let readable = tempfile::tempdir().expect("a directory");
    let writable = tempfile::tempdir().expect("a directory");
    std::fs::write(readable.path().join("a"), "granted").expect("it can be written");
    std::fs::write(writable.path().join("b"), "").expect("it can be written");
    let grants = [
        format!("dir:{}=/config", readable.path().display()),
        format!("dir-rw:{}=/data", writable.path().display()),
        "env:COLOUR=green".to_owned(),
        format!("net:{address}"),
    ];
    let setup = grants.iter().fold(setup, |setup, grant| setup.with(&["--plugin-grant", &format!("faulty={grant}")]));
    let host = setup.start();
    let client = host.client();
    for (asked, status, words) in [
        ("read?/config/a", 200, "granted"),
        ("list?/data", 200, "b"),
        ("write?/data/c", 200, "written"),
        ("variable?COLOUR", 200, "green"),
        ("variable?HOME", 500, "not found"),
        ("write?/config/c", 500, ""),
        ("read?/etc/hostname", 500, ""),
        ("read?/data/../../etc/hostname", 500, ""),
    ] {
        let reply = client.get(&format!("/faulty/{asked}")).expect(status);
        assert!(reply.text().contains(words), "{asked}: {}", reply.text());
    }
    assert_eq!(std::fs::read_to_string(writable.path().join("c")).expect("it is there"), "written by a guest");
    let answer = client.get(&format!("/faulty/connect?{address}")).expect(200).text();
    assert_eq!(answer, "and hello to it\n\n");
    assert_eq!(&server.join().expect("it was connected to"), b"hello from a guest\n");
    let other = client.get("/faulty/connect?127.0.0.1:1").expect(500);
    assert!(other.text().contains("denied"), "{}", other.text());
    host.wait_for_log("`--plugin-grant faulty=net:127.0.0.1:1`");
}

#[test]
fn a_grant_or_a_limit_that_cannot_be_is_told_before_anything_starts() {
    for (option, value, words) in [
        ("--plugin-grant", "faulty=dir:/nowhere/at/all", "`/nowhere/at/all` cannot be opened"),
        ("--plugin-grant", "faulty=teleport:home", "`net:HOST:PORT`"),
        ("--plugin-limit", "faulty=speed_max=1", "there is no limit `speed_max`"),
        ("--plugin-limit", "faulty=cpu_ms_max=none", "`none` is no value for `cpu_ms_max`"),
    ] {
        let Some(setup) = alone("", &[]) else { return };
        let output = setup.with(&[option, value]).refused();
        assert_eq!(output.code, Some(1), "{value}: {}", output.stderr);
        assert!(output.stderr.contains("`faulty`") && output.stderr.contains(words), "{value}: {}", output.stderr);
    }
}

#[test]
fn an_instance_that_has_grown_is_replaced_and_its_memory_given_back() {
    let Some(host) = alone("", &["memory_bytes_kept_max=8388608"]).map(|setup| setup.start()) else { return };
    host.client().get("/faulty/hold").expect(200);
    host.wait_for_log("grown above `memory_bytes_kept_max`");
    host.client().get("/faulty/well").expect(200);
}

#[test]
fn a_log_line_is_cut() {
    let Some(host) = alone("", &["log_line_bytes_max=100"]).map(|setup| setup.start()) else { return };
    host.client().get("/faulty/long-line").expect(200);
    host.wait_for_log(&"x".repeat(100));
    assert!(!host.log().contains(&"x".repeat(101)), "the line is longer");
}

#[test]
fn an_answer_to_a_subrequest_is_only_so_large() {
    let Some(host) = around_the_servers("", &["subrequest_body_bytes_max=100"]).map(|setup| setup.start()) else {
        return;
    };
    let refused = host.client().get("/faulty/ask?/api/v1/namespaces").expect(500);
    assert!(refused.text().contains("the answer's body"), "{}", refused.text());
}

#[test]
fn what_a_hook_does_by_itself_is_bounded() {
    let script = "hook it-burns\nhook it-asks";
    let Some(setup) = Setup::bare().and_then(|setup| setup.link("inner", "prefix /inner")) else { return };
    let Some(setup) = setup.link("faulty", &format!("prefix /faulty\n{script}")) else { return };
    let limits = [
        "hook_cpu_share_max=1",
        "cpu_share_saved_ms_max=5000",
        "hook_subrequest_ms_max=200",
        "cancelled_call_ms_max=50",
    ];
    let host = bounded(setup, &limits).start_until("/livez/ping");
    host.wait_for_log("`hook_cpu_share_max`");
    host.wait_for_log("`hook_subrequest_ms_max` (200)");
    assert!(faults(host.client(), "cpu_share") > 0);
    host.client().get("/faulty/well").expect(200);
    host.client().get("/readyz/poststarthook/it-burns").expect(200);
    host.client().get("/readyz/poststarthook/it-asks").expect(500);
}

#[test]
fn what_is_rendered_in_small_batches_is_the_same() {
    let table = "/api/v1/namespaces?limit=50";
    let answers: Vec<String> = ["render_batch_items_max=1", "render_batch_bytes_max=1", "render_batch_items_max=128"]
        .iter()
        .filter_map(|limit| Some(Setup::default_chain()?.with(&["--plugin-limit", &format!("core={limit}")]).start()))
        .map(|host| {
            let client = host.client().with_header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
            let rows = client.get(table).expect(200).json()["rows"].clone();
            rows.as_array().expect("a table").iter().map(|row| row["cells"][0].to_string()).collect()
        })
        .collect();
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1] && !pair[0].is_empty()), "{answers:?}");
}

#[test]
fn a_component_is_compiled_within_bounds() {
    for (limit, words) in [
        ("compile_ms_max=1", "`compile_ms_max` (1)"),
        ("compile_memory_bytes_max=1048576", "`compile_memory_bytes_max` (1048576)"),
    ] {
        let Some(setup) = Setup::bare() else { return };
        // Like no other, so that its code is in no cache, and long enough to compile that the one who waits for it looks
        // at the clock before it is done, however busy the machine is.
        let name = format!("n{}{}", std::process::id(), words.len());
        let body = "local.get 0 i64.const 7 i64.mul local.set 0 ".repeat(100);
        let functions = format!("(func (param i64) (result i64) {body} local.get 0)").repeat(5000);
        let component = wat::parse_str(format!(
            r#"(component (import "acme:fresh/{name}@1.0.0" (instance)) (core module {functions}))"#
        ));
        let component = component.expect("a component");
        let path = setup.file("faulty.wasm", &component);
        let output = bounded(setup.with(&["--plugin", &path]), &[limit]).refused();
        assert_eq!(output.code, Some(1), "{limit}: {}", output.stderr);
        assert!(
            output.stderr.contains("plugin `faulty`") && output.stderr.contains(words),
            "{limit}: {}",
            output.stderr
        );
    }
}

#[test]
fn each_bound_of_plugins_is_reached_by_a_test() {
    let table = std::fs::read_to_string(checkout().join("host/src/limits.rs")).expect("it is there");
    let rows = table.split_once("limits! {").expect("the table").1.split_once("\n}\n").expect("its end").0;
    let names = rows.lines().filter_map(|line| line.trim().split_once(": ")).filter(|(_, rest)| rest.contains(" = "));
    let mut tests = String::new();
    let mut directories = vec![checkout().join("host/src"), checkout().join("tests/e2e/tests")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).expect("a directory can be listed") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("it is text");
            let of_tests = if path.starts_with(checkout().join("tests")) { Some(&*text) } else { None };
            tests.push_str(of_tests.or(text.split_once("#[cfg(test)]").map(|(_, tests)| tests)).unwrap_or_default());
        }
    }
    let unreached: Vec<&str> = names.map(|(name, _)| name).filter(|name| !tests.contains(name)).collect();
    assert!(unreached.is_empty(), "no test reaches {unreached:?}");
}
