//! Tokens as a tree, by CEL's grammar. Calls are reported at their operator or parenthesis, and
//! selections at their dot.

use super::ast::{Ast, Element, Entry, Field, Id, Issue, Kind, Literal};
use super::lexer::{Placed, Token, tokens};
use super::macros;

/// How deep expressions may be nested.
const DEPTH_MAX: usize = 200;
/// What begins an expression: each is a list of what may come, as messages show it.
const PRIMARY: &str =
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
/// And behind the parenthesis of a call.
const ARGUMENTS: &str = "{'[', '{', '(', ')', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, \
                         STRING, BYTES, IDENTIFIER}";
/// And in an index.
const INDEX: &str = "{'[', '{', '(', '.', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, \
                     STRING, BYTES, IDENTIFIER}";
/// And what is behind an opened list, map or message, each of which may be empty but for a comma.
const ELEMENTS: Items = Items {
    closing: "]",
    first: "{'[', ']', '{', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, \
            STRING, BYTES, IDENTIFIER}",
    more: "{']', ','}",
    begins: |token| begins_expression(token) || *token == Token::Sign("?"),
};
const ENTRIES: Items = Items {
    closing: "}",
    first: "{'[', '{', '}', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, \
            STRING, BYTES, IDENTIFIER}",
    more: "{'}', ','}",
    begins: |token| begins_expression(token) || *token == Token::Sign("?"),
};
const FIELDS: Items = Items {
    closing: "}",
    first: "{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}",
    more: "{'}', ','}",
    begins: |token| matches!(token, Token::Ident(_) | Token::Escaped | Token::Sign("?")),
};
const RESERVED: [&str; 21] = [
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
    "while",
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
    let mut parser = Parser { tokens, next: 0, ast: Ast::default(), depth: 0, within: Vec::new(), bindings };
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
    /// What ends the expressions that the present one is part of, innermost last.
    within: Vec<&'static [&'static str]>,
    bindings: bool,
}

/// What stands between brackets, separated by commas, of which one may be last.
struct Items {
    closing: &'static str,
    first: &'static str,
    more: &'static str,
    begins: fn(&Token) -> bool,
}

