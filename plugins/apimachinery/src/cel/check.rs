//! The type of each node, and the forms of the functions that it calls.

use std::collections::HashMap;
use std::sync::Arc;

use super::ast::{Ast, Comprehension, Element, Entry, Field, Id, Issue, Kind, Literal};
use super::library::{self, Signature};
use super::types::{Fields, Mappings, Message, Type};
use super::value::{duration, timestamp};
use crate::schema::pattern::Pattern;

/// An expression that can be run.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) ast: Ast,
    pub(super) types: Vec<Type>,
    /// Of calls: the forms that may be meant.
    pub(super) forms: HashMap<Id, Vec<&'static Signature>>,
    /// Calls whose target is a part of the function's name.
    pub(super) qualified: HashMap<Id, String>,
    /// Whether this variable is read somewhere.
    pub(super) uses_old: bool,
}

impl Checked {
    pub(super) fn type_of(&self, id: Id) -> &Type {
        &self.types[id]
    }

    pub(super) fn output(&self) -> &Type {
        &self.types[self.ast.root]
    }
}

/// What expressions have beside what all have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Dialect {
    /// `cel.bind`.
    pub(super) bindings: bool,
    /// Patches: the types that they are made of, and `jsonpatch`.
    pub(super) patches: bool,
}

/// `variables` are those of the outermost scope.
pub(super) fn check(ast: Ast, variables: &[(&str, Type)], dialect: Dialect) -> Result<Checked, Vec<Issue>> {
    let mut checker = Checker {
        types: vec![Type::Error; ast.nodes.len()],
        forms: HashMap::new(),
        qualified: HashMap::new(),
        mappings: Mappings::default(),
        scope: variables.iter().map(|(name, of)| ((*name).to_string(), of.clone())).collect(),
        outer: variables.len(),
        uses_old: false,
        issues: Vec::new(),
        ast: &ast,
        dialect,
    };
    checker.node(ast.root);
    let Checker { mut types, forms, qualified, mappings, uses_old, mut issues, .. } = checker;
    if !issues.is_empty() {
        issues.sort_by_key(|issue| issue.at);
        return Err(issues);
    }
    for of in &mut types {
        *of = mappings.substitute(of, true);
    }
    let issues = literals(&ast);
    if !issues.is_empty() {
        return Err(issues);
    }
    Ok(Checked { ast, types, forms, qualified, uses_old })
}

/// Patterns, times and durations that are written out must be such.
fn literals(ast: &Ast) -> Vec<Issue> {
    let text = |id: &Id| match ast.kind(*id) {
        Kind::Literal(Literal::Text(text)) => Some((ast.nodes[*id].at, text.clone())),
        _ => None,
    };
    let wrong = ast.nodes.iter().filter_map(|node| {
        let Kind::Call { function, target, args } = &node.kind else { return None };
        let (at, text) = text(args.last()?)?;
        let holds = match (function.as_str(), target.is_some(), args.len()) {
            ("matches", true, 1) | ("matches", false, 2) => Pattern::new(&*text).error().is_none(),
            ("duration", false, 1) => duration(&text).is_some(),
            ("timestamp", false, 1) => timestamp(&text).is_some(),
            _ => true,
        };
        (!holds).then(|| Issue::new(at, format!("invalid {function} argument")))
    });
    wrong.collect()
}

struct Checker<'a> {
    ast: &'a Ast,
    types: Vec<Type>,
    forms: HashMap<Id, Vec<&'static Signature>>,
    qualified: HashMap<Id, String>,
    mappings: Mappings,
    /// Innermost last.
    scope: Vec<(String, Type)>,
    outer: usize,
    uses_old: bool,
    issues: Vec<Issue>,
    dialect: Dialect,
}

