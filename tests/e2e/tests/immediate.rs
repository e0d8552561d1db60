//! Answers that wait for nothing: a plain call where `handle` would do, too.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use e2e::{Host, Setup, eventually};

/// A neighbour, and around it a link that answers immediately below `/now`.
fn beside_a_neighbour() -> Option<Setup> {
    Setup::bare()?.link("neighbour", "prefix /neighbour")?.link("quick", "immediate /now\nprefix /later")
}

fn answered(host: &Host) -> f64 {
    host.metric(r#"host_plugin_immediate_answers_total{plugin="quick"}"#)
}

fn faults(host: &Host, fault: &str) -> f64 {
    host.metric(&format!(r#"host_plugin_faults_total{{fault="{fault}",plugin="quick"}}"#))
}

/// An instance for immediate answers is there: they start beside the server, and `handle` answers meanwhile.
#[track_caller]
fn wait_for_immediate(host: &Host) {
    let before = answered(host);
    let is_there = || {
        host.client().get("/now").expect(200);
        answered(host) > before
    };
    eventually(is_there, || "no answer is an immediate one".to_owned());
}

#[test]
fn an_immediate_answer_is_what_handle_says() {
    let Some(host) = beside_a_neighbour().map(|setup| setup.start()) else { return };
    wait_for_immediate(&host);
    for (word, status) in [
        ("well", 200),
        ("fail", 500),
        ("empty", 204),
        ("short", 200),
        ("bad-name", 200),
        ("many-headers", 500),
        ("status-0", 500),
    ] {
        let ask = |query: &str, more: f64| {
            let before = answered(&host);
            let reply = host.client().get(&format!("/now/{word}{query}")).expect(status);
            assert_eq!(answered(&host), before + more, "{word}{query}");
            let headers = reply.headers.iter().filter(|(name, _)| !["date", "audit-id"].contains(&name.as_str()));
            let headers: Vec<_> = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
            (headers, reply.text())
        };
        // The guest gives none for this query, and `handle` is asked.
        assert_eq!(ask("", 1.0), ask("?handle", 0.0), "{word}");
    }
    let before = answered(&host);
    let text = host.client().get("/later/well").expect(200).text();
    assert_eq!(text, "quick: prefix /later for /later/well\n");
    assert_eq!(answered(&host), before, "a route that is not registered for it");
    let calls = host.link("quick")["callsAnswered"].as_u64().expect("it is a number");
    assert!(calls as f64 > before, "{calls} calls, of which {before} are immediate answers");
}

#[test]
fn what_goes_wrong_in_an_immediate_answer_is_that_requests_alone() {
    let Some(setup) = beside_a_neighbour() else { return };
    let limits = ["failures_max=1000000", "cpu_share_max=100", "immediate_ms_max=100", "memory_bytes_max=16777216"];
    let setup = limits.iter().fold(setup, |setup, limit| setup.with(&["--plugin-limit", &format!("quick={limit}")]));
    let host = setup.start();
    let ended = || host.metric(r#"host_plugin_instances_failed_total{plugin="quick"}"#);
    for (word, status, fault, log) in [
        ("trap", 500, "trap", "an instance ended: wasm trap: wasm `unreachable` instruction executed"),
        ("recurse", 500, "trap", "stack"),
        ("waits", 500, "trap", "it waits in `immediate.answer`"),
        ("spin", 504, "cpu", "longer than `immediate_ms_max` (100)"),
        ("grow", 500, "memory", "`memory_bytes_max`"),
    ] {
        wait_for_immediate(&host);
        let before = (faults(&host, fault), ended());
        host.client().get(&format!("/now/{word}")).expect(status);
        assert_eq!((faults(&host, fault), ended()), (before.0 + 1.0, before.1 + 1.0), "{word}");
        host.wait_for_log(log);
        for path in ["/now/well", "/later/well", "/neighbour", "/version"] {
            host.client().get(path).expect(200);
        }
    }
    wait_for_immediate(&host);
    host.client().get("/readyz").expect(200);
}

#[test]
fn a_spinner_is_ended_while_others_are_served() {
    let Some(setup) = beside_a_neighbour() else { return };
    // As long as several requests take. What it computed counts against it afterwards: another test's concern.
    let limits = ["quick=immediate_ms_max=50", "quick=cpu_share_max=100"];
    let host = limits.iter().fold(setup, |setup, limit| setup.with(&["--plugin-limit", limit])).start();
    wait_for_immediate(&host);
    thread::scope(|scope| {
        let spinning = scope.spawn(|| host.client().get("/now/spin").status);
        while !spinning.is_finished() {
            host.client().get("/neighbour").expect(200);
        }
        assert_eq!(spinning.join().expect("it is answered"), 504);
    });
    host.client().get("/now/well").expect(200);
}

#[test]
fn a_swap_replaces_who_answers_immediately_and_nobody_notices() {
    let Some(setup) = beside_a_neighbour() else { return };
    let component = Setup::scripted_component().expect("it was there");
    let builds = [setup.rebuilt(&component, "second.wasm"), component];
    let host = setup.start();
    wait_for_immediate(&host);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                host.client().get("/now/well").expect(200);
            }
        });
        for build in builds.iter().cycle().take(6) {
            host.command(&["plugin", "swap", "quick", &build.display().to_string()]).success();
            wait_for_immediate(&host);
        }
        over.store(true, Ordering::Relaxed);
        asking.join().expect("each request is answered");
    });
    // Immediate answers go on as the next generation's; what it does not say it does not give.
    host.setup().file("quick.script", b"prefix /now");
    let said = host.command(&["plugin", "swap", "quick", &builds[0].display().to_string()]).success();
    assert!(said.contains("  - immediate answers to immediate /now\n"), "{said}");
    let before = answered(&host);
    host.client().get("/now/well").expect(200);
    assert_eq!(answered(&host), before);
}
