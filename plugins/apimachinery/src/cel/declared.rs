//! What rules know of a value: the types that a schema declares, and how large values may be.

use std::sync::Arc;

use super::types::Type;
use crate::tree::{Value, json};

/// The largest request, of which any value is a part.
const REQUEST_BYTES_MAX: i64 = 3 * 1024 * 1024;
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Whether expressions can call something so.
pub fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !RESERVED.contains(&name)
}

/// The type of one place.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) shape: Shape,
    /// Members, items or characters that there may be.
    pub(super) max_elements: u64,
    /// Bytes of the smallest value.
    pub(super) min_size: i64,
    /// A list whose order says nothing: a set, or a map.
    pub(super) unordered: bool,
    /// Of a map: characters of its keys.
    pub(super) key_max: u64,
    /// A map whose values are selected like members.
    pub(super) by_name: bool,
}

#[derive(Debug)]
pub(super) enum Shape {
    Bool,
    Int,
    Double,
    Text,
    Bytes,
    Duration,
    /// Whether it has a time of day.
    Timestamp(bool),
    /// An integer or a string.
    Dyn,
    List(Arc<Declared>),
    Map(Arc<Declared>),
    Object(Vec<Field>),
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) json: String,
    /// What rules call it.
    pub(super) name: String,
    pub(super) of: Arc<Declared>,
}

impl Declared {
    /// Of the place with this schema (`Value` in OpenAPI's words), if its values have a type.
    pub(super) fn of(schema: &Value, root: bool) -> Option<Arc<Self>> {
        build(schema, root, "selfType").map(Arc::new)
    }

    pub(super) fn as_type(self: &Arc<Self>) -> Type {
        match &self.shape {
            Shape::Bool => Type::Bool,
            Shape::Int => Type::Int,
            Shape::Double => Type::Double,
            Shape::Text => Type::Text,
            Shape::Bytes => Type::Bytes,
            Shape::Duration => Type::Duration,
            Shape::Timestamp(_) => Type::Timestamp,
            Shape::Dyn => Type::Dyn,
            Shape::List(items) => Type::list(items.as_type()),
            Shape::Map(values) => Type::map(Type::Text, values.as_type()),
            Shape::Object(_) => Type::Object(self.clone()),
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        match &self.shape {
            Shape::Object(fields) => fields.iter().find(|field| field.name == name),
            _ => None,
        }
    }

    /// How often a value of it may be in one request.
    pub(super) fn cardinality(&self) -> u64 {
        u64::try_from(REQUEST_BYTES_MAX / (self.min_size + 1)).unwrap_or(u64::MAX)
    }

    fn simple(name: &str, shape: Shape, max_elements: i64, min_size: i64) -> Self {
        let max_elements = u64::try_from(max_elements).unwrap_or(0);
        Self { name: name.to_string(), shape, max_elements, min_size, unordered: false, key_max: 0, by_name: false }
    }

    /// Of what is said of a device: how large that may be.
    pub(super) fn device() -> Self {
        const DRIVER_MAX: i64 = 63;
        const DOMAIN_MAX: u64 = 63;
        const NAME_MAX: u64 = 32;
        const VALUE_MAX: i64 = 64;
        const VALUES_MAX: i64 = 32;
        let map = |values: Self, key_max: u64| Self {
            key_max,
            ..Self::simple("map", Shape::Map(Arc::new(values)), VALUES_MAX, 2)
        };
        let attribute = Self::simple("any", Shape::Dyn, VALUE_MAX, 1);
        let attributes = Self { by_name: true, ..map(attribute, NAME_MAX) };
        let quantity = Self::simple("quantity", Shape::Dyn, 0, 8);
        let field = |name: &str, of: Self| Field { json: name.to_string(), name: name.to_string(), of: Arc::new(of) };
        let fields = vec![
            field("driver", Self::simple("string", Shape::Text, DRIVER_MAX, 2)),
            field("attributes", map(attributes, DOMAIN_MAX)),
            field("capacity", map(map(quantity, NAME_MAX), DOMAIN_MAX)),
            field("allowMultipleAllocations", Self::simple("bool", Shape::Bool, 1, 4)),
        ];
        Self::simple("kubernetes.DRADevice", Shape::Object(fields), 0, 2)
    }
}

fn build(schema: &Value, root: bool, name: &str) -> Option<Declared> {
    let flag = |key: &str| schema[key] == true;
    let max_length = schema["maxLength"].as_i64().map(|length| length.max(0).saturating_mul(4));
    let embedded = |schema: &Value| schema["x-kubernetes-embedded-resource"] == true;
    if flag("x-kubernetes-int-or-string") {
        return Some(Declared::simple("dyn", Shape::Dyn, max_length.unwrap_or(REQUEST_BYTES_MAX - 2), 1));
    }
    let with_meta = root.then(|| with_meta(schema));
    let schema = with_meta.as_ref().unwrap_or(schema);
    match schema["type"].as_str()? {
        "array" => {
            let items = Some(&schema["items"]).filter(|items| items.is_object())?;
            let items = build(items, embedded(items), &format!("{name}.@idx"))?;
            let max =
                schema["maxItems"].as_i64().map_or((REQUEST_BYTES_MAX - 2) / (items.min_size + 1), |max| max.max(0));
            let unordered = matches!(schema["x-kubernetes-list-type"].as_str(), Some("set" | "map"));
            Some(Declared { unordered, ..Declared::simple("list", Shape::List(Arc::new(items)), max, 2) })
        }
        "object" if schema["additionalProperties"].is_object() => {
            let values = &schema["additionalProperties"];
            let values = build(values, embedded(values), &format!("{name}.@elem"))?;
            let max = schema["maxProperties"]
                .as_i64()
                .map_or((REQUEST_BYTES_MAX - 2) / (values.min_size + 6), |max| max.max(0));
            Some(Declared::simple("map", Shape::Map(Arc::new(values)), max, 2))
        }
        "object" => Some(object(schema, name)),
        "string" => Some(string(schema, max_length)),
        "boolean" => Some(Declared::simple("bool", Shape::Bool, 0, 4)),
        "number" => Some(Declared::simple("double", Shape::Double, 0, 1)),
        "integer" => Some(Declared::simple("int", Shape::Int, 0, 1)),
        _ => None,
    }
}

fn object(schema: &Value, name: &str) -> Declared {
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
    let mut min_size = 2;
    let mut fields = Vec::new();
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let embedded = property["x-kubernetes-embedded-resource"] == true;
        let Some(of) = build(property, embedded, &format!("{name}.{key}")) else { continue };
        if required(key) && property["default"].is_null() {
            min_size += key.len() as i64 + of.min_size + 4;
        }
        if let Some(name) = escaped(key) {
            fields.push(Field { json: key.to_string(), name, of: Arc::new(of) });
        }
    }
    Declared::simple(name, Shape::Object(fields), 0, min_size)
}

