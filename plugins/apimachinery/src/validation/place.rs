//! A value and where it is, so that a rule names each once: the path is written only when there
//! is something to report.

use std::fmt::Write;

use crate::status::{FieldError, FieldErrorKind};
use crate::tree::{Value, has_dot};

/// What a validation reports to, in the order of its findings.
pub type Findings = Vec<FieldError>;

static NOTHING: Value = Value::Null;

/// A member of an object that is validated, there or not.
#[derive(Clone, Copy)]
pub struct Place<'p, 'v> {
    value: &'v Value,
    parent: Option<&'p Place<'p, 'v>>,
    step: Step<'p>,
}

/// How a place is reached from its parent.
#[derive(Clone, Copy)]
enum Step<'p> {
    Field(&'p str),
    Item(usize),
    Entry(&'p str),
}

impl<'p, 'v> Place<'p, 'v> {
    /// An object, whose members' paths start with their names.
    pub fn root(object: &'v Value) -> Self {
        Self { value: object, parent: None, step: Step::Field("") }
    }

    /// A value whose path is known already.
    pub fn named(path: &'p str, value: &'v Value) -> Self {
        Self { value, parent: None, step: Step::Field(path) }
    }

    /// The member at this path of names.
    pub fn at<'s>(&'s self, path: &'s str) -> Place<'s, 'v> {
        // Most are one name.
        let value = match self.value {
            _ if has_dot(path) => dotted(self.value, path),
            Value::Object(members) => members.get(path).unwrap_or(&NOTHING),
            _ => &NOTHING,
        };
        Place { value, parent: Some(self), step: Step::Field(path) }
    }

    /// Another value in the same place: what was there before, or what stands for it in a message.
    pub fn with<'w>(&self, value: &'w Value) -> Place<'p, 'w>
    where
        'v: 'w,
    {
        Place { value, parent: self.parent.map(|parent| parent as &Place<'_, 'w>), step: self.step }
    }

    /// The items of a list.
    pub fn items<'s>(&'s self) -> impl DoubleEndedIterator<Item = Place<'s, 'v>> + use<'s, 'p, 'v> {
        let items: &'v [Value] = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().enumerate().map(|(index, value)| Place { value, parent: Some(self), step: Step::Item(index) })
    }

    /// The item that was or would be at this position of a list.
    pub fn item(&self, index: usize) -> Place<'_, 'v> {
        Place { value: self.value.get(index).unwrap_or(&NOTHING), parent: Some(self), step: Step::Item(index) }
    }

    /// The members of a map, by their names: upstream's order is any.
    pub fn entries<'s>(&'s self) -> impl Iterator<Item = (&'v str, Place<'s, 'v>)> + use<'s, 'p, 'v> {
        let mut entries: Vec<(&'v str, &'v Value)> =
            self.value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value)).collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        entries.into_iter().map(|(key, value)| (key, Place { value, parent: Some(self), step: Step::Entry(key) }))
    }

    /// The member of a map.
    pub fn entry<'s>(&'s self, key: &'s str) -> Place<'s, 'v> {
        Place { value: self.value.get(key).unwrap_or(&NOTHING), parent: Some(self), step: Step::Entry(key) }
    }

    pub fn value(&self) -> &'v Value {
        self.value
    }

    /// A text, empty if there is none.
    pub fn text(&self) -> &'v str {
        self.value.as_str().unwrap_or_default()
    }

    pub fn number(&self) -> Option<i64> {
        self.value.as_i64()
    }

    /// How many items a list has.
    pub fn count(&self) -> usize {
        self.value.as_array().map_or(0, Vec::len)
    }

    pub fn is_true(&self) -> bool {
        self.value == &Value::Bool(true)
    }

    /// Whether there is anything, be it empty.
    pub fn is_given(&self) -> bool {
        !self.value.is_null()
    }

    /// Whether there is nothing, or nothing in it.
    pub fn is_empty(&self) -> bool {
        match self.value {
            Value::Null => true,
            Value::Object(map) => map.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::String(text) => text.is_empty(),
            _ => false,
        }
    }

    /// As in messages: `spec.containers[0].resources.limits[cpu]`.
    pub fn path(&self) -> String {
        let mut path = String::new();
        self.write_path(&mut path);
        path
    }

    fn write_path(&self, path: &mut String) {
        if let Some(parent) = self.parent {
            parent.write_path(path);
        }
        // A `String` takes whatever is written.
        let _ = match self.step {
            Step::Field(name) if path.is_empty() || name.is_empty() => path.write_str(name),
            Step::Field(name) => write!(path, ".{name}"),
            Step::Item(index) => write!(path, "[{index}]"),
            Step::Entry(key) => write!(path, "[{key}]"),
        };
    }
}

/// As [`str::split`] would find it, which is made for longer texts.
fn dotted<'v>(value: &'v Value, path: &str) -> &'v Value {
    let (mut value, mut rest) = (value, path);
    while let Some(dot) = rest.bytes().position(|byte| byte == b'.') {
        value = value.get(&rest[..dot]).unwrap_or(&NOTHING);
        rest = &rest[dot + 1..];
    }
    value.get(rest).unwrap_or(&NOTHING)
}

