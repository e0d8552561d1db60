//! PEM blocks, read as upstream reads them: a block that is broken is as if it were not there. Crates that
//! read PEM refuse the whole text then (`pem`), or know no headers (`pem-rfc7468`).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "\n-----END ";
const DASHES: &str = "-----";

/// Bits behind the last byte do not matter to whoever signs it: they must not to us, who would else look at
/// another block.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// What is between two lines of dashes.
pub(crate) struct Block<'a> {
    pub(crate) kind: &'a str,
    pub(crate) has_headers: bool,
    pub(crate) bytes: Vec<u8>,
}

/// All blocks of a text.
pub(crate) fn blocks(mut text: &str) -> impl Iterator<Item = Block<'_>> {
    std::iter::from_fn(move || {
        loop {
            let end = text.find(END)?;
            let (before, after) = (&text[..end], &text[end + END.len()..]);
            // Of several beginnings the last one counts.
            let found = before.rfind(BEGIN).filter(|begin| *begin == 0 || before.as_bytes()[begin - 1] == b'\n');
            let block = found.and_then(|begin| block(&before[begin + BEGIN.len()..], after));
            text = after;
            if block.is_some() {
                return block;
            }
        }
    })
}

fn block<'a>(begun: &'a str, after: &str) -> Option<Block<'a>> {
    let (first, mut body) = begun.split_once('\n').unwrap_or((begun, ""));
    let kind = first.trim_ascii_end().strip_suffix(DASHES)?;
    let mut has_headers = false;
    while let Some((_, rest)) = body.split_once('\n').filter(|(line, _)| line.contains(':')) {
        has_headers = true;
        body = rest;
    }
    let last = after.split('\n').next().unwrap_or_default();
    if !last.strip_prefix(kind)?.strip_prefix(DASHES)?.trim_ascii().is_empty() {
        return None;
    }
    let encoded: String = body.chars().filter(|character| !" \t\r\n".contains(*character)).collect();
    Some(Block { kind, has_headers, bytes: LENIENT.decode(encoded).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_between_other_text() {
        for (text, expected) in [
            ("-----BEGIN A-----\nYQ==\n-----END A-----\n", vec![("A", false, "a")]),
            ("x\n-----BEGIN A B-----\nk: v\n\nYQ\n==\n-----END A B-----", vec![("A B", true, "a")]),
            ("-----BEGIN A-----\n-----BEGIN B-----\nYQ==\n-----END B-----  \n", vec![("B", false, "a")]),
            (
                "-----BEGIN A-----\nYQ==\n-----END B-----\n-----BEGIN C-----\nYg==\n-----END C-----",
                vec![("C", false, "b")],
            ),
            (
                "-----BEGIN A-----\nYR==\n-----END A-----\n-----BEGIN B-----\nYg==\n-----END B-----",
                vec![("A", false, "a"), ("B", false, "b")],
            ),
            ("-----BEGIN A-----\nYQ\u{c}==\n-----END A-----\n", vec![]),
            ("-----BEGIN A-----\n\n-----END A-----\n", vec![("A", false, "")]),
            ("x-----BEGIN A-----\nYQ==\n-----END A-----\n", vec![]),
            ("-----BEGIN A-----\n!\n-----END A-----\n", vec![]),
            ("-----BEGIN A-----\nYQ==\n-----END A-----x\n", vec![]),
            ("-----BEGIN A-----\nYQ==\n", vec![]),
            ("", vec![]),
        ] {
            let found: Vec<_> = blocks(text)
                .map(|block| (block.kind, block.has_headers, String::from_utf8(block.bytes).unwrap()))
                .collect();
            let found: Vec<_> = found.iter().map(|(kind, headers, bytes)| (*kind, *headers, &**bytes)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
