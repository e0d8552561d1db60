//! The definitions that an instance keeps ready: those that were asked for last.

use std::collections::HashMap;
use std::rc::Rc;

use apimachinery::definition::Definition;

/// More are read again when they are asked for.
const COUNT_MAX: usize = 128;
/// As they are stored, schemas included: an instance that grows too large begins anew and has none.
const BYTES_MAX: usize = 16 << 20;

/// One definition in all its served versions.
pub(crate) struct Custom {
    pub(crate) revision: u64,
    pub(crate) versions: HashMap<String, Rc<Definition>>,
    /// Versions that only a webhook can make of what is stored.
    pub(crate) by_webhook: Vec<String>,
    /// How large it is stored.
    pub(crate) bytes: usize,
}

/// By their names.
#[derive(Default)]
pub(crate) struct Kept {
    all: HashMap<String, (u64, Custom)>,
    /// Counts the uses: each remembers its last.
    uses: u64,
    bytes: usize,
}

impl Kept {
    pub(crate) fn get(&mut self, name: &str) -> Option<&Custom> {
        self.uses += 1;
        let (used, custom) = self.all.get_mut(name)?;
        *used = self.uses;
        Some(custom)
    }

    /// Keeps it, and lets go of what was not used for longest, if it has to.
    pub(crate) fn put(&mut self, name: &str, custom: Custom) {
        self.remove(name);
        while !self.all.is_empty() && (self.all.len() >= COUNT_MAX || self.bytes + custom.bytes > BYTES_MAX) {
            let oldest = self.all.iter().min_by_key(|(_, (used, _))| *used).map(|(name, _)| name.clone());
            self.remove(&oldest.unwrap_or_default());
        }
        self.uses += 1;
        self.bytes += custom.bytes;
        self.all.insert(name.to_string(), (self.uses, custom));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        if let Some((_, custom)) = self.all.remove(name) {
            self.bytes -= custom.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: usize) -> Custom {
        Custom { revision: 1, versions: HashMap::new(), by_webhook: Vec::new(), bytes }
    }

    #[test]
    fn as_many_are_kept_as_may_be_and_those_that_were_used_last() {
        let mut kept = Kept::default();
        (0..COUNT_MAX).for_each(|at| kept.put(&at.to_string(), of(1)));
        assert!(kept.get("0").is_some());
        kept.put("more", of(1));
        assert!(kept.get("0").is_some() && kept.get("1").is_none() && kept.get("2").is_some());
        assert_eq!((kept.all.len(), kept.bytes), (COUNT_MAX, COUNT_MAX));
    }

    #[test]
    fn as_large_as_they_may_be_together() {
        let mut kept = Kept::default();
        for (name, bytes) in [("a", BYTES_MAX / 2), ("b", BYTES_MAX / 2), ("a", BYTES_MAX / 2)] {
            kept.put(name, of(bytes));
        }
        kept.put("c", of(2));
        assert!(kept.get("a").is_some() && kept.get("b").is_none() && kept.get("c").is_some());
        kept.put("larger", of(BYTES_MAX + 1));
        assert_eq!((kept.all.len(), kept.bytes), (1, BYTES_MAX + 1), "one is always kept");
        kept.remove("larger");
        assert_eq!((kept.all.len(), kept.bytes), (0, 0));
    }
}
