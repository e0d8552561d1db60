//! What an expression consists of. Macros are expanded as upstream's parser expands them, so
//! that checks and costs come out the same.

use std::sync::Arc;

/// A node of a tree, by its place in it.
pub(super) type Id = usize;

/// Of comprehensions: the variable that collects.
pub(super) const ACCUMULATOR: &str = "__result__";

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Literal(Literal),
    Ident(String),
    Select {
        operand: Id,
        field: String,
        test: bool,
    },
    Call {
        function: String,
        target: Option<Id>,
        args: Vec<Id>,
    },
    List(Vec<Element>),
    Map(Vec<Entry>),
    /// `a.B{c: 1}`, which no rule of a schema can make.
    Message {
        name: String,
        fields: Vec<Field>,
    },
    Comprehension(Box<Comprehension>),
}

/// Of a list; an optional one is there if it has a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    pub(super) value: Id,
    pub(super) optional: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) key: Id,
    pub(super) value: Id,
    pub(super) optional: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Field {
    /// Where it is reported.
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) value: Id,
}

#[derive(Debug, Clone)]
pub(super) struct Comprehension {
    pub(super) range: Id,
    /// One or two.
    pub(super) variables: Vec<String>,
    pub(super) accumulator: String,
    pub(super) start: Id,
    pub(super) condition: Id,
    pub(super) step: Id,
    pub(super) result: Id,
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Where it is reported, in characters.
    pub(super) at: usize,
    pub(super) kind: Kind,
}

/// An expression as its nodes, children before parents.
#[derive(Debug, Clone, Default)]
pub(super) struct Ast {
    pub(super) nodes: Vec<Node>,
    pub(super) root: Id,
}

impl Ast {
    pub(super) fn add(&mut self, at: usize, kind: Kind) -> Id {
        self.nodes.push(Node { at, kind });
        self.nodes.len() - 1
    }

    pub(super) fn kind(&self, id: Id) -> &Kind {
        &self.nodes[id].kind
    }

    pub(super) fn call(&mut self, at: usize, function: &str, args: Vec<Id>) -> Id {
        self.add(at, Kind::Call { function: function.to_string(), target: None, args })
    }

    /// `a.b.c`, if the node is such a name.
    pub(super) fn qualified_name(&self, id: Id) -> Option<String> {
        match self.kind(id) {
            Kind::Ident(name) => Some(name.clone()),
            Kind::Select { operand, field, test: false } => Some(format!("{}.{field}", self.qualified_name(*operand)?)),
            _ => None,
        }
    }
}

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Issue {
    pub(super) at: usize,
    pub(super) message: String,
}

impl Issue {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// Issues as upstream prints them: each with its line, and a pointer below it.
pub(super) fn report(source: &str, issues: &[Issue]) -> String {
    let printed: Vec<String> = issues.iter().map(|issue| one(source, issue)).collect();
    printed.join("\n")
}

fn one(source: &str, issue: &Issue) -> String {
    if source.is_empty() {
        return format!("ERROR: <input>:1:0: {}", issue.message);
    }
    let mut column = issue.at;
    let mut lines = source.split('\n').enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let length = line.chars().count();
        if column > length && lines.peek().is_some() {
            column -= length + 1;
            continue;
        }
        // Characters that are more than a byte have wide marks below them.
        let dots: String = line.chars().take(column).map(|one| if one.is_ascii() { '.' } else { '．' }).collect();
        let mark = if line.chars().nth(column).is_none_or(|one| one.is_ascii()) { '^' } else { '＾' };
        let (line, number) = (line.replace('\t', " "), number + 1);
        return format!("ERROR: <input>:{number}:{}: {}\n | {line}\n | {dots}{mark}", column + 1, issue.message);
    }
    format!("ERROR: <input>:-1:0: {}", issue.message)
}