impl Checker<'_> {
    fn report(&mut self, id: Id, message: String) {
        let at = self.ast.nodes[id].at;
        self.issues.push(Issue::new(at, message));
    }

    fn get(&self, id: Id) -> Type {
        self.types[id].clone()
    }

    fn node(&mut self, id: Id) {
        let ast = self.ast;
        let of = match ast.kind(id) {
            Kind::Literal(literal) => of_literal(literal),
            Kind::Ident(name) => self.ident(id, name),
            Kind::Select { test: false, .. } if self.qualified_variable(id).is_some() => {
                self.qualified_variable(id).unwrap_or(Type::Error)
            }
            Kind::Select { operand, field, test } => {
                let of = self.select(id, *operand, field, false);
                if *test { Type::Bool } else { self.mappings.substitute(&of, false) }
            }
            Kind::Call { function, target, args } => self.call(id, function, *target, args),
            Kind::List(elements) => self.list(elements),
            Kind::Map(entries) => self.map(entries),
            Kind::Message { name, fields } => self.message(id, name, fields),
            Kind::Comprehension(comprehension) => self.comprehension(comprehension),
        };
        self.types[id] = of;
    }

    fn ident(&mut self, id: Id, name: &str) -> Type {
        if let Some(at) = self.scope.iter().rposition(|(known, _)| known == name) {
            self.uses_old |= at < self.outer && name == "oldSelf";
            return self.scope[at].1.clone();
        }
        if let Some(of) = self.message_type(name) {
            return kind_of(&of);
        }
        if matches!(
            name,
            "bool" | "int" | "uint" | "double" | "string" | "bytes" | "list" | "map" | "null_type" | "type"
        ) {
            return Type::Kind;
        }
        self.report(id, format!("undeclared reference to '{name}' (in container '')"));
        Type::Error
    }

    /// A variable whose name has dots, or a type.
    fn qualified_variable(&self, id: Id) -> Option<Type> {
        let name = self.ast.qualified_name(id)?;
        let variable = self.scope.iter().find(|(known, _)| *known == name).map(|(_, of)| of.clone());
        variable.or_else(|| self.message_type(&name).map(|of| kind_of(&of)))
    }

    fn message_type(&self, name: &str) -> Option<Type> {
        let fields = match name {
            "JSONPatch" => {
                let text = ["op", "path", "from"].map(|field| (field, Type::Text));
                Fields::Known(text.into_iter().chain([("value", Type::Dyn)]).collect())
            }
            name if name == "Object" || name.starts_with("Object.") => Fields::Any,
            _ => return None,
        };
        self.dialect.patches.then(|| Type::Message(Arc::new(Message { name: name.to_string(), fields })))
    }

    fn message(&mut self, id: Id, name: &str, fields: &[Field]) -> Type {
        let Some(Type::Message(message)) = self.message_type(name) else {
            self.report(id, format!("undeclared reference to '{name}' (in container '')"));
            return Type::Error;
        };
        for field in fields {
            self.node(field.value);
            let found = self.get(field.value);
            let wanted = message.field(&field.name);
            let fits =
                |wanted: &Type| self.mappings.assignable(std::slice::from_ref(&found), std::slice::from_ref(wanted));
            if !wanted.as_ref().is_some_and(fits) {
                let wanted = wanted.map_or_else(String::new, |of| of.to_string());
                let why =
                    format!("expected type of field '{}' is '{wanted}' but provided type is '{found}'", field.name);
                self.issues.push(Issue::new(field.at, why));
            }
        }
        Type::Message(message)
    }

    fn select(&mut self, id: Id, operand: Id, field: &str, optional: bool) -> Type {
        self.node(operand);
        let of = self.mappings.substitute(&self.get(operand), false);
        let (target, unwrapped) = match &of {
            Type::Optional(of) => ((**of).clone(), true),
            _ => (of, false),
        };
        let result = match &target {
            Type::Map(_, value) => (**value).clone(),
            Type::Object(declared) => match declared.field(field) {
                Some(field) => field.of.as_type(),
                None => {
                    self.report(id, format!("undefined field '{field}'"));
                    Type::Error
                }
            },
            Type::Message(message) => match message.field(field) {
                Some(of) => of,
                None => {
                    self.report(id, format!("undefined field '{field}'"));
                    Type::Error
                }
            },
            Type::Var(_) => {
                self.mappings.assignable(&[Type::Dyn], std::slice::from_ref(&target));
                Type::Dyn
            }
            Type::Dyn | Type::Error => Type::Dyn,
            other => {
                self.report(id, format!("type '{other}' does not support field selection"));
                Type::Dyn
            }
        };
        if unwrapped || optional { Type::optional(result) } else { result }
    }

    fn call(&mut self, id: Id, name: &str, target: Option<Id>, args: &[Id]) -> Type {
        if let ("_?._", [operand, field]) = (name, args) {
            self.types[*field] = Type::Text;
            let Kind::Literal(Literal::Text(field)) = self.ast.kind(*field).clone() else { return Type::Error };
            let of = self.select(id, *operand, &field, true);
            return self.mappings.substitute(&of, false);
        }
        args.iter().for_each(|arg| self.node(*arg));
        let mut target = target;
        let mut function = library::function(name);
        let mut shown = name.to_string();
        if let Some(prefix) = target.and_then(|target| self.ast.qualified_name(target)) {
            let full = format!("{prefix}.{name}");
            let known = library::function(&full).filter(|_| self.dialect.patches || !full.starts_with("jsonpatch."));
            if let Some(found) = known {
                (function, target, shown) = (Some(found), None, full.clone());
                self.qualified.insert(id, full);
            }
        }
        if let Some(target) = target {
            self.node(target);
        }
        let Some(forms) = function else {
            self.report(id, format!("undeclared reference to '{name}' (in container '')"));
            return Type::Error;
        };
        self.resolve(id, &shown, forms, target, args)
    }

    fn resolve(&mut self, id: Id, name: &str, forms: &'static [Signature], target: Option<Id>, args: &[Id]) -> Type {
        let ids: Vec<Id> = target.into_iter().chain(args.iter().copied()).collect();
        let given: Vec<Type> = ids.iter().map(|id| self.get(*id)).collect();
        if matches!(name, "_&&_" | "_||_") {
            return self.logical(id, forms, &ids);
        }
        let mut result: Option<Type> = None;
        for form in forms.iter().filter(|form| form.member == target.is_some()) {
            let types: Vec<&Type> = form.args.iter().chain([&form.result]).collect();
            let mut wanted = self.mappings.instance(&types);
            let made = wanted.pop().unwrap_or(Type::Dyn);
            if !self.mappings.assignable(&given, &wanted) {
                continue;
            }
            self.forms.entry(id).or_default().push(form);
            let made = self.mappings.substitute(&made, false);
            result = Some(match result {
                None => made,
                Some(before) if matches!(before, Type::Dyn) || made.is_exactly(&before) => before,
                Some(_) => Type::Dyn,
            });
        }
        result.unwrap_or_else(|| {
            let shown: Vec<String> = given.iter().map(|of| self.mappings.substitute(of, true).to_string()).collect();
            let signature = match target {
                Some(_) => format!("{}.({})", shown[0], shown[1..].join(", ")),
                None => format!("({})", shown.join(", ")),
            };
            self.report(id, format!("found no matching overload for '{name}' applied to '{signature}'"));
            Type::Error
        })
    }

    fn logical(&mut self, id: Id, forms: &'static [Signature], args: &[Id]) -> Type {
        self.forms.insert(id, forms.iter().collect());
        let mut of = Type::Bool;
        for arg in args {
            if !self.is_bool(*arg) {
                let found = self.get(*arg);
                self.report(*arg, format!("expected type 'bool' but found '{found}'"));
                of = Type::Error;
            }
        }
        of
    }

    fn is_bool(&mut self, id: Id) -> bool {
        let of = self.get(id);
        self.mappings.assignable(&[of], &[Type::Bool])
    }

    fn list(&mut self, elements: &[Element]) -> Type {
        let mut joined = None;
        for element in elements {
            self.node(element.value);
            let of = self.element(element.value, element.optional);
            joined = Some(self.join(element.value, joined, of));
        }
        Type::list(joined.unwrap_or_else(|| self.mappings.fresh()))
    }

    fn element(&mut self, id: Id, optional: bool) -> Type {
        match self.get(id) {
            Type::Optional(of) if optional => (*of).clone(),
            of => {
                if optional && !matches!(of, Type::Dyn) {
                    self.report(id, format!("expected type '{}' but found '{of}'", Type::optional(of.clone())));
                }
                of
            }
        }
    }

    fn map(&mut self, entries: &[Entry]) -> Type {
        let (mut keys, mut values) = (None, None);
        for entry in entries {
            self.node(entry.key);
            let key = self.get(entry.key);
            keys = Some(self.join(entry.key, keys, key));
            self.node(entry.value);
            let value = self.element(entry.value, entry.optional);
            values = Some(self.join(entry.value, values, value));
        }
        match (keys, values) {
            (Some(key), Some(value)) => Type::map(key, value),
            _ => Type::map(self.mappings.fresh(), self.mappings.fresh()),
        }
    }

    /// The type of all elements, which have the same one.
    fn join(&mut self, id: Id, before: Option<Type>, of: Type) -> Type {
        let Some(before) = before else { return of };
        if self.mappings.assignable(std::slice::from_ref(&before), std::slice::from_ref(&of)) {
            return if matches!(of, Type::Dyn) { of } else { before };
        }
        self.report(id, format!("expected type '{before}' but found '{of}'"));
        Type::Error
    }

    fn comprehension(&mut self, c: &Comprehension) -> Type {
        self.node(c.range);
        self.node(c.start);
        let range = self.mappings.substitute(&self.get(c.range), false);
        let (key, value) = match &range {
            Type::List(of) => (Type::Int, (**of).clone()),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            Type::Dyn | Type::Error | Type::Var(_) => {
                self.mappings.assignable(&[Type::Dyn], std::slice::from_ref(&range));
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let why = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.report(c.range, why);
                (Type::Error, Type::Error)
            }
        };
        let single = if matches!(range, Type::List(_)) { value.clone() } else { key.clone() };
        let depth = self.scope.len();
        let collected = self.get(c.start);
        self.scope.push((c.accumulator.clone(), collected.clone()));
        match c.variables.as_slice() {
            [one] => self.scope.push((one.clone(), single)),
            [one, two] => {
                self.scope.push((one.clone(), key));
                self.scope.push((two.clone(), value));
            }
            _ => {}
        }
        self.node(c.condition);
        self.must_be(c.condition, Type::Bool);
        self.node(c.step);
        self.must_be(c.step, collected);
        self.scope.truncate(depth + 1);
        self.node(c.result);
        self.scope.truncate(depth);
        self.mappings.substitute(&self.get(c.result), false)
    }

    fn must_be(&mut self, id: Id, wanted: Type) {
        let found = self.get(id);
        if !self.mappings.assignable(std::slice::from_ref(&found), std::slice::from_ref(&wanted)) {
            let wanted = self.mappings.substitute(&wanted, true);
            self.report(id, format!("expected type '{wanted}' but found '{found}'"));
        }
    }
}

/// A type as a value.
fn kind_of(of: &Type) -> Type {
    Type::message(&format!("type({of})"), Vec::new())
}

fn of_literal(literal: &Literal) -> Type {
    match literal {
        Literal::Null => Type::Null,
        Literal::Bool(_) => Type::Bool,
        Literal::Int(_) => Type::Int,
        Literal::Uint(_) => Type::Uint,
        Literal::Double(_) => Type::Double,
        Literal::Text(_) => Type::Text,
        Literal::Bytes(_) => Type::Bytes,
    }
}
