//! The rules of one place, and what they find in objects.

use std::sync::{Arc, OnceLock};

use super::ast::report;
use super::check::{Checked, Dialect, check};
use super::cost::estimate;
use super::declared::Declared;
use super::eval::{Failure, run};
use super::parser::parse;
use super::types::Type;
use super::value::Val;
use crate::schema::{ListKind, Schema, Shape};
use crate::status::{FieldError, FieldErrorKind};
use crate::tree::Value;
use crate::validation::quoted;

/// What one expression may cost when it runs, and what all of an object's may.
const CALL_COST_MAX: u64 = 1_000_000;
const OBJECT_COST_MAX: u64 = 10_000_000;
const MESSAGE_BYTES_MAX: usize = 5 * 1024;

/// `x-kubernetes-validations` of one place.
#[derive(Debug)]
pub struct Rules {
    stated: Vec<Stated>,
    declared: Option<Arc<Declared>>,
    /// The schema's `type`, which stands for values that are not shown.
    kind: String,
    /// Compiled on first use.
    compiled: OnceLock<Vec<Compiled>>,
}

#[derive(Debug)]
struct Stated {
    rule: String,
    message: String,
    message_expression: String,
    reason: String,
    field_path: String,
    optional_old: bool,
}

/// One rule, ready to run.
#[derive(Debug)]
pub(super) struct Compiled {
    /// Why it does not compile; nothing if it is empty.
    pub(super) rule: Option<Result<Program, String>>,
    pub(super) message: Option<Result<Program, String>>,
}

#[derive(Debug)]
pub(super) struct Program {
    checked: Checked,
    /// The most that it may cost.
    pub(super) cost: u64,
}

impl Program {
    pub(super) fn uses_old(&self) -> bool {
        self.checked.uses_old
    }

    fn new(source: &str, declared: &Arc<Declared>, optional_old: bool) -> Result<Self, String> {
        let of = declared.as_type();
        let old = if optional_old { Type::optional(of.clone()) } else { of.clone() };
        let ast = parse(source, false).map_err(|issues| report(source, &issues))?;
        let checked = check(ast, &[("self", of), ("oldSelf", old)], Dialect::default())
            .map_err(|issues| report(source, &issues))?;
        let cost = estimate(&checked, declared);
        Ok(Self { checked, cost })
    }
}

impl Rules {
    /// Those of a place with this schema, if it states any.
    pub fn of(schema: &Value, root: bool) -> Option<Arc<Self>> {
        let stated = schema["x-kubernetes-validations"].as_array().filter(|rules| !rules.is_empty())?;
        let text = |rule: &Value, key: &str| rule[key].as_str().unwrap_or_default().to_string();
        let stated = stated.iter().map(|rule| Stated {
            rule: text(rule, "rule"),
            message: text(rule, "message"),
            message_expression: text(rule, "messageExpression"),
            reason: text(rule, "reason"),
            field_path: text(rule, "fieldPath"),
            optional_old: rule["optionalOldSelf"] == true,
        });
        Some(Arc::new(Self {
            stated: stated.collect(),
            declared: Declared::of(schema, root),
            kind: text(schema, "type"),
            compiled: OnceLock::new(),
        }))
    }

    pub(super) fn declared(&self) -> Option<&Declared> {
        self.declared.as_deref()
    }

    pub(super) fn compiled(&self) -> &[Compiled] {
        self.compiled.get_or_init(|| match &self.declared {
            Some(declared) => self.stated.iter().map(|stated| stated.compile(declared)).collect(),
            None => Vec::new(),
        })
    }
}

impl Stated {
    fn compile(&self, declared: &Arc<Declared>) -> Compiled {
        if self.rule.trim().is_empty() {
            return Compiled { rule: None, message: None };
        }
        let rule = Program::new(&self.rule, declared, self.optional_old)
            .map_err(|why| format!("compilation failed: {why}"))
            .and_then(|program| match program.checked.output() {
                Type::Bool => Ok(program),
                _ => Err("cel expression must evaluate to a bool".to_string()),
            });
        if rule.is_err() || self.message_expression.is_empty() {
            return Compiled { rule: Some(rule), message: None };
        }
        let message = Program::new(&self.message_expression, declared, self.optional_old)
            .map_err(|why| format!("messageExpression compilation failed: {why}"))
            .and_then(|program| match program.checked.output() {
                Type::Text => Ok(program),
                _ => Err("messageExpression must evaluate to a string".to_string()),
            });
        Compiled { rule: Some(rule), message: Some(message) }
    }

