//! Reading of objects for their cells. What is missing reads as empty.

use std::ops::Deref;

use super::duration;
use crate::codec::time::{self, Instant};
use crate::tree::Value;
use crate::validation::{labels, quoted};

pub(super) const NONE: &str = "<none>";
pub(super) const UNSET: &str = "<unset>";
pub(super) const UNKNOWN: &str = "<unknown>";

/// An object, and the time that its age is counted to.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    value: &'a Value,
    now: Instant,
}

impl Deref for Object<'_> {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.value
    }
}

impl<'a> Object<'a> {
    pub(super) fn new(value: &'a Value, now: Instant) -> Self {
        Self { value, now }
    }

    /// `spec`, `status`, ...
    pub(super) fn part(self, name: &str) -> &'a Value {
        &self.value[name]
    }

    /// A bookmark has none.
    pub(super) fn name(self) -> Value {
        self.value["metadata"]["name"].as_str().unwrap_or_default().into()
    }

    pub(super) fn age(self) -> Value {
        self.since(&self.value["metadata"]["creationTimestamp"]).into()
    }

    /// How long ago this time was.
    pub(super) fn since(self, time: &Value) -> String {
        self.since_instant(instant(time))
    }

    pub(super) fn since_instant(self, time: Option<Instant>) -> String {
        match time.filter(|time| !time.is_zero()) {
            Some(time) => duration::human(duration::seconds_between(time, self.now)),
            None => UNKNOWN.into(),
        }
    }

    pub(super) fn annotation(self, name: &str) -> Option<&'a str> {
        self.value["metadata"]["annotations"].get(name)?.as_str()
    }

    pub(super) fn is_going(self) -> bool {
        !self.value["metadata"]["deletionTimestamp"].is_null()
    }

    /// The condition of this type.
    pub(super) fn condition(self, kind: &str) -> Option<&'a Value> {
        list(&self.value["status"]["conditions"]).iter().find(|condition| condition["type"] == kind)
    }
}

pub(super) fn instant(time: &Value) -> Option<Instant> {
    time::parse(time.as_str()?).ok()
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The text, or what stands for an empty one.
pub(super) fn text_or<'a>(value: &'a Value, otherwise: &'a str) -> &'a str {
    match text(value) {
        "" => otherwise,
        text => text,
    }
}

pub(super) fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

pub(super) fn flag(value: &Value) -> bool {
    value.as_bool().unwrap_or_default()
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    }
}

/// All texts of a list, with commas between them.
pub(super) fn joined(value: &Value) -> String {
    list(value).iter().map(text).collect::<Vec<_>>().join(",")
}

/// An integer or a percentage, or what stands for neither.
pub(super) fn int_or_string(value: &Value, otherwise: &str) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Number(number) => number.to_string(),
        _ => otherwise.into(),
    }
}

/// A quantity; zero if there is none.
pub(super) fn quantity(value: &Value) -> &str {
    text_or(value, "0")
}

/// The names and the images of containers.
pub(super) fn containers(template: &Value) -> [Value; 2] {
    let all = |field: &str| {
        let containers = list(&template["spec"]["containers"]).iter();
        containers.map(|container| text(&container[field])).collect::<Vec<_>>().join(",")
    };
    [all("name").into(), all("image").into()]
}

/// `a=1,b=2`.
pub(super) fn label_set(labels: &Value) -> String {
    let mut pairs: Vec<String> =
        labels.as_object().into_iter().flatten().map(|(key, value)| format!("{key}={}", text(value))).collect();
    pairs.sort_unstable();
    if pairs.is_empty() { NONE.into() } else { pairs.join(",") }
}

/// A label selector in the form that query parameters have.
///
/// # Errors
/// If it is not valid.
pub(super) fn selector(selector: &Value) -> Result<String, ()> {
    let mut errors = Vec::new();
    labels::selector(selector, "", &mut errors);
    if !errors.is_empty() {
        return Err(());
    }
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let mut requirements: Vec<(&str, String)> =
        equal.map(|(key, value)| (key.as_str(), format!("{key}={}", text(value)))).collect();
    for expression in list(&selector["matchExpressions"]) {
        let key = text(&expression["key"]);
        let mut values: Vec<&str> = list(&expression["values"]).iter().map(text).collect();
        values.sort_unstable();
        let values = values.join(",");
        requirements.push((
            key,
            match text(&expression["operator"]) {
                "In" => format!("{key} in ({values})"),
                "NotIn" => format!("{key} notin ({values})"),
                "DoesNotExist" => format!("!{key}"),
                _ => key.to_string(),
            },
        ));
    }
    requirements.sort_by_key(|(key, _)| *key);
    Ok(requirements.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(","))
}

/// [`selector`], with what stands for an empty or a broken one.
pub(super) fn selector_or_none(value: &Value) -> String {
    match selector(value) {
        Ok(text) if text.is_empty() => NONE.into(),
        Ok(text) => text,
        Err(()) => "<error>".into(),
    }
}

/// A label selector as its generated Go type prints itself.
pub(super) fn selector_as_struct(selector: &Value) -> String {
    let mut labels: Vec<String> = selector["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}: {},", text(value)))
        .collect();
    labels.sort_unstable();
    let expressions = list(&selector["matchExpressions"]).iter().map(|expression| {
        let values = list(&expression["values"]).iter().map(text).collect::<Vec<_>>().join(" ");
        let (key, operator) = (text(&expression["key"]), text(&expression["operator"]));
        format!("LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{values}],}},")
    });
    let expressions: String = expressions.collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{}}},MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}",
        labels.concat()
    )
}

/// The first few of many: `a,b,c + 2 more...`.
pub(super) fn first_of(items: &[String], max: usize, separator: &str) -> String {
    let shown = items[..items.len().min(max)].join(separator);
    match items.len().saturating_sub(max) {
        0 => shown,
        more => format!("{shown} + {more} more..."),
    }
}

/// A text of a custom resource's column as Go prints any value.
pub(super) fn printed(value: &Value) -> String {
    match value {
        Value::Null => "<no value>".into(),
        Value::String(text) => text.to_string(),
        Value::Array(_) | Value::Object(_) => sorted_json(value),
        Value::Raw(_) => printed(&value.opened()),
        // A whole number is printed as one, however it was written.
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(whole) if whole.fract() == 0.0 && whole.abs() < 1e21 => format!("{whole:.0}"),
            _ => number.to_string(),
        },
        Value::Bool(flag) => flag.to_string(),
    }
}

/// JSON with sorted keys, as Go writes maps.
fn sorted_json(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            let members: Vec<String> =
                members.into_iter().map(|(key, value)| format!("{}:{}", quoted(key), sorted_json(value))).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(sorted_json).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
