//! Running a checked expression.

use std::rc::Rc;

use super::ast::{ACCUMULATOR, Comprehension, Id, Kind};
use super::check::Checked;
use super::functions;
use super::value::Val;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Failure {
    /// In upstream's words.
    Error(String),
    /// It took too long.
    Cost,
}

impl Failure {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self::Error(message.into())
    }

    pub(super) fn no_overload() -> Self {
        Self::new("no such overload")
    }
}

pub(super) type Outcome<'a> = Result<Val<'a>, Failure>;

/// Runs it; `cost` is counted up, and may not come above `limit`.
pub(super) fn run<'a>(
    checked: &'a Checked,
    variables: Vec<(&'a str, Val<'a>)>,
    limit: u64,
    cost: &mut u64,
) -> Outcome<'a> {
    let mut machine = Machine { checked, scope: variables, limit, cost: 0 };
    let outcome = machine.node(checked.ast.root);
    *cost = machine.cost;
    outcome
}

struct Machine<'a> {
    checked: &'a Checked,
    /// Innermost last.
    scope: Vec<(&'a str, Val<'a>)>,
    limit: u64,
    cost: u64,
}

impl<'a> Machine<'a> {
    fn charge(&mut self, cost: u64) -> Result<(), Failure> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > self.limit { Err(Failure::Cost) } else { Ok(()) }
    }

    fn node(&mut self, id: Id) -> Outcome<'a> {
        let checked = self.checked;
        match checked.ast.kind(id) {
            Kind::Literal(literal) => Ok(Val::of_literal(literal)),
            Kind::Ident(name) => {
                self.charge(1)?;
                let found = self.scope.iter().rev().find(|(known, _)| known == name);
                Ok(found.map_or_else(|| Val::Type(name.clone()), |(_, value)| value.clone()))
            }
            Kind::Select { operand, field, test } => {
                self.charge(1)?;
                let operand = self.node(*operand)?;
                select(operand, field, *test)
            }
            Kind::Call { function, target, args } => self.call(id, function, *target, args),
            Kind::List(elements) => {
                self.charge(10)?;
                let mut items = Vec::with_capacity(elements.len());
                for element in elements {
                    match self.node(element.value)? {
                        Val::Optional(value) if element.optional => {
                            items.extend(value.map(|value| value.as_ref().clone()));
                        }
                        value => items.push(value),
                    }
                }
                Ok(Val::list(items))
            }
            Kind::Map(entries) => {
                self.charge(30)?;
                let mut out: Vec<(Val<'a>, Val<'a>)> = Vec::with_capacity(entries.len());
                for entry in entries {
                    let key = self.node(entry.key)?;
                    let value = match self.node(entry.value)? {
                        Val::Optional(Some(value)) if entry.optional => value.as_ref().clone(),
                        Val::Optional(None) if entry.optional => continue,
                        value => value,
                    };
                    if out.iter().any(|(known, _)| known.equals(&key)) {
                        return Err(Failure::new("Failed with repeated key"));
                    }
                    out.push((key, value));
                }
                Ok(Val::Map(Rc::new(out)))
            }
            Kind::Message { name, .. } => Err(Failure::new(format!("no such type: {name}"))),
            Kind::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    fn call(&mut self, id: Id, name: &'a str, target: Option<Id>, args: &'a [Id]) -> Outcome<'a> {
        let qualified = self.checked.qualified.get(&id);
        let (name, target) = qualified.map_or((name, target), |name| (name.as_str(), None));
        match (name, args) {
            ("_&&_", [a, b]) => return self.logical(*a, *b, false),
            ("_||_", [a, b]) => return self.logical(*a, *b, true),
            ("_?_:_", [condition, yes, no]) => {
                return match self.node(*condition)? {
                    Val::Bool(condition) => self.node(if condition { *yes } else { *no }),
                    _ => Err(Failure::no_overload()),
                };
            }
            ("@not_strictly_false", [value]) => {
                return match self.node(*value) {
                    Ok(Val::Bool(false)) => Ok(Val::Bool(false)),
                    Err(Failure::Cost) => Err(Failure::Cost),
                    _ => Ok(Val::Bool(true)),
                };
            }
            _ => {}
        }
        let mut values = Vec::with_capacity(args.len() + 1);
        for id in target.into_iter().chain(args.iter().copied()) {
            values.push(self.node(id)?);
        }
        self.charge(functions::cost(name, &values))?;
        functions::call(name, target.is_some(), values)
    }

    /// The side that decides alone hides what is wrong with the other.
    fn logical(&mut self, a: Id, b: Id, decides: bool) -> Outcome<'a> {
        let left = self.node(a);
        match left {
            Ok(Val::Bool(value)) if value == decides => return Ok(Val::Bool(decides)),
            Err(Failure::Cost) => return left,
            _ => {}
        }
        match (left, self.node(b)) {
            (_, Ok(Val::Bool(value))) if value == decides => Ok(Val::Bool(decides)),
            (_, Err(Failure::Cost)) => Err(Failure::Cost),
            (Err(error), _) => Err(error),
            (Ok(Val::Bool(_)), right @ (Ok(Val::Bool(_)) | Err(_))) => right,
            _ => Err(Failure::no_overload()),
        }
    }

    fn comprehension(&mut self, c: &'a Comprehension) -> Outcome<'a> {
        let range = self.node(c.range)?;
        let turns = turns(&range, c.variables.len())?;
        if let Some(collector) = self.collector(c) {
            return self.collect(c, &turns, &collector);
        }
        let start = self.node(c.start)?;
        let depth = self.scope.len();
        self.scope.push((&c.accumulator, start));
        for turn in turns {
            self.charge(1)?;
            if let Val::Bool(false) = self.node(c.condition)? {
                break;
            }
            self.bind(c, turn);
            let step = self.node(c.step);
            self.scope.truncate(depth + 1);
            // An error stands where a value would until a later turn decides.
            self.scope[depth].1 = match step {
                Ok(value) => value,
                Err(Failure::Error(_)) if self.is_logical(c.step) => Val::Null,
                Err(failure) => return Err(failure),
            };
            if matches!(self.scope[depth].1, Val::Null) && self.is_logical(c.step) {
                let decided = self.rest_decides(c);
                self.scope.truncate(depth);
                return decided;
            }
        }
        let result = self.node(c.result);
        self.scope.truncate(depth);
        result
    }

    fn is_logical(&self, step: Id) -> bool {
        matches!(self.checked.ast.kind(step), Kind::Call { function, .. } if matches!(function.as_str(), "_&&_" | "_||_"))
    }

    /// A quantifier that met an error: the error stays unless another element decides.
    fn rest_decides(&mut self, c: &'a Comprehension) -> Outcome<'a> {
        let Kind::Call { function, args, .. } = self.checked.ast.kind(c.step) else {
            return Err(Failure::no_overload());
        };
        let decides = function == "_||_";
        let range = self.node(c.range)?;
        let depth = self.scope.len();
        let mut first = None;
        for turn in turns(&range, c.variables.len())? {
            self.charge(1)?;
            self.bind(c, turn);
            let outcome = self.node(args[1]);
            self.scope.truncate(depth);
            match outcome {
                Ok(Val::Bool(value)) if value == decides => return Ok(Val::Bool(decides)),
                Ok(_) => {}
                Err(Failure::Cost) => return Err(Failure::Cost),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(Failure::no_overload))
    }

    fn bind(&mut self, c: &'a Comprehension, (one, two): (Val<'a>, Val<'a>)) {
        let mut names = c.variables.iter();
        if let Some(name) = names.next() {
            self.scope.push((name, one));
        }
        if let Some(name) = names.next() {
            self.scope.push((name, two));
        }
    }

    /// The filter and the item of a comprehension that only collects.
    fn collector(&self, c: &Comprehension) -> Option<(Option<Id>, Id)> {
        let ast = &self.checked.ast;
        let (filter, adding) = match ast.kind(c.step) {
            Kind::Call { function, args, .. } if function == "_?_:_" => (Some(args[0]), args[1]),
            _ => (None, c.step),
        };
        let Kind::Call { function, args, .. } = ast.kind(adding) else { return None };
        let is_collected = matches!(ast.kind(*args.first()?), Kind::Ident(name) if name == ACCUMULATOR);
        let Kind::List(items) = ast.kind(*args.get(1)?) else { return None };
        (function == "_+_" && is_collected && items.len() == 1 && c.accumulator == ACCUMULATOR)
            .then(|| (filter, items[0].value))
    }

    fn collect(
        &mut self,
        c: &'a Comprehension,
        turns: &[(Val<'a>, Val<'a>)],
        (filter, item): &(Option<Id>, Id),
    ) -> Outcome<'a> {
        let depth = self.scope.len();
        let mut items = Vec::new();
        self.charge(10)?;
        for turn in turns {
            self.charge(12)?;
            self.bind(c, turn.clone());
            let keep = match filter {
                Some(filter) => matches!(self.node(*filter)?, Val::Bool(true)),
                None => true,
            };
            if keep {
                items.push(self.node(*item)?);
            }
            self.scope.truncate(depth);
        }
        Ok(Val::list(items))
    }
}

/// What the variables are in each turn.
fn turns<'a>(range: &Val<'a>, variables: usize) -> Result<Vec<(Val<'a>, Val<'a>)>, Failure> {
    if let Some(items) = range.items() {
        return Ok(match variables {
            1 => items.into_iter().map(|item| (item, Val::Null)).collect(),
            _ => items.into_iter().enumerate().map(|(at, item)| (Val::Int(at as i64), item)).collect(),
        });
    }
    range.entries().ok_or_else(Failure::no_overload)
}

fn select<'a>(operand: Val<'a>, field: &str, test: bool) -> Outcome<'a> {
    if let Val::Optional(value) = &operand {
        let member = value.as_ref().and_then(|value| value.member(field));
        return Ok(match test {
            true => Val::Bool(member.is_some()),
            false => member.map_or(Val::Optional(None), Val::some),
        });
    }
    if !operand.is_map() {
        return Err(Failure::no_overload());
    }
    match operand.member(field) {
        Some(_) if test => Ok(Val::Bool(true)),
        None if test => Ok(Val::Bool(false)),
        Some(value) => Ok(value),
        None => Err(Failure::new(format!("no such key: {field}"))),
    }
}
