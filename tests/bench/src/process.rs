//! What the kernel knows about a process.

use std::fs;
use std::time::Duration;

/// The kernel counts CPU time in hundredths of a second, on every architecture we run on.
const TICKS_PER_SECOND: f64 = 100.0;

pub(crate) struct Memory {
    pub(crate) resident_kb: u64,
    /// Without files that are mapped, such as compiled code.
    pub(crate) anonymous_kb: u64,
}

/// CPU time that a process and its threads have used, in user and kernel mode.
pub(crate) fn cpu(process: u32) -> Duration {
    let stat = read(process, "stat");
    // The second field is the name in parentheses, which may hold spaces.
    let fields: Vec<&str> = stat.rsplit_once(')').expect("it holds a name").1.split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<f64>().expect("it is a number");
    Duration::from_secs_f64((ticks(11) + ticks(12)) / TICKS_PER_SECOND)
}

pub(crate) fn memory(process: u32) -> Memory {
    let status = read(process, "status");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel tells it");
        line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("it is a number")
    };
    Memory { resident_kb: field("VmRSS:"), anonymous_kb: field("RssAnon:") }
}

fn read(process: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{process}/{file}")).expect("the process runs, on Linux")
}
