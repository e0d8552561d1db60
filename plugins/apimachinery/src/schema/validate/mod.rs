//! Validation of custom resources against their schema: what is checked, in which order and
//! with which words, is kube-openapi's, since clients read these messages.

mod before;
pub mod embedded;
pub mod formats;
pub mod lists;
mod number;
mod path;
pub mod text;

use std::collections::HashSet;

use self::before::Before;
use self::path::Path;
use super::{Object, Rules, Scalar, Schema, SchemaRef, Shape};
use crate::status::{FieldError, FieldErrorKind};
use crate::tree::{Map, Value};
use crate::validation::quoted;

/// Appends what is wrong with `value`, below `path` (empty for a whole object).
pub fn validate(schema: &Schema, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let validator = Validator { base: path };
    errors.extend(validator.checks(schema, value, None, &Path::ROOT).errors);
}

/// As [`validate`], but parts that an update leaves as they were are not held against it.
pub fn validate_update(schema: &Schema, value: &Value, old: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let validator = Validator { base: path };
    let before = Some(Before::new(schema, old));
    // A whole object always changes: its metadata does.
    let outcome = match path.is_empty() {
        true => validator.checks(schema, value, before, &Path::ROOT),
        false => validator.node(schema, value, before, &Path::ROOT),
    };
    errors.extend(outcome.errors);
}

struct Validator<'a> {
    base: &'a str,
}

/// What one schema found out about one value.
#[derive(Default)]
struct Outcome {
    errors: Vec<FieldError>,
    /// How many checks were made: of several alternatives that all fail, the one with the
    /// most is reported.
    checks: u32,
}

impl Outcome {
    fn add(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    fn merge(&mut self, other: Outcome) {
        self.checks += other.checks;
        self.errors.extend(other.errors);
    }

    /// Several alternatives may find the same.
    fn once_each(&mut self) {
        let mut seen = HashSet::new();
        self.errors.retain(|error| seen.insert((error.field.clone(), error.detail.clone())));
    }

    fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }
}

