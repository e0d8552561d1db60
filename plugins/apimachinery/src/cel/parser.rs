//! Tokens as a tree, by CEL's grammar. Calls are reported at their operator or parenthesis, and
//! selections at their dot.

use super::ast::{Ast, Element, Entry, Field, Id, Issue, Kind, Literal};
use super::lexer::{Placed, Token, tokens};
use super::macros;

/// How deep expressions may be nested.
const DEPTH_MAX: usize = 200;
const PRIMARY: &str =
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
const RESERVED: [&str; 20] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "package",
    "namespace",
    "null",
    "return",
    "true",
    "var",
    "void",
];
/// By binding strength, weakest first, with the names of their functions.
const BINARY: [&[(&str, &str)]; 3] = [
    &[("<", "_<_"), ("<=", "_<=_"), (">=", "_>=_"), (">", "_>_"), ("==", "_==_"), ("!=", "_!=_"), ("in", "@in")],
    &[("+", "_+_"), ("-", "_-_")],
    &[("*", "_*_"), ("/", "_/_"), ("%", "_%_")],
];

/// `bindings` says whether there is `cel.bind`.
pub(super) fn parse(source: &str, bindings: bool) -> Result<Ast, Vec<Issue>> {
    let (tokens, mut issues) = tokens(source);
    let mut parser = Parser { tokens, next: 0, ast: Ast::default(), depth: 0, bindings };
    match parser.whole() {
        Ok(root) => parser.ast.root = root,
        Err(issue) => issues.push(issue),
    }
    if issues.is_empty() { Ok(parser.ast) } else { Err(issues) }
}

struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    ast: Ast,
    depth: usize,
    bindings: bool,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.next].token
    }

    fn at(&self) -> usize {
        self.tokens[self.next].at
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if *found == sign)
    }

    /// Where the sign was, if it is next.
    fn accept(&mut self, sign: &str) -> Option<usize> {
        let at = self.at();
        let found = self.is(sign);
        self.next += usize::from(found);
        found.then_some(at)
    }

    fn whole(&mut self) -> Result<Id, Issue> {
        let root = self.expression()?;
        match self.peek() {
            Token::End => Ok(root),
            _ => Err(self.unexpected("<EOF>", |token| *token == Token::End)),
        }
    }

    /// A token is one too many if the next one would do.
    fn unexpected(&self, expected: &str, would_do: impl Fn(&Token) -> bool) -> Issue {
        let found = &self.tokens[self.next];
        let next = self.tokens.get(self.next + 1).is_some_and(|next| would_do(&next.token));
        let kind = if next { "extraneous" } else { "mismatched" };
        Issue::new(found.at, format!("Syntax error: {kind} input '{}' expecting {expected}", found.text))
    }

    fn no_primary(&self) -> Issue {
        self.unexpected(PRIMARY, |token| match token {
            Token::Sign(sign) => matches!(*sign, "[" | "{" | "(" | "." | "-" | "!"),
            Token::End => false,
            _ => true,
        })
    }

    fn expect(&mut self, sign: &str) -> Result<usize, Issue> {
        if let Some(at) = self.accept(sign) {
            return Ok(at);
        }
        let found = &self.tokens[self.next];
        if found.token == Token::End && matches!(sign, ")" | "]") {
            return Err(Issue::new(found.at, format!("Syntax error: missing '{sign}' at '<EOF>'")));
        }
        Err(self.unexpected(&format!("'{sign}'"), |token| matches!(token, Token::Sign(next) if *next == sign)))
    }

    fn identifier(&mut self) -> Result<String, Issue> {
        match self.peek().clone() {
            Token::Ident(name) => {
                self.next += 1;
                Ok(name)
            }
            _ => {
                let found = &self.tokens[self.next];
                let text = if found.token == Token::End { "" } else { &found.text };
                Err(Issue::new(found.at, format!("Syntax error: no viable alternative at input '.{text}'")))
            }
        }
    }

    fn expression(&mut self) -> Result<Id, Issue> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Issue::new(self.at(), format!("expression recursion limit exceeded: {DEPTH_MAX}")));
        }
        let condition = self.logical("||", "_||_")?;
        let expression = match self.accept("?") {
            None => condition,
            Some(at) => {
                let yes = self.logical("||", "_||_")?;
                self.expect(":")?;
                let no = self.expression()?;
                self.ast.call(at, "_?_:_", vec![condition, yes, no])
            }
        };
        self.depth -= 1;
        Ok(expression)
    }

    /// `||`, or below it `&&`; long chains become balanced trees.
    fn logical(&mut self, sign: &str, function: &str) -> Result<Id, Issue> {
        let mut terms = Vec::new();
        let mut signs = Vec::new();
        loop {
            terms.push(if sign == "||" { self.logical("&&", "_&&_")? } else { self.binary(0)? });
            match self.accept(sign) {
                Some(at) => signs.push(at),
                None => return Ok(self.balanced(function, &terms, &signs)),
            }
        }
    }

    fn balanced(&mut self, function: &str, terms: &[Id], signs: &[usize]) -> Id {
        if signs.is_empty() {
            return terms[0];
        }
        let middle = signs.len() / 2;
        let left = self.balanced(function, &terms[..=middle], &signs[..middle]);
        let right = self.balanced(function, &terms[middle + 1..], &signs[middle + 1..]);
        self.ast.call(signs[middle], function, vec![left, right])
    }

    fn binary(&mut self, level: usize) -> Result<Id, Issue> {
        let Some(operators) = BINARY.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some((sign, function)) = operators.iter().find(|(sign, _)| self.is(sign)) {
            let at = self.expect(sign)?;
            let right = self.binary(level + 1)?;
            left = self.ast.call(at, function, vec![left, right]);
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Id, Issue> {
        for (sign, function) in [("!", "!_"), ("-", "-_")] {
            let Some(at) = self.accept(sign) else { continue };
            if sign == "-"
                && let Token::Literal(Literal::Int(_) | Literal::Double(_)) = self.peek()
            {
                return self.negative(at);
            }
            let mut odd = true;
            while self.accept(sign).is_some() {
                odd = !odd;
            }
            let operand = self.member()?;
            return Ok(if odd { self.ast.call(at, function, vec![operand]) } else { operand });
        }
        self.member()
    }

    /// A number behind a minus, which is part of it.
    fn negative(&mut self, at: usize) -> Result<Id, Issue> {
        let token = self.peek().clone();
        self.next += 1;
        let literal = match token {
            Token::Literal(Literal::Int(number)) => Literal::Int(number.wrapping_neg()),
            Token::Literal(Literal::Double(number)) => Literal::Double(-number),
            _ => return Err(self.no_primary()),
        };
        let number = self.ast.add(at, Kind::Literal(literal));
        self.members(number)
    }

    fn member(&mut self) -> Result<Id, Issue> {
        let primary = self.primary()?;
        self.members(primary)
    }

    fn members(&mut self, mut operand: Id) -> Result<Id, Issue> {
        loop {
            if let Some(at) = self.accept(".") {
                let optional = self.accept("?").is_some();
                let name_at = self.at();
                let field = self.identifier()?;
                if optional {
                    let field = self.ast.add(name_at, Kind::Literal(Literal::Text(field.into())));
                    operand = self.ast.call(at, "_?._", vec![operand, field]);
                } else if let Some(at) = self.accept("(") {
                    let args = self.list(")", |parser| parser.expression())?;
                    operand = macros::member(&mut self.ast, at, operand, &field, args, self.bindings)?;
                } else {
                    operand = self.ast.add(at, Kind::Select { operand, field, test: false });
                }
            } else if let Some(at) = self.accept("[") {
                let function = if self.accept("?").is_some() { "_[?_]" } else { "_[_]" };
                let index = self.expression()?;
                self.expect("]")?;
                operand = self.ast.call(at, function, vec![operand, index]);
            } else {
                return Ok(operand);
            }
        }
    }

    fn primary(&mut self) -> Result<Id, Issue> {
        let at = self.at();
        match self.peek().clone() {
            Token::Literal(literal) => {
                self.next += 1;
                if literal == Literal::Int(i64::MIN) {
                    return Err(Issue::new(at, "invalid int literal"));
                }
                Ok(self.ast.add(at, Kind::Literal(literal)))
            }
            Token::TooLarge(kind) => Err(Issue::new(at, format!("invalid {kind} literal"))),
            Token::Ident(name) => {
                self.next += 1;
                if let Some(end) = self.message_name() {
                    return self.message(name, end);
                }
                if RESERVED.contains(&name.as_str()) {
                    return Err(Issue::new(at, format!("reserved identifier: {name}")));
                }
                match self.accept("(") {
                    None => Ok(self.ast.add(at, Kind::Ident(name))),
                    Some(at) => {
                        let args = self.list(")", |parser| parser.expression())?;
                        macros::global(&mut self.ast, at, &name, args)
                    }
                }
            }
            Token::Sign("(") => {
                self.next += 1;
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Sign("[") => {
                self.next += 1;
                let elements = self.list("]", |parser| {
                    let optional = parser.accept("?").is_some();
                    Ok(Element { value: parser.expression()?, optional })
                })?;
                Ok(self.ast.add(at, Kind::List(elements)))
            }
            Token::Sign("{") => {
                self.next += 1;
                let entries = self.list("}", |parser| {
                    let optional = parser.accept("?").is_some();
                    let key = parser.expression()?;
                    parser.expect(":")?;
                    Ok(Entry { key, value: parser.expression()?, optional })
                })?;
                Ok(self.ast.add(at, Kind::Map(entries)))
            }
            _ => Err(self.no_primary()),
        }
    }

    /// Where the name ends that has begun, if it is that of a message.
    fn message_name(&self) -> Option<usize> {
        let mut at = self.next;
        while matches!(self.tokens[at].token, Token::Sign("."))
            && matches!(self.tokens.get(at + 1).map(|next| &next.token), Some(Token::Ident(_)))
        {
            at += 2;
        }
        matches!(self.tokens[at].token, Token::Sign("{")).then_some(at)
    }

    fn message(&mut self, mut name: String, end: usize) -> Result<Id, Issue> {
        while self.next < end {
            self.next += 1;
            name.push('.');
            name.push_str(&self.identifier()?);
        }
        let at = self.expect("{")?;
        let fields = self.list("}", |parser| {
            let name = parser.identifier()?;
            let at = parser.expect(":")?;
            Ok(Field { at, name, value: parser.expression()? })
        })?;
        Ok(self.ast.add(at, Kind::Message { name, fields }))
    }

    /// What is between a bracket that was read and `closing`; a comma may be last.
    fn list<T>(&mut self, closing: &str, read: impl Fn(&mut Self) -> Result<T, Issue>) -> Result<Vec<T>, Issue> {
        let mut items = Vec::new();
        while self.accept(closing).is_none() {
            items.push(read(self)?);
            if self.accept(",").is_none() {
                self.expect(closing)?;
                break;
            }
            if closing == ")" && self.is(closing) {
                return Err(self.no_primary());
            }
        }
        Ok(items)
    }
}
