//! JSON texts that stay texts, taken apart no further than into their pieces. They have been read
//! once: they are good.

use super::words::{has_space, plain_length};

/// Strings, other scalars and signs, without the white space around them.
pub(crate) fn pieces(text: &str) -> Pieces<'_> {
    Pieces { text, at: 0 }
}

pub(crate) struct Pieces<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Pieces<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        let start = self.at;
        match bytes.get(start)? {
            b'"' => {
                self.at += 1;
                loop {
                    self.at += plain_length(&bytes[self.at..]);
                    match bytes.get(self.at) {
                        Some(b'\\') => self.at += 2,
                        _ => break,
                    }
                }
                self.at += 1;
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => self.at += 1,
            _ => {
                let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b':' | b'}' | b']');
                self.at += bytes[start..].iter().position(ends).unwrap_or(bytes.len() - start);
            }
        }
        self.text.get(start..self.at)
    }
}

/// Adds a text without white space between its pieces.
pub(crate) fn compact(text: &str, out: &mut Vec<u8>) {
    // Nearly all are compact, and few have a space in a string.
    if !has_space(text) {
        return out.extend_from_slice(text.as_bytes());
    }
    pieces(text).for_each(|piece| out.extend_from_slice(piece.as_bytes()));
}

/// A text for people: each member and item in a line of its own.
pub(crate) fn indented(text: &str, indent: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0;
    let mut is_empty = false;
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        (0..depth).for_each(|_| out.push_str(indent));
    };
    for piece in pieces(text) {
        let ends = matches!(piece, "}" | "]");
        if ends {
            depth -= 1;
        }
        if is_empty != ends {
            line(&mut out, depth);
        }
        out.push_str(piece);
        is_empty = matches!(piece, "{" | "[");
        match piece {
            "{" | "[" => depth += 1,
            "," => line(&mut out, depth),
            ":" => out.push(' '),
            _ => {}
        }
    }
    out
}

/// Whether two texts differ in nothing but white space.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a == b || (has_space(a) || has_space(b)) && pieces(a).eq(pieces(b))
}

pub(crate) fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for piece in pieces(text) {
        match piece {
            "{" | "[" => depth += 1,
            "}" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_told_from_white_space() {
        let text = " { \"a b\\\" }\" :\t[ 1.0 ,\"\" , true,{} ]\n}";
        let all: Vec<&str> = pieces(text).collect();
        assert_eq!(all, ["{", "\"a b\\\" }\"", ":", "[", "1.0", ",", "\"\"", ",", "true", ",", "{", "}", "]", "}"]);
        let mut out = Vec::new();
        compact(text, &mut out);
        assert_eq!(out, all.concat().as_bytes());
        assert!(same(text, &all.concat()) && !same(text, "{}") && !same("[\"a b\"]", "[\"ab\"]"));
        assert_eq!((depth(text), depth("1"), depth("[[],[[1]]]")), (3, 0, 3));
    }

    #[test]
    fn texts_are_laid_out_for_people() {
        for (text, expected) in [
            ("{}", "{}"),
            ("[[],{\"a\":{}}]", "[\n  [],\n  {\n    \"a\": {}\n  }\n]"),
            ("{\"a\" : [1,\"x\"],\"b\":null}", "{\n  \"a\": [\n    1,\n    \"x\"\n  ],\n  \"b\": null\n}"),
            ("1", "1"),
        ] {
            assert_eq!(indented(text, "  "), expected);
        }
    }
}
