//! Regular expressions as schemas write them: Go's RE2 syntax, run by the `regex` crate.
//!
//! Both are linear-time engines with nearly the same syntax. What differs is rewritten:
//! Go's `\d`, `\w`, `\s` and `\b` are ASCII, a `{` that starts no repetition is itself, and
//! brackets know no set operations.

use std::sync::OnceLock;

use regex::Regex;

/// A pattern, compiled on first use.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Box<str>,
    compiled: OnceLock<Result<Regex, String>>,
}

impl Pattern {
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self { text: text.into(), compiled: OnceLock::new() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Why it does not compile, in the words of Go's `regexp` where they are known.
    pub fn error(&self) -> Option<&str> {
        self.regex().as_ref().err().map(String::as_str)
    }

    /// Whether it matches somewhere in `value`; a pattern that does not compile matches
    /// nothing.
    pub fn matches(&self, value: &str) -> bool {
        self.regex().as_ref().is_ok_and(|regex| regex.is_match(value))
    }

    /// What it matches, from the left, at most `limit` times.
    pub fn find_all<'t>(&self, value: &'t str, limit: usize) -> Vec<&'t str> {
        let Ok(regex) = self.regex() else { return Vec::new() };
        regex.find_iter(value).take(limit).map(|found| found.as_str()).collect()
    }

    fn regex(&self) -> &Result<Regex, String> {
        self.compiled.get_or_init(|| {
            let rewritten = Rewriter::new(&self.text).run().map_err(|why| format!("error parsing regexp: {why}"))?;
            Regex::new(&rewritten).map_err(|error| format!("error parsing regexp: {}", reason(&error)))
        })
    }
}

/// The last line of the crate's report says what is wrong; those before draw where.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_string()
}

/// One pass over the pattern that copies what both engines read alike.
struct Rewriter<'a> {
    rest: &'a str,
    out: String,
    /// Starts of groups that are still open, as what remained there.
    open: Vec<&'a str>,
    /// What a following repetition would repeat.
    last: Last,
}

#[derive(Clone, Copy, PartialEq)]
enum Last {
    Nothing,
    Atom,
    /// A repetition, and whether it may still take a `?`.
    Repetition {
        lazy: bool,
    },
}

impl<'a> Rewriter<'a> {
    fn new(pattern: &'a str) -> Self {
        Self { rest: pattern, out: String::with_capacity(pattern.len() + 16), open: Vec::new(), last: Last::Nothing }
    }

    fn run(mut self) -> Result<String, String> {
        let whole = self.rest;
        while let Some(char) = self.rest.chars().next() {
            match char {
                '\\' => self.escape(false)?,
                '[' => self.bracket()?,
                '(' => self.group()?,
                ')' => {
                    if self.open.pop().is_none() {
                        return Err(format!("unexpected ): `{whole}`"));
                    }
                    self.copy(1);
                    self.last = Last::Atom;
                }
                '*' | '+' | '?' => self.repetition(1)?,
                '{' => match counted(self.rest) {
                    Some(length) => self.repetition(length)?,
                    None => {
                        self.out.push_str("\\{");
                        self.skip(1);
                        self.last = Last::Atom;
                    }
                },
                '}' | ']' => {
                    self.out.push('\\');
                    self.copy(1);
                    self.last = Last::Atom;
                }
                '|' | '^' => {
                    self.copy(1);
                    self.last = if char == '|' { Last::Nothing } else { Last::Atom };
                }
                _ => {
                    self.copy(char.len_utf8());
                    self.last = Last::Atom;
                }
            }
        }
        match self.open.is_empty() {
            true => Ok(self.out),
            false => Err(format!("missing closing ): `{whole}`")),
        }
    }

    fn copy(&mut self, length: usize) {
        self.out.push_str(&self.rest[..length]);
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        self.rest = &self.rest[length..];
    }

    fn repetition(&mut self, length: usize) -> Result<(), String> {
        let text = &self.rest[..length];
        match self.last {
            Last::Nothing => return Err(format!("missing argument to repetition operator: `{text}`")),
            Last::Repetition { lazy: true } if text == "?" => self.last = Last::Repetition { lazy: false },
            Last::Repetition { .. } => return Err(format!("invalid nested repetition operator: `{text}`")),
            Last::Atom => self.last = Last::Repetition { lazy: true },
        }
        let too_many = |number: &str| number.parse::<u32>().map_or(!number.is_empty(), |number| number > 1000);
        if text.starts_with('{') && text.trim_matches(['{', '}']).split(',').any(too_many) {
            return Err(format!("invalid repeat count: `{text}`"));
        }
        self.copy(length);
        Ok(())
    }

