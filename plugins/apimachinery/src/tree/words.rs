//! Short texts, looked at eight bytes at a time: names are compared and searched by the hundred in
//! each request, and in a component the usual functions are calls that look at one byte after the
//! other.

const ONES: u64 = u64::MAX / 0xff;
const HIGHEST: u64 = ONES << 7;

/// As `==`.
#[inline]
pub(crate) fn same_text(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    // What whole words leave over is in the last one, with some that was seen already.
    if let (Some(last_of_a), Some(last_of_b)) = (a.last_chunk::<8>(), b.last_chunk()) {
        let (words_of_a, _) = a.as_chunks();
        let (words_of_b, _) = b.as_chunks();
        return words_of_a.iter().zip(words_of_b).all(|(a, b)| word(a) == word(b))
            && word(last_of_a) == word(last_of_b);
    }
    match (halves(a), halves(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a.iter().zip(b).all(|(a, b)| a == b),
    }
}

/// Three bytes and the length: of the names of built-in fields 1 in 7 shares its hash, taken modulo
/// twice their number, with another one of its struct.
#[inline]
pub(crate) fn hash(name: &str) -> usize {
    let bytes = name.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return 0 };
    let length = bytes.len();
    5 * length + 31 * usize::from(*first) + usize::from(bytes[length / 2]) + 33 * usize::from(*last)
}

/// Whether JSON has the text as it is: no control character, quote or backslash in it.
#[inline]
pub(crate) fn is_plain(text: &str) -> bool {
    every_word(text.as_bytes(), |word| (below(word, 0x20) | equal(word, b'"') | equal(word, b'\\')) == 0)
}

/// How many bytes at the beginning are plain, in that sense.
#[inline]
pub(crate) fn plain_length(bytes: &[u8]) -> usize {
    let special = |word| below(word, 0x20) | equal(word, b'"') | equal(word, b'\\');
    let (words, rest) = bytes.as_chunks();
    for (place, bytes) in words.iter().enumerate() {
        // The lowest of the marks is a right one: what is carried goes upwards.
        let marks = special(word(bytes));
        if marks != 0 {
            return place * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    let in_rest = rest.iter().position(|byte| special(ONES * u64::from(*byte)) != 0);
    bytes.len() - rest.len() + in_rest.unwrap_or(rest.len())
}

/// Whether there is white space in it, or a control character.
#[inline]
pub(crate) fn has_space(text: &str) -> bool {
    !every_word(text.as_bytes(), |word| below(word, 0x21) == 0)
}

#[inline]
pub(crate) fn has_dot(text: &str) -> bool {
    !every_word(text.as_bytes(), |word| equal(word, b'.') == 0)
}

/// Whether it holds for words that have all of the bytes, and no others.
#[inline]
fn every_word(bytes: &[u8], holds: impl Fn(u64) -> bool) -> bool {
    if let Some(last) = bytes.last_chunk() {
        let (words, _) = bytes.as_chunks();
        return words.iter().all(|bytes| holds(word(bytes))) && holds(word(last));
    }
    match halves(bytes) {
        Some(word) => holds(word),
        None => bytes.iter().all(|byte| holds(ONES * u64::from(*byte))),
    }
}

/// Both ends of four to eight bytes.
#[inline]
fn halves(bytes: &[u8]) -> Option<u64> {
    let half = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    Some(half(bytes.first_chunk()?) | half(bytes.last_chunk()?) << 32)
}

#[inline]
fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*bytes)
}

/// Nothing, if no byte is below the limit, which is at most 128.
#[inline]
fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGHEST
}

/// Nothing, if no byte is this one.
#[inline]
fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * u64::from(byte)), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "abcdefghijklmnopqrstuvwxyz0123456789+-*!";

    #[test]
    fn texts_are_the_same_if_each_byte_is() {
        for length in 0..TEXT.len() {
            let text = &TEXT[..length];
            assert!(same_text(text, text), "{text}");
            assert!(!same_text(text, &format!("{text}x")), "{text}");
            for at in 0..length {
                let mut other = text.to_owned().into_bytes();
                other[at] ^= 1;
                let other = String::from_utf8(other).unwrap();
                assert!(!same_text(text, &other), "{text} {other}");
            }
        }
    }

    #[test]
    fn bytes_are_found_wherever_they_are() {
        for length in 0..TEXT.len() {
            assert!(is_plain(&TEXT[..length]) && !has_dot(&TEXT[..length]), "{length}");
            for at in 0..=length {
                for (character, plain) in [
                    ('.', true),
                    ('\0', false),
                    ('\u{1f}', false),
                    ('"', false),
                    ('\\', false),
                    ('ÿ', true),
                    (' ', true),
                ] {
                    let mut text = TEXT[..length].to_owned();
                    text.insert(at, character);
                    assert_eq!(is_plain(&text), plain, "{text:?}");
                    assert_eq!(has_dot(&text), character == '.', "{text:?}");
                    assert_eq!(has_space(&text), character <= ' ', "{text:?}");
                    assert_eq!(plain_length(text.as_bytes()), if plain { text.len() } else { at }, "{text:?}");
                }
            }
        }
    }
}