impl Validator<'_> {
    /// What a place must obey, unless an update left it as it was.
    fn node(&self, schema: &Schema, value: &Value, before: Option<Before<'_>>, path: &Path<'_>) -> Outcome {
        let mut outcome = self.checks(schema, value, before, path);
        if !outcome.is_valid() && before.is_some_and(|before| before.is(value)) {
            outcome.errors.clear();
        }
        outcome
    }

    fn checks(&self, schema: &Schema, value: &Value, before: Option<Before<'_>>, path: &Path<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        self.form(schema, value, path, &mut outcome);
        if value.is_null() {
            self.one_of_values(&schema.rules, value, path, &mut outcome);
            return outcome;
        }
        self.junctors(schema, value, path, &mut outcome);
        match value {
            Value::String(text) => self.string(schema, text, path, &mut outcome),
            Value::Number(number) => {
                outcome.checks += 2;
                let mut found = Vec::new();
                number::check(schema, number, path, &mut found);
                for finding in found {
                    let error = match finding {
                        number::Finding::Bound(detail) => self.invalid(path, value, detail),
                        number::Finding::Factor(factor, detail) => self.invalid(path, &factor, detail),
                        number::Finding::Range(detail) => self.composite(detail),
                    };
                    outcome.add(error);
                }
            }
            Value::Array(items) => self.list(schema, items, before, path, &mut outcome),
            _ => {}
        }
        outcome.checks += 1;
        self.one_of_values(&schema.rules, value, path, &mut outcome);
        if let Value::Object(map) = value {
            outcome.checks += 1;
            self.object(schema, map, before, path, &mut outcome);
        }
        outcome.checks += 1;
        if schema.rules.has_alternatives() {
            outcome.once_each();
        }
        outcome
    }

    /// `type` and `nullable`.
    fn form(&self, schema: &Schema, value: &Value, path: &Path<'_>, outcome: &mut Outcome) {
        let types = types(schema);
        let format = schema.rules.format.as_deref().unwrap_or_default();
        if types.is_empty() && format.is_empty() {
            return;
        }
        if value.is_null() {
            match types.is_empty() || schema.nullable {
                true => outcome.checks += 1,
                false => outcome.add(self.wrong_type(path, &types.join(","), "null")),
            }
            return;
        }
        outcome.checks += 1;
        let (actual, native) = form_of(value);
        let integral = actual == "number" && value.as_f64().is_some_and(number::is_whole);
        let fits = types.contains(&actual)
            || (integral && types.contains(&"integer"))
            || (actual == "integer" && types.contains(&"number"));
        let textual = value.is_string() || value.is_array();
        if !format.is_empty() && !textual && !fits && native != format {
            outcome.add(self.wrong_type(path, format, native));
            return;
        }
        // Upstream leaves text with a format to the format alone.
        let left_to_format = textual && !format.is_empty() && !types.contains(&"number") && !types.contains(&"integer");
        if !fits && !left_to_format {
            outcome.add(self.wrong_type(path, &types.join(","), actual));
            return;
        }
        outcome.checks += 1;
    }

    /// `allOf`, `anyOf`, `oneOf`, `not`: of the value as it is, whatever it was before.
    fn junctors(&self, schema: &Schema, value: &Value, path: &Path<'_>, outcome: &mut Outcome) {
        let rules = &schema.rules;
        outcome.checks += 2;
        if !rules.any_of.is_empty() {
            let mut best: Option<Outcome> = None;
            let succeeded = rules.any_of.iter().any(|schema| {
                let result = self.checks(schema, value, None, path);
                let valid = result.is_valid();
                if valid || best.as_ref().is_none_or(|best| result.checks > best.checks) {
                    best = Some(result);
                }
                valid
            });
            if !succeeded {
                outcome.add(self.composite(format!("\"{path}\" must validate at least one schema (anyOf)")));
            }
            outcome.merge(best.unwrap_or_default());
        }
        if !rules.one_of.is_empty() {
            let mut best: Option<Outcome> = None;
            let mut valid = 0;
            for schema in &rules.one_of {
                let result = self.checks(schema, value, None, path);
                if result.is_valid() {
                    valid += 1;
                    best = None;
                } else if valid == 0 && best.as_ref().is_none_or(|best| result.checks > best.checks) {
                    best = Some(result);
                }
            }
            if valid != 1 {
                let count = match valid {
                    0 => "Found none valid".to_string(),
                    _ => format!("Found {valid} valid alternatives"),
                };
                outcome
                    .add(self.composite(format!("\"{path}\" must validate one and only one schema (oneOf). {count}")));
                outcome.merge(best.unwrap_or_default());
            }
        }
        if !rules.all_of.is_empty() {
            let mut valid = 0;
            for schema in &rules.all_of {
                let result = self.checks(schema, value, None, path);
                valid += usize::from(result.is_valid());
                outcome.merge(result);
            }
            if valid != rules.all_of.len() {
                let none = if valid == 0 { ". None validated" } else { "" };
                outcome.add(self.composite(format!("\"{path}\" must validate all the schemas (allOf){none}")));
            }
        }
        if rules.not.as_ref().is_some_and(|schema| self.checks(schema, value, None, path).is_valid()) {
            outcome.add(self.composite(format!("\"{path}\" must not validate the schema (not)")));
        }
    }

    fn string(&self, schema: &Schema, text: &str, path: &Path<'_>, outcome: &mut Outcome) {
        outcome.checks += 1;
        let rules = &schema.rules;
        let length = text.chars().count() as u64;
        let value = || Value::from(text);
        if let Some(most) = rules.max_length.filter(|most| length > *most) {
            let unit = if most == 1 { "byte" } else { "bytes" };
            let detail = format!("may not be more than {most} {unit}");
            outcome.add(self.error(FieldErrorKind::TooLong, path, "", detail));
        } else if let Some(least) = rules.min_length.filter(|least| length < *least) {
            outcome.add(self.invalid(path, &value(), format!("{path} in body should be at least {least} chars long")));
        } else if let Some(pattern) = rules.pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
            let detail = format!("{path} in body should match '{}'", pattern.text());
            outcome.add(self.invalid(path, &value(), detail));
        }
        if let Some(format) = rules.format.as_deref().filter(|format| formats::is_known(format)) {
            outcome.checks += 1;
            if !formats::holds(format, text) {
                outcome.add(self.wrong_type(path, format, text));
            }
        }
    }

    fn list(
        &self,
        schema: &Schema,
        items: &[Value],
        before: Option<Before<'_>>,
        path: &Path<'_>,
        outcome: &mut Outcome,
    ) {
        outcome.checks += 2;
        if let Shape::List(list) = &schema.shape {
            let before = before.and_then(|before| before.items());
            for (index, item) in items.iter().enumerate() {
                let before = before.as_ref().and_then(|before| before.of(item));
                outcome.merge(self.node(&list.items, item, before, &path.index(index)));
            }
        }
        let count = items.len() as u64;
        if let Some(least) = schema.rules.min_items.filter(|least| count < *least) {
            let detail = format!("{path} in body should have at least {least} items");
            outcome.add(self.invalid(path, &Value::from(count), detail));
        }
        if let Some(most) = schema.rules.max_items.filter(|most| count > *most) {
            outcome.add(self.too_many(path, count, most));
        }
    }

    fn object(&self, schema: &Schema, map: &Map, before: Option<Before<'_>>, path: &Path<'_>, outcome: &mut Outcome) {
        let rules = &schema.rules;
        let count = map.len() as u64;
        if let Some(least) = rules.min_properties.filter(|least| count < *least) {
            let detail = format!("{path} in body should have at least {least} properties");
            outcome.add(self.invalid(path, &Value::from(count), detail));
        }
        if let Some(most) = rules.max_properties.filter(|most| count > *most) {
            outcome.add(self.too_many(path, count, most));
        }
        let none = Object::default();
        let object = match &schema.shape {
            Shape::Object(object) => object,
            _ => &none,
        };
        let old_member = |name: &str| match before {
            // What stands there was converted: the client sees no difference.
            Some(_) if self.base.is_empty() && path.is_root() && matches!(name, "kind" | "apiVersion") => None,
            before => before.and_then(|before| before.member(name)),
        };
        for (key, value) in map {
            if object.fields.get(key).is_some() {
                continue;
            }
            if rules.closed {
                let detail = format!("{path}.{key} in body is a forbidden property");
                outcome.add(self.invalid(path, &Value::from(key.as_str()), detail));
            } else if let Some(values) = &object.values {
                outcome.merge(self.node(values, value, old_member(key), &path.key(key)));
            }
        }
        for field in &object.fields {
            // Object metadata is the engine's to validate.
            let builtin = matches!(field.schema, SchemaRef::Builtin(_));
            if let Some(value) = map.get(&field.name).filter(|_| !builtin) {
                outcome.merge(self.node(&field.schema, value, old_member(&field.name), &path.field(&field.name)));
            }
        }
        for name in &rules.required {
            if !map.contains_key(name) {
                outcome.add(self.error(FieldErrorKind::Required, &path.key(name), "", ""));
            }
        }
    }

    /// `enum`.
    fn one_of_values(&self, rules: &Rules, value: &Value, path: &Path<'_>, outcome: &mut Outcome) {
        // Upstream converts the value to the type of what is allowed, which cuts it off.
        let same = |allowed: &Value| match (allowed, value) {
            (Value::Number(allowed), Value::Number(number)) => match (allowed.as_i64(), number.as_f64()) {
                (Some(allowed), Some(float)) if !number.is_i64() => float as i64 == allowed,
                _ => allowed.as_f64() == number.as_f64(),
            },
            (_, Value::Null) => false,
            (allowed, value) => allowed == value,
        };
        if rules.enumeration.is_empty() || rules.enumeration.iter().any(same) {
            return;
        }
        let allowed = rules.enumeration.iter().map(|allowed| match allowed {
            Value::String(name) => quoted(name),
            other => quoted(&text::json(other)),
        });
        let detail = format!("supported values: {}", allowed.collect::<Vec<_>>().join(", "));
        outcome.add(self.error(FieldErrorKind::NotSupported, path, text::shown(value), detail));
    }

    fn wrong_type(&self, path: &Path<'_>, expected: &str, actual: &str) -> FieldError {
        let actual = quoted(actual);
        let detail = format!("{path} in body must be of type {expected}: {actual}");
        self.error(FieldErrorKind::TypeInvalid, path, actual, detail)
    }

    fn too_many(&self, path: &Path<'_>, count: u64, most: u64) -> FieldError {
        let unit = if most == 1 { "item" } else { "items" };
        self.error(FieldErrorKind::TooMany, path, count.to_string(), format!("must have at most {most} {unit}"))
    }

    fn invalid(&self, path: &Path<'_>, value: &Value, detail: String) -> FieldError {
        self.error(FieldErrorKind::Invalid, path, text::shown(value), detail)
    }

    /// A finding without a place of its own: upstream names the validated root.
    fn composite(&self, detail: String) -> FieldError {
        let field = if self.base.is_empty() { "<nil>" } else { self.base };
        FieldError::new(FieldErrorKind::Invalid, field, "\"\"", detail)
    }

    fn error(
        &self,
        kind: FieldErrorKind,
        path: &Path<'_>,
        value: impl Into<String>,
        detail: impl Into<String>,
    ) -> FieldError {
        let relative = path.to_string();
        let relative = relative.strip_prefix('.').unwrap_or(&relative);
        let field = match (self.base, relative) {
            ("", "") => "<nil>".to_string(),
            ("", relative) => relative.to_string(),
            (base, "") => base.to_string(),
            (base, relative) if relative.starts_with('[') => format!("{base}{relative}"),
            (base, relative) => format!("{base}.{relative}"),
        };
        FieldError::new(kind, field, value, detail)
    }
}

