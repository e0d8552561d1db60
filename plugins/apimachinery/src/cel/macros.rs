//! Macros, as the comprehensions that upstream's parser makes of them.

use super::ast::{ACCUMULATOR, Ast, Comprehension, Element, Id, Issue, Kind, Literal};

/// What is called without a target.
pub(super) fn global(ast: &mut Ast, at: usize, name: &str, args: Vec<Id>) -> Result<Id, Issue> {
    if let ("has", [selection]) = (name, args.as_slice()) {
        return match ast.kind(*selection).clone() {
            Kind::Select { operand, field, .. } => Ok(ast.add(at, Kind::Select { operand, field, test: true })),
            _ => Err(Issue::new(ast.nodes[*selection].at, "invalid argument to has() macro")),
        };
    }
    Ok(ast.call(at, name, args))
}

/// What is called on a target.
pub(super) fn member(
    ast: &mut Ast,
    at: usize,
    target: Id,
    name: &str,
    args: Vec<Id>,
    bindings: bool,
) -> Result<Id, Issue> {
    let made = match (name, args.as_slice()) {
        ("all" | "exists" | "exists_one" | "existsOne", [_, _] | [_, _, _]) => {
            Some(quantified(ast, at, target, name, &args))
        }
        ("map", [_, _] | [_, _, _]) => {
            let (filter, made) = (args.get(2).map(|_| args[1]), args[args.len() - 1]);
            Some(collected(ast, at, target, &args[..1], filter, Some(made)))
        }
        ("filter", [_, filter]) => Some(collected(ast, at, target, &args[..1], Some(*filter), None)),
        ("transformList", [_, _, made]) => Some(collected(ast, at, target, &args[..2], None, Some(*made))),
        ("transformList", [_, _, filter, made]) => {
            Some(collected(ast, at, target, &args[..2], Some(*filter), Some(*made)))
        }
        ("transformMap", [_, _, made]) => Some(remapped(ast, at, target, &args[..2], None, *made, true)),
        ("transformMap", [_, _, filter, made]) => {
            Some(remapped(ast, at, target, &args[..2], Some(*filter), *made, true))
        }
        ("transformMapEntry", [_, _, made]) => Some(remapped(ast, at, target, &args[..2], None, *made, false)),
        ("transformMapEntry", [_, _, filter, made]) => {
            Some(remapped(ast, at, target, &args[..2], Some(*filter), *made, false))
        }
        ("sortBy", [variable, key]) => Some(sorted_by(ast, at, target, *variable, *key)),
        ("optMap" | "optFlatMap", [variable, made]) => Some(mapped(ast, at, target, name, *variable, *made)),
        ("bind", [variable, value, result])
            if bindings && matches!(ast.kind(target), Kind::Ident(name) if name == "cel") =>
        {
            Some(variable_name(ast, *variable).map(|variable| bound(ast, at, variable, *value, *result)))
        }
        _ => None,
    };
    match made {
        Some(made) => made,
        None => Ok(ast.add(at, Kind::Call { function: name.to_string(), target: Some(target), args })),
    }
}

fn variable_name(ast: &Ast, id: Id) -> Result<String, Issue> {
    let at = ast.nodes[id].at;
    match ast.kind(id) {
        Kind::Ident(name) if name != ACCUMULATOR => Ok(name.clone()),
        Kind::Ident(_) => Err(Issue::new(at, "iteration variable overwrites accumulator variable")),
        _ => Err(Issue::new(at, "argument is not an identifier")),
    }
}

fn variables(ast: &Ast, ids: &[Id]) -> Result<Vec<String>, Issue> {
    ids.iter().map(|id| variable_name(ast, *id)).collect()
}

fn literal(ast: &mut Ast, at: usize, literal: Literal) -> Id {
    ast.add(at, Kind::Literal(literal))
}

fn accumulated(ast: &mut Ast, at: usize) -> Id {
    ast.add(at, Kind::Ident(ACCUMULATOR.to_string()))
}

/// `all`, `exists` and `exists_one`, with one variable or two.
fn quantified(ast: &mut Ast, at: usize, range: Id, name: &str, args: &[Id]) -> Result<Id, Issue> {
    let variables = variables(ast, &args[..args.len() - 1])?;
    let predicate = args[args.len() - 1];
    let (start, condition, step, result);
    match name {
        "all" => {
            start = literal(ast, at, Literal::Bool(true));
            let so_far = accumulated(ast, at);
            condition = ast.call(at, "@not_strictly_false", vec![so_far]);
            let so_far = accumulated(ast, at);
            step = ast.call(at, "_&&_", vec![so_far, predicate]);
            result = accumulated(ast, at);
        }
        "exists" => {
            start = literal(ast, at, Literal::Bool(false));
            let so_far = accumulated(ast, at);
            let not = ast.call(at, "!_", vec![so_far]);
            condition = ast.call(at, "@not_strictly_false", vec![not]);
            let so_far = accumulated(ast, at);
            step = ast.call(at, "_||_", vec![so_far, predicate]);
            result = accumulated(ast, at);
        }
        _ => {
            start = literal(ast, at, Literal::Int(0));
            condition = literal(ast, at, Literal::Bool(true));
            let (so_far, one) = (accumulated(ast, at), literal(ast, at, Literal::Int(1)));
            let more = ast.call(at, "_+_", vec![so_far, one]);
            let so_far = accumulated(ast, at);
            step = ast.call(at, "_?_:_", vec![predicate, more, so_far]);
            let (so_far, one) = (accumulated(ast, at), literal(ast, at, Literal::Int(1)));
            result = ast.call(at, "_==_", vec![so_far, one]);
        }
    }
    Ok(fold(
        ast,
        at,
        Comprehension { range, variables, accumulator: ACCUMULATOR.into(), start, condition, step, result },
    ))
}