/// What there is to report of a place. Each goes to the end of the findings.
impl Place<'_, '_> {
    pub fn required(&self, why: &str, findings: &mut Findings) {
        findings.push(FieldError::required(self.path(), why));
    }

    /// The value is wrong; one that is not there shows as an empty text.
    pub fn invalid(&self, why: impl Into<String>, findings: &mut Findings) {
        match self.value {
            Value::Null => self.invalid_as(&Value::from(""), why, findings),
            value => self.invalid_as(value, why, findings),
        }
    }

    /// As [`Self::invalid`], where upstream shows something else than the value.
    pub fn invalid_as(&self, shown: &Value, why: impl Into<String>, findings: &mut Findings) {
        findings.push(FieldError::invalid(self.path(), shown, why));
    }

    pub fn forbidden(&self, why: impl Into<String>, findings: &mut Findings) {
        findings.push(FieldError::forbidden(self.path(), why));
    }

    /// The value is none of these, which are named in this order.
    pub fn unsupported(&self, supported: &[&str], findings: &mut Findings) {
        // Those are named types, which upstream writes as JSON.
        let shown = if self.value.is_null() { super::quoted("") } else { self.value.to_string() };
        let supported: Vec<String> = supported.iter().map(|name| super::quoted(name)).collect();
        let why =
            if supported.is_empty() { String::new() } else { format!("supported values: {}", supported.join(", ")) };
        findings.push(FieldError::new(FieldErrorKind::NotSupported, self.path(), shown, why));
    }

    pub fn duplicate(&self, findings: &mut Findings) {
        match self.value {
            Value::Null => self.duplicate_as(&Value::from(""), findings),
            value => self.duplicate_as(value, findings),
        }
    }

    pub fn duplicate_as(&self, shown: &Value, findings: &mut Findings) {
        let shown = FieldError::shown(shown);
        findings.push(FieldError::new(FieldErrorKind::Duplicate, self.path(), shown, ""));
    }

    pub fn not_found(&self, why: impl Into<String>, findings: &mut Findings) {
        let shown = FieldError::shown(self.value);
        findings.push(FieldError::new(FieldErrorKind::NotFound, self.path(), shown, why));
    }

    pub fn too_long(&self, bytes_max: usize, findings: &mut Findings) {
        let why = format!("may not be more than {bytes_max} bytes");
        findings.push(FieldError::new(FieldErrorKind::TooLong, self.path(), "", why));
    }

    pub fn too_many(&self, count: usize, max: usize, findings: &mut Findings) {
        let why = format!("must have at most {max} item{}", if max == 1 { "" } else { "s" });
        findings.push(FieldError::new(FieldErrorKind::TooMany, self.path(), count.to_string(), why));
    }

    /// A text of the shape that `shape` checks. Tells whether it is.
    pub fn shaped(&self, shape: impl Fn(&str) -> Vec<String>, findings: &mut Findings) -> bool {
        let reasons = shape(self.text());
        let good = reasons.is_empty();
        reasons.into_iter().for_each(|why| self.invalid(why, findings));
        good
    }

    /// As [`Self::shaped`], of a text that may not be left out.
    pub fn required_shaped(&self, shape: impl Fn(&str) -> Vec<String>, findings: &mut Findings) -> bool {
        if self.is_empty() {
            self.required("", findings);
            return false;
        }
        self.shaped(shape, findings)
    }

    /// As [`Self::shaped`], of a text that may be left out.
    pub fn optional_shaped(&self, shape: impl Fn(&str) -> Vec<String>, findings: &mut Findings) -> bool {
        self.is_empty() || self.shaped(shape, findings)
    }

    /// A member that must be there and not be empty.
    pub fn must_be_given(&self, findings: &mut Findings) {
        if self.is_empty() {
            self.required("", findings);
        }
    }

    /// A text that must be one of these.
    pub fn one_of(&self, supported: &[&str], findings: &mut Findings) {
        if self.is_empty() {
            self.required("", findings);
        } else {
            self.none_or_one_of(supported, findings);
        }
    }

    /// A text that may be left out, or must be one of these.
    pub fn none_or_one_of(&self, supported: &[&str], findings: &mut Findings) {
        if self.is_given() && !supported.contains(&self.text()) {
            self.unsupported(supported, findings);
        }
    }

    /// A number, if it is there, that must lie between these.
    pub fn between(&self, least: i64, most: i64, findings: &mut Findings) {
        if self.number().is_some_and(|number| !(least..=most).contains(&number)) {
            self.invalid(format!("must be between {least} and {most}, inclusive"), findings);
        }
    }

    pub fn not_negative(&self, findings: &mut Findings) {
        if self.number().is_some_and(|number| number < 0) {
            self.invalid("must be greater than or equal to 0", findings);
        }
    }

