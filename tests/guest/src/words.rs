//! What can go wrong anywhere: in `init`, in a check, in a hook, in a request.

use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use plugin_sdk::registration::{Claim, Contents, Route, SelectableField};
use plugin_sdk::{HookContext, Result, lifecycle, log, metrics, registration};

/// Does what a word says; most words say nothing.
pub(crate) fn now(word: &str) -> Result {
    match word {
        "fail" | "fails" => return Err("told to fail".into()),
        "trap" | "traps" => panic!("told to trap"),
        "recurse" => {
            black_box(recurse(black_box(u64::MAX)));
        }
        "spin" | "spins" => loop {
            black_box(());
        },
        "grow" | "grows" => {
            let mut held = Vec::new();
            loop {
                held.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
        // Kept until the instance ends.
        "hold" => black_box(vec![1_u8; 16 << 20].leak()).fill(2),
        "work" => work(Duration::from_millis(100)),
        "log" => (0..10_000).for_each(|n| log::info!("line {n} of a flood")),
        "print" => (0..10_000).for_each(|n| println!("line {n} of a flood")),
        "long-line" => log::info!("{}", "x".repeat(1 << 20)),
        "metrics" => (0..2_000).for_each(|n| metrics::add("flood", &[("n".to_string(), n.to_string())], 1)),
        "large-metric" => metrics::add("large", &[("n".to_string(), "x".repeat(1 << 20))], 1),
        "routes" => many(30_000, "/flood", "").register("flood")?,
        "immediates" => {
            let tags: Vec<String> = (0..30_000).map(|n| n.to_string()).collect();
            registration::register_immediate(&tags)?;
        }
        "claims" => claims(30_000).register("flood")?,
        "long-path" => long_path().register("flood")?,
        "large-decode-tag" => {
            let claim = Claim::new("/registry/flood/").decoded("x".repeat(2 << 20));
            Contents::new().claim(claim).register("flood")?;
        }
        "large-tag" => Contents::new().route(Route::exact("/flood").tag("x".repeat(1 << 16))).register("flood")?,
        "large-routes" => many(10_000, &format!("/{}", "x".repeat(2_000)), "").register("flood")?,
        "sets" => (0..30_000).try_for_each(|n| many(1, "/flood", "").register(&format!("flood-{n}")))?,
        "checks" => (0..1_000).try_for_each(|n| registration::health_check(&format!("flood-{n}"), &[]))?,
        "hooks" => {
            (0..1_000).try_for_each(|n| registration::hook(registration::Hook::post_start(&format!("flood-{n}"))))?
        }
        _ => {}
    }
    Ok(())
}

/// Does what the last part of a name says.
pub(crate) async fn last(name: &str) -> Result {
    match name.rsplit('-').next().unwrap_or_default() {
        "hangs" => for_ever().await,
        word => now(word),
    }
}

/// Waits for what does not come, and hears nothing of being cancelled.
pub(crate) async fn for_ever<T>() -> T {
    lifecycle::wait(lifecycle::Signal::HttpServerStoppedListening).await;
    std::future::pending().await
}

/// Writes down each signal of the life cycle when it has come.
pub(crate) async fn listen() -> Result {
    use lifecycle::Signal::{
        AfterShutdownDelayDuration, HasBeenReady, HttpServerStoppedListening, InFlightRequestsDrained,
        MuxAndDiscoveryComplete, NotAcceptingNewRequest, PreShutdownHooksStopped, ShutdownInitiated,
    };
    for signal in [
        MuxAndDiscoveryComplete,
        HasBeenReady,
        ShutdownInitiated,
        AfterShutdownDelayDuration,
        PreShutdownHooksStopped,
        NotAcceptingNewRequest,
        InFlightRequestsDrained,
        HttpServerStoppedListening,
    ] {
        lifecycle::wait(signal).await;
        let mut signals = OpenOptions::new().create(true).append(true).open("/seen/signals")?;
        writeln!(signals, "{signal:?}")?;
    }
    Ok(())
}

/// Computes all the time, and comes back often enough never to be taken for one that spins.
pub(crate) async fn burn(context: &HookContext) {
    while !context.is_cancelled() {
        work(Duration::from_millis(5));
        context.sleep(0).await;
    }
}

fn work(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        (0..10_000).for_each(|n| {
            black_box(n);
        });
    }
}

fn many(count: usize, path: &str, tag: &str) -> Contents {
    (0..count).fold(Contents::new(), |contents, n| contents.route(Route::exact(&format!("{path}/{n}")).tag(tag)))
}

fn claims(count: usize) -> Contents {
    (0..count).fold(Contents::new(), |contents, n| contents.claim(Claim::new(&format!("/registry/flood/{n}/"))))
}

fn long_path() -> Contents {
    let path = vec!["a".to_string(); 1_000];
    let field = SelectableField { name: "a".to_string(), path, absent: String::new() };
    Contents::new().claim(Claim::new("/registry/flood/").selectable(field))
}

#[expect(unconditional_recursion, reason = "the stack is what is to be overflowed")]
fn recurse(n: u64) -> u64 {
    black_box(recurse(black_box(n - 1))) + 1
}
