//! `make bench-peers`: the host beside kube-apiserver on etcd, the same client against both, in one
//! run.
//!
//! Neighbours of a machine move every absolute number, so what is compared is measured in turns,
//! and what counts is the ratio. Costs are CPU time of the server: of all its processes.

mod client;
mod fan;
mod http2;
mod kubernetes;
mod load;
mod options;
mod pods;
mod table;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use e2e::{Host, Setup};
use serde_json::json;

use client::{Target, get, get_packed, post, put};
use fan::{Fan, Over};
use kubernetes::Kubernetes;
use load::Load;
use options::{Options, Part};
use table::{Goal, Table};

const CONFIG_MAPS: &str = "/api/v1/namespaces/bench/configmaps";
/// Nothing is ever written there.
const IDLE: &str = "/api/v1/namespaces/bench/secrets";
/// Objects that are in both, one step after the other. What has a goal is measured at the second.
const OBJECTS: [usize; 3] = [1_000, 11_000, 100_000];
const WATCHERS: [usize; 4] = [1, 10, 100, 1_000];
/// Watchers of one server that are there beside as many of the other.
const TOGETHER_MAX: usize = 5_000;
/// Objects that one peer is given before it is the other's turn.
const SLICE: usize = 5_000;
const CLIENTS: usize = 64;
const TURNS: usize = 3;
const TURN: Duration = Duration::from_millis(1500);
const FOREIGN_WRITES: usize = 20;

/// Runs the comparison that the arguments ask for.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(64);
        }
    };
    // A connection for each watcher, to both; the servers inherit it.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        eprintln!("cannot raise the number of open files: {error}");
    }
    // One thread: the client must leave the servers a core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let Some(setup) = Setup::default_chain() else { return ExitCode::FAILURE };
    let table = runtime.block_on(compare(&setup, &options));
    println!("{table}");
    ExitCode::SUCCESS
}

async fn compare(setup: &Setup, options: &Options) -> Table {
    let host = setup.start();
    let kubernetes = Kubernetes::start(options, host.data_dir()).await;
    let targets = [Target::of_host(&host), kubernetes.target()];
    for target in &targets {
        target.connect().await.exchange(&post("/api/v1/namespaces", &namespace("bench"))).await;
        Fan::prepare(target).await;
    }
    let mut table = Table::new(["host", kubernetes::NAME]);
    let asked = |part| [Part::All, part].contains(&options.part);
    if asked(Part::Objects) {
        grow(&targets, &mut table, options).await;
    }
    if asked(Part::Pods) {
        pods::writes(&host, &targets, &mut table).await;
    }
    if asked(Part::Watchers) {
        for watchers in WATCHERS.into_iter().chain(options.watchers) {
            watches(&targets, &mut table, watchers, Over::Http1).await;
            watches(&targets, &mut table, watchers, Over::Http2).await;
        }
    }
    restart(host, kubernetes, &mut table).await;
    table
}

/// More and more objects, and what they cost.
async fn grow(targets: &[Target; 2], table: &mut Table, options: &Options) {
    let mut there = 0;
    for objects in OBJECTS.into_iter().chain(options.objects) {
        let with_goal = objects == OBJECTS[1];
        creates(targets, table, there..objects, with_goal).await;
        there = objects;
        reads(targets, table, objects, with_goal).await;
        if with_goal {
            idle_list(targets, table).await;
        }
        let goal = if objects == OBJECTS[2] { Goal::Below(300.0) } else { Goal::None };
        let resident = targets.each_ref().map(|target| target.resident_kb() as f64 / 1024.0);
        table.add(format!("memory with {objects} objects"), "MB", resident, goal);
    }
}

/// A create by each of many clients at a time.
async fn creates(targets: &[Target; 2], table: &mut Table, names: std::ops::Range<usize>, with_goal: bool) {
    let mut loads = [Load::default(), Load::default()];
    for from in names.clone().step_by(SLICE) {
        for (target, load) in targets.iter().zip(&mut loads) {
            let mut slice = from..(from + SLICE).min(names.end);
            load.add(load::run(target, CLIENTS, || Some(post(CONFIG_MAPS, &config_map(slice.next()?)))).await);
        }
    }
    let what = format!("create, up to {} objects", names.end);
    costs(table, &what, &loads, Micros, if with_goal { Goal::Ratio(4.0) } else { Goal::None });
    if with_goal {
        speeds(table, &what, &loads);
    }
}

