//! An expression's text as tokens.

use std::sync::Arc;

use super::ast::{Issue, Literal};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Ident(String),
    Literal(Literal),
    /// A number that its type does not hold.
    TooLarge(&'static str),
    /// A name in backticks, which no expression here may use.
    Escaped,
    /// Punctuation, operators, and `in`.
    Sign(&'static str),
    End,
}

/// A token, where it begins, and its text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) at: usize,
    pub(super) text: String,
}

/// The longer before those that they begin with.
const SIGNS: [&str; 25] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", ".", ",", "(", ")", "[", "]",
    "{", "}", "=",
];

/// All tokens, and what is none, which is left out.
pub(super) fn tokens(source: &str) -> (Vec<Placed>, Vec<Issue>) {
    let text: Vec<char> = source.chars().collect();
    let mut lexer = Lexer { text: &text, at: 0 };
    let (mut tokens, mut issues) = (Vec::new(), Vec::new());
    loop {
        lexer.skip();
        let at = lexer.at;
        match lexer.next() {
            Ok(Token::End) => {
                tokens.push(Placed { token: Token::End, at, text: "<EOF>".to_string() });
                return (tokens, issues);
            }
            Ok(token) => tokens.push(Placed { token, at, text: text[at..lexer.at].iter().collect() }),
            Err(unknown) => {
                lexer.at = (at + unknown).min(text.len());
                let unknown: String = text[at..lexer.at].iter().collect();
                issues.push(Issue::new(at, format!("Syntax error: token recognition error at: '{unknown}'")));
            }
        }
    }
}

