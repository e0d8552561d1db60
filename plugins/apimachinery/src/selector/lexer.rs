//! The tokens of a label selector.

/// One token. `in` and `notin` are operators where one is expected and words elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Word(&'a str),
    In,
    NotIn,
    Comma,
    Open,
    Close,
    Not,
    Equals,
    DoubleEquals,
    NotEquals,
    Greater,
    Less,
    End,
}

impl Token<'_> {
    /// The token as it stands in messages.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Word(word) => (*word).into(),
            Self::In => "in".into(),
            Self::NotIn => "notin".into(),
            Self::Comma => ",".into(),
            Self::Open => "(".into(),
            Self::Close => ")".into(),
            Self::Not => "!".into(),
            Self::Equals => "=".into(),
            Self::DoubleEquals => "==".into(),
            Self::NotEquals => "!=".into(),
            Self::Greater => ">".into(),
            Self::Less => "<".into(),
            Self::End => String::new(),
        }
    }
}

/// All tokens of `selector`, the last of which is [`Token::End`]. A NUL byte ends it.
pub(super) fn tokens(selector: &str) -> Vec<Token<'_>> {
    let mut rest = selector.split('\0').next().unwrap_or_default();
    let mut tokens = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let Some(first) = rest.chars().next() else { break };
        let (token, length) = symbol(first, rest).unwrap_or_else(|| word(rest));
        tokens.push(token);
        rest = &rest[length..];
    }
    tokens.push(Token::End);
    tokens
}

fn is_symbol(character: char) -> bool {
    matches!(character, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

fn word(text: &str) -> (Token<'_>, usize) {
    let length = text.find(|c| is_symbol(c) || matches!(c, ' ' | '\t' | '\r' | '\n')).unwrap_or(text.len());
    let token = match &text[..length] {
        "in" => Token::In,
        "notin" => Token::NotIn,
        word => Token::Word(word),
    };
    (token, length)
}

/// The operator that the text begins with, the longer one of two.
fn symbol(first: char, text: &str) -> Option<(Token<'_>, usize)> {
    let token = match first {
        '=' if text.starts_with("==") => return Some((Token::DoubleEquals, 2)),
        '!' if text.starts_with("!=") => return Some((Token::NotEquals, 2)),
        '=' => Token::Equals,
        '!' => Token::Not,
        '(' => Token::Open,
        ')' => Token::Close,
        ',' => Token::Comma,
        '>' => Token::Greater,
        '<' => Token::Less,
        _ => return None,
    };
    Some((token, 1))
}
