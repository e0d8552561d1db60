//! A new generation that fails is taken back, and what served before serves again.

use e2e::{Host, Setup, eventually};

/// A link that behaves, swapped for one with this script.
fn swapped_to(script: &str) -> Option<Host> {
    let setup =
        Setup::bare()?.link("neighbour", "prefix /neighbour")?.link("swapped", "prefix /swapped\ncheck well")?;
    let component = setup.rebuilt(&Setup::scripted_component()?, "second.wasm").display().to_string();
    let host = setup.start();
    let script = format!("prefix /swapped\nprefix /new\n{script}");
    host.setup().file("swapped.script", script.as_bytes());
    host.command(&["plugin", "swap", "swapped", &component]).success();
    Some(host)
}

/// Generation 1 serves again, and who looks at the console learns why.
#[track_caller]
fn is_taken_back(host: &Host, reason: &str) {
    let said = "generation 2 was taken back and generation 1 serves again: ";
    eventually(|| host.log().contains(said), || "it is not taken back".to_owned());
    let log = host.log();
    let (_, why) = log.split_once(said).expect("it was there");
    assert!(why.contains(reason) && why.contains("hint: "), "{why}");
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
