//! What links that misbehave in every way cost those who do not.
//!
//! The process with the hostile links stands still while the other is measured: else it would
//! take from both.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use e2e::{Host, Setup, eventually};

use crate::load::{self, Target};
use crate::report::{Goal, line, median};
use crate::{CONFIG_MAPS, TURN, TURNS, config_map};

/// Links by their names, what their hooks do, and what they are asked for again and again.
const LINKS: [(&str, &str, &str); 5] = [
    ("spinner", "hook spinner-spins", "spin"),
    ("trapper", "hook trapper-traps", "trap"),
    ("grower", "hook grower-grows", "grow"),
    ("flooder", "hook flooder-hangs", "log"),
    ("burner", "hook burner-burns", "work"),
];
/// How often each of them is asked.
const PROVOKE_EVERY: Duration = Duration::from_millis(100);

/// The same reads of the default chain alone and inside of the hostile links, in turns.
pub(crate) fn beside_hostile_links() {
    let (Some(alone), Some(beside)) = (Setup::default_chain(), surrounded()) else { return };
    let hosts = [alone.start(), beside.start_until("/livez/ping")];
    let targets = hosts.each_ref().map(Target::of);
    for target in &targets {
        target.each(1, |_| load::post(CONFIG_MAPS, &config_map("read")));
    }
    let read = load::get(&format!("{CONFIG_MAPS}/read"));
    let over = AtomicBool::new(false);
    let rates = thread::scope(|scope| {
        // Both are asked, so that asking costs both the same: alone the answer is 404.
        for (host, (name, _, word)) in hosts.iter().flat_map(|host| LINKS.iter().map(move |link| (host, link))) {
            let over = &over;
            scope.spawn(move || provoke(host, &format!("/{name}/{word}"), over));
        }
        eventually(|| is_contained(&hosts[1]), || "the spinner is not contained".to_owned());
        let turns: Vec<[f64; 2]> = (0..TURNS)
            .map(|_| {
                hosts[1].pause();
                let alone = targets[0].run(&read, TURN).per_second();
                hosts[1].go_on();
                // What its plugins saved up meanwhile is spent first.
                targets[1].run(&read, TURN);
                [alone, targets[1].run(&read, TURN).per_second()]
            })
            .collect();
        over.store(true, Ordering::Relaxed);
        turns
    });
    let [alone, beside] = [0, 1].map(|index| median(rates.iter().map(|turn| turn[index])));
    line("gets, the default chain alone", alone, "requests/s", Goal::None);
    line("gets, inside of hostile links", beside, "requests/s", Goal::None);
    line("gets inside of hostile links, of alone", 100.0 * beside / alone, "%", Goal::AtLeast(90.0));
}

fn surrounded() -> Option<Setup> {
    LINKS.iter().try_fold(Setup::default_chain()?, |setup, (name, hook, _)| {
        setup.link(name, &format!("prefix /{name}\n{hook}"))
    })
}

fn provoke(host: &Host, path: &str, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        // Whatever it is answered.
        let _ = host.client().try_send("GET", path, "", b"");
        thread::sleep(PROVOKE_EVERY);
    }
}

fn is_contained(host: &Host) -> bool {
    let metrics = host.client().get("/metrics").text();
    let degraded = |name| metrics.contains(&format!("host_plugin_degraded{{plugin=\"{name}\"}} 1"));
    let slowed = |name| metrics.contains(&format!("host_plugin_faults_total{{fault=\"cpu_share\",plugin=\"{name}\"}}"));
    ["trapper", "grower"].into_iter().all(degraded) && ["spinner", "burner"].into_iter().all(slowed)
}
