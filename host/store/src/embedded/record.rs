//! How one write lies on the disk.
//!
//! The key of a record is its [`Slot`], so records are appended in order. The record itself:
//!
//! ```text
//! flags u8 | crc32 u32 | create u64 | version u64 | [ttl u64 | expires u64] | key length u32 | key | value
//! ```
//!
//! All little-endian. The checksum covers the slot and everything behind itself, so that a
//! record that was moved, torn or changed is noticed when it is read.

use bytes::Bytes;

use crate::{Key, Kv};

/// Where a write is: its revision, and which operation of its transaction it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    pub(super) revision: u64,
    pub(super) sub: u32,
}

impl Slot {
    pub(super) const BYTES: usize = 12;
    pub(super) const FIRST: Self = Self { revision: 0, sub: 0 };

    /// Big-endian, so that the order of bytes is the order of writes.
    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.revision.to_be_bytes());
        bytes[8..].copy_from_slice(&self.sub.to_be_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
        Self { revision: u64::from_be_bytes([a, b, c, d, e, f, g, h]), sub: u32::from_be_bytes([i, j, k, l]) }
    }
}

/// When a key goes by itself. The wall clock is needed over a restart only, and can be wrong:
/// the time to live bounds what it may claim is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) ttl_ms: u64,
    /// Milliseconds since the Unix epoch.
    pub(super) expires_ms: u64,
}

/// One write. A deletion has no version and no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) key: Key,
    pub(super) create_revision: u64,
    /// 0 for a deletion.
    pub(super) version: u64,
    pub(super) lease: Option<Lease>,
    pub(super) value: Bytes,
}

/// Everything before the key, with a lease.
const HEAD_BYTES: usize = 41;

const DELETED: u8 = 1;
const LEASED: u8 = 2;

impl Record {
    pub(super) fn deletion(key: Key) -> Self {
        Self { key, create_revision: 0, version: 0, lease: None, value: Bytes::new() }
    }

    pub(super) fn is_deletion(&self) -> bool {
        self.version == 0
    }

    /// What the record takes on the disk, but for the engine's own share.
    pub(super) fn bytes(&self) -> u32 {
        bytes(&self.key, &self.value)
    }

    pub(super) fn into_kv(self, revision: u64) -> Kv {
        Kv {
            key: self.key,
            value: self.value,
            create_revision: self.create_revision,
            mod_revision: revision,
            version: self.version,
        }
    }

    pub(super) fn encode(&self, slot: Slot) -> Vec<u8> {
        let flags = (u8::from(self.is_deletion()) * DELETED) | (u8::from(self.lease.is_some()) * LEASED);
        let mut out = Vec::with_capacity(HEAD_BYTES + self.key.len() + self.value.len());
        out.push(flags);
        out.extend([0; 4]);
        out.extend(self.create_revision.to_le_bytes());
        out.extend(self.version.to_le_bytes());
        if let Some(lease) = self.lease {
            out.extend(lease.ttl_ms.to_le_bytes());
            out.extend(lease.expires_ms.to_le_bytes());
        }
        out.extend((self.key.len() as u32).to_le_bytes());
        out.extend(self.key.as_bytes());
        out.extend(&self.value[..]);
        let crc = checksum(slot, flags, &out[5..]);
        out[1..5].copy_from_slice(&crc.to_le_bytes());
        out
    }
}

/// A record as it lies on the disk: nothing of it is copied.
pub(super) struct Stored<'a> {
    pub(super) key: &'a str,
    pub(super) create_revision: u64,
    /// 0 for a deletion.
    pub(super) version: u64,
    pub(super) lease: Option<Lease>,
    pub(super) value: &'a [u8],
}