    /// `(`, `(?:`, `(?flags)`, `(?P<name>`.
    fn group(&mut self) -> Result<(), String> {
        let start = self.rest;
        let Some(extension) = start.strip_prefix("(?") else {
            self.open.push(start);
            self.copy(1);
            self.last = Last::Nothing;
            return Ok(());
        };
        let behind = extension.starts_with("<=") || extension.starts_with("<!");
        let named = extension.starts_with("P<") || (extension.starts_with('<') && !behind);
        let end = if named {
            extension.find('>')
        } else {
            extension.find(|char: char| !matches!(char, 'i' | 'm' | 's' | 'U' | '-'))
        };
        let terminator = end.map(|end| extension.as_bytes()[end]);
        let length = end.map_or(start.len(), |end| 2 + end + 1);
        match terminator {
            Some(b'>' | b':') => self.open.push(start),
            Some(b')') => {}
            _ => {
                let shown = if behind { 4 } else { extension.chars().next().map_or(2, |char| 2 + char.len_utf8()) };
                return Err(format!("invalid or unsupported Perl syntax: `{}`", start.get(..shown).unwrap_or(start)));
            }
        }
        self.copy(length);
        self.last = Last::Nothing;
        Ok(())
    }

    /// A class in brackets.
    fn bracket(&mut self) -> Result<(), String> {
        let start = self.rest;
        self.copy(1);
        if self.rest.starts_with('^') {
            self.copy(1);
        }
        let mut first = true;
        loop {
            let Some(char) = self.rest.chars().next() else {
                return Err(format!("missing closing ]: `{start}`"));
            };
            match char {
                ']' if !first => break,
                '\\' => self.escape(true)?,
                '[' if self.rest.starts_with("[:") && self.rest.contains(":]") => {
                    let length = self.rest.find(":]").map_or(1, |end| end + 2);
                    self.copy(length);
                }
                '[' | ']' | '&' | '~' => {
                    self.out.push('\\');
                    self.copy(1);
                }
                '-' if first || self.rest[1..].starts_with(']') || self.out.ends_with('-') => {
                    self.out.push('\\');
                    self.copy(1);
                }
                _ => self.copy(char.len_utf8()),
            }
            first = false;
        }
        self.copy(1);
        self.last = Last::Atom;
        Ok(())
    }

    fn escape(&mut self, bracket: bool) -> Result<(), String> {
        let Some(char) = self.rest[1..].chars().next() else {
            return Err("trailing backslash at end of expression: ``".to_string());
        };
        let length = 1 + char.len_utf8();
        self.last = Last::Atom;
        let class = match char {
            'd' | 'D' => Some("0-9"),
            'w' | 'W' => Some("0-9A-Za-z_"),
            's' | 'S' => Some("\\t\\n\\f\\r "),
            _ => None,
        };
        match (char, class) {
            (_, Some(class)) => {
                match (bracket, char.is_ascii_uppercase()) {
                    (true, false) => self.out.push_str(class),
                    (_, true) => self.out.push_str(&format!("[^{class}]")),
                    (false, false) => self.out.push_str(&format!("[{class}]")),
                }
                self.skip(length);
            }
            ('b', _) if !bracket => {
                self.out.push_str("(?-u:\\b)");
                self.skip(length);
            }
            ('B', _) if !bracket => {
                // The ASCII form alone could match inside of a character.
                self.out.push_str("\\B");
                self.skip(length);
            }
            ('Q', _) if !bracket => {
                let literal = &self.rest[length..];
                let end = literal.find("\\E").unwrap_or(literal.len());
                self.out.push_str(&regex::escape(&literal[..end]));
                self.skip((length + end + 2).min(self.rest.len()));
            }
            ('0'..='7', _) => {
                let digits = self.rest[1..].bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                let text = &self.rest[1..1 + digits];
                if char != '0' && digits == 1 {
                    return Err(format!("invalid escape sequence: `\\{text}`"));
                }
                let code = u32::from_str_radix(text, 8).unwrap_or_default();
                self.out.push_str(&format!("\\x{{{code:x}}}"));
                self.skip(1 + digits);
            }
            ('p' | 'P' | 'x', _) => {
                let braced = self.rest[2..].starts_with('{');
                let length = match (braced, char) {
                    (true, _) => self.rest.find('}').map_or(self.rest.len(), |end| end + 1),
                    (false, 'x') => 4,
                    (false, _) => 3,
                };
                match self.rest.is_char_boundary(length.min(self.rest.len())) && length <= self.rest.len() {
                    true => self.copy(length),
                    false => return Err(format!("invalid escape sequence: `{}`", self.rest)),
                }
            }
            ('A' | 'z', _) if !bracket => self.copy(length),
            ('a' | 'f' | 'n' | 'r' | 't' | 'v', _) => self.copy(length),
            _ if char.is_ascii_punctuation() => {
                self.out.push_str(&regex::escape(char.encode_utf8(&mut [0; 4])));
                self.skip(length);
            }
            _ => return Err(format!("invalid escape sequence: `\\{char}`")),
        }
        Ok(())
    }
}

