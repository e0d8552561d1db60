//! Label selectors: `tier=front,n in (a, b),!gone`.

use plugin_sdk::bindings::host::chain::storage::{LabelRequirement, Operator};

use super::lexer::{Token, tokens};
use crate::status::{FieldError, FieldErrorKind};
use crate::validation::{names, quoted};

/// The requirements of a label selector, sorted by key; none for an empty one.
///
/// # Errors
/// Why it cannot be parsed, as the message of a `BadRequest`.
pub fn parse_labels(selector: &str) -> Result<Vec<LabelRequirement>, String> {
    let mut parser = Parser { tokens: tokens(selector), position: 0 };
    let mut requirements = parser.selector()?;
    requirements.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(requirements)
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    position: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Token<'a> {
        match self.tokens[self.position.min(self.tokens.len() - 1)] {
            Token::In => Token::Word("in"),
            Token::NotIn => Token::Word("notin"),
            token => token,
        }
    }

    fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.position += 1;
        token
    }

    /// The next token where `in` and `notin` are operators.
    fn next_operator(&mut self) -> Token<'a> {
        let token = self.tokens[self.position.min(self.tokens.len() - 1)];
        self.position += 1;
        token
    }

    fn selector(&mut self) -> Result<Vec<LabelRequirement>, String> {
        let mut requirements = Vec::new();
        loop {
            match self.peek() {
                Token::Word(_) | Token::Not => {
                    let requirement =
                        self.requirement().map_err(|why| format!("unable to parse requirement: {why}"))?;
                    requirements.push(requirement);
                    match self.next() {
                        Token::End => return Ok(requirements),
                        Token::Comma => match self.peek() {
                            Token::Word(_) | Token::Not => {}
                            token => return Err(format!("found '{}', expected: identifier after ','", token.text())),
                        },
                        token => return Err(format!("found '{}', expected: ',' or 'end of string'", token.text())),
                    }
                }
                Token::End => return Ok(requirements),
                token => {
                    return Err(format!("found '{}', expected: !, identifier, or 'end of string'", token.text()));
                }
            }
        }
    }

    fn requirement(&mut self) -> Result<LabelRequirement, String> {
        let absent = self.peek() == Token::Not;
        if absent {
            self.next();
        }
        let key = match self.next() {
            Token::Word(key) => key,
            token => return Err(format!("found '{}', expected: identifier", token.text())),
        };
        let reasons = names::qualified_name(key);
        if !reasons.is_empty() {
            // The path is upstream's: it has none here, and prints that.
            return Err(invalid("<nil>", key, reasons.join("; ")).to_string());
        }
        if absent {
            return Ok(LabelRequirement { key: key.into(), operator: Operator::NotExists, values: Vec::new() });
        }
        if matches!(self.peek(), Token::End | Token::Comma) {
            return Ok(LabelRequirement { key: key.into(), operator: Operator::Exists, values: Vec::new() });
        }

        let (operator, values) = match self.next_operator() {
            Token::In => (Operator::In, self.values()?),
            Token::NotIn => (Operator::NotIn, self.values()?),
            Token::Equals | Token::DoubleEquals => (Operator::Equals, self.value()?),
            Token::NotEquals => (Operator::NotEquals, self.value()?),
            Token::Greater => (Operator::Greater, self.value()?),
            Token::Less => (Operator::Less, self.value()?),
            token => {
                return Err(format!("found '{}', expected: in, notin, =, ==, !=, gt, lt", token.text()));
            }
        };
        check(key, operator, &values)?;
        Ok(LabelRequirement { key: key.into(), operator, values })
    }

    /// `(a, b)`; an empty place between the commas is an empty value.
    fn values(&mut self) -> Result<Vec<String>, String> {
        match self.next() {
            Token::Open => {}
            token => return Err(format!("found '{}' expected: '('", token.text())),
        }
        match self.peek() {
            Token::Word(_) | Token::Comma => {}
            Token::Close => {
                self.next();
                return Ok(vec![String::new()]);
            }
            token => return Err(format!("found '{}', expected: ',', ')' or identifier", token.text())),
        }
        let mut values = Vec::new();
        loop {
            match self.next() {
                Token::Word(value) => {
                    values.push(value.to_string());
                    match self.peek() {
                        Token::Comma => {}
                        Token::Close => break,
                        token => return Err(format!("found '{}', expected: ',' or ')'", token.text())),
                    }
                }
                Token::Comma => {
                    if values.is_empty() {
                        values.push(String::new());
                    }
                    match self.peek() {
                        Token::Close => {
                            values.push(String::new());
                            break;
                        }
                        Token::Comma => values.push(String::new()),
                        _ => {}
                    }
                }
                token => return Err(format!("found '{}', expected: ',', or identifier", token.text())),
            }
        }
        self.next();
        values.sort();
        values.dedup();
        Ok(values)
    }

    fn value(&mut self) -> Result<Vec<String>, String> {
        match self.peek() {
            Token::End | Token::Comma => Ok(vec![String::new()]),
            Token::Word(value) => {
                self.next();
                Ok(vec![value.to_string()])
            }
            token => Err(format!("found '{}', expected: identifier", token.text())),
        }
    }
}