fn begins_expression(token: &Token) -> bool {
    match token {
        Token::Sign(sign) => matches!(*sign, "[" | "{" | "(" | "." | "-" | "!"),
        Token::End | Token::Escaped => false,
        Token::Ident(_) | Token::Literal(_) | Token::TooLarge(_) => true,
    }
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
    fn is_extra(&self, would_do: impl Fn(&Token) -> bool) -> bool {
        self.tokens.get(self.next + 1).is_some_and(|next| would_do(&next.token))
    }

    fn unexpected(&self, expected: &str, would_do: impl Fn(&Token) -> bool) -> Issue {
        let found = &self.tokens[self.next];
        let kind = if self.is_extra(would_do) { "extraneous" } else { "mismatched" };
        Issue::new(found.at, format!("Syntax error: {kind} input '{}' expecting {expected}", found.text))
    }

    fn no_primary(&self) -> Issue {
        self.unexpected(PRIMARY, begins_expression)
    }

    /// Whether an expression that has just ended may be followed by this token.
    fn may_follow(&self, token: &Token) -> bool {
        match (token, self.within.last()) {
            (Token::End, outermost) => outermost.is_none(),
            (Token::Sign(sign), within) => {
                matches!(*sign, "." | "[" | "?" | "&&" | "||")
                    || BINARY.iter().any(|level| level.iter().any(|(operator, _)| operator == sign))
                    || within.is_some_and(|closing| closing.contains(sign))
            }
            _ => false,
        }
    }

    /// What is part of something that one of these ends.
    fn part<T>(
        &mut self,
        closing: &'static [&'static str],
        read: impl FnOnce(&mut Self) -> Result<T, Issue>,
    ) -> Result<T, Issue> {
        self.within.push(closing);
        let part = read(self)?;
        self.within.pop();
        Ok(part)
    }

    /// A sign is one too few if what is there could have followed it.
    fn expect(&mut self, sign: &str) -> Result<usize, Issue> {
        if let Some(at) = self.accept(sign) {
            return Ok(at);
        }
        let is_sign = |token: &Token| matches!(token, Token::Sign(next) if *next == sign);
        let found = &self.tokens[self.next];
        let follows = if sign == ":" { begins_expression(&found.token) } else { self.may_follow(&found.token) };
        if follows && !self.is_extra(is_sign) {
            return Err(Issue::new(found.at, format!("Syntax error: missing '{sign}' at '{}'", found.text)));
        }
        Err(self.unexpected(&format!("'{sign}'"), is_sign))
    }

    fn identifier(&mut self) -> Result<String, Issue> {
        match self.peek().clone() {
            Token::Ident(name) => {
                self.next += 1;
                Ok(name)
            }
            Token::Escaped => Err(Issue::new(self.at(), "unsupported syntax: '`'")),
            _ => Err(self.no_identifier()),
        }
    }

    fn no_identifier(&self) -> Issue {
        let found = &self.tokens[self.next];
        let text = if found.token == Token::End { "" } else { &found.text };
        Issue::new(found.at, format!("Syntax error: no viable alternative at input '.{text}'"))
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
                let yes = self.part(&[":"], |parser| parser.logical("||", "_||_"))?;
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
                    let args = self.args()?;
                    operand = macros::member(&mut self.ast, at, operand, &field, args, self.bindings)?;
                } else {
                    operand = self.ast.add(at, Kind::Select { operand, field, test: false });
                }
            } else if let Some(at) = self.accept("[") {
                let optional = self.accept("?").is_some();
                if !optional && !begins_expression(self.peek()) {
                    return Err(self.unexpected(INDEX, |token| (ELEMENTS.begins)(token)));
                }
                let function = if optional { "_[?_]" } else { "_[_]" };
                let index = self.part(&["]"], Self::expression)?;
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
                        let args = self.args()?;
                        macros::global(&mut self.ast, at, &name, args)
                    }
                }
            }
            // Meant for the outermost scope; what a macro names is looked for as well.
            Token::Sign(".") => {
                self.next += 1;
                match self.peek() {
                    Token::Ident(_) => self.primary(),
                    _ => Err(self.no_identifier()),
                }
            }
            Token::Sign("(") => {
                self.next += 1;
                let inner = self.part(&[")"], Self::expression)?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Sign("[") => {
                self.next += 1;
                let elements = self.items(&ELEMENTS, |parser| {
                    let optional = parser.accept("?").is_some();
                    Ok(Element { value: parser.part(&["]", ","], Self::expression)?, optional })
                })?;
                Ok(self.ast.add(at, Kind::List(elements)))
            }
            Token::Sign("{") => {
                self.next += 1;
                let entries = self.items(&ENTRIES, |parser| {
                    let optional = parser.accept("?").is_some();
                    let key = parser.part(&[":"], Self::expression)?;
                    parser.expect(":")?;
                    Ok(Entry { key, value: parser.part(&["}", ","], Self::expression)?, optional })
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
        let fields = self.items(&FIELDS, |parser| {
            parser.accept("?");
            if !matches!(parser.peek(), Token::Ident(_) | Token::Escaped) {
                let name = |token: &Token| matches!(token, Token::Ident(_) | Token::Escaped);
                return Err(parser.unexpected("{IDENTIFIER, ESC_IDENTIFIER}", name));
            }
            let name = parser.identifier()?;
            let at = parser.expect(":")?;
            Ok(Field { at, name, value: parser.part(&["}", ","], Self::expression)? })
        })?;
        Ok(self.ast.add(at, Kind::Message { name, fields }))
    }

    /// What a call is given, behind its parenthesis.
    fn args(&mut self) -> Result<Vec<Id>, Issue> {
        let mut args = Vec::new();
        if self.accept(")").is_some() {
            return Ok(args);
        }
        if !begins_expression(self.peek()) {
            return Err(self.unexpected(ARGUMENTS, |token| begins_expression(token) || *token == Token::Sign(")")));
        }
        loop {
            args.push(self.part(&[",", ")"], Self::expression)?);
            if self.accept(",").is_none() {
                self.expect(")")?;
                return Ok(args);
            }
        }
    }

    /// What is behind a bracket that was read, and the one that closes it.
    fn items<T>(&mut self, of: &Items, read: impl Fn(&mut Self) -> Result<T, Issue>) -> Result<Vec<T>, Issue> {
        let ends = |token: &Token| matches!(token, Token::Sign(sign) if *sign == "," || *sign == of.closing);
        let mut items = Vec::new();
        if !ends(self.peek()) && !(of.begins)(self.peek()) {
            return Err(self.unexpected(of.first, |token| ends(token) || (of.begins)(token)));
        }
        while (of.begins)(self.peek()) {
            items.push(read(self)?);
            if !ends(self.peek()) {
                return Err(self.unexpected(of.more, ends));
            }
            if !self.is(",") {
                break;
            }
            self.next += 1;
        }
        if items.is_empty() {
            self.accept(",");
        }
        self.expect(of.closing)?;
        Ok(items)
    }
}
