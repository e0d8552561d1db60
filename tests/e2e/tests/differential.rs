//! Answers compared with those of a real kube-apiserver: how many steps of each scenario are
//! equal. The number in `tests/differential/floors.json` is the least; it only rises.

use std::fs;
use std::process::Command;

use e2e::{Setup, checkout, differential};
use serde_json::Value;

/// What the recorded server was started with for scenarios that need something of their own.
fn arguments(scenario: &str) -> &'static [&'static str] {
    match scenario {
        "af_dual_stack" => &["--service-cluster-ip-range=10.0.0.0/24,fd00:10::/108"],
        "ag_new_family_first" => &["--service-cluster-ip-range=fd00:10::/108,10.0.0.0/24"],
        "ah_new_family" => &["--service-cluster-ip-range=fd00:10::/108"],
        _ => &[],
    }
}

/// Plays a scenario on a fresh data directory; fails below its floor.
#[track_caller]
fn at_least_its_floor(scenario: &str) {
    let floors = fs::read_to_string(checkout().join("tests/differential/floors.json")).expect("the floors can be read");
    let floors: Value = serde_json::from_str(&floors).expect("the floors are JSON");
    let floor = floors[scenario].as_u64().unwrap_or_else(|| panic!("floors.json has no floor for `{scenario}`"));

    let Some(setup) = Setup::default_chain() else { return };
    let host = setup.with(arguments(scenario)).start();
    let output = differential(scenario, &host);
    eprint!("{}", output.stderr);
    let report = output.success();
    let equal = equal_steps(scenario, &report).unwrap_or_else(|| panic!("no result in the report:\n{report}"));
    assert!(equal >= floor, "{equal} steps are equal, the floor is {floor}\n{report}");
    if equal > floor {
        println!("{scenario}: {equal} steps are equal, the floor is {floor}: raise it in floors.json");
    }
    println!("{report}");
}

/// The N of `SCENARIO: N of M equal`.
fn equal_steps(scenario: &str, report: &str) -> Option<u64> {
    let result = report.lines().find_map(|line| line.strip_prefix(scenario)?.strip_prefix(": "))?;
    result.split_whitespace().next()?.parse().ok()
}

/// A busy machine is given more time, a server that forgets to tell is not.
#[test]
fn a_watch_that_ends_early_is_excused_now_and_then() {
    let script = checkout().join("tests/differential/differential_test.py");
    let output = Command::new("python3").arg("-B").arg(script).output().expect("python3 can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { at_least_its_floor(stringify!($name)); })*

        /// A scenario that nobody plays proves nothing.
        #[test]
        fn every_scenario_is_played() {
            let mut files: Vec<String> = fs::read_dir(checkout().join("tests/differential/scenarios"))
                .expect("the scenarios can be listed")
                .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".py").map(str::to_owned))
                .collect();
            files.sort();
            assert_eq!(files, [$(stringify!($name)),*]);
        }
    };
}

scenarios! {
    a_health_discovery,
    aa_devices,
    ab_corners,
    ac_tables,
    ad_details,
    ae_everyday,
    af_dual_stack,
    af_odds,
    ag_new_family_first,
    ah_new_family,
    ai_kept_values,
    aj_signatures,
    ak_forms,
    al_encodings,
    am_fuzzed_creates,
    an_fuzzed_changes,
    an_negotiation,
    ao_owners_across_versions,
    ap_odd_requests,
    aq_applies,
    ar_marked_elsewhere,
    as_nodes_volumes,
    as_odd_options,
    as_wide_requests,
    at_connections,
    au_small_answers,
    av_member_order,
    ax_first_objects,
    ay_member_order_elsewhere,
    az_written_twice,
    b_crud,
    c_patch_apply,
    d_list_watch,
    e_crd,
    f_builtins,
    g_access,
    h_aggregator,
    i_updates,
    j_schemas,
    k_objects,
    l_versions,
    m_misc,
    n_fields,
    o_changes,
    p_pods,
    q_queries,
    r_policies,
    s_services,
    t_apply,
    u_around,
    v_custom,
    w_workloads,
    x_rules,
    y_every_type,
    z_warnings,
}