struct Lexer<'a> {
    text: &'a [char],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> char {
        self.text.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn starts(&self, with: &str) -> bool {
        with.chars().enumerate().all(|(ahead, char)| self.peek(ahead) == char)
    }

    fn take(&mut self, accept: impl Fn(char) -> bool) -> String {
        let from = self.at;
        while self.at < self.text.len() && accept(self.text[self.at]) {
            self.at += 1;
        }
        self.text[from..self.at].iter().collect()
    }

    /// White space and comments.
    fn skip(&mut self) {
        loop {
            self.take(|char| matches!(char, ' ' | '\t' | '\n' | '\r' | '\u{c}'));
            if !self.starts("//") {
                return;
            }
            self.take(|char| char != '\n');
        }
    }

    /// The next token, or how many characters are none.
    fn next(&mut self) -> Result<Token, usize> {
        let first = self.peek(0);
        if self.at >= self.text.len() {
            return Ok(Token::End);
        }
        if let Some(prefix) = self.string_prefix() {
            let from = self.at;
            // What is no string as a whole is what its beginning is.
            return self.string(prefix).or_else(|length| match prefix {
                "" => Err(length),
                _ => {
                    self.at = from + prefix.len();
                    Ok(Token::Ident(prefix.to_string()))
                }
            });
        }
        if first == '`' {
            return self.escaped();
        }
        if first.is_ascii_digit() || (first == '.' && self.peek(1).is_ascii_digit()) {
            return self.number();
        }
        if first == '_' || first.is_ascii_alphabetic() {
            let name = self.take(|char| char == '_' || char.is_ascii_alphanumeric());
            return Ok(match name.as_str() {
                "true" => Token::Literal(Literal::Bool(true)),
                "false" => Token::Literal(Literal::Bool(false)),
                "null" => Token::Literal(Literal::Null),
                "in" => Token::Sign("in"),
                _ => Token::Ident(name),
            });
        }
        match SIGNS.iter().find(|sign| self.starts(sign)) {
            Some(sign) if *sign != "=" => {
                self.at += sign.len();
                Ok(Token::Sign(sign))
            }
            // These could have begun a longer one.
            _ => Err(1 + usize::from(matches!(first, '=' | '&' | '|'))),
        }
    }

    /// Of a string that begins here, the characters in front of its quote.
    fn string_prefix(&self) -> Option<&'static str> {
        let prefixes = ["", "r", "R", "b", "B", "br", "bR", "Br", "BR"];
        prefixes.into_iter().find(|prefix| {
            prefix.chars().enumerate().all(|(ahead, char)| self.peek(ahead) == char)
                && matches!(self.peek(prefix.len()), '"' | '\'')
        })
    }

    fn string(&mut self, prefix: &str) -> Result<Token, usize> {
        let from = self.at;
        let (raw, bytes) = (prefix.contains(['r', 'R']), prefix.contains(['b', 'B']));
        self.at += prefix.len();
        let quote = self.peek(0);
        let long = self.peek(1) == quote && self.peek(2) == quote;
        let closing: String = std::iter::repeat_n(quote, if long { 3 } else { 1 }).collect();
        self.at += closing.len();
        let mut out = Vec::new();
        while !self.starts(&closing) {
            let ends = self.at >= self.text.len() || (!long && matches!(self.peek(0), '\n' | '\r'));
            if ends && long {
                self.at = from + prefix.len();
                return self.empty_string(bytes);
            }
            if ends {
                return Err(self.at - from);
            }
            if self.peek(0) == '\\' && !raw {
                self.escape(bytes, &mut out).ok_or(self.at + 2 - from)?;
                continue;
            }
            if self.peek(0) == '\\' && self.at + 1 < self.text.len() {
                push(self.peek(0), &mut out);
                self.at += 1;
            }
            push(self.peek(0), &mut out);
            self.at += 1;
        }
        self.at += closing.len();
        Ok(Token::Literal(match bytes {
            true => Literal::Bytes(out.into()),
            false => Literal::Text(Arc::from(String::from_utf8_lossy(&out).as_ref())),
        }))
    }

    fn empty_string(&mut self, bytes: bool) -> Result<Token, usize> {
        self.at += 2;
        Ok(Token::Literal(if bytes { Literal::Bytes([].into()) } else { Literal::Text("".into()) }))
    }

    fn escaped(&mut self) -> Result<Token, usize> {
        let from = self.at;
        self.at += 1;
        let name = self.take(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.' | '-' | '/' | ' '));
        if name.is_empty() || self.peek(0) != '`' {
            return Err(self.at + 1 - from);
        }
        self.at += 1;
        Ok(Token::Escaped)
    }

    fn escape(&mut self, bytes: bool, out: &mut Vec<u8>) -> Option<()> {
        let kind = self.peek(1);
        let simple = match kind {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' | '\'' | '"' | '`' | '?' => kind,
            _ => {
                let (digits, from, radix) = match kind {
                    'x' | 'X' => (2, 2, 16),
                    'u' if !bytes => (4, 2, 16),
                    'U' if !bytes => (8, 2, 16),
                    '0'..='3' => (3, 1, 8),
                    _ => return None,
                };
                let code: String = (from..from + digits).map(|ahead| self.peek(ahead)).collect();
                let code = u32::from_str_radix(&code, radix).ok()?;
                match bytes {
                    true => out.push(u8::try_from(code).ok()?),
                    false => push(char::from_u32(code)?, out),
                }
                self.at += from + digits;
                return Some(());
            }
        };
        push(simple, out);
        self.at += 2;
        Some(())
    }

    fn number(&mut self) -> Result<Token, usize> {
        if self.starts("0x") && self.peek(2).is_ascii_hexdigit() {
            self.at += 2;
            let digits = self.take(|char| char.is_ascii_hexdigit());
            return Ok(self.whole(&digits, 16));
        }
        let mut digits = self.take(|char| char.is_ascii_digit());
        let mut real = false;
        if self.peek(0) == '.' && self.peek(1).is_ascii_digit() {
            self.at += 1;
            digits += ".";
            digits += &self.take(|char| char.is_ascii_digit());
            real = true;
        }
        let sign = usize::from(matches!(self.peek(1), '+' | '-'));
        if matches!(self.peek(0), 'e' | 'E') && self.peek(1 + sign).is_ascii_digit() {
            digits.extend(self.text[self.at..=self.at + sign].iter());
            self.at += 1 + sign;
            digits += &self.take(|char| char.is_ascii_digit());
            real = true;
        }
        Ok(match real {
            true => digits.parse().map_or(Token::TooLarge("double"), |number| Token::Literal(Literal::Double(number))),
            false => self.whole(&digits, 10),
        })
    }

    fn whole(&mut self, digits: &str, radix: u32) -> Token {
        let number = u64::from_str_radix(digits, radix);
        if matches!(self.peek(0), 'u' | 'U') {
            self.at += 1;
            return number.map_or(Token::TooLarge("uint"), |number| Token::Literal(Literal::Uint(number)));
        }
        // The smallest is written as the negation of what is one too many.
        match number {
            Ok(number) if number <= i64::MAX as u64 + 1 => Token::Literal(Literal::Int(number.cast_signed())),
            _ => Token::TooLarge("int"),
        }
    }
}

fn push(char: char, out: &mut Vec<u8>) {
    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}
