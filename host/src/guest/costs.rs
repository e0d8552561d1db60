//! What the containment of guests costs a call that needs none: `make bench` shows it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use futures::FutureExt;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store, UpdateDeadline};

use crate::chain::Conduct;
use crate::imports::Memory;
use crate::limits::Limits;

const ROUNDS: usize = 51;
const CALLS: usize = 1_000;
/// Turns of a loop that does little else: the worst case for what is checked at each turn.
const TURNS: u32 = 1_000_000;

#[test]
#[ignore = "measures"]
fn what_each_measure_of_containment_costs() {
    let limits = Limits::default();
    let conduct = Conduct::of_nobody(&limits);
    println!("what each measure of containment costs a call:");
    let admitted = median(|| (0..CALLS).for_each(|_| black_box(&conduct).admit().expect("it is open").succeeded()));
    show("  is the plugin let to take calls", admitted, Duration::ZERO);

    let (plain, epochs) = (engine(false), engine(true));
    let calls = |engine: &Engine, contained: bool| {
        let mut guest = Guest::start(engine, &limits, contained);
        median(move || (0..CALLS).for_each(|_| guest.call("empty", 0)))
    };
    let bare = calls(&plain, false);
    show("  a call of an empty function", bare, Duration::ZERO);
    show("  and its bounds, and its clock", calls(&epochs, true), bare);

    let computing = |engine: &Engine, contained: bool| {
        let mut guest = Guest::start(engine, &limits, contained);
        median(move || guest.call("turns", TURNS)).as_secs_f64()
    };
    let share = 100.0 * (computing(&epochs, true) / computing(&plain, false) - 1.0);
    println!("{:38} {share:>10.1} %", "  the clock, of a tight loop");
}

fn show(what: &str, cost: Duration, without: Duration) {
    let cost = cost.saturating_sub(without).as_secs_f64() * 1e6 / CALLS as f64;
    println!("{what:38} {cost:>10.2} µs");
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    rounds.sort();
    rounds[ROUNDS / 2]
}

fn engine(epochs: bool) -> Engine {
    let mut config = Config::new();
    config.epoch_interruption(epochs);
    Engine::new(&config).expect("an engine")
}

/// A component without imports, with or without what contains it.
struct Guest {
    store: Store<Memory>,
    instance: wasmtime::component::Instance,
}

impl Guest {
    fn start(engine: &Engine, limits: &Limits, contained: bool) -> Self {
        let text = r#"(component
            (core module $m
                (func (export "empty") (param i32))
                (func (export "turns") (param $n i32)
                    (loop $next
                        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                        (br_if $next (local.get $n)))))
            (core instance $i (instantiate $m))
            (func (export "empty") (param "n" u32) (canon lift (core func $i "empty")))
            (func (export "turns") (param "n" u32) (canon lift (core func $i "turns"))))"#;
        let component = Component::new(engine, wat::parse_str(text).expect("it is text")).expect("a component");
        let mut store = Store::new(engine, Memory::new(limits));
        if contained {
            store.limiter(|memory| memory);
            store.set_max_component_handles(limits.handles_max);
            store.set_hostcall_fuel(limits.hostcall_bytes_max);
            store.set_epoch_deadline(1);
            store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(1)));
        }
        let instance = Linker::new(engine).instantiate_async(&mut store, &component).now_or_never();
        Self { instance: instance.expect("nothing waits").expect("an instance"), store }
    }

    fn call(&mut self, name: &str, argument: u32) {
        let function = self.instance.get_typed_func::<(u32,), ()>(&mut self.store, name).expect("it is exported");
        let call = function.call_async(&mut self.store, (argument,)).now_or_never();
        call.expect("nothing waits").expect("it returns");
    }
}