    /// What stands for the rule in messages.
    fn shown(&self) -> &str {
        match self.message.is_empty() {
            true => self.rule.trim(),
            false => self.message.trim(),
        }
    }

    fn message(&self) -> String {
        match self.message.is_empty() {
            true => format!("failed rule: {}", self.shown()),
            false => self.shown().to_string(),
        }
    }
}

/// What the rules of one object may still cost. Used up, no more rules run.
pub struct Budget(Option<u64>);

impl Default for Budget {
    fn default() -> Self {
        Self(Some(OBJECT_COST_MAX))
    }
}

impl Budget {
    fn pay(&mut self, cost: u64) -> bool {
        self.0 = self.0.and_then(|left| left.checked_sub(cost));
        self.0.is_some()
    }
}

/// Runs the rules of an object that was `old`.
pub fn validate(schema: &Schema, object: &Value, old: Option<&Value>, findings: &mut Vec<FieldError>) {
    let mut run = Run { budget: Budget::default(), findings, lenient: true };
    run.node(schema, object, old, "", old.map(|old| (object, old)));
}

/// Runs the rules of a default, which must hold when it appears and when it stays.
pub fn validate_default(schema: &Schema, value: &Value, path: &str, findings: &mut Vec<FieldError>) {
    for old in [Some(value), None] {
        if findings.is_empty() {
            Run { budget: Budget::default(), findings, lenient: false }.node(schema, value, old, path, None);
        }
    }
}

struct Run<'a> {
    budget: Budget,
    findings: &'a mut Vec<FieldError>,
    /// What did not change is let pass.
    lenient: bool,
}

/// The closest value around a place that has a counterpart in the stored object: what did not
/// change need not obey a rule that it did not obey before.
type Nearest<'a> = Option<(&'a Value, &'a Value)>;

