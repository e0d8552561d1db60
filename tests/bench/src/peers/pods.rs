//! A pod of 2 KB, as people write them: what it costs to create, to patch and to apply.
//!
//! It goes through everything that an API server does to an object: defaults, admission,
//! validation, the ownership of its fields, and the store.

use super::client::{Target, patch, post};
use super::load::{self, Load};
use super::table::{Goal, Table};
use super::{CLIENTS, Micros, TURNS, costs};
use crate::pods::{change, name, pod};

const PODS: &str = "/api/v1/namespaces/bench/pods";
/// Pods that are made, patched and applied in one turn.
const SLICE: usize = 1_000;

pub(super) async fn writes(targets: &[Target; 2], table: &mut Table) {
    let mut creates = [Load::default(), Load::default()];
    let mut patches = [Load::default(), Load::default()];
    let mut applies = [Load::default(), Load::default()];
    for turn in 0..TURNS {
        let slice = || turn * SLICE..(turn + 1) * SLICE;
        for (index, target) in targets.iter().enumerate() {
            let create = |i| post(PODS, &pod(i, "web"));
            creates[index].add(send(target, slice(), create).await);
            let strategic = |i| patch(&path(i), "application/strategic-merge-patch+json", &change(turn));
            patches[index].add(send(target, slice(), strategic).await);
            let query = "?fieldManager=bench&force=true";
            let apply = |i| patch(&format!("{}{query}", path(i)), "application/apply-patch+yaml", &pod(i, "applied"));
            applies[index].add(send(target, slice(), apply).await);
        }
    }
    costs(table, "create of a pod of 2 KB", &creates, Micros, Goal::Ratio(4.0));
    costs(table, "strategic merge patch of it", &patches, Micros, Goal::Ratio(4.0));
    costs(table, "apply of it", &applies, Micros, Goal::Ratio(5.0));
}

async fn send(target: &Target, mut numbers: std::ops::Range<usize>, request: impl Fn(usize) -> Vec<u8>) -> Load {
    load::run(target, CLIENTS, || numbers.next().map(&request)).await
}

fn path(index: usize) -> String {
    format!("{PODS}/{}", name(index))
}