/// The types a schema allows, in upstream's order.
fn types(schema: &Schema) -> &'static [&'static str] {
    if schema.rules.untyped {
        return &[];
    }
    match &schema.shape {
        Shape::Any => &[],
        Shape::Object(_) => &["object"],
        Shape::List(_) => &["array"],
        Shape::Scalar(Scalar::String | Scalar::Bytes | Scalar::Quantity) => &["string"],
        Shape::Scalar(Scalar::Integer) => &["integer"],
        Shape::Scalar(Scalar::Number) => &["number"],
        Shape::Scalar(Scalar::Boolean) => &["boolean"],
        Shape::Scalar(Scalar::IntOrString) => &["integer", "string"],
    }
}

/// A value's type, and the format that Go's type of it has.
fn form_of(value: &Value) -> (&'static str, &'static str) {
    match value {
        Value::Null => ("null", ""),
        Value::Bool(_) => ("boolean", ""),
        Value::String(_) => ("string", ""),
        Value::Array(_) => ("array", ""),
        Value::Object(_) => ("object", ""),
        Value::Number(number) if number.is_i64() => ("integer", "int64"),
        Value::Number(_) => ("number", "float64"),
        Value::Raw(_) => form_of(&value.opened()),
    }
}

#[cfg(test)]
mod tests;
