//! Reading a path.

use super::{End, Operator, Path, Slice, Step};
use crate::tree::Value;

impl Path {
    /// Reads a path, without the braces that templates have around it.
    ///
    /// # Errors
    /// What is wrong with it, in upstream's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { steps: Parser { rest: text }.steps()? })
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn steps(mut self) -> Result<Vec<Step>, String> {
        let mut steps = Vec::new();
        while let Some(first) = self.rest.chars().next() {
            if let Some(rest) = self.rest.strip_prefix("[?(") {
                self.rest = rest;
                steps.push(self.filter()?);
                continue;
            }
            if let Some(rest) = self.rest.strip_prefix("..") {
                self.rest = rest;
                if steps.last() == Some(&Step::Recursive) {
                    return Err("invalid multiple recursive descent".into());
                }
                steps.push(Step::Recursive);
                if self.rest.starts_with(|next: char| next == '_' || next.is_alphanumeric()) {
                    steps.push(self.field());
                }
                continue;
            }
            match first {
                ' ' | '@' | '$' => self.rest = &self.rest[1..],
                '[' => {
                    self.rest = &self.rest[1..];
                    self.array(&mut steps)?;
                }
                '"' | '\'' => steps.push(self.quoted(first)?),
                '.' => {
                    self.rest = &self.rest[1..];
                    steps.push(self.field());
                }
                '+' | '-' | '0'..='9' => steps.push(self.number()?),
                '_' => steps.push(self.word()?),
                letter if letter.is_alphanumeric() => steps.push(self.word()?),
                '}' | '\r' | '\n' => return Err("unclosed action".into()),
                other => {
                    return Err(format!("unrecognized character in action: U+{:04X} '{other}'", other as u32));
                }
            }
        }
        Ok(steps)
    }

    /// Up to a character that ends a name; a backslash makes the next one part of it.
    fn name(&mut self) -> String {
        let mut name = String::new();
        let mut characters = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => name.extend(characters.next().map(|(_, escaped)| escaped)),
                '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}' | ' ' | '\t' | '\r' | '\n' => {
                    end = at;
                    break;
                }
                other => name.push(other),
            }
        }
        self.rest = &self.rest[end..];
        name
    }

    fn field(&mut self) -> Step {
        match self.name() {
            name if name == "*" => Step::Wildcard,
            name => Step::Field(name),
        }
    }

    fn word(&mut self) -> Result<Step, String> {
        match self.name().as_str() {
            "true" => Ok(Step::Literal(Value::Bool(true))),
            "false" => Ok(Step::Literal(Value::Bool(false))),
            other => Err(format!("unrecognized identifier {other}")),
        }
    }

    fn number(&mut self) -> Result<Step, String> {
        let signed = self.rest.starts_with(['+', '-']);
        let digits = self.rest[usize::from(signed)..].find(|c: char| c != '.' && !c.is_ascii_digit());
        let end = digits.map_or(self.rest.len(), |digits| digits + usize::from(signed));
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        let number = text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<f64>().map(Value::from));
        number.map(Step::Literal).map_err(|_| format!("cannot parse number {text}"))
    }

    fn quoted(&mut self, quote: char) -> Result<Step, String> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
                '\n' => break,
                end if end == quote => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(Step::Literal(Value::from(text)));
                }
                other => text.push(other),
            }
        }
        Err("unterminated quoted string".into())
    }

    /// Behind `[`.
    fn array(&mut self, steps: &mut Vec<Step>) -> Result<(), String> {
        let end = self.rest.find([']', '\n']).filter(|end| self.rest[*end..].starts_with(']'));
        let end = end.ok_or("unterminated array")?;
        let content = &self.rest[..end];
        self.rest = &self.rest[end + 1..];

        if content.contains(',') {
            let parts =
                content.split(',').map(|part| Parser { rest: &format!("[{}]", part.trim_matches(' ')) }.steps());
            steps.push(Step::Union(parts.collect::<Result<_, _>>()?));
            return Ok(());
        }
        let key = content.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        if let Some(key) = key.filter(|key| !key.contains('\'')) {
            steps.extend(Parser { rest: &format!(".{key}") }.steps()?);
            return Ok(());
        }
        steps.push(Step::Slice(slice(if content == "*" { ":" } else { content })?));
        Ok(())
    }

    /// Behind `[?(`.
    fn filter(&mut self) -> Result<Step, String> {
        let mut quote = None;
        let mut previous = '(';
        let end = self.rest.char_indices().find_map(|(at, character)| {
            match (quote, character) {
                (None, ')') => return Some(at),
                (None, '"' | '\'') => quote = Some(character),
                (Some(open), close) if open == close && previous != '\\' => quote = None,
                _ => {}
            }
            previous = character;
            None
        });
        let end = end.ok_or("unterminated filter")?;
        let content = &self.rest[..end];
        self.rest = self.rest[end + 1..].strip_prefix(']').ok_or("unclosed array expect ]")?;

        let is_operator = |c: char| matches!(c, '!' | '<' | '>' | '=');
        let Some(start) = content.find(is_operator).filter(|start| *start > 0) else {
            return Ok(Step::Filter { left: Parser { rest: content }.steps()?, comparison: None });
        };
        let length = content[start..].find(|c| !is_operator(c)).unwrap_or(content.len() - start);
        let (left, right) = (&content[..start], &content[start + length..]);
        let operator = match &content[start..start + length] {
            "==" => Operator::Equal,
            "!=" => Operator::NotEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            other => return Err(format!("unrecognized filter operator {other}")),
        };
        let (left, right) = (Parser { rest: left }.steps()?, Parser { rest: right }.steps()?);
        Ok(Step::Filter { left, comparison: Some((operator, right)) })
    }
}

fn slice(content: &str) -> Result<Slice, String> {
    let invalid = || format!("invalid array index {content}");
    let parts: Vec<&str> = content.split(':').collect();
    let number = |at: usize| match parts.get(at) {
        None | Some(&"") => Ok(None),
        Some(text) => text.parse::<i64>().map(Some).map_err(|_| invalid()),
    };
    if parts.len() > 3 {
        return Err(invalid());
    }
    let start = number(0)?.unwrap_or(0);
    let end = match (parts.len(), number(1)?) {
        (1, _) => End::Behind(start + 1),
        (_, Some(end)) => End::At(end),
        (_, None) => End::Open,
    };
    Ok(Slice { start, end, step: number(2)?.unwrap_or(1) })
}
