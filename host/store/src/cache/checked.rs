//! What was read of the values that are on their way to the store.
//!
//! A value is read before it is written, since only what can be served may be stored. It comes back
//! through the feed in the same place of memory, if the store is this process, and is not read again.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;

use super::claims::Claim;
use super::object::Read;
use crate::sync::{Mutex, MutexGuard};

/// Values of transactions that have not returned yet, by where they are in memory.
#[derive(Default)]
pub(super) struct Checked {
    under_way: Mutex<HashMap<usize, Entry>>,
}

struct Entry {
    /// As long as it is held here nothing else can be in its place.
    value: Bytes,
    claim: Arc<Claim>,
    read: Read,
}

impl Checked {
    pub(super) fn put(&self, value: &Bytes, claim: &Arc<Claim>, read: Read) {
        let entry = Entry { value: value.clone(), claim: claim.clone(), read };
        self.lock().insert(place(value), entry);
    }

    /// What was read of these very bytes for this very claim, once.
    pub(super) fn take(&self, value: &Bytes, claim: &Arc<Claim>) -> Option<Read> {
        let entry = self.lock().remove(&place(value))?;
        let is_same = entry.value.len() == value.len() && Arc::ptr_eq(&entry.claim, claim);
        is_same.then_some(entry.read)
    }

    /// Lets go of values, whatever became of them.
    pub(super) fn forget<'a>(&self, values: impl Iterator<Item = &'a Bytes>) {
        let mut under_way = self.lock();
        for value in values {
            under_way.remove(&place(value));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Entry>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(value: &Bytes) -> usize {
    value.as_ptr() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Checked {
        pub(in crate::cache) fn is_empty(&self) -> bool {
            self.lock().is_empty()
        }
    }

    fn read(value: &Bytes, claim: &Arc<Claim>) -> Read {
        Read::new(value, claim).unwrap().unwrap()
    }

    #[test]
    fn a_value_is_known_in_its_place_for_its_claim_and_once() {
        let (checked, claim) = (Checked::default(), Arc::new(Claim::default()));
        let value = Bytes::from(br#"{"metadata":{"name":"a"}}"#.to_vec());
        let put = || checked.put(&value, &claim, read(&value, &claim));
        put();
        assert!(checked.take(&Bytes::copy_from_slice(&value), &claim).is_none(), "in another place");
        assert!(checked.take(&value, &claim).is_some());
        assert!(checked.take(&value, &claim).is_none(), "again");
        put();
        assert!(checked.take(&value.slice(..2), &claim).is_none(), "a part of it");
        put();
        assert!(checked.take(&value, &Arc::new(Claim::default())).is_none(), "for another claim");
        put();
        checked.forget([&value].into_iter());
        assert!(checked.take(&value, &claim).is_none(), "forgotten");
        assert!(checked.is_empty());
    }
}
