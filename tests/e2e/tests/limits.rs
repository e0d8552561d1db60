//! The table of bounds, and links that are added with their own.

use std::net::SocketAddr;

use e2e::connection::{administrator, connect};
use e2e::{Setup, WITHOUT, eventually};

#[test]
fn the_table_of_bounds_says_their_unit_and_whose_they_are() {
    let Some(setup) = Setup::bare() else { return };
    let table = setup.run_alone(&["limits"]).success();
    let mut lines = table.lines();
    assert_eq!(lines.next().map(|heading| heading.split_whitespace().count()), Some(4), "{table}");
    for line in lines {
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert!(cells.len() >= 4 && cells[1].parse::<u64>().is_ok(), "{line}");
    }
    for row in [
        ["cpu_ms_max", "2000", "milliseconds", "plugin"],
        ["instances_max", "512", "count", "all plugins"],
        ["request_head_bytes_max", "1048576", "bytes", "client"],
        ["value_bytes_max", "1572864", "bytes", "store"],
    ] {
        let is_there = |line: &str| line.split_whitespace().eq(row.join(" ").split(' '));
        assert!(table.lines().any(is_there), "no {row:?} in:\n{table}");
    }
}

#[test]
fn a_link_that_is_added_has_its_own_grants_and_bounds() {
    let Some(setup) = Setup::bare().and_then(|setup| setup.link("inner", "prefix /inner")) else { return };
    let component = Setup::scripted_component().expect("it was there").display().to_string();
    let script = setup.file("added.script", b"prefix /added");
    let host = setup.start();
    let add = |name: &str, options: &[&str]| {
        let plugin = format!("{name}={component}");
        let grants = WITHOUT.iter().flat_map(|grant| ["--grant", grant]);
        let arguments = ["plugin", "add", &plugin, "--config", &script].into_iter().chain(grants);
        host.command(&arguments.chain(options.iter().copied()).collect::<Vec<_>>())
    };
    for (options, words) in [
        (["--limit", "speed_max=1"], "there is no limit `speed_max`; `host limits` prints all of them"),
        (["--limit", "cpu_ms_max=0"], "`0` is no value for `cpu_ms_max`"),
        (
            ["--limit", "memory_bytes_max=1073741824"],
            "this host was started with room for `memory_bytes_max=268435456`",
        ),
        (["--grant", "disk:/"], "`disk:/`: `proxy:HOST:PORT`"),
    ] {
        let said = add("added", &options).failure();
        assert!(said.contains("plugin `added` ") && said.contains(words), "no {words:?} in:\n{said}");
    }

    add("added", &["--grant", "env:GIVEN=to it", "--limit", "cpu_ms_max=50", "--limit", "routes_max=3"]).success();
    assert_eq!(host.client().get("/added/variable?GIVEN").expect(200).text(), "to it\n");
    host.client().get("/added/spin").expect(504);
    host.wait_for_log("`cpu_ms_max` (50)");
    // What one link was granted is no other's.
    host.command(&["plugin", "remove", "added"]).success();
    add("added", &[]).success();
    assert_ne!(host.client().get("/added/variable?GIVEN").status, 200);
}

#[test]
fn two_links_that_announce_routes_under_one_name_do_not_complete_each_other() {
    let script = |path: &str| format!("prefix /{path}\nexpect later\nadds /{path}-added\nhook {path}-completes");
    let setup = Setup::bare().and_then(|setup| setup.link("first", &script("first")));
    let Some(setup) = setup.and_then(|setup| setup.link("second", &script("second"))) else { return };
    let host = setup.start_until("/livez/ping");
    let client = host.client();
    client.get("/first/told").expect(200);
    eventually(|| client.get("/first-added").status == 200, || "the first hook adds no route".to_owned());
    client.get("/nowhere").expect(503);
    client.get("/readyz/informer-sync").expect(500);
    client.get("/second/told").expect(200);
    eventually(|| client.get("/nowhere").status == 404, || "the routes are not complete".to_owned());
    client.get("/readyz/informer-sync").expect(200);
}

#[test]
fn as_many_files_may_be_open_as_the_process_is_allowed() {
    let Some(setup) = Setup::bare().and_then(|setup| setup.link("inner", "prefix /inner")) else { return };
    let host = setup.in_shell_with_open_files(64).start();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", host.id())).expect("it runs");
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("it is one of them");
    let now: Vec<&str> = files.split_whitespace().take(2).collect();
    assert!(now[0] == now[1] && now[0] != "64", "{files}");
}

#[test]
fn a_connection_that_is_silent_is_probed_when_its_bound_is_over() {
    let Some(setup) = Setup::bare().and_then(|setup| setup.link("inner", "prefix /inner")) else { return };
    let host = setup.start();
    let table = setup.run_alone(&["limits"]).success();
    let bound = table.lines().find_map(|line| line.strip_prefix("tcp_keep_alive_ms")).expect("it is in the table");
    let bound_ms: u64 = bound.split_whitespace().next().and_then(|value| value.parse().ok()).expect("it is a number");

    let mut connection = connect(&host.address(), &administrator(host.data_dir()));
    connection.conn.complete_io(&mut connection.sock).expect("the handshake succeeds");
    let near = connection.sock.local_addr().expect("it is connected");
    let far = connection.sock.peer_addr().expect("it is connected");
    // Without the bound a socket waits two hours, and with nothing set it has no timer at all.
    let left = || probed_in_ms(far, near);
    eventually(|| left().is_some_and(|left| (1..=bound_ms).contains(&left)), || format!("{:?} ms left", left()));
}

/// When the kernel probes whether the other end of a connection is still there.
fn probed_in_ms(local: SocketAddr, remote: SocketAddr) -> Option<u64> {
    /// In which the kernel tells its times.
    const TICK_MS: u64 = 10;
    /// The kind of timer that runs.
    const KEEP_ALIVE: &str = "02";
    let ports = [local, remote].map(|address| format!(":{:04X}", address.port()));
    let tables =
        ["tcp", "tcp6"].map(|family| std::fs::read_to_string(format!("/proc/net/{family}")).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines()).find_map(|line| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let (kind, ticks) = cells.get(5)?.split_once(':')?;
        let is_it = cells[1].ends_with(&ports[0]) && cells[2].ends_with(&ports[1]) && kind == KEEP_ALIVE;
        is_it.then(|| u64::from_str_radix(ticks, 16).ok()).flatten().map(|ticks| ticks * TICK_MS)
    })
}
