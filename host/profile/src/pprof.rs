//! pprof's `profile.proto`, of which a CPU profile needs little: samples of two values, each with a
//! stack of functions.

use std::collections::HashMap;
use std::io::Write as _;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flate2::Compression;
use flate2::write::GzEncoder;

/// What a sample was of: the interrupted function first.
pub(crate) struct Stack {
    /// The plugin, or the host.
    pub(crate) owner: Rc<str>,
    pub(crate) functions: Vec<Rc<str>>,
}

/// Numbers of the fields that are written.
mod field {
    pub(super) const SAMPLE_TYPE: u64 = 1;
    pub(super) const SAMPLE: u64 = 2;
    pub(super) const LOCATION: u64 = 4;
    pub(super) const FUNCTION: u64 = 5;
    pub(super) const STRING: u64 = 6;
    pub(super) const TIME_NANOS: u64 = 9;
    pub(super) const DURATION_NANOS: u64 = 10;
    pub(super) const PERIOD_TYPE: u64 = 11;
    pub(super) const PERIOD: u64 = 12;
}

pub(crate) fn encode(stacks: impl Iterator<Item = Stack>, duration: Duration, period_nanos: u64) -> Vec<u8> {
    let mut counted: HashMap<(Rc<str>, Vec<Rc<str>>), u64> = HashMap::new();
    for Stack { owner, functions } in stacks {
        *counted.entry((owner, functions)).or_default() += 1;
    }
    let mut strings = Strings::default();
    let mut functions = Functions::default();
    let mut profile = Message::default();
    for (kind, unit) in [("samples", "count"), ("cpu", "nanoseconds")] {
        profile.message(field::SAMPLE_TYPE, &value_type(&mut strings, kind, unit));
    }
    for ((owner, stack), count) in counted {
        // The outermost is whose time it was: `-cum` shows the sum of each plugin.
        let locations = stack.into_iter().chain([owner]).map(|function| functions.id(&mut strings, &function));
        let locations: Vec<u64> = locations.collect();
        let mut sample = Message::default();
        sample.packed(1, locations);
        sample.packed(2, [count, count * period_nanos]);
        profile.message(field::SAMPLE, &sample);
    }
    for (id, name) in functions.names {
        let mut line = Message::default();
        line.number(1, id);
        let mut location = Message::default();
        location.number(1, id);
        location.message(4, &line);
        profile.message(field::LOCATION, &location);
        let mut function = Message::default();
        function.number(1, id);
        function.number(2, name);
        function.number(3, name);
        profile.message(field::FUNCTION, &function);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    profile.number(field::TIME_NANOS, now.as_nanos() as u64);
    profile.number(field::DURATION_NANOS, duration.as_nanos() as u64);
    profile.message(field::PERIOD_TYPE, &value_type(&mut strings, "cpu", "nanoseconds"));
    profile.number(field::PERIOD, period_nanos);
    for text in strings.texts {
        profile.bytes(field::STRING, text.as_bytes());
    }
    pack(&profile.0)
}

fn value_type(strings: &mut Strings, kind: &str, unit: &str) -> Message {
    let mut message = Message::default();
    message.number(1, strings.index(kind));
    message.number(2, strings.index(unit));
    message
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).and_then(|()| packed.finish()).expect("memory can be written")
}

/// Each function once, with a location of the same number.
#[derive(Default)]
struct Functions {
    known: HashMap<Rc<str>, u64>,
    /// Their numbers, from 1, and the indices of their names.
    names: Vec<(u64, u64)>,
}

impl Functions {
    fn id(&mut self, strings: &mut Strings, name: &Rc<str>) -> u64 {
        let next = self.names.len() as u64 + 1;
        *self.known.entry(name.clone()).or_insert_with(|| {
            self.names.push((next, strings.index(name)));
            next
        })
    }
}

/// Each text once.
struct Strings {
    known: HashMap<String, u64>,
    texts: Vec<String>,
}

impl Default for Strings {
    /// The first is empty, by definition.
    fn default() -> Self {
        Self { known: HashMap::from([(String::new(), 0)]), texts: vec![String::new()] }
    }
}

impl Strings {
    fn index(&mut self, text: &str) -> u64 {
        if let Some(index) = self.known.get(text) {
            return *index;
        }
        let index = self.texts.len() as u64;
        self.texts.push(text.to_owned());
        self.known.insert(text.to_owned(), index);
        index
    }
}

/// A protobuf message that is being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u64, message: &Message) {
        self.bytes(field, &message.0);
    }

    fn packed(&mut self, field: u64, values: impl IntoIterator<Item = u64>) {
        let mut packed = Message::default();
        values.into_iter().for_each(|value| packed.varint(value));
        self.bytes(field, &packed.0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn the_same_stack_is_written_once() {
        let stack = |names: &[&str]| Stack {
            owner: "host".into(),
            functions: names.iter().map(|name| Rc::from(*name)).collect(),
        };
        let packed = encode(
            [stack(&["leaf", "caller"]), stack(&["leaf", "caller"]), stack(&["leaf"])].into_iter(),
            Duration::from_secs(1),
            10_000_000,
        );
        let mut bytes = Vec::new();
        GzDecoder::new(&packed[..]).read_to_end(&mut bytes).expect("it is packed");
        let fields = fields(&bytes);
        let count = |number: u64| fields.iter().filter(|(field, _)| *field == number).count();
        assert_eq!((count(field::SAMPLE), count(field::FUNCTION), count(field::LOCATION)), (2, 3, 3));
        let strings: Vec<&[u8]> =
            fields.iter().filter(|(number, _)| *number == field::STRING).map(|(_, bytes)| *bytes).collect();
        assert_eq!(strings[0], b"");
        for name in ["leaf", "caller", "host", "samples", "count", "cpu", "nanoseconds"] {
            assert_eq!(strings.iter().filter(|text| **text == name.as_bytes()).count(), 1, "{name}");
        }
        // Twice, and 20 ms.
        let twice = [&[2][..], &[0x80, 0xda, 0xc4, 0x09]].concat();
        assert!(fields.iter().any(|(number, bytes)| *number == field::SAMPLE && bytes.ends_with(&twice)));
    }

    /// Number and content of each field of a message.
    fn fields(mut bytes: &[u8]) -> Vec<(u64, &[u8])> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let tag = take(&mut bytes);
            let value = take(&mut bytes);
            let content = match tag & 7 {
                2 => bytes.split_off(..value as usize).expect("it is whole"),
                _ => &[],
            };
            fields.push((tag >> 3, content));
        }
        fields
    }

    fn take(bytes: &mut &[u8]) -> u64 {
        let length = bytes.iter().take_while(|byte| **byte >= 0x80).count() + 1;
        let number = bytes.split_off(..length).expect("it is whole");
        number.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f))
    }
}