/// A list of what is made of each element, or of the elements themselves.
fn collected(
    ast: &mut Ast,
    at: usize,
    range: Id,
    names: &[Id],
    filter: Option<Id>,
    made: Option<Id>,
) -> Result<Id, Issue> {
    let variables = variables(ast, names)?;
    let start = ast.add(at, Kind::List(Vec::new()));
    let condition = literal(ast, at, Literal::Bool(true));
    let so_far = accumulated(ast, at);
    let value = made.unwrap_or(names[0]);
    let one = ast.add(at, Kind::List(vec![Element { value, optional: false }]));
    let mut step = ast.call(at, "_+_", vec![so_far, one]);
    if let Some(filter) = filter {
        let so_far = accumulated(ast, at);
        step = ast.call(at, "_?_:_", vec![filter, step, so_far]);
    }
    let result = accumulated(ast, at);
    Ok(fold(
        ast,
        at,
        Comprehension { range, variables, accumulator: ACCUMULATOR.into(), start, condition, step, result },
    ))
}

/// A map of what is made of each entry: a value below the same key, or entries of their own.
fn remapped(
    ast: &mut Ast,
    at: usize,
    range: Id,
    names: &[Id],
    filter: Option<Id>,
    made: Id,
    same_key: bool,
) -> Result<Id, Issue> {
    let variables = variables(ast, names)?;
    let start = ast.add(at, Kind::Map(Vec::new()));
    let condition = literal(ast, at, Literal::Bool(true));
    let so_far = accumulated(ast, at);
    let args = if same_key { vec![so_far, names[0], made] } else { vec![so_far, made] };
    let mut step = ast.call(at, "cel.@mapInsert", args);
    if let Some(filter) = filter {
        let so_far = accumulated(ast, at);
        step = ast.call(at, "_?_:_", vec![filter, step, so_far]);
    }
    let result = accumulated(ast, at);
    Ok(fold(
        ast,
        at,
        Comprehension { range, variables, accumulator: ACCUMULATOR.into(), start, condition, step, result },
    ))
}

/// A list in the order of what is made of each element.
fn sorted_by(ast: &mut Ast, at: usize, target: Id, variable: Id, key: Id) -> Result<Id, Issue> {
    const INPUT: &str = "@__sortBy_input__";
    let input = |ast: &mut Ast| ast.add(at, Kind::Ident(INPUT.to_string()));
    let range = input(ast);
    let keys = collected(ast, at, range, &[variable], None, Some(key))?;
    let sorted = Kind::Call { function: "@sortByAssociatedKeys".into(), target: Some(input(ast)), args: vec![keys] };
    let sorted = ast.add(at, sorted);
    Ok(bound(ast, at, INPUT.to_string(), target, sorted))
}

fn fold(ast: &mut Ast, at: usize, comprehension: Comprehension) -> Id {
    ast.add(at, Kind::Comprehension(Box::new(comprehension)))
}

/// A comprehension over nothing, whose start is the variable.
fn bound(ast: &mut Ast, at: usize, variable: String, value: Id, result: Id) -> Id {
    let range = ast.add(at, Kind::List(Vec::new()));
    let condition = literal(ast, at, Literal::Bool(false));
    let step = ast.add(at, Kind::Ident(variable.clone()));
    let unused = vec!["#unused".to_string()];
    fold(
        ast,
        at,
        Comprehension { range, variables: unused, accumulator: variable, start: value, condition, step, result },
    )
}

/// What is made of an optional's value, if it has one.
fn mapped(ast: &mut Ast, at: usize, target: Id, name: &str, variable: Id, made: Id) -> Result<Id, Issue> {
    let variable = variable_name(ast, variable)?;
    let member = |ast: &mut Ast, function: &str| {
        ast.add(at, Kind::Call { function: function.to_string(), target: Some(target), args: Vec::new() })
    };
    let has = member(ast, "hasValue");
    let value = member(ast, "value");
    let mut result = bound(ast, at, variable, value, made);
    if name == "optMap" {
        result = ast.call(at, "optional.of", vec![result]);
    }
    let none = ast.call(at, "optional.none", Vec::new());
    Ok(ast.call(at, "_?_:_", vec![has, result, none]))
}