/// The length of the `{n}`, `{n,}` or `{n,m}` that `text` starts with.
fn counted(text: &str) -> Option<usize> {
    let end = text.find('}')?;
    let (low, high) = text[1..end].split_once(',').unwrap_or((&text[1..end], "0"));
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (!low.is_empty() && number(low) && number(high)).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_go_has_it() {
        for (pattern, value, expected) in [
            ("^[a-z]+$", "abc", true),
            ("^[a-z]+$", "aBc", false),
            (r"^\d+$", "12", true),
            (r"^\d+$", "\u{661}\u{662}", false),
            (r"^\w+$", "a_9", true),
            (r"^\w+$", "\u{e9}", false),
            (r"^[\w.-]+$", "a.b-c_d", true),
            (r"^[\d\s]+$", "1 2", true),
            (r"^[^\s]+$", "a b", false),
            (r"^\D+$", "a1", false),
            (r"^a{2,3}$", "aaa", true),
            (r"^a{,3}$", "a{,3}", true),
            (r"^{x}$", "{x}", true),
            (r"^[[]$", "[", true),
            (r"^[]a]+$", "]a", true),
            (r"^[a&&b]+$", "&ab", true),
            (r"^[+\-.]$", "-", true),
            (r"^[+--]$", ",", true),
            (r"^\Qa.b\E$", "a.b", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"^\101$", "A", true),
            (r"^\x41\x{42}$", "AB", true),
            (r"^\p{Lu}$", "\u{c9}", true),
            (r"\bfoo\b", "a foo b", true),
            (r"^(?i)abc$", "ABC", true),
            (r"^(?P<n>a)(?:b)$", "ab", true),
            (r"^a\/b\_c$", "a/b_c", true),
            (r"^\<a\>$", "<a>", true),
            (r"^.$", "\u{1f600}", true),
            ("", "anything", true),
            (r"^((([a-zA-Z0-9]+)))?$", "", true),
            (r"^[[:alpha:]]+$", "ab", true),
            (r"a*?b", "b", true),
            (r"^[0-9]{1,3}(\.[0-9]+)?%$", "12.5%", true),
        ] {
            let compiled = Pattern::new(pattern);
            assert_eq!(compiled.error(), None, "{pattern}");
            assert_eq!(compiled.matches(value), expected, "{pattern} on {value}");
        }
    }

    #[test]
    fn broken_patterns_are_reported_in_gos_words() {
        for (pattern, expected) in [
            ("a(b", "error parsing regexp: missing closing ): `a(b`"),
            ("a)b", "error parsing regexp: unexpected ): `a)b`"),
            ("*a", "error parsing regexp: missing argument to repetition operator: `*`"),
            ("a**", "error parsing regexp: invalid nested repetition operator: `*`"),
            ("(?!a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?!`"),
            ("(?<=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?<=`"),
            ("[a", "error parsing regexp: missing closing ]: `[a`"),
            ("a{1001}", "error parsing regexp: invalid repeat count: `{1001}`"),
            (r"\y", r"error parsing regexp: invalid escape sequence: `\y`"),
        ] {
            assert_eq!(Pattern::new(pattern).error(), Some(expected), "{pattern}");
        }
    }
}
