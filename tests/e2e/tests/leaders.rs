//! Hosts that share an etcd agree on who runs a hook of one host at a time.

use std::time::{Duration, Instant};

use e2e::{Etcd, Host, Setup, eventually};

/// Longer than a test: who takes over before was told to.
const LONG_LEASE: &str = "lone=hook_lease_ms=600000";
/// Much longer than a busy machine is busy with something else: who cannot say in two thirds of it that he is there
/// leads no more.
const SHORT_LEASE: &str = "lone=hook_lease_ms=15000";
/// Within a lease, and then it has to write; three for a busy machine.
const TAKEN_OVER_MAX: Duration = Duration::from_secs(3 * 15);
const LEADS: &str = "this host runs the hook";

fn host(etcd: &Etcd, lease: &str) -> Option<Host> {
    let setup = Setup::bare()?.with(&["--etcd-servers", etcd.servers(), "--plugin-limit", lease]);
    Some(setup.link("lone", "prefix /lone\nlone-hook lone-ledger")?.start())
}

fn leads(host: &Host) -> bool {
    host.log().contains(LEADS)
}

/// Who has written, in the order of time: the same only once in a row.
fn writers(host: &Host) -> Vec<String> {
    let ledger = host.client().get("/lone/ledger").expect(200).text();
    let mut writers: Vec<String> = ledger.lines().filter_map(|line| Some(line.split_once(' ')?.1.to_owned())).collect();
    writers.dedup();
    writers
}

#[track_caller]
fn takes_over(host: &Host) {
    let begun = Instant::now();
    eventually(|| leads(host), || "nobody has taken over".to_owned());
    eventually(|| writers(host).len() == 2, || "who has taken over does not write".to_owned());
    let took = begun.elapsed();
    assert!(took < TAKEN_OVER_MAX, "to take over took {took:?}");
}

#[test]
fn one_of_two_hosts_runs_a_lone_hook_and_the_other_takes_over_at_once_when_it_ends() {
    let Some(etcd) = Etcd::start() else { return };
    let Some(first) = host(&etcd, LONG_LEASE) else { return };
    first.wait_for_log(LEADS);
    // Ready: nobody who asks for readiness waits for the other host.
    let Some(second) = host(&etcd, LONG_LEASE) else { return };
    eventually(|| writers(&second).len() == 1, || "the first does not write".to_owned());
    assert!(!leads(&second), "both run the hook");

    first.terminate();
    takes_over(&second);
}

#[test]
fn a_lone_hook_of_a_host_that_dies_is_run_by_another_within_a_lease() {
    let Some(etcd) = Etcd::start() else { return };
    let (Some(first), Some(second)) = (host(&etcd, SHORT_LEASE), host(&etcd, SHORT_LEASE)) else { return };
    first.wait_for_log(LEADS);
    first.kill();
    takes_over(&second);
}

#[test]
fn what_a_deposed_leader_writes_is_refused() {
    let Some(etcd) = Etcd::start() else { return };
    let (Some(first), Some(second)) = (host(&etcd, SHORT_LEASE), host(&etcd, SHORT_LEASE)) else { return };
    first.wait_for_log(LEADS);
    eventually(|| writers(&second).len() == 1, || "the first does not write".to_owned());
    // In the middle of whatever it does: it does not know how much time passes.
    first.pause();
    takes_over(&second);
    first.go_on();
    first.wait_for_log("does not run the hook any more");
    assert_eq!(writers(&second).len(), 2, "the first has written after the second");
}