impl Run<'_> {
    fn node(&mut self, schema: &Schema, value: &Value, old: Option<&Value>, path: &str, nearest: Nearest<'_>) {
        if !schema.has_validations || value.is_null() || self.budget.0.is_none() {
            return;
        }
        if let Some(rules) = &schema.validations {
            self.rules(rules, value, old, path, nearest);
        }
        match (&schema.shape, value) {
            (Shape::Object(of), Value::Object(members)) => {
                for (name, value) in members {
                    let Some(member) = schema.member(name) else { continue };
                    let old = old.filter(|_| !of.atomic).and_then(|old| old.get(name)).filter(|old| !old.is_null());
                    let is_field = of.fields.get(name).is_some();
                    let path = match (is_field, path) {
                        (true, "") => name.to_string(),
                        (true, path) => format!("{path}.{name}"),
                        (false, path) => format!("{path}[{name}]"),
                    };
                    self.node(member, value, old, &path, old.map(|old| (value, old)).or(nearest));
                }
            }
            (Shape::List(list), Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    let old = match &list.kind {
                        ListKind::Map { keys } => {
                            let same = |old: &&Value| keys.iter().all(|key| old[&**key] == item[&**key]);
                            old.and_then(Value::as_array).and_then(|olds| olds.iter().find(same))
                        }
                        _ => None,
                    };
                    let path = format!("{path}[{at}]");
                    self.node(&list.items, item, old, &path, old.map(|old| (item, old)).or(nearest));
                }
            }
            _ => {}
        }
    }

    fn rules(&mut self, rules: &Rules, value: &Value, old: Option<&Value>, path: &str, nearest: Nearest<'_>) {
        let Some(declared) = rules.declared() else { return };
        for (stated, compiled) in rules.stated.iter().zip(rules.compiled()) {
            let program = match &compiled.rule {
                None => continue,
                Some(Ok(program)) => program,
                Some(Err(why)) => {
                    self.refuse(rules, path, format!("rule compile error: {why}"));
                    continue;
                }
            };
            if program.uses_old() && old.is_none() && !stated.optional_old {
                continue;
            }
            let variables = |optional: bool| {
                let before = old.map(|old| Val::of(old, declared));
                let before = match (before, optional) {
                    (Some(before), true) => Val::some(before),
                    (None, true) => Val::Optional(None),
                    (before, false) => before.unwrap_or(Val::Null),
                };
                vec![("self", Val::of(value, declared)), ("oldSelf", before)]
            };
            let mut cost = 0;
            let outcome = run(&program.checked, variables(stated.optional_old), CALL_COST_MAX, &mut cost);
            if !self.budget.pay(cost) {
                let why =
                    "validation failed due to running out of cost budget, no further validation rules will be run";
                self.refuse(rules, path, why.to_string());
                return;
            }
            match outcome {
                Ok(Val::Bool(true)) => continue,
                Ok(_) => {}
                Err(Failure::Cost) => {
                    let why = "'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule";
                    self.refuse(rules, path, format!("{why}: {}", stated.shown()));
                    self.budget.0 = None;
                    return;
                }
                Err(Failure::Error(why)) if why.starts_with("no such overload") => {
                    let text =
                        "call arguments did not match a supported operator, function or macro signature for rule";
                    self.refuse(rules, path, format!("'{why}': {text}: {}", stated.shown()));
                    continue;
                }
                Err(Failure::Error(why)) => {
                    self.refuse(rules, path, format!("{why} evaluating rule: {}", stated.shown()));
                    continue;
                }
            }
            let own = match &compiled.message {
                Some(Ok(message)) => self.message(&message.checked, variables(stated.optional_old)),
                _ => None,
            };
            let found = finding(stated, rules, value, path, own.unwrap_or_else(|| stated.message()));
            // What was like this before is pointed at, and let pass.
            let unchanged = self.lenient && !program.uses_old() && nearest.is_some_and(|(value, old)| value == old);
            self.findings.push(FieldError { tolerated: unchanged, ..found });
        }
    }

    /// What a message's expression says, unless it fails or says nothing.
    fn message<'a>(&mut self, checked: &'a Checked, variables: Vec<(&'a str, Val<'a>)>) -> Option<String> {
        let mut cost = 0;
        let outcome = run(checked, variables, CALL_COST_MAX, &mut cost);
        self.budget.pay(cost);
        let Ok(Val::Text(text)) = outcome else { return None };
        let text = text.trim();
        let usable = !text.is_empty() && text.len() <= MESSAGE_BYTES_MAX && !text.contains(['\n', '\r']);
        usable.then(|| text.to_string())
    }

    /// A rule that could not be run.
    fn refuse(&mut self, rules: &Rules, path: &str, why: String) {
        self.findings.push(FieldError::new(FieldErrorKind::Invalid, shown_path(path), quoted(&rules.kind), why));
    }
}

/// The object itself has no path, which upstream shows so.
fn shown_path(path: &str) -> String {
    if path.is_empty() { "<nil>".to_string() } else { path.to_string() }
}

fn finding(stated: &Stated, rules: &Rules, value: &Value, path: &str, detail: String) -> FieldError {
    let field = match (path, stated.field_path.trim_start_matches('.')) {
        (path, "") => shown_path(path),
        ("", below) => below.to_string(),
        (path, below) => format!("{path}.{below}"),
    };
    let hidden = matches!(rules.kind.as_str(), "object" | "array");
    let shown = if hidden { String::new() } else { FieldError::shown(value) };
    match stated.reason.as_str() {
        "FieldValueForbidden" => FieldError::forbidden(field, detail),
        "FieldValueRequired" => FieldError::required(field, detail),
        "FieldValueDuplicate" => FieldError::new(FieldErrorKind::Duplicate, field, shown, ""),
        _ if hidden => FieldError::new(FieldErrorKind::InvalidOmitted, field, shown, detail),
        _ => FieldError::new(FieldErrorKind::Invalid, field, shown, detail),
    }
}