impl<'a> Stored<'a> {
    /// Reads a record back; an error says what is wrong with it.
    pub(super) fn decode(slot: Slot, bytes: &'a [u8]) -> Result<Self, String> {
        let mut rest = Reader(bytes);
        let flags = rest.take(1)?[0];
        let crc = u32::from_le_bytes(rest.array()?);
        if crc != checksum(slot, flags, rest.0) {
            return Err("its checksum does not match".to_owned());
        }
        let create_revision = u64::from_le_bytes(rest.array()?);
        let version = u64::from_le_bytes(rest.array()?);
        let lease = if flags & LEASED == 0 {
            None
        } else {
            Some(Lease { ttl_ms: u64::from_le_bytes(rest.array()?), expires_ms: u64::from_le_bytes(rest.array()?) })
        };
        let key_bytes = u32::from_le_bytes(rest.array()?) as usize;
        let key = std::str::from_utf8(rest.take(key_bytes)?).map_err(|_| "its key is not UTF-8".to_owned())?;
        if (version == 0) != (flags & DELETED != 0) {
            return Err("its version contradicts its flags".to_owned());
        }
        Ok(Self { key, create_revision, version, lease, value: rest.0 })
    }

    /// What the record takes on the disk, but for the engine's own share.
    pub(super) fn bytes(&self) -> u32 {
        bytes(self.key, self.value)
    }

    /// A copy, with the key as the index holds it.
    pub(super) fn into_kv(self, key: Key, revision: u64) -> Kv {
        Kv {
            key,
            value: Bytes::copy_from_slice(self.value),
            create_revision: self.create_revision,
            mod_revision: revision,
            version: self.version,
        }
    }

    pub(super) fn into_record(self) -> Record {
        let Self { key, create_revision, version, lease, value } = self;
        Record { key: key.into(), create_revision, version, lease, value: Bytes::copy_from_slice(value) }
    }
}

fn bytes(key: &str, value: &[u8]) -> u32 {
    (Slot::BYTES + HEAD_BYTES + key.len() + value.len()) as u32
}

fn checksum(slot: Slot, flags: u8, body: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&slot.to_bytes());
    crc.update(&[flags]);
    crc.update(body);
    crc.finalize()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or_else(|| "it is cut off".to_owned())?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOT: Slot = Slot { revision: 7, sub: 1 };

    fn records() -> Vec<Record> {
        let put = Record {
            key: "/registry/configmaps/default/a".into(),
            create_revision: 3,
            version: 2,
            lease: None,
            value: Bytes::from_static(b"{}"),
        };
        let leased = Record { lease: Some(Lease { ttl_ms: 5, expires_ms: u64::MAX }), ..put.clone() };
        vec![put, leased, Record::deletion("/a".into())]
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        for record in records() {
            let stored = record.encode(SLOT);
            let found = Stored::decode(SLOT, &stored).map(Stored::into_record);
            assert_eq!(found, Ok(record));
        }
    }

    #[test]
    fn any_changed_bit_and_any_cut_is_noticed() {
        for record in records() {
            let good = record.encode(SLOT);
            for length in 0..good.len() {
                assert!(Stored::decode(SLOT, &good[..length]).is_err(), "cut to {length} bytes");
                for bit in 0..8 {
                    let mut bad = good.clone();
                    bad[length] ^= 1 << bit;
                    assert!(Stored::decode(SLOT, &bad).is_err(), "bit {bit} of byte {length}");
                }
            }
        }
    }

    #[test]
    fn a_record_that_moved_to_another_slot_is_noticed() {
        let record = &records()[0];
        assert!(Stored::decode(Slot { sub: 2, ..SLOT }, &record.encode(SLOT)).is_err());
    }

    #[test]
    fn slots_sort_as_their_bytes() {
        let slots =
            [(1, 0), (1, 1), (1, 256), (2, 0), (256, 0), (u64::MAX, 3)].map(|(revision, sub)| Slot { revision, sub });
        assert!(slots.windows(2).all(|pair| pair[0].to_bytes() < pair[1].to_bytes()));
        assert_eq!(slots.map(|slot| Slot::from_bytes(slot.to_bytes())), slots);
    }
}
