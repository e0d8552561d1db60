//! The envelope of an object: four bytes, and a `runtime.Unknown` with kind and message.

use std::borrow::Cow;

use super::wire::{Raw, Reader, Writer};

const MAGIC: &[u8] = b"k8s\0";

/// An object that is not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope<'a> {
    pub api_version: Cow<'a, str>,
    pub kind: Cow<'a, str>,
    pub raw: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Opens an envelope.
    ///
    /// # Errors
    /// Upstream's words for what is not one.
    pub fn open(bytes: &'a [u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Err("empty data".into());
        }
        let Some(message) = bytes.strip_prefix(MAGIC) else {
            return Err(format!(
                "provided data does not appear to be a protobuf message, expected prefix [{}]",
                MAGIC.iter().map(u8::to_string).collect::<Vec<_>>().join(" ")
            ));
        };
        if message.is_empty() {
            return Err("empty body".into());
        }
        let mut envelope = Self { api_version: "".into(), kind: "".into(), raw: &[] };
        let mut reader = Reader::new(message, 0)?;
        while let Some((number, raw)) = reader.field()? {
            let Raw::Bytes(bytes) = raw else { continue };
            match number {
                1 => envelope.read_type(bytes)?,
                2 => envelope.raw = bytes,
                _ => {}
            }
        }
        Ok(envelope)
    }

    fn read_type(&mut self, bytes: &'a [u8]) -> Result<(), String> {
        let mut reader = Reader::new(bytes, 0)?;
        while let Some((number, raw)) = reader.field()? {
            match (number, raw) {
                (1, Raw::Bytes(text)) => self.api_version = String::from_utf8_lossy(text),
                (2, Raw::Bytes(text)) => self.kind = String::from_utf8_lossy(text),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Puts a message into its envelope.
pub fn envelope(api_version: &str, kind: &str, message: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.bytes(4, b"");
    writer.bytes(3, b"");
    writer.bytes(2, message);
    writer.message(1, |writer| {
        writer.bytes(2, kind.as_bytes());
        writer.bytes(1, api_version.as_bytes());
    });
    let mut bytes = MAGIC.to_vec();
    bytes.extend(writer.finish());
    bytes
}

/// One event of a watch with its frame: a length, and a `WatchEvent` around the object's
/// envelope.
pub fn watch_event(kind: &str, object: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.message(2, |writer| writer.bytes(1, object));
    writer.bytes(1, kind.as_bytes());
    let event = writer.finish();
    let mut frame = u32::try_from(event.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    frame.extend(event);
    frame
}
