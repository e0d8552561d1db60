//! Protobuf's encoding of single values: tags, varints, lengths.

use crate::codec::DEPTH_MAX;

pub(super) const EOF: &str = "unexpected EOF";

/// Reads a message front to back.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    depth: usize,
}

/// The value of one field, as far as the wire tells.
#[derive(Debug, Clone, Copy)]
pub(super) enum Raw<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    /// 32 bits, of which no type makes use.
    Fixed32,
    /// A group, which was skipped.
    Group,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], depth: usize) -> Result<Self, String> {
        match depth <= DEPTH_MAX {
            true => Ok(Self { bytes, depth }),
            false => Err("exceeded max depth".into()),
        }
    }

    /// The next field's number and value.
    pub(super) fn field(&mut self) -> Result<Option<(u32, Raw<'a>)>, String> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| "proto: integer overflow")?;
        if number == 0 {
            return Err(format!("proto: illegal tag {number} (wire type {})", tag & 7));
        }
        let raw = match tag & 7 {
            0 => Raw::Varint(self.varint()?),
            1 => Raw::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().map_err(|_| EOF)?)),
            2 => {
                let length = self.varint()?;
                Raw::Bytes(self.take(usize::try_from(length).map_err(|_| EOF)?)?)
            }
            3 => {
                self.skip_group(number)?;
                Raw::Group
            }
            4 => return Err("proto: wiretype end group for non-group".into()),
            5 => {
                self.take(4)?;
                Raw::Fixed32
            }
            other => return Err(format!("proto: illegal wireType {other}")),
        };
        Ok(Some((number, raw)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.bytes.split_first().ok_or(EOF)?;
            self.bytes = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("proto: integer overflow".into())
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(EOF)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// Groups are long out of use; a later field may still be worth reading.
    fn skip_group(&mut self, number: u32) -> Result<(), String> {
        let mut inner = Reader::new(self.bytes, self.depth + 1)?;
        loop {
            let mut ahead = Reader { bytes: inner.bytes, depth: inner.depth };
            if ahead.varint()? == u64::from(number) << 3 | 4 {
                self.bytes = ahead.bytes;
                return Ok(());
            }
            inner.field()?.ok_or(EOF)?;
        }
    }
}

/// Writes a message back to front, so that a length is known when its place comes: fields,
/// items and the parts of each are written last first.
#[derive(Default)]
pub(crate) struct Writer {
    reversed: Vec<u8>,
}

impl Writer {
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.reversed.reverse();
        self.reversed
    }

    pub(crate) fn varint(&mut self, number: u32, value: u64) {
        self.raw_varint(value);
        self.tag(number, 0);
    }

    pub(crate) fn fixed64(&mut self, number: u32, value: u64) {
        self.raw(&value.to_le_bytes());
        self.tag(number, 1);
    }

    pub(crate) fn bytes(&mut self, number: u32, bytes: &[u8]) {
        self.raw(bytes);
        self.raw_varint(bytes.len() as u64);
        self.tag(number, 2);
    }

    pub(crate) fn message(&mut self, number: u32, write: impl FnOnce(&mut Self)) {
        let before = self.reversed.len();
        write(self);
        self.raw_varint((self.reversed.len() - before) as u64);
        self.tag(number, 2);
    }

    fn tag(&mut self, number: u32, kind: u64) {
        self.raw_varint(u64::from(number) << 3 | kind);
    }

    fn raw_varint(&mut self, mut value: u64) {
        let mut encoded = [0; 10];
        let mut length = 0;
        loop {
            encoded[length] = (value & 0x7f) as u8;
            value >>= 7;
            length += 1;
            if value == 0 {
                break;
            }
            encoded[length - 1] |= 0x80;
        }
        self.raw(&encoded[..length]);
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.reversed.extend(bytes.iter().rev());
    }
}
