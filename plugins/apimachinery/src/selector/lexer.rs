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
    /// Symbols that mean nothing together.
    Unknown(&'a str),
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
            Self::Unknown(symbols) => format!("error expected: keyword found '{symbols}'"),
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
        let (token, length) = if is_symbol(first) { symbol(rest) } else { word(rest) };
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

/// The longest run of symbols that is an operator; symbols before one are swallowed by it
/// only if the run so far is an operator itself.
fn symbol(text: &str) -> (Token<'_>, usize) {
    let run = text.find(|c| !is_symbol(c)).unwrap_or(text.len());
    let mut found = None;
    for length in 1..=run {
        let token = match &text[..length] {
            ")" => Token::Close,
            "," => Token::Comma,
            "!" => Token::Not,
            "==" => Token::DoubleEquals,
            "=" => Token::Equals,
            ">" => Token::Greater,
            "<" => Token::Less,
            "!=" => Token::NotEquals,
            "(" => Token::Open,
            _ if found.is_some() => break,
            _ => continue,
        };
        found = Some((token, length));
    }
    found.unwrap_or((Token::Unknown(&text[..run]), run))
}
