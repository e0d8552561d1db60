//! The one wasmtime engine, and the thread that advances its epoch.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::limits::Limits;

/// A 64-bit address space holds the pool's reservations easily, but some containers bound it
/// (`ulimit -v`): then memory is allocated on demand.
#[derive(Clone)]
pub struct Engine {
    engine: wasmtime::Engine,
    _ticker: Option<Arc<Ticker>>,
}

impl Engine {
    /// The engine that runs guests, with its ticker.
    ///
    /// # Errors
    /// If the machine cannot run compiled code at all.
    pub fn new(limits: &Limits) -> wasmtime::Result<Self> {
        let engine = match wasmtime::Engine::new(&pooled(limits)) {
            Ok(engine) => engine,
            Err(error) => {
                tracing::warn!("memory of instances is not pooled, requests will be slower: {error:#}");
                wasmtime::Engine::new(&config())?
            }
        };
        let ticker = Some(Arc::new(Ticker::start(&engine)));
        Ok(Self { engine, _ticker: ticker })
    }

    /// An engine that compiles for the one that runs, and runs nothing.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn compiler() -> wasmtime::Result<Self> {
        Ok(Self { engine: wasmtime::Engine::new(&config())?, _ticker: None })
    }

    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// Changes whenever compiled code of another engine or setting could not be mapped.
    pub fn compatibility(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

/// What decides how code is compiled; the same for the engine that compiles and the one that
/// runs.
fn config() -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.wasm_component_model_async(true);
    // Compiled into the code: a guest that spins yields each tick, and is ended when its time
    // is up.
    config.epoch_interruption(true);
    config
}

fn pooled(limits: &Limits) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(Limits::INSTANCES_MAX)
        .total_core_instances(Limits::INSTANCES_MAX * 4)
        .total_memories(Limits::INSTANCES_MAX)
        .total_tables(Limits::INSTANCES_MAX * 4)
        .total_stacks(Limits::INSTANCES_MAX * 2)
        .max_memory_size(limits.memory_bytes_max)
        .table_elements(limits.table_elements_max)
        .max_core_instance_size(4 << 20)
        .max_component_instance_size(4 << 20)
        // Instances live long: a slot kept warm would hold memory that nobody uses.
        .max_unused_warm_slots(0);
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// Advances the epoch each [`Limits::EPOCH_TICK`] from a thread of its own: on the runtime's
/// threads a spinning guest could hold up the clock that is to interrupt it.
struct Ticker {
    stop: Arc<AtomicBool>,
}

impl Ticker {
    fn start(engine: &wasmtime::Engine) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (weak, stopped) = (engine.weak(), stop.clone());
        std::thread::Builder::new()
            .name("epoch".into())
            .spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    std::thread::sleep(Limits::EPOCH_TICK);
                    match weak.upgrade() {
                        Some(engine) => engine.increment_epoch(),
                        None => return,
                    }
                }
            })
            .expect("a thread for the epoch");
        Self { stop }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
