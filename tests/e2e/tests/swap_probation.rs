//! A new generation that fails is taken back, and what served before serves again.

use e2e::{Host, Setup, eventually};

/// A link that behaves, swapped for one with this script.
fn swapped_to(script: &str) -> Option<Host> {
    swapped_within(&[], script)
}

/// The same, with other bounds than by default.
fn swapped_within(limits: &[&str], script: &str) -> Option<Host> {
    let limits: Vec<&str> = limits.iter().flat_map(|limit| ["--plugin-limit", limit]).collect();
    let setup =
        Setup::bare()?.link("neighbour", "prefix /neighbour")?.link("swapped", "prefix /swapped\ncheck well")?;
    let component = setup.rebuilt(&Setup::scripted_component()?, "second.wasm").display().to_string();
    let host = setup.with(&limits).start();
    let script = format!("prefix /swapped\nprefix /new\n{script}");
    host.setup().file("swapped.script", script.as_bytes());
    host.command(&["plugin", "swap", "swapped", &component]).success();
    Some(host)
}

/// Generation 1 serves again, and who looks at the console learns why.
#[track_caller]
fn is_taken_back(host: &Host, reason: &str) {
    let said = "generation 2 was taken back and generation 1 serves again: ";
    let why = || host.log().split_once(said).map(|(_, why)| why.to_owned()).filter(|why| why.contains("hint: "));
    // To the last of its lines.
    eventually(|| why().is_some(), || "it is not taken back".to_owned());
    assert!(why().is_some_and(|why| why.contains(reason)), "{:?}", why());
    let link = host.link("swapped");
    assert_eq!((&link["generation"], &link["state"]), (&1.into(), &"serving".into()), "{link}");
    assert_eq!(host.metric(r#"host_plugin_swaps_total{plugin="swapped",result="reverted"}"#), 1.0);
    assert_eq!(host.metric(r#"host_plugin_generation{plugin="swapped"}"#), 1.0);
    for (path, status) in [("/swapped", 200), ("/new", 404), ("/neighbour", 200), ("/readyz", 200)] {
        assert_eq!(host.client().get(path).status, status, "{path}");
    }
}

#[test]
fn a_generation_that_traps_under_load_is_taken_back() {
    let Some(host) = swapped_to("") else { return };
    let said = "serves again";
    eventually(
        || {
            let _ = host.client().get("/new/trap");
            host.log().contains(said)
        },
        || "it is not taken back".to_owned(),
    );
    is_taken_back(&host, "`probation_failures_max`");
}

#[test]
fn a_generation_whose_check_fails_later_is_taken_back() {
    let Some(host) = swapped_to("check it-wears-off") else { return };
    is_taken_back(&host, "its check `it-wears-off` failed 3 times in a row");
}

#[test]
fn how_often_a_check_may_fail_is_a_bound() {
    let limits = ["swapped=probation_check_failures_max=1"];
    let Some(host) = swapped_within(&limits, "check it-wears-off") else { return };
    is_taken_back(&host, "its check `it-wears-off` failed 2 times in a row");
}

#[test]
fn a_generation_that_has_proven_itself_lets_the_one_before_go() {
    let Some(host) = swapped_within(&["swapped=probation_ms=1"], "") else { return };
    host.wait_for_log("generation 2 has proven itself, generation 1 is let go of");
    host.client().get("/new").expect(200);
}

#[test]
fn what_is_under_way_in_a_generation_that_was_replaced_has_its_time() {
    let limits = ["--plugin-limit", "swapped=drain_ms_max=1", "--plugin-limit", "swapped=probation_ms=1"];
    let Some(setup) = Setup::bare().and_then(|setup| setup.link("swapped", "prefix /swapped")) else { return };
    let component = Setup::scripted_component().expect("it was there").display().to_string();
    let host = setup.with(&limits).start();
    std::thread::scope(|scope| {
        let client = host.client().clone();
        // It ends with the host, at the latest.
        scope.spawn(move || client.try_send("GET", "/swapped/hang?timeout=30s", "", b""));
        let calls = r#"apiserver_current_inflight_requests{request_kind="readOnly"}"#;
        eventually(|| host.metric(calls) >= 2.0, || "the request that hangs has not come".to_owned());
        host.command(&["plugin", "swap", "swapped", &component]).success();
        host.wait_for_log("has not ended within `drain_ms_max`");
    });
    host.client().get("/swapped").expect(200);
}

#[test]
fn a_generation_whose_hook_fails_is_taken_back() {
    let Some(host) = swapped_to("hook it-traps") else { return };
    is_taken_back(&host, "`probation_failures_max`");
}

#[test]
fn what_comes_back_is_what_has_proven_itself() {
    let Some(host) = swapped_to("check late") else { return };
    // Before the second has proven itself there is a third, which fails.
    let component = Setup::scripted_component().expect("it was there").display().to_string();
    host.setup().file("swapped.script", b"prefix /swapped\nprefix /new\ncheck it-wears-off");
    host.command(&["plugin", "swap", "swapped", &component]).success();
    eventually(|| host.log().contains("generation 3 was taken back and generation 1 serves again"), || host.log());
    assert_eq!(host.link("swapped")["generation"], 1);
    host.client().get("/swapped").expect(200);
    // It goes on from there.
    host.setup().file("swapped.script", b"prefix /swapped\nprefix /new");
    host.command(&["plugin", "swap", "swapped", &component]).success();
    assert_eq!(host.link("swapped")["generation"], 4);
    host.client().get("/new").expect(200);
}
