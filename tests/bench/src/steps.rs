//! What share of the CPU time of requests each of their steps has.
//!
//! A sample of a guest belongs to the innermost function on its stack that is named here, so that
//! memory that a step asks for and drops is its own. Of the host the interrupted function alone is
//! known, which may be a library's: what it does for a step is not told apart.

use std::collections::HashMap;

use crate::profile::Profile;

const JSON: &str = "JSON and YAML";
const TYPES: &str = "types and defaults";
const ADMISSION: &str = "admission";
const VALIDATION: &str = "validation and warnings";
const OWNERSHIP: &str = "ownership of fields";
const PATCH: &str = "the patch itself";
const ENGINE: &str = "the engine beside that";
const CALLS: &str = "calls between host and guest";
const STORE: &str = "store and cache";
const NETWORK: &str = "TLS, HTTP and filters";
const RUNTIME: &str = "memory, threads and kernel, of the host";

/// Steps by what the paths of a guest's functions begin with and hold, the first that fits.
const GUEST: [(&str, &str, &str); 26] = [
    (JSON, "apimachinery::codec::json::", ""),
    (JSON, "apimachinery::codec::yaml::", ""),
    (JSON, "apimachinery::tree::read::", ""),
    (JSON, "apimachinery::tree::serial::", ""),
    (JSON, "apimachinery::tree::text::", ""),
    (JSON, "apimachinery::tree::write::", ""),
    (JSON, "serde_json::", ""),
    (JSON, "saphyr_parser::", ""),
    (TYPES, "apimachinery::schema::", ""),
    (TYPES, "core_server::", "::defaults"),
    (ADMISSION, "core_server::", "::admission"),
    (ADMISSION, "core_server::", "::limit_ranger"),
    (ADMISSION, "core_server::", "::account"),
    // Long names are cut, which may be where the method's begins.
    (ADMISSION, "core_server::", "Strategy>::ad"),
    (TYPES, "core_server::", "Strategy>::de"),
    (VALIDATION, "apimachinery::validation::", ""),
    (VALIDATION, "core_server::", "::validate"),
    (VALIDATION, "core_server::", "warnings"),
    (VALIDATION, "core_server::", "Strategy>::va"),
    (VALIDATION, "core_server::", "Strategy>::wa"),
    (OWNERSHIP, "apimachinery::managed::", ""),
    (PATCH, "apimachinery::patch::", ""),
    (ENGINE, "apimachinery::rest::", ""),
    (ENGINE, "core_server::", ""),
    (CALLS, "plugin_sdk::", ""),
    (CALLS, "wit_bindgen::", ""),
];
/// Steps by what a function of the host begins with.
const HOST: [(&str, &str); 14] = [
    (STORE, "host_store::"),
    (STORE, "redb::"),
    (STORE, "crc32fast::"),
    (STORE, "__libc_pwrite"),
    (NETWORK, "host_server::"),
    (NETWORK, "rustls::"),
    (NETWORK, "aws_lc_"),
    (NETWORK, "hyper::"),
    (NETWORK, "http::"),
    (NETWORK, "writev"),
    (NETWORK, "__recv"),
    (NETWORK, "epoll_"),
    (CALLS, "wasmtime"),
    (CALLS, "host::"),
];

/// Percent of all samples, the largest first.
pub(crate) fn shares(profile: &Profile) -> Vec<(&'static str, f64)> {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    for (stack, count) in &profile.stacks {
        *counts.entry(step(stack)).or_default() += count;
    }
    let all: u64 = counts.values().sum();
    let mut shares: Vec<_> =
        counts.into_iter().map(|(step, count)| (step, 100.0 * count as f64 / all as f64)).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}

/// The step that an interrupted function belongs to; the last on its stack is whose it is.
fn step(stack: &[String]) -> &'static str {
    let Some((owner, functions)) = stack.split_last() else { return RUNTIME };
    if owner == "host" {
        let function = functions.first().map_or("", |function| bare(function));
        let found = HOST.iter().find(|(_, begins)| function.starts_with(begins));
        return found.map_or(RUNTIME, |(step, _)| step);
    }
    let of = |function: &String| {
        let function = bare(function.split_once(".wasm:").map_or(&**function, |(_, function)| function));
        let found = GUEST.iter().find(|(_, begins, holds)| function.starts_with(begins) && function.contains(holds));
        found.map(|(step, ..)| *step)
    };
    functions.iter().find_map(of).unwrap_or(CALLS)
}

/// A path without what is around a method's: `<&mut serde_json::…`.
fn bare(function: &str) -> &str {
    let function = function.trim_start_matches(['<', '&']);
    function.strip_prefix("mut ").unwrap_or(function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_belong_to_steps() {
        for (stack, expected) in [
            (&["core.wasm:dlmalloc", "core.wasm:apimachinery::managed::compare::walk", "plugin core"][..], OWNERSHIP),
            (
                &[
                    "core.wasm:<&mut serde_json::de::Deserializer<R> as x>::y",
                    "core.wasm:apimachinery::rest::z",
                    "plugin core",
                ],
                JSON,
            ),
            (&["core.wasm:core_server::strategies::pods::validate::pod", "plugin core"], VALIDATION),
            (&["core.wasm:core_server::strategies::pods::Pods", "plugin core"], ENGINE),
            (&["core.wasm:unknown", "plugin core"], CALLS),
            (&["redb::tree_store::x", "host"], STORE),
            (&["<wasmtime::runtime::X as Y>::z", "host"], CALLS),
            (&["[libc.so.6]", "host"], RUNTIME),
        ] {
            assert_eq!(step(&stack.iter().map(ToString::to_string).collect::<Vec<_>>()), expected, "{stack:?}");
        }
    }
}
