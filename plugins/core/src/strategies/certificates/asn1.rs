//! DER, read as upstream's library does, whose words tell what is wrong with it. The crates that read it
//! refuse other things (`der` what is not canonical in places that upstream does not look at), in words of
//! their own: to say upstream's about their errors would take more code than this.

use std::borrow::Cow;

const TAG: u8 = 0x1f;
/// The class of tags whose meaning the type around them gives.
pub(crate) const CONTEXT: u8 = 2;
const LENGTH_MAX: usize = 1 << 23;

pub(crate) const BOOLEAN: u32 = 1;
pub(crate) const INTEGER: u32 = 2;
pub(crate) const BIT_STRING: u32 = 3;
pub(crate) const OCTET_STRING: u32 = 4;
pub(crate) const NULL: &[u8] = &[5, 0];
pub(crate) const OBJECT_IDENTIFIER: u32 = 6;
pub(crate) const SEQUENCE: u32 = 16;
pub(crate) const SET: u32 = 17;

/// What stands before a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) class: u8,
    pub(crate) tag: u32,
    length: usize,
    pub(crate) is_compound: bool,
}

/// A value with what it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) head: Head,
    pub(crate) content: &'a [u8],
    /// With its head.
    pub(crate) whole: &'a [u8],
}

/// Values one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// A value of any type.
    pub(crate) fn any(&mut self) -> Result<Element<'a>, String> {
        let start = self.at;
        let (head, at) = self.head()?;
        let end = at.checked_add(head.length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| syntax("data truncated"))?;
        self.at = end;
        Ok(Element { head, content: &self.bytes[at..end], whole: &self.bytes[start..end] })
    }

    /// A value that may be missing at the end.
    pub(crate) fn optional(&mut self) -> Result<Option<Element<'a>>, String> {
        if self.is_empty() { Ok(None) } else { self.any().map(Some) }
    }

    /// What is inside of a tag of its own.
    pub(crate) fn tagged(&mut self, tag: u32) -> Result<Reader<'a>, String> {
        let element = self.any()?;
        match (element.head.class, element.head.tag, element.head.is_compound) == (CONTEXT, tag, true) {
            true => Ok(Reader::new(element.content)),
            false => Err(structure("explicit tag didn't match")),
        }
    }

    /// A value of one type. `of` is what upstream calls it.
    pub(crate) fn value(&mut self, tag: u32, of: &str) -> Result<Element<'a>, String> {
        let is_compound = matches!(tag, SEQUENCE | SET);
        let (head, at) = self.head()?;
        if (head.class, head.tag, head.is_compound) != (0, tag, is_compound) {
            let Head { class, tag: found, length, is_compound } = head;
            return Err(structure(&format!(
                "tags don't match ({tag} vs {{class:{class} tag:{found} length:{length} isCompound:{is_compound}}}) \
                 {{optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> \
                 stringType:0 timeType:0 set:false omitEmpty:false}} {of} @{at}"
            )));
        }
        self.any()
    }

    pub(crate) fn identifier(&mut self) -> Result<&'a [u8], String> {
        let content = self.value(OBJECT_IDENTIFIER, "ObjectIdentifier")?.content;
        if content.is_empty() {
            return Err(syntax("zero length OBJECT IDENTIFIER"));
        }
        let mut at = 0;
        while at < content.len() {
            (_, at) = base_128(content, at)?;
        }
        Ok(content)
    }

    /// A number of up to 64 bits.
    pub(crate) fn integer(&mut self) -> Result<i64, String> {
        let content = self.value(INTEGER, "int")?.content;
        if !is_minimal(content)? {
            return Err(structure("integer not minimally-encoded"));
        }
        signed(content).ok_or_else(|| structure("integer too large"))
    }

    /// As a number: what is left of the last byte is made up for at the beginning.
    pub(crate) fn bits(&mut self) -> Result<Cow<'a, [u8]>, String> {
        let content = self.value(BIT_STRING, "BitString")?.content;
        let Some((&padding, bits)) = content.split_first() else { return Err(syntax("zero length BIT STRING")) };
        let last = bits.last().copied();
        if padding > 7 || last.map_or(padding != 0, |last| last & ((1 << padding) - 1) != 0) {
            return Err(syntax("invalid padding bits in BIT STRING"));
        }
        if padding == 0 {
            return Ok(bits.into());
        }
        let before = std::iter::once(0).chain(bits.iter().copied());
        Ok(before.zip(bits).map(|(left, right)| left << (8 - padding) | right >> padding).collect())
    }

    fn head(&self) -> Result<(Head, usize), String> {
        let next = |at: usize| self.bytes.get(at).copied();
        let truncated = || syntax("truncated tag or length");
        let first = next(self.at).ok_or_else(|| syntax("sequence truncated"))?;
        let mut at = self.at + 1;
        let mut tag = u32::from(first & TAG);
        if first & TAG == TAG {
            (tag, at) = base_128(self.bytes, at)?;
            if tag < u32::from(TAG) {
                return Err(syntax("non-minimal tag"));
            }
        }
        let short = next(at).ok_or_else(truncated)?;
        at += 1;
        let mut length = usize::from(short);
        if short & 0x80 != 0 {
            if short == 0x80 {
                return Err(syntax("indefinite length found (not DER)"));
            }
            length = 0;
            for _ in 0..short & 0x7f {
                let byte = next(at).ok_or_else(truncated)?;
                at += 1;
                if length >= LENGTH_MAX {
                    return Err(structure("length too large"));
                }
                length = length << 8 | usize::from(byte);
                if length == 0 {
                    return Err(structure("superfluous leading zeros in length"));
                }
            }
            if length < 0x80 {
                return Err(structure("non-minimal length"));
            }
        }
        Ok((Head { class: first >> 6, tag, length, is_compound: first & 0x20 != 0 }, at))
    }
}

