//! Rules in the schema of a definition: whether they compile, and what they may cost.

use super::rules::Rules;
use crate::schema::structural::Props;
use crate::status::{FieldError, FieldErrorKind};
use crate::tree::Value;

/// What one expression of a definition may cost, and all of them.
const EXPRESSION_COST_MAX: u64 = 10_000_000;
const DEFINITION_COST_MAX: u64 = 100_000_000;
/// Of the most expensive expressions, those that are named.
const NAMED_MAX: usize = 4;

/// Where a schema stands.
#[derive(Debug, Clone)]
pub struct Context {
    /// How often its values may be in one object, if that is bounded.
    pub cardinality: Option<u64>,
    /// Where values lose their counterparts in the stored object.
    pub uncorrelatable: Option<String>,
}

impl Context {
    pub const ROOT: Self = Self { cardinality: Some(1), uncorrelatable: None };

    /// That of a schema below one that stands here.
    #[must_use]
    pub fn below(&self, schema: Props<'_>, path: &str) -> Self {
        let count = |key: &str| schema.get(key)?.as_i64().map(|count| u64::try_from(count).unwrap_or(0));
        let granular = schema.text("x-kubernetes-map-type") != "atomic";
        let (most, correlates) = match schema.kind() {
            "array" => (count("maxItems"), schema.text("x-kubernetes-list-type") == "map"),
            "object" if schema.has("additionalProperties") => (count("maxProperties"), granular),
            _ => (Some(1), true),
        };
        let own = (!correlates).then(|| path.to_string());
        Self {
            cardinality: self.cardinality.zip(most).map(|(one, most)| one.saturating_mul(most)),
            uncorrelatable: self.uncorrelatable.clone().or(own),
        }
    }
}

/// What the expressions of one definition may cost together.
#[derive(Debug, Default)]
pub struct Total {
    cost: u64,
    /// Where the most expensive are, and their costs.
    expensive: Vec<(String, u64)>,
}

impl Total {
    fn add(&mut self, path: String, cost: u64) {
        self.cost = self.cost.saturating_add(cost);
        if cost < DEFINITION_COST_MAX / 100 {
            return;
        }
        self.expensive.push((path, cost));
        self.expensive.sort_by_key(|(_, cost)| std::cmp::Reverse(*cost));
        self.expensive.truncate(NAMED_MAX);
    }

    /// What is wrong if they cost too much.
    pub fn findings(&self, path: &str) -> Vec<FieldError> {
        if self.cost <= DEFINITION_COST_MAX {
            return Vec::new();
        }
        let each = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
        let named = self.expensive.iter().map(|(path, _)| FieldError::forbidden(path, each));
        let name = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        let all = FieldError::forbidden(path, too_expensive(name, self.cost, DEFINITION_COST_MAX));
        named.chain([all]).collect()
    }

    /// What is wrong with the rules of one schema. `shown` is how errors show the rule at an
    /// index.
    pub fn check(
        &mut self,
        schema: &Value,
        root: bool,
        context: &Context,
        path: &str,
        shown: impl Fn(usize) -> Value,
    ) -> Vec<FieldError> {
        let mut findings = Vec::new();
        let Some(rules) = Rules::of(schema, root) else { return findings };
        let Some(declared) = rules.declared() else {
            let why = "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations";
            let path = format!("{path}.x-kubernetes-validations");
            return vec![FieldError::new(FieldErrorKind::Internal, path, "", why)];
        };
        let cardinality = context.cardinality.unwrap_or_else(|| declared.cardinality());
        for (at, compiled) in rules.compiled().iter().enumerate() {
            let path = |name: &str| format!("{path}.x-kubernetes-validations[{at}].{name}");
            let invalid =
                |name: &str, why: &str| FieldError::new(FieldErrorKind::Invalid, path(name), escaped(&shown(at)), why);
            let mut uses_old = false;
            match &compiled.rule {
                Some(Ok(program)) => {
                    uses_old = program.uses_old();
                    let cost = if program.cost == 0 { 0 } else { program.cost.saturating_mul(cardinality) };
                    if cost > EXPRESSION_COST_MAX {
                        let why = too_expensive("estimated rule cost", cost, EXPRESSION_COST_MAX);
                        findings.push(FieldError::forbidden(path("rule"), why));
                    }
                    self.add(path("rule"), cost);
                }
                Some(Err(why)) => findings.push(invalid("rule", why)),
                None => {}
            }
            match &compiled.message {
                Some(Ok(program)) => {
                    if program.cost > EXPRESSION_COST_MAX {
                        let why = too_expensive("estimated messageExpression cost", program.cost, EXPRESSION_COST_MAX);
                        findings.push(FieldError::forbidden(path("messageExpression"), why));
                    }
                    self.add(path("messageExpression"), program.cost);
                }
                Some(Err(why)) => findings.push(invalid("messageExpression", why)),
                None => {}
            }
            let stated = &schema["x-kubernetes-validations"][at];
            if uses_old && let Some(above) = &context.uncorrelatable {
                let why = format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {above}");
                findings.push(FieldError::invalid(path("rule"), &stated["rule"], why));
            } else if !uses_old && !stated["optionalOldSelf"].is_null() {
                let why = "may not be set if oldSelf is not used in rule";
                findings.push(FieldError::invalid(path("optionalOldSelf"), &stated["optionalOldSelf"], why));
            }
        }
        findings
    }
}

/// As Go writes it, whose strings hold no `<`, `>` or `&`.
fn escaped(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn too_expensive(name: &str, cost: u64, limit: u64) -> String {
    let factor = cost as f64 / limit as f64;
    let factor = match factor {
        _ if factor > 100.0 => "more than 100x".to_string(),
        _ if factor < 1.5 => format!("{factor:.6}x"),
        _ => format!("{factor:.1}x"),
    };
    format!(
        "{name} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and \
         maxLength where arrays, maps, and strings are declared)"
    )
}
