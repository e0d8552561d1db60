//! `make bench`: what a request, a start and an idle host cost, side by side in one run.
//!
//! A shared machine is not a quiet one: what is compared is measured in turns, and of turns the
//! median counts. Costs are CPU time of the server, which its neighbours do not change much.

mod hostile;
mod inside;
mod load;
mod peers;
mod pods;
mod process;
mod profile;
mod report;
mod steps;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use e2e::{Host, Setup};
use serde_json::json;

use load::{Load, Target};
use report::{Goal, line, median};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// Objects that the full data directory holds.
const OBJECTS: usize = 10_000;
/// Objects in a list that is measured, as a client that pages asks for them.
const PAGE: usize = 500;
/// How often a start is measured, and how often two things take turns.
const TURNS: usize = 5;
/// How long one turn of requests takes.
const TURN: Duration = Duration::from_secs(3);

/// What is measured, in this order, unless some of it is asked for by name.
const PARTS: [&str; 6] = ["memory", "starts", "objects", "pods", "guest", "hostile"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (hello, parts) = match &arguments[..] {
        [word, arguments @ ..] if word == "peers" => return peers::run(arguments),
        [hello, parts @ ..] if parts.iter().all(|part| PARTS.contains(&part.as_str())) => (PathBuf::from(hello), parts),
        _ => {
            eprintln!("usage: bench HELLO.wasm [{}], or bench peers ...", PARTS.join("|"));
            return ExitCode::from(64);
        }
    };
    let asked = |part: &str| parts.is_empty() || parts.iter().any(|other| other == part);
    let Some(setup) = Setup::default_chain() else { return ExitCode::FAILURE };

    // The first start of all compiles the plugins; what follows finds their code.
    let host = setup.start();
    if asked("memory") {
        memory(&host);
    }
    drop(host);
    if asked("starts") {
        starts();
    }
    if asked("objects") {
        objects(&setup.start());
    }
    if asked("pods") {
        pods::writes(&setup.start());
    }
    drop(setup);
    if asked("guest")
        && let Some(setup) = Setup::default_chain()
    {
        guest_against_native(&setup.with(&["--plugin", &hello.display().to_string()]).start());
    }
    if asked("hostile") {
        hostile::beside_hostile_links();
    }
    ExitCode::SUCCESS
}

/// What a host holds once it is ready and nobody asks anything of it.
fn memory(host: &Host) {
    let memory = process::memory(host.id());
    line("idle memory, resident", memory.resident_kb as f64 / 1024.0, "MB", Goal::Below(40.0));
    line("  of it anonymous", memory.anonymous_kb as f64 / 1024.0, "MB", Goal::None);
}

/// From the start of the process to the first `/readyz` that is ok.
fn starts() {
    let fresh = (0..TURNS).filter_map(|_| Some(Setup::default_chain()?.start().ready_after()));
    line("start to ready, fresh data directory", milliseconds(fresh), "ms", Goal::Below(100.0));

    let Some(setup) = Setup::default_chain() else { return };
    let host = setup.start();
    Target::of(&host).each(OBJECTS, |i| load::post(CONFIG_MAPS, &config_map(&format!("held-{i}"))));
    host.terminate();
    let held = (0..TURNS).map(|_| {
        let host = setup.start();
        let ready_after = host.ready_after();
        host.terminate();
        ready_after
    });
    line("start to ready, 10 000 objects", milliseconds(held), "ms", Goal::Below(100.0));
}

fn milliseconds(turns: impl Iterator<Item = Duration>) -> f64 {
    median(turns.map(|turn| turn.as_secs_f64() * 1000.0))
}

/// What the server computes for one object read, written, and listed.
fn objects(host: &Host) {
    let target = Target::of(host);
    let before = process::cpu(host.id());
    target.each(OBJECTS, |i| load::post(CONFIG_MAPS, &config_map(&format!("made-{i}"))));
    let spent = process::cpu(host.id()) - before;
    line("CPU for a create", microseconds(spent, OBJECTS), "µs", Goal::None);

    let get = target.run(&load::get(&format!("{CONFIG_MAPS}/made-1")), TURN);
    line("CPU for a get", microseconds(get.cpu, get.requests), "µs", Goal::None);
    let list = target.run(&load::get(&format!("{CONFIG_MAPS}?limit={PAGE}")), TURN);
    line("CPU for a list of 500", microseconds(list.cpu, list.requests), "µs", Goal::None);
}

fn microseconds(spent: Duration, requests: usize) -> f64 {
    spent.as_secs_f64() * 1e6 / requests.max(1) as f64
}

/// A route of a guest, immediately and through `handle`, against one that the host answers itself,
/// in turns.
fn guest_against_native(host: &Host) {
    let target = Target::of(host);
    // The link leaves to `handle` what is no GET.
    let requests = [load::get("/version"), load::get("/hello/you"), load::head("/hello/you")];
    let turns: Vec<[Load; 3]> =
        (0..TURNS).map(|_| requests.each_ref().map(|request| target.run(request, TURN))).collect();
    let rate = |of: usize| median(turns.iter().map(|turn| turn[of].per_second()));
    let cost = |of: usize| median(turns.iter().map(|turn| microseconds(turn[of].cpu, turn[of].requests)));
    line("native handler", rate(0), "requests/s", Goal::None);
    line("hello link", rate(1), "requests/s", Goal::None);
    line("hello link, of native", 100.0 * rate(1) / rate(0), "%", Goal::AtLeast(75.0));
    line("hello link through `handle`, of native", 100.0 * rate(2) / rate(0), "%", Goal::None);
    line("CPU for a native request", cost(0), "µs", Goal::None);
    line("CPU for a hello request", cost(1), "µs", Goal::None);
    line("CPU for one through `handle`", cost(2), "µs", Goal::None);
}

fn config_map(name: &str) -> String {
    let data = json!({"colour": "green", "text": "a few words, as such objects hold them"});
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": "bench"}}, "data": data}).to_string()
}
