//! Ports for servers that cannot be told to take any: those that have to know each other's before they start, or that have
//! to be there again under the same.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// From 10000 on: where the kernel draws from begins at 32768, unless somebody has changed it.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// A port that is free now and stays so while its server is not there: none of those that the kernel draws from for
/// whoever asks for any, as others do meanwhile, and none that this process
/// was given before.
///
/// # Panics
///
/// If all are taken.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    // Whoever else runs these tests at the same time begins elsewhere.
    let first = process::id().wrapping_mul(101) % u32::from(COUNT);
    let mut ports = (0..COUNT).map(|_| {
        let next = first + u32::from(GIVEN.fetch_add(1, Ordering::Relaxed));
        FIRST + u16::try_from(next % u32::from(COUNT)).expect("it is below `COUNT`")
    });
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a port is free")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_given_the_same_port_or_one_that_is_taken() {
        let (first, second) = (free_port(), free_port());
        assert_ne!(first, second);
        for port in [first, second] {
            assert!((FIRST..FIRST + COUNT).contains(&port), "{port}");
            TcpListener::bind(("127.0.0.1", port)).expect("it is free");
        }
    }
}
