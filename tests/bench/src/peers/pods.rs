//! A pod of 2 KB, as people write them: what it costs to create, to patch and to apply.
//!
//! It goes through everything that an API server does to an object: defaults, admission,
//! validation, the ownership of its fields, and the store. Which of these costs what is told of the
//! host, by one more turn that it has to itself: nobody is measured while it takes a profile.

use std::ops::Range;

use e2e::Host;

use super::client::{Target, patch, post};
use super::load::{self, Load};
use super::table::{Goal, Table};
use super::{CLIENTS, Micros, TURNS, costs};
use crate::inside::{Look, MEMORY, guest_memory};
use crate::pods::{change, name, pod};

const PODS: &str = "/api/v1/namespaces/bench/pods";
/// Pods that are made, patched and applied in one turn.
const SLICE: usize = 1_000;
/// The same of the turn that is looked into.
const LOOKED_INTO: usize = 3_000;

/// What is measured: its name, what the peer's cost is divided by to be the goal, and the request for
/// a pod, by its number and that of the turn.
type Kind = (&'static str, f64, fn(usize, usize) -> Vec<u8>);

const KINDS: [Kind; 3] = [
    ("create of a pod of 2 KB", 4.0, |pod, _| create(pod)),
    ("strategic merge patch of it", 4.0, |pod, turn| {
        patch(&path(pod), "application/strategic-merge-patch+json", &change(turn))
    }),
    ("apply of it", 5.0, |pod, _| apply(pod)),
];

pub(super) async fn writes(host: &Host, targets: &[Target; 2], table: &mut Table) {
    let mut loads: [[Load; 2]; KINDS.len()] = Default::default();
    let mut grown = [0; KINDS.len()];
    for turn in 0..TURNS {
        for (index, target) in targets.iter().enumerate() {
            for (((.., request), loads), grown) in KINDS.iter().zip(&mut loads).zip(&mut grown) {
                let (pods, memory) = (turn * SLICE..(turn + 1) * SLICE, guest_memory(host));
                loads[index].add(send(target, pods, |pod| request(pod, turn)).await);
                *grown += guest_memory(host).saturating_sub(memory);
            }
        }
    }
    for (((what, ratio, request), loads), grown) in KINDS.iter().zip(&loads).zip(grown) {
        costs(table, what, loads, Micros, Goal::Ratio(*ratio));
        table.add_own(MEMORY, "bytes", grown as f64 / CLIENTS as f64);
        let look = Look::begin(host);
        let pods = TURNS * SLICE..TURNS * SLICE + LOOKED_INTO;
        send(&targets[0], pods, |pod| request(pod, TURNS)).await;
        for (step, share) in look.shares() {
            table.add_own(format!("  {step}"), "%", share);
        }
    }
}

async fn send(target: &Target, mut pods: Range<usize>, request: impl Fn(usize) -> Vec<u8>) -> Load {
    load::run(target, CLIENTS, || pods.next().map(&request)).await
}

fn create(number: usize) -> Vec<u8> {
    post(PODS, &pod(number, "web"))
}

fn apply(number: usize) -> Vec<u8> {
    let path = format!("{}?fieldManager=bench&force=true", path(number));
    patch(&path, "application/apply-patch+yaml", &pod(number, "applied"))
}

fn path(number: usize) -> String {
    format!("{PODS}/{}", name(number))
}
