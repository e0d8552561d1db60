//! What expressions compute with. Parts of objects stay where they are until something looks at
//! them.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;
use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::ast::Literal;
use super::declared::{Declared, Shape};
use crate::codec::time;
use crate::tree::Value;

const SECOND: i128 = 1_000_000_000;

#[derive(Debug, Clone)]
pub(super) enum Val<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(Cow<'a, str>),
    Bytes(Rc<[u8]>),
    /// In nanoseconds.
    Duration(i128),
    /// In nanoseconds since 1970.
    Timestamp(i128),
    List(Rc<Vec<Val<'a>>>),
    Map(Rc<Vec<(Val<'a>, Val<'a>)>>),
    /// A list, a map or an object, as it stands in JSON.
    Tree(&'a Value, &'a Declared),
    Optional(Option<Rc<Val<'a>>>),
    Type(String),
    Url(Rc<Url>),
    /// In billionths.
    Quantity(i128),
    Ip(IpAddr),
    Cidr(IpAddr, u8),
    Format(&'static str),
    Semver(Rc<Semver>),
}

#[derive(Debug, PartialEq)]
pub(super) struct Url {
    pub(super) scheme: String,
    pub(super) host: String,
    pub(super) path: String,
    pub(super) query: String,
}

#[derive(Debug, PartialEq)]
pub(super) struct Semver {
    pub(super) numbers: [i64; 3],
    pub(super) pre: Vec<String>,
}

impl<'a> Val<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(items))
    }

    pub(super) fn some(value: Self) -> Self {
        Self::Optional(Some(Rc::new(value)))
    }

    pub(super) fn of_literal(literal: &Literal) -> Self {
        match literal {
            Literal::Null => Self::Null,
            Literal::Bool(value) => Self::Bool(*value),
            Literal::Int(value) => Self::Int(*value),
            Literal::Uint(value) => Self::Uint(*value),
            Literal::Double(value) => Self::Double(*value),
            Literal::Text(text) => Self::Text(Cow::Owned(text.to_string())),
            Literal::Bytes(bytes) => Self::Bytes(Rc::from(bytes.as_ref())),
        }
    }

    /// A part of an object.
    pub(super) fn of(value: &'a Value, declared: &'a Declared) -> Self {
        match (value, &declared.shape) {
            (Value::Array(_) | Value::Object(_), _) => Self::Tree(value, declared),
            (Value::String(text), shape) if !matches!(shape, Shape::Bytes | Shape::Duration | Shape::Timestamp(_)) => {
                Self::Text(Cow::Borrowed(text))
            }
            _ => Self::made(value, declared),
        }
    }

    /// A part of an object that is nowhere as it is here.
    fn made(value: &Value, declared: &Declared) -> Self {
        match (value, &declared.shape) {
            (Value::Null, _) => Self::Null,
            (Value::String(text), Shape::Bytes) => match STANDARD.decode(text) {
                Ok(bytes) => Self::Bytes(Rc::from(bytes)),
                Err(_) => Self::Bytes(Rc::from(text.as_bytes())),
            },
            (Value::String(text), Shape::Duration) => duration(text).map_or(Self::Null, Self::Duration),
            (Value::String(text), Shape::Timestamp(whole)) => {
                let text = if *whole { text.to_string() } else { format!("{text}T00:00:00Z") };
                timestamp(&text).map_or(Self::Null, Self::Timestamp)
            }
            (Value::String(text), _) => Self::text(text.to_string()),
            (Value::Bool(value), _) => Self::Bool(*value),
            (Value::Number(number), Shape::Double) => Self::Double(number.as_f64().unwrap_or_default()),
            (Value::Number(number), _) => match number.as_i64() {
                Some(number) => Self::Int(number),
                None => Self::Double(number.as_f64().unwrap_or_default()),
            },
            (Value::Array(items), shape) => {
                let of = if let Shape::List(of) = shape { of } else { declared };
                Self::list(items.iter().map(|item| Self::made(item, of)).collect())
            }
            (Value::Object(members), Shape::Object(fields)) => {
                let found = fields.iter().filter_map(|field| {
                    let value = members.get(&field.json)?;
                    Some((Self::text(field.name.clone()), Self::made(value, &field.of)))
                });
                Self::Map(Rc::new(found.collect()))
            }
            (Value::Object(members), shape) => {
                let of = if let Shape::Map(of) = shape { of } else { declared };
                let entries = members.iter().map(|(key, value)| (Self::text(key.to_string()), Self::made(value, of)));
                Self::Map(Rc::new(entries.collect()))
            }
            // Only built-in types have any, and those have no rules.
            (Value::Raw(_), _) => Self::made(&value.opened(), declared),
        }
    }

    pub(super) fn type_name(&self) -> &str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::List(_) | Self::Tree(Value::Array(_), _) => "list",
            Self::Map(_) => "map",
            Self::Tree(_, declared) if matches!(declared.shape, Shape::Map(_)) => "map",
            Self::Tree(_, declared) => &declared.name,
            Self::Optional(_) => "optional_type",
            Self::Type(_) => "type",
            Self::Url(_) => super::library::URL,
            Self::Quantity(_) => super::library::QUANTITY,
            Self::Ip(_) => super::library::IP,
            Self::Cidr(..) => super::library::CIDR,
            Self::Format(_) => super::library::FORMAT,
            Self::Semver(_) => super::library::SEMVER,
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Option<Vec<Self>> {
        match self {
            Self::List(items) => Some(items.as_ref().clone()),
            Self::Tree(Value::Array(items), declared) => {
                let Shape::List(of) = &declared.shape else { return None };
                Some(items.iter().map(|item| Self::of(item, of)).collect())
            }
            _ => None,
        }
    }

    /// The entries of a map or an object.
    pub(super) fn entries(&self) -> Option<Vec<(Self, Self)>> {
        match self {
            Self::Map(entries) => Some(entries.as_ref().clone()),
            Self::Tree(Value::Object(members), declared) => match &declared.shape {
                Shape::Map(of) => {
                    Some(members.iter().map(|(key, value)| (Self::text(key.as_str()), Self::of(value, of))).collect())
                }
                Shape::Object(fields) => {
                    let found = fields.iter().filter_map(|field| {
                        let value = members.get(&field.json)?;
                        Some((Self::text(field.name.as_str()), Self::of(value, &field.of)))
                    });
                    Some(found.collect())
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The member of an object or a map by its name, if it is there.
    pub(super) fn member(&self, name: &str) -> Option<Self> {
        match self {
            Self::Tree(Value::Object(members), declared) => match &declared.shape {
                Shape::Map(of) => members.get(name).map(|value| Self::of(value, of)),
                _ => {
                    let field = declared.field(name)?;
                    members.get(&field.json).map(|value| Self::of(value, &field.of))
                }
            },
            Self::Map(entries) => entries
                .iter()
                .find(|(key, _)| matches!(key, Self::Text(key) if key == name))
                .map(|(_, value)| value.clone()),
            _ => None,
        }
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self, Self::Map(_) | Self::Tree(Value::Object(_), _))
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self, Self::List(_) | Self::Tree(Value::Array(_), _))
    }

    pub(super) fn size(&self) -> Option<usize> {
        Some(match self {
            Self::Text(text) => text.chars().count(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(items) => items.len(),
            Self::Map(entries) => entries.len(),
            Self::Tree(Value::Array(items), _) => items.len(),
            Self::Tree(Value::Object(members), _) => members.len(),
            _ => return None,
        })
    }

    pub(super) fn is_zero(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(value) => !value,
            Self::Int(number) => *number == 0,
            Self::Uint(number) => *number == 0,
            Self::Double(number) => *number == 0.0,
            Self::Duration(nanos) => *nanos == 0,
            other => other.size() == Some(0),
        }
    }

    fn is_unordered(&self) -> bool {
        matches!(self, Self::Tree(Value::Array(_), declared) if declared.unordered)
    }

    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::Optional(a), Self::Optional(b)) => match (a, b) {
                (Some(a), Some(b)) => a.equals(b),
                (a, b) => a.is_none() && b.is_none(),
            },
            (Self::Url(a), Self::Url(b)) => a == b,
            (Self::Format(a), Self::Format(b)) => a == b,
            (Self::Ip(a), Self::Ip(b)) => a == b,
            (Self::Cidr(a, x), Self::Cidr(b, y)) => a == b && x == y,
            (Self::Tree(a, _), Self::Tree(b, _)) if std::ptr::eq(*a, *b) => true,
            _ if self.is_list() && other.is_list() => {
                let (a, b) = (self.items().unwrap_or_default(), other.items().unwrap_or_default());
                let unordered = self.is_unordered() || other.is_unordered();
                a.len() == b.len()
                    && match unordered {
                        true => a.iter().all(|a| b.iter().any(|b| a.equals(b))),
                        false => a.iter().zip(&b).all(|(a, b)| a.equals(b)),
                    }
            }
            _ if self.is_map() && other.is_map() => {
                let (a, b) = (self.entries().unwrap_or_default(), other.entries().unwrap_or_default());
                let has = |key: &Self, value: &Self| b.iter().any(|(k, v)| k.equals(key) && v.equals(value));
                a.len() == b.len() && a.iter().all(|(key, value)| has(key, value))
            }
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }

    /// The order of two values that have one.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Bytes(a), Self::Bytes(b)) => Some(a.cmp(b)),
            (Self::Duration(a), Self::Duration(b))
            | (Self::Timestamp(a), Self::Timestamp(b))
            | (Self::Quantity(a), Self::Quantity(b)) => Some(a.cmp(b)),
            (Self::Semver(a), Self::Semver(b)) => Some(a.order(b)),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(b),
            (Self::Double(a), b) => a.partial_cmp(&(b.whole()? as f64)),
            (a, Self::Double(b)) => (a.whole()? as f64).partial_cmp(b),
            (a, b) => Some(a.whole()?.cmp(&b.whole()?)),
        }
    }

    fn whole(&self) -> Option<i128> {
        match self {
            Self::Int(number) => Some((*number).into()),
            Self::Uint(number) => Some((*number).into()),
            _ => None,
        }
    }
}

