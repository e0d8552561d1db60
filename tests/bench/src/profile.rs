//! The host's CPU profile of itself, read: pprof's `profile.proto`, of which it needs little.

use std::collections::HashMap;
use std::io::Read as _;

use flate2::read::GzDecoder;

/// Functions that were interrupted, each with those that had called it, and how often.
pub(crate) struct Profile {
    pub(crate) stacks: Vec<(Vec<String>, u64)>,
}

impl Profile {
    /// # Panics
    /// If these are no bytes of a profile: the host wrote them.
    pub(crate) fn read(bytes: &[u8]) -> Profile {
        let mut unpacked = Vec::new();
        GzDecoder::new(bytes).read_to_end(&mut unpacked).expect("a profile is packed");
        let (mut samples, mut names, mut texts) = (Vec::new(), HashMap::new(), Vec::new());
        for (field, value) in Fields(&unpacked) {
            match (field, value) {
                (2, Value::Bytes(sample)) => samples.push(sample),
                // A place of the host's profiles is its function.
                (5, Value::Bytes(function)) => {
                    let numbers: HashMap<u64, u64> = Fields(function).filter_map(number).collect();
                    names.insert(numbers[&1], numbers[&2]);
                }
                (6, Value::Bytes(text)) => texts.push(String::from_utf8_lossy(text).into_owned()),
                _ => {}
            }
        }
        let name = |place: u64| texts[names[&place] as usize].clone();
        let stack = |sample: &[u8]| {
            let parts: HashMap<u64, Vec<u64>> = Fields(sample).filter_map(packed).collect();
            (parts[&1].iter().map(|place| name(*place)).collect(), parts[&2][0])
        };
        Profile { stacks: samples.into_iter().map(stack).collect() }
    }
}

fn number((field, value): (u64, Value<'_>)) -> Option<(u64, u64)> {
    match value {
        Value::Number(number) => Some((field, number)),
        Value::Bytes(_) => None,
    }
}

fn packed((field, value): (u64, Value<'_>)) -> Option<(u64, Vec<u64>)> {
    let Value::Bytes(mut bytes) = value else { return None };
    let mut numbers = Vec::new();
    while !bytes.is_empty() {
        numbers.push(varint(&mut bytes)?);
    }
    Some((field, numbers))
}

/// The fields of a message.
struct Fields<'a>(&'a [u8]);

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = varint(&mut self.0)?;
        let value = varint(&mut self.0)?;
        // The host writes no other kinds of fields.
        let value = match key & 7 {
            0 => Value::Number(value),
            _ => Value::Bytes(self.0.split_off(..value as usize)?),
        };
        Some((key >> 3, value))
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    Some(number)
}