async fn reads(targets: &[Target; 2], table: &mut Table, objects: usize, with_goal: bool) {
    let goal = |goal| if with_goal { goal } else { Goal::None };
    for (what, parameters) in [("get from the cache", "?resourceVersion=0"), ("get, consistent", "")] {
        // All over the place, in the same order for both.
        let name = |turn: usize| format!("{CONFIG_MAPS}/{}{parameters}", object_name(turn * 7919 % objects));
        let loads = in_turns(targets, async |target| load::run_for(target, CLIENTS, TURN, |i| get(&name(i))).await);
        let (loads, what) = (loads.await, format!("{what}, one of {objects} objects"));
        costs(table, &what, &loads, Micros, goal(Goal::Ratio(5.0)));
        if with_goal {
            speeds(table, &what, &loads);
        }
    }
    let lists = [("", get(CONFIG_MAPS), Goal::Ratio(15.0)), (", packed", get_packed(CONFIG_MAPS), Goal::None)];
    for (how, request, ratio) in lists {
        let list = in_turns(targets, async |target| load::run_for(target, 1, TURN, |_| request.clone()).await).await;
        let what = format!("list of {objects} objects{how}");
        costs(table, &what, &list, Millis, goal(ratio));
        if with_goal {
            speeds(table, &what, &list);
        }
    }
}

/// A consistent list of what nobody has written to, after something else was written.
async fn idle_list(targets: &[Target; 2], table: &mut Table) {
    let lists = in_turns(targets, async |target| {
        let mut connection = target.connect().await;
        let mut load = Load::default();
        for turn in 0..FOREIGN_WRITES {
            connection.exchange(&put(&format!("{CONFIG_MAPS}/{}", object_name(turn)), &config_map(turn))).await;
            let asked = Instant::now();
            connection.exchange(&get(IDLE)).await;
            load.latencies.push(asked.elapsed());
        }
        load
    });
    let latency = lists.await.map(|load| load.percentile(50.0));
    table.add("list of nothing after a foreign write, p50", "ms", latency, Goal::Below(1.0));
}

/// Many watchers of one server, and of the other: together, unless that is more connections than a
/// process may usually have.
async fn watches(targets: &[Target; 2], table: &mut Table, watchers: usize, over: Over) {
    let mut grown = [0.0; 2];
    let mut loads = [Load::default(), Load::default()];
    let rounds: &[&[usize]] = if watchers <= TOGETHER_MAX { &[&[0, 1]] } else { &[&[0], &[1]] };
    for round in rounds {
        let mut fans = Vec::with_capacity(round.len());
        for &at in *round {
            let before = targets[at].resident_kb();
            fans.push((at, Fan::open(&targets[at], watchers, over).await));
            grown[at] = targets[at].resident_kb().saturating_sub(before) as f64 / watchers as f64;
        }
        for _ in 0..TURNS {
            for (at, fan) in &fans {
                loads[*at].add(fan.run(TURN).await);
            }
        }
    }
    let with_goal = watchers == WATCHERS[3];
    let protocol = match over {
        Over::Http1 => "HTTP/1.1",
        Over::Http2 => "HTTP/2",
    };
    if watchers >= WATCHERS[3] {
        table.add(format!("an idle one of {watchers} watchers, {protocol}"), "KB", grown, Goal::None);
    }
    let what = format!("event for each of {watchers} watchers, {protocol}");
    costs(table, &what, &loads, Micros, if with_goal { Goal::Ratio(6.0) } else { Goal::None });
    if with_goal {
        speeds(table, &what, &loads);
    }
}

/// From the start of the processes to readiness, with all that they have.
async fn restart(host: Host, kubernetes: Kubernetes, table: &mut Table) {
    let (setup, _) = host.terminate();
    let host = setup.start();
    let ready_after = [host.ready_after(), kubernetes.restart().await].map(|time| time.as_secs_f64());
    table.add("restart with all objects", "s", ready_after, Goal::Below(1.0));
}

/// The same of both, again and again, so that a neighbour disturbs both.
async fn in_turns(targets: &[Target; 2], run: impl AsyncFn(&Target) -> Load) -> [Load; 2] {
    let mut loads = [Load::default(), Load::default()];
    for _ in 0..TURNS {
        for (target, load) in targets.iter().zip(&mut loads) {
            load.add(run(target).await);
        }
    }
    loads
}

use Unit::{Micros, Millis};

enum Unit {
    Micros,
    Millis,
}

fn costs(table: &mut Table, what: &str, loads: &[Load; 2], unit: Unit, goal: Goal) {
    let (name, factor) = match unit {
        Micros => ("µs of CPU", 1e6),
        Millis => ("ms of CPU", 1e3),
    };
    table.add(what, name, loads.each_ref().map(|load| load.cpu_seconds() * factor), goal);
}

fn speeds(table: &mut Table, what: &str, loads: &[Load; 2]) {
    table.add(format!("{what}, rate"), "per second", loads.each_ref().map(Load::per_second), Goal::None);
    for percent in [50.0, 99.0] {
        let latency = loads.each_ref().map(|load| load.percentile(percent));
        table.add(format!("{what}, p{percent}"), "ms", latency, Goal::None);
    }
}

fn object_name(index: usize) -> String {
    format!("object-{index}")
}

fn namespace(name: &str) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

/// An object of about 1 KB, without what the server adds.
fn config_map(index: usize) -> serde_json::Value {
    let metadata = json!({"name": object_name(index), "labels": {"app": "bench", "part": (index % 10).to_string()}});
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"text": "x".repeat(850)}})
}