impl Semver {
    fn order(&self, other: &Self) -> Ordering {
        let by_part = |a: &String, b: &String| match (a.parse::<u64>(), b.parse::<u64>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            _ => a.cmp(b),
        };
        let pre = || match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ => {
                let parts = self.pre.iter().zip(&other.pre).map(|(a, b)| by_part(a, b));
                parts.fold(Ordering::Equal, Ordering::then).then(self.pre.len().cmp(&other.pre.len()))
            }
        };
        self.numbers.cmp(&other.numbers).then_with(pre)
    }
}

/// `1h2m3.5s`, in nanoseconds.
pub(super) fn duration(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut sum: i128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let length = after.find(|char: char| char.is_ascii_digit() || char == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(length);
        let unit: i128 = match unit {
            "h" => 3600 * SECOND,
            "m" => 60 * SECOND,
            "s" => SECOND,
            "ms" => 1_000_000,
            "us" | "µs" | "μs" => 1000,
            "ns" => 1,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        sum += format!("0{whole}").parse::<i128>().ok()?.checked_mul(unit)?;
        let fraction: String = fraction.chars().take(15).collect();
        sum += format!("0{fraction}").parse::<i128>().ok()? * unit / 10_i128.pow(fraction.len() as u32);
        rest = after;
    }
    (!text.is_empty() && sum <= i64::MAX.into()).then_some(sign * sum)
}

/// In nanoseconds since 1970.
pub(super) fn timestamp(text: &str) -> Option<i128> {
    let instant = time::parse(text).ok()?;
    Some(i128::from(instant.seconds) * SECOND + i128::from(instant.nanos))
}

/// RFC 3339 with as many digits of a second as it has.
pub(super) fn show_timestamp(nanos: i128) -> String {
    let (seconds, below) = (nanos.div_euclid(SECOND), nanos.rem_euclid(SECOND));
    let mut text = time::format(time::Instant { seconds: i64::try_from(seconds).unwrap_or(0), nanos: 0 });
    if below > 0 {
        text.pop();
        let digits = format!("{below:09}");
        text += &format!(".{}Z", digits.trim_end_matches('0'));
    }
    text
}

pub(super) fn show_duration(nanos: i128) -> String {
    let (sign, nanos) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
    let (seconds, below) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    match below {
        0 => format!("{sign}{seconds}s"),
        _ => {
            let digits = format!("{below:09}");
            format!("{sign}{seconds}.{}s", digits.trim_end_matches('0'))
        }
    }
}

/// The shortest decimal text, with an exponent where Go writes one.
pub(super) fn show_double(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_string();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf".to_string() } else { "-Inf".to_string() };
    }
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e21).contains(&size) {
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = exponent.strip_prefix('-').map_or(("+", exponent), |digits| ("-", digits));
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    format!("{number}")
}