    pub fn positive(&self, findings: &mut Findings) {
        if self.number().unwrap_or(0) <= 0 {
            self.invalid_as(&Value::from(self.number().unwrap_or(0)), "must be greater than zero", findings);
        }
    }

    /// The number of a port.
    pub fn port(&self, findings: &mut Findings) {
        let number = Value::from(self.number().unwrap_or(0));
        self.with(&number).between(1, 65535, findings);
    }

    /// A port by its number or its name.
    pub fn port_or_name(&self, findings: &mut Findings) {
        match self.value {
            Value::String(_) => drop(self.shaped(super::names::port_name, findings)),
            _ => self.port(findings),
        }
    }

    /// A value that may not change.
    pub fn immutable(&self, old: &Value, findings: &mut Findings) {
        if self.value != old {
            self.invalid_as(self.value, "field is immutable", findings);
        }
    }

    /// As [`Self::immutable`], of a text that is always there, be it empty.
    pub fn immutable_text(&self, old: &Value, findings: &mut Findings) {
        if self.value != old {
            self.invalid("field is immutable", findings);
        }
    }

    /// A map of labels.
    pub fn labels(&self, findings: &mut Findings) {
        if !self.is_empty() {
            super::labels::labels(self.value, &self.path(), findings);
        }
    }

    /// The name of a label.
    pub fn label_name(&self, findings: &mut Findings) {
        self.shaped(super::names::qualified_name, findings);
    }

    /// A label selector.
    pub fn selector(&self, findings: &mut Findings) {
        if !self.is_empty() {
            super::labels::selector(self.value, &self.path(), findings);
        }
    }
}

/// Names of several parts.
impl Place<'_, '_> {
    /// A name of at least three labels: a webhook's.
    pub fn qualified_domain(&self, findings: &mut Findings) {
        if self.is_empty() {
            return self.required("", findings);
        }
        let wrong = super::names::dns1123_subdomain(self.text());
        if !wrong.is_empty() {
            self.invalid(wrong.join(","), findings);
        } else if self.text().split('.').count() < 3 {
            self.invalid("should be a domain with at least three segments separated by dots", findings);
        }
    }

    /// A domain and a path below it: `example.com/controller`.
    pub fn domain_path(&self, findings: &mut Findings) {
        if self.is_empty() {
            return self.required("", findings);
        }
        let Some((host, path)) =
            self.text().split_once('/').filter(|(host, path)| !host.is_empty() && !path.is_empty())
        else {
            return self.invalid("must be a domain-prefixed path (such as \"acme.io/foo\")", findings);
        };
        self.with(&host.into()).shaped(super::names::dns1123_subdomain, findings);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
        if !path.bytes().all(allowed) {
            let why = super::names::pattern("Invalid path", "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+", &[]);
            self.invalid_as(&path.into(), why, findings);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    #[test]
    fn a_place_knows_its_path_and_its_value() {
        let object = json!({"spec": {"containers": [{"resources": {"limits": {"cpu": "1"}}}]}});
        let root = Place::root(&object);
        let containers = root.at("spec.containers");
        let container = containers.items().next().unwrap();
        let limits = container.at("resources.limits");
        let (name, cpu) = limits.entries().next().unwrap();
        assert_eq!((name, cpu.text()), ("cpu", "1"));
        assert_eq!(cpu.path(), "spec.containers[0].resources.limits[cpu]");
        assert!(!containers.item(7).at("name").is_given());
    }

    #[test]
    fn a_path_is_of_names_of_any_length() {
        for length in 1..20 {
            let (long, dots) = ("n".repeat(length), ".".repeat(length));
            let object = json!({(long.as_str()): {"a": {(long.as_str()): 1}}, "": {"": 2}});
            let root = Place::root(&object);
            assert_eq!(root.at(&format!("{long}.a.{long}")).number(), Some(1), "{length}");
            assert!(!root.at(&format!("{long}x.a")).is_given() && !root.at(&format!("{long}.ax")).is_given());
            assert_eq!(root.at(&dots).number(), (length == 1).then_some(2), "{dots}");
        }
    }

    #[test]
    fn findings_have_upstreams_words() {
        let object = json!({"a": "x", "n": -1, "p": 70000});
        let root = Place::root(&object);
        let mut findings = Vec::new();
        root.at("a").none_or_one_of(&["y", "z"], &mut findings);
        root.at("b").one_of(&["y"], &mut findings);
        root.at("n").not_negative(&mut findings);
        root.at("p").port_or_name(&mut findings);
        root.at("q").port(&mut findings);
        root.at("l").too_many(3, 1, &mut findings);
        assert_eq!(
            findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "a: Unsupported value: \"x\": supported values: \"y\", \"z\"",
                "b: Required value",
                "n: Invalid value: -1: must be greater than or equal to 0",
                "p: Invalid value: 70000: must be between 1 and 65535, inclusive",
                "q: Invalid value: 0: must be between 1 and 65535, inclusive",
                "l: Too many: 3: must have at most 1 item",
            ]
        );
    }
}
