//! How much an instance has grown, and how far it may.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::ResourceLimiter;

use crate::limits::Limits;

/// Bounds the memory and the tables of one store. A guest that asks for more sees its
/// allocation fail.
pub struct Memory {
    bytes: Arc<AtomicUsize>,
    bytes_max: usize,
    table_elements_max: usize,
    /// The bound that the guest ran into last.
    refused: Option<&'static str>,
}

impl Memory {
    pub fn new(limits: &Limits) -> Self {
        Self {
            bytes: Arc::default(),
            bytes_max: limits.memory_bytes_max,
            table_elements_max: limits.table_elements_max,
            refused: None,
        }
    }

    /// The bound that the guest ran into last, if it did: most guests cannot go on then, and
    /// the trap that follows does not say why.
    pub fn refused(&self) -> Option<&'static str> {
        self.refused
    }

    /// The linear memory of the store, in bytes, for others to look at.
    pub fn bytes(&self) -> Arc<AtomicUsize> {
        self.bytes.clone()
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // A component may have several memories: the bound is on their sum.
        let total = self.bytes.load(Ordering::Relaxed) + desired.saturating_sub(current);
        let granted = total <= self.bytes_max;
        if granted {
            self.bytes.store(total, Ordering::Relaxed);
        } else {
            self.refused = Some("memory_bytes_max");
        }
        Ok(granted)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let granted = desired <= self.table_elements_max;
        if !granted {
            self.refused = Some("table_elements_max");
        }
        Ok(granted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_on_all_memories_together() {
        let limits = Limits { memory_bytes_max: 100, table_elements_max: 10, ..Limits::default() };
        let mut memory = Memory::new(&limits);
        let bytes = memory.bytes();
        assert_eq!(memory.refused(), None);
        for (current, desired, granted, total) in
            [(0, 60, true, 60), (0, 30, true, 90), (60, 80, false, 90), (30, 40, true, 100)]
        {
            assert_eq!(
                memory.memory_growing(current, desired, None).expect("no error"),
                granted,
                "{current} to {desired}"
            );
            assert_eq!(bytes.load(Ordering::Relaxed), total, "{current} to {desired}");
        }
        assert_eq!(memory.refused(), Some("memory_bytes_max"));
        assert!(memory.table_growing(0, 10, None).expect("no error"));
        assert!(!memory.table_growing(0, 11, None).expect("no error"));
        assert_eq!(memory.refused(), Some("table_elements_max"));
    }
}
