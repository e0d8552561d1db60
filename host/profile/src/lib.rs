//! What this process computes, found out by interrupting it.
//!
//! ```text
//! sampler   a timer interrupts whichever thread computes, and notes where it was
//! symbols   addresses → functions, by the symbol tables of the executable and of compiled plugins
//! pprof     samples → the file that `go tool pprof` reads
//! ```
//!
//! Of the host each sample tells the function that was interrupted; of a guest it tells the callers
//! within the guest too, since compiled wasm keeps its frame pointers and Rust does not.
//!
//! Nothing runs, and nothing is allocated, until somebody asks for a profile. Linux on x86-64 and
//! AArch64; elsewhere a profile is an error that says so.

mod pprof;
mod sampler;
mod symbols;

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

pub use sampler::{Sample, Sampling};

/// How often a thread that computes is interrupted in a second.
pub const SAMPLES_PER_SECOND: u32 = 100;

/// Samples of one profile; more are counted and dropped. Eleven minutes of one core.
pub const SAMPLES_MAX: usize = 1 << 16;

/// Functions of one sample, from the one that was interrupted outwards.
pub const SAMPLE_DEPTH_MAX: usize = 64;

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("cpu profiling already in use")]
    InUse,
    #[error("this machine cannot be profiled: Linux on x86-64 or AArch64 is needed")]
    Unsupported,
    #[error("the timer cannot be set: {0}")]
    Timer(std::io::Error),
}

/// Compiled code that is no part of the executable.
#[derive(Debug, Clone)]
pub struct Image {
    /// What its functions belong to: the name of a plugin.
    pub name: String,
    /// Where it is in memory.
    pub memory: Range<usize>,
    /// The ELF file that it was mapped from, as a whole.
    pub file: PathBuf,
}

/// Begins to take samples. They end with the value.
///
/// # Errors
/// If somebody else does so already, or this machine cannot.
pub fn start(images: &[Image]) -> Result<Sampling, ProfileError> {
    Sampling::start(SAMPLES_PER_SECOND, images.iter().map(|image| image.memory.clone()).collect())
}

/// Samples as the file that `go tool pprof` reads. This looks at files, and takes a while.
pub fn write(samples: &[Sample], images: &[Image], duration: Duration) -> Vec<u8> {
    let mut symbols = symbols::Symbols::of_process(images);
    let stacks = samples.iter().map(|sample| symbols.stack(sample));
    pprof::encode(stacks, duration, 1_000_000_000 / u64::from(SAMPLES_PER_SECOND))
}
