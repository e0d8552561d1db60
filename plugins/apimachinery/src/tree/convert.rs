//! Values out of what Rust has, and beside it.

use std::borrow::Cow;

use super::{Map, Number, Text, Value};

macro_rules! from {
    ($($of:ty => |$value:ident| $made:expr),* $(,)?) => {$(
        impl From<$of> for Value {
            fn from($value: $of) -> Self {
                $made
            }
        }
    )*};
}

from! {
    () => |_nothing| Self::Null,
    bool => |value| Self::Bool(value),
    i32 => |value| Self::Number(value.into()),
    i64 => |value| Self::Number(value.into()),
    u16 => |value| Self::Number(value.into()),
    u32 => |value| Self::Number(value.into()),
    u64 => |value| Self::Number(value.into()),
    usize => |value| Self::Number(value.into()),
    // What is no number in JSON is null.
    f64 => |value| Number::from_f64(value).map_or(Self::Null, Self::Number),
    Number => |value| Self::Number(value),
    &str => |value| Self::String(value.into()),
    &String => |value| Self::String(value.into()),
    String => |value| Self::String(value.into()),
    Box<str> => |value| Self::String(value.into()),
    Cow<'_, str> => |value| Self::String(Text::new(value)),
    Text => |value| Self::String(value),
    &Text => |value| Self::String(value.clone()),
    Map => |value| Self::Object(value),
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(items: Vec<V>) -> Self {
        items.into_iter().collect()
    }
}

impl<V: Clone + Into<Value>> From<&[V]> for Value {
    fn from(items: &[V]) -> Self {
        items.iter().cloned().collect()
    }
}

impl<V: Into<Value>, const N: usize> From<[V; N]> for Value {
    fn from(items: [V; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<V: Into<Value>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<V: Into<Value>> FromIterator<V> for Value {
    fn from_iter<I: IntoIterator<Item = V>>(items: I) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl<N: Into<Text>, V: Into<Value>> FromIterator<(N, V)> for Value {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(members: I) -> Self {
        Self::Object(members.into_iter().collect())
    }
}

macro_rules! equal {
    ($($of:ty => |$value:ident, $other:ident| $equal:expr),* $(,)?) => {$(
        impl PartialEq<$of> for Value {
            fn eq(&self, $other: &$of) -> bool {
                let $value = self;
                $equal
            }
        }

        impl PartialEq<Value> for $of {
            fn eq(&self, other: &Value) -> bool {
                other == self
            }
        }
    )*};
}

impl PartialEq<bool> for &Value {
    fn eq(&self, other: &bool) -> bool {
        *self == other
    }
}

equal! {
    str => |value, other| value.as_str() == Some(other),
    &str => |value, other| value.as_str() == Some(*other),
    String => |value, other| value.as_str() == Some(other.as_str()),
    bool => |value, other| value.as_bool() == Some(*other),
    u16 => |value, other| value.as_u64() == Some((*other).into()),
    i32 => |value, other| value.as_i64() == Some((*other).into()),
    i64 => |value, other| value.as_i64() == Some(*other),
    u64 => |value, other| value.as_u64() == Some(*other),
    usize => |value, other| value.as_u64() == Some(*other as u64),
    f64 => |value, other| value.as_f64() == Some(*other),
}
