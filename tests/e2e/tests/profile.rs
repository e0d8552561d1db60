//! CPU profiles of the host and of what it runs.

use std::io::Read as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use e2e::{Host, Setup, eventually};
use flate2::read::GzDecoder;

/// It may compute all the time, however many profiles are taken.
fn spinner() -> Option<Setup> {
    Some(Setup::bare()?.link("spinner", "prefix /spinner")?.with(&["--plugin-limit", "spinner=cpu_share_max=100"]))
}

/// All texts of a profile that is taken while clients ask for these paths.
fn profile_while(host: &Host, paths: &[&str]) -> String {
    let taken = AtomicBool::new(false);
    let packed = thread::scope(|scope| {
        for path in paths {
            let taken = &taken;
            scope.spawn(move || {
                while !taken.load(Ordering::Relaxed) {
                    host.client().get(path).expect(200);
                }
            });
        }
        let profile = host.client().get("/debug/pprof/profile?seconds=2");
        taken.store(true, Ordering::Relaxed);
        profile.expect(200).body
    });
    let mut bytes = Vec::new();
    GzDecoder::new(&packed[..]).read_to_end(&mut bytes).expect("it is packed");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn a_profile_shows_functions_of_the_host_and_of_a_plugin() {
    let Some(setup) = spinner() else { return };
    let host = setup.start();
    // Whose time it was, and the functions. A busy machine may leave a profile with few samples.
    let names = ["plugin spinner", "spinner.wasm:scripted_link::words::", "host", "host_server::"];
    let paths = ["/spinner/work", "/livez", "/livez", "/livez"];
    eventually(
        || {
            let profile = profile_while(&host, &paths);
            names.iter().all(|name| profile.contains(name))
        },
        || format!("not all of {names:?} are in a profile"),
    );
    // Only one at a time, and for so long.
    thread::scope(|scope| {
        let first = scope.spawn(|| host.client().get("/debug/pprof/profile?seconds=1").status);
        let second = scope.spawn(|| host.client().get("/debug/pprof/profile?seconds=1").status);
        let mut both = [first.join().expect("it is answered"), second.join().expect("it is answered")];
        both.sort_unstable();
        assert_eq!(both, [200, 500]);
    });
    host.client().get("/debug/pprof/profile?seconds=301").expect(400);
}

#[test]
fn profiles_are_for_administrators_and_can_be_switched_off() {
    let Some(setup) = spinner() else { return };
    let host = setup.start();
    for path in ["/debug/pprof", "/debug/pprof/"] {
        assert!(host.client().get(path).expect(200).text().contains("profile?seconds="), "{path}");
        host.anonymous().get(path).expect(403);
    }
    host.anonymous().get("/debug/pprof/profile?seconds=1").expect(403);
    let (setup, _) = host.terminate();
    let host = setup.with(&["--profiling=false"]).start();
    for path in ["/debug/pprof/", "/debug/pprof/profile?seconds=1"] {
        host.client().get(path).expect(404);
    }
}