fn check(key: &str, operator: Operator, values: &[String]) -> Result<(), String> {
    let mut errors = Vec::new();
    if matches!(operator, Operator::Greater | Operator::Less) {
        for (index, value) in values.iter().enumerate() {
            if value.parse::<i64>().is_err() {
                let why = "for 'Gt', 'Lt' operators, the value must be an integer".to_string();
                errors.push(invalid(&format!("values[{index}]"), value, why));
            }
        }
    }
    for (index, value) in values.iter().enumerate() {
        let reasons = names::label_value(value);
        if !reasons.is_empty() {
            errors.push(invalid(&format!("values[{index}][{key}]"), value, reasons.join("; ")));
        }
    }
    let texts: Vec<String> = errors.iter().map(FieldError::to_string).collect();
    match texts.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        several => Err(format!("[{}]", several.join(", "))),
    }
}

fn invalid(field: &str, value: &str, detail: String) -> FieldError {
    FieldError::new(FieldErrorKind::Invalid, field, quoted(value), detail)
}

#[cfg(test)]
mod tests {
    use super::parse_labels;

    /// Requirements in a short form: `key operator values`.
    fn parse(selector: &str) -> Result<String, String> {
        let requirements = parse_labels(selector)?;
        let short = requirements.iter().map(|r| format!("{} {:?} {}", r.key, r.operator, r.values.join("|")));
        Ok(short.collect::<Vec<_>>().join("; "))
    }

    #[test]
    fn requirements() {
        for (selector, expected) in [
            ("", ""),
            ("   ", ""),
            ("tier=front", "tier Operator::Equals front"),
            ("tier == front", "tier Operator::Equals front"),
            ("tier!=front", "tier Operator::NotEquals front"),
            ("tier=", "tier Operator::Equals "),
            ("tier=,b", "b Operator::Exists ; tier Operator::Equals "),
            ("b,a", "a Operator::Exists ; b Operator::Exists "),
            ("!gone", "gone Operator::NotExists "),
            ("n in (b, a,b)", "n Operator::In a|b"),
            ("n notin ()", "n Operator::NotIn "),
            ("n in (,a)", "n Operator::In |a"),
            ("n in (a,,)", "n Operator::In |a"),
            ("in in (in,notin)", "in Operator::In in|notin"),
            ("n>1,n<3", "n Operator::Greater 1; n Operator::Less 3"),
            ("example.com/x=1", "example.com/x Operator::Equals 1"),
        ] {
            assert_eq!(parse(selector).as_deref(), Ok(expected), "`{selector}`");
        }
    }

    #[test]
    fn mistakes_are_named_as_upstream_names_them() {
        let shape = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                     alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation \
                     is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
        for (selector, expected) in [
            ("===", "found '==', expected: !, identifier, or 'end of string'".to_string()),
            ("a,", "found '', expected: identifier after ','".to_string()),
            ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt".to_string()),
            ("a in", "unable to parse requirement: found '' expected: '('".to_string()),
            ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'".to_string()),
            ("a in (=)", "unable to parse requirement: found '=', expected: ',', ')' or identifier".to_string()),
            ("a=b=c", "found '=', expected: ',' or 'end of string'".to_string()),
            ("!", "unable to parse requirement: found '', expected: identifier".to_string()),
            ("-a", format!("unable to parse requirement: <nil>: Invalid value: \"-a\": name part {shape}")),
            (
                "n>x",
                "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value \
                 must be an integer"
                    .to_string(),
            ),
            (
                "a=b/c",
                "unable to parse requirement: values[0][a]: Invalid value: \"b/c\": a valid label must be an empty \
                 string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                 alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
                 '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
                    .to_string(),
            ),
        ] {
            assert_eq!(parse(selector), Err(expected), "`{selector}`");
        }
    }
}