fn string(schema: &Value, max_length: Option<i64>) -> Declared {
    const DURATION_MAX: i64 = 32;
    const DATE: i64 = 12;
    const DATE_TIME_MAX: i64 = 32;
    match schema["format"].as_str().unwrap_or_default() {
        "byte" => {
            let max = schema["maxLength"].as_i64().map_or(REQUEST_BYTES_MAX - 2, |max| max.max(0));
            Declared::simple("bytes", Shape::Bytes, max, 2)
        }
        "duration" => Declared::simple("duration", Shape::Duration, DURATION_MAX, 3),
        "date" => Declared::simple("timestamp", Shape::Timestamp(false), DATE, DATE),
        "date-time" => Declared::simple("timestamp", Shape::Timestamp(true), DATE_TIME_MAX, 21),
        _ => {
            let words = schema["enum"].as_array().filter(|words| !words.is_empty());
            let longest = words.map(|words| words.iter().filter_map(Value::as_str).map(str::len).max().unwrap_or(0));
            let of_words = longest.map(|length| length as i64);
            Declared::simple("string", Shape::Text, max_length.or(of_words).unwrap_or(REQUEST_BYTES_MAX - 2), 2)
        }
    }
}

/// What every object has, and no more of its metadata.
fn with_meta(schema: &Value) -> Value {
    let mut schema = schema.clone();
    let text = json!({"type": "string"});
    if schema["type"].is_null() {
        schema["type"] = json!("object");
    }
    if !schema["properties"].is_object() {
        schema["properties"] = json!({});
    }
    let metadata = json!({"type": "object", "properties": {"name": text, "generateName": text}});
    for (name, value) in [("kind", text.clone()), ("apiVersion", text), ("metadata", metadata)] {
        schema["properties"][name] = value;
    }
    schema
}

/// A property's name as an identifier, if there is one.
pub(super) fn escaped(name: &str) -> Option<String> {
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if RESERVED.contains(&name) {
        return Some(format!("__{name}__"));
    }
    let mut out = String::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let (word, length) = match first {
            '_' if rest.starts_with("__") => ("__underscores__", 2),
            '.' => ("__dot__", 1),
            '-' => ("__dash__", 1),
            '/' => ("__slash__", 1),
            _ if first == '_' || first.is_ascii_alphanumeric() => (&rest[..1], 1),
            _ => return None,
        };
        out.push_str(word);
        rest = &rest[length..];
    }
    Some(out)
}