pub(crate) fn syntax(why: &str) -> String {
    format!("asn1: syntax error: {why}")
}

pub(crate) fn structure(why: &str) -> String {
    format!("asn1: structure error: {why}")
}

/// Whether a number is written with as few bytes as it can be.
pub(crate) fn is_minimal(number: &[u8]) -> Result<bool, String> {
    match number {
        [] => Err(structure("empty integer")),
        [0, second, ..] => Ok(second & 0x80 != 0),
        [0xff, second, ..] => Ok(second & 0x80 == 0),
        _ => Ok(true),
    }
}

/// The number that bytes are, if it has no more than 64 bits.
pub(crate) fn signed(number: &[u8]) -> Option<i64> {
    let first = i64::from(number.first()?.cast_signed());
    (number.len() <= 8).then(|| number[1..].iter().fold(first, |all, byte| all << 8 | i64::from(*byte)))
}

fn base_128(bytes: &[u8], start: usize) -> Result<(u32, usize), String> {
    const TOO_LARGE: &str = "base 128 integer too large";
    let mut number = 0_u64;
    for (turn, &byte) in bytes.get(start..).unwrap_or_default().iter().enumerate() {
        if turn == 5 {
            return Err(structure(TOO_LARGE));
        }
        if turn == 0 && byte == 0x80 {
            return Err(syntax("integer is not minimally encoded"));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            let number = i32::try_from(number).map_err(|_| structure(TOO_LARGE))?;
            return Ok((number.unsigned_abs(), start + turn + 1));
        }
    }
    Err(syntax("truncated base 128 integer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_in_upstreams_words() {
        for (bytes, expected) in [
            (&[0x30, 0][..], ""),
            (&[], "asn1: syntax error: sequence truncated"),
            (&[0x30], "asn1: syntax error: truncated tag or length"),
            (&[0x30, 3, 1], "asn1: syntax error: data truncated"),
            (&[0x30, 0x80], "asn1: syntax error: indefinite length found (not DER)"),
            (&[0x30, 0x81, 3], "asn1: structure error: non-minimal length"),
            (&[0x30, 0x82, 0, 3], "asn1: structure error: superfluous leading zeros in length"),
            (&[0x3f, 0x80], "asn1: syntax error: integer is not minimally encoded"),
            (&[0x3f, 1], "asn1: syntax error: non-minimal tag"),
            (
                &[2, 1, 0],
                "asn1: structure error: tags don't match (16 vs {class:0 tag:2 length:1 isCompound:false}) \
                 {optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> \
                 stringType:0 timeType:0 set:false omitEmpty:false} certificateRequest @2",
            ),
        ] {
            let found = Reader::new(bytes).value(SEQUENCE, "certificateRequest");
            assert_eq!(found.err().unwrap_or_default(), expected, "{bytes:?}");
        }
        assert_eq!(
            Reader::new(&[3, 2, 1, 1]).bits().unwrap_err(),
            "asn1: syntax error: invalid padding bits in BIT STRING"
        );
        assert_eq!(
            Reader::new(&[2, 2, 0, 1]).integer().unwrap_err(),
            "asn1: structure error: integer not minimally-encoded"
        );
        assert_eq!(Reader::new(&[6, 1, 0x2a]).identifier(), Ok(&[0x2a][..]));
    }

    #[test]
    fn numbers_and_bits_are_read() {
        for (bytes, expected) in [
            (&[2, 1, 0][..], Some(0)),
            (&[2, 1, 0xff], Some(-1)),
            (&[2, 2, 0, 0x80], Some(128)),
            (&[2, 8, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Some(i64::MAX)),
            (&[2, 9, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], None),
            (&[2, 0], None),
        ] {
            assert_eq!(Reader::new(bytes).integer().ok(), expected, "{bytes:?}");
        }
        for (bytes, expected) in
            [(&[3, 3, 0, 1, 2][..], &[1, 2][..]), (&[3, 3, 4, 0x12, 0x30], &[1, 0x23]), (&[3, 1, 0], &[])]
        {
            assert_eq!(Reader::new(bytes).bits().as_deref(), Ok(expected), "{bytes:?}");
        }
    }
}
