//! A plugin harms itself only, and what is said names it.

use std::fs;
use std::thread;

use e2e::{Host, Setup, checkout, eventually};

/// A link that behaves, and around it one that does what `script` says.
fn beside_a_neighbour(script: &str) -> Option<Setup> {
    Setup::bare()?.link("neighbour", "prefix /neighbour")?.link("faulty", &format!("prefix /faulty\n{script}"))
}

/// The faulty link serves what is not at fault, and its neighbour everything.
#[track_caller]
fn all_is_well(host: &Host) {
    for path in ["/neighbour", "/faulty", "/livez", "/version"] {
        host.client().get(path).expect(200);
    }
}

/// The start fails with a message that names the plugin and holds `words`.
#[track_caller]
fn is_refused(setup: &Setup, words: &[&str]) {
    let output = setup.refused();
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    for word in [&["`faulty`"], words].concat() {
        assert!(output.stderr.contains(word), "no {word:?} in:\n{}", output.stderr);
    }
}

#[test]
fn an_init_that_fails_traps_or_does_not_end_keeps_the_host_from_starting() {
    for (script, words) in [("fail", &["told to fail"][..]), ("trap", &["told to trap"]), ("spin", &["init"])] {
        let Some(setup) = beside_a_neighbour(script) else { return };
        is_refused(&setup, words);
    }
}

#[test]
fn a_component_that_does_not_fit_is_told_what_it_wants_and_what_there_is() {
    // Two things that nobody offers, and no export.
    let component = r#"(component
        (import "acme:clock/time@1.0.0" (instance (export "now" (func (result u64)))))
        (import "host:chain/teleport@0.1.0" (instance (export "go" (func)))))"#;
    let component = wat::parse_str(component).expect("it is a component");
    let Some(setup) = Setup::bare() else { return };
    let path = setup.file("faulty.wasm", &component);
    let words =
        ["acme:clock/time@1.0.0", "host:chain/teleport@0.1.0", "host:chain/server@0.1.0", "this host offers", "hint: "];
    is_refused(&setup.with(&["--plugin", &path]), &words);
}

#[test]
fn what_a_component_imports_and_is_not_granted_is_told_with_how_to_grant_it() {
    let Some(setup) = Setup::bare() else { return };
    let Some(component) = Setup::scripted_component() else { return };
    let plugin = format!("faulty={}", component.display());
    let setup = setup.with(&["--plugin", &plugin, "--plugin-grant", "faulty=http:example.com"]);
    let words = [
        "imports `wasi:filesystem`, `wasi:sockets`, of which it is granted nothing",
        "hint: ",
        "`--plugin-grant` with `faulty=dir:PATH`, `faulty=net:HOST:PORT`",
        "with `faulty=without:dir`, `faulty=without:net`",
    ];
    is_refused(&setup, &words);
    is_refused(&setup.with(&["--plugin-grant", "faulty=without:dir"]), &["imports `wasi:sockets`, of which"]);
}

#[test]
fn a_core_module_is_told_to_be_a_component() {
    let Some(setup) = Setup::bare() else { return };
    let path = setup.file("faulty.wasm", &wat::parse_str("(module)").expect("it is a module"));
    is_refused(&setup.with(&["--plugin", &path]), &["component", "hint: "]);
}

#[test]
fn a_trap_in_handle_is_that_requests_alone() {
    let Some(setup) = beside_a_neighbour("") else { return };
    let host = setup.start();
    for _ in 0..5 {
        host.client().get("/faulty/trap").expect(500);
        all_is_well(&host);
    }
    host.wait_for_log("faulty");
    host.client().get("/readyz").expect(200);
}

#[test]
fn an_endless_loop_is_ended_while_others_are_served() {
    let Some(setup) = beside_a_neighbour("") else { return };
    // What it computed counts against it afterwards, too: another test's concern.
    let host = setup.with(&["--plugin-limit", "faulty=cpu_share_max=100"]).start();
    host.client().get("/faulty/spin").expect(504);
    host.wait_for_log("`cpu_ms_max`");
    all_is_well(&host);
    thread::scope(|scope| {
        let spinning: Vec<_> = (0..4).map(|_| scope.spawn(|| host.client().get("/faulty/spin").status)).collect();
        // As long as it spins, and it does for seconds.
        while !spinning.iter().all(thread::ScopedJoinHandle::is_finished) {
            host.client().get("/neighbour").expect(200);
        }
        let statuses: Vec<u16> = spinning.into_iter().map(|request| request.join().expect("it is answered")).collect();
        // One that waited for another in the same instance to spin was not the one at fault.
        assert!(statuses.contains(&504) && statuses.iter().all(|status| [503, 504].contains(status)), "{statuses:?}");
    });
    all_is_well(&host);
}

#[test]
fn a_guest_that_grows_without_end_is_ended_and_gives_its_memory_back() {
    let Some(setup) = beside_a_neighbour("") else { return };
    // What it computed counts against it afterwards, too: another test's concern.
    let host = setup.with(&["--plugin-limit", "faulty=cpu_share_max=100"]).start();
    all_is_well(&host);
    let before = host.resident_bytes();
    for _ in 0..4 {
        host.client().get("/faulty/grow").expect(500);
        all_is_well(&host);
    }
    // One instance may hold 256 MiB: were one kept, this would show it.
    let bound = before + (100 << 20);
    eventually(|| host.resident_bytes() < bound, || format!("{} bytes, {before} before", host.resident_bytes()));
}

#[test]
fn a_hook_that_fails_or_traps_keeps_its_check_failing_and_is_tried_again() {
    for hook in ["it-fails", "it-traps"] {
        let Some(setup) = beside_a_neighbour(&format!("hook {hook}")) else { return };
        let host = setup.start_until("/livez/ping");
        let check = format!("/readyz/poststarthook/{hook}");
        host.client().get(&check).expect(500);
        host.client().get("/readyz").expect(500);
        host.client().get("/neighbour").expect(200);
        host.client().get("/faulty").expect(200);
        // Each attempt leaves its reason.
        eventually(|| host.log().matches("told to").count() >= 2, || "one attempt only".to_owned());
        assert_eq!(host.terminate().1.code(), Some(0));
    }
}

#[test]
fn a_check_that_fails_or_traps_is_a_failing_check() {
    let Some(setup) = beside_a_neighbour("check it-fails\ncheck it-traps\ncheck it-is-well") else { return };
    let host = setup.start_until("/livez/ping");
    let report = host.client().get("/readyz?verbose").expect(500).text();
    for line in ["[-]it-fails failed: reason withheld", "[-]it-traps failed: reason withheld", "[+]it-is-well ok"] {
        assert!(report.contains(line), "no {line:?} in:\n{report}");
    }
    all_is_well(&host);
}

#[test]
fn the_host_knows_no_particular_plugin() {
    let mut directories = vec![checkout().join("host")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory can be listed") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            for name in ["extensions_server", "core_server", "aggregator_server", "apimachinery::"] {
                assert!(!text.contains(name), "`{}` knows `{name}`", path.display());
            }
        }
    }
}
