//! Values as they are written in code: [`json!`](crate::json).

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Map, Number, Text, Value};

/// What [`json!`](crate::json) takes for a value, and leaves to whoever has it.
pub trait ToValue {
    fn to_value(&self) -> Value;
}

macro_rules! copied {
    ($($of:ty),*) => {$(
        impl ToValue for $of {
            fn to_value(&self) -> Value {
                (*self).into()
            }
        }
    )*};
}

copied!((), bool, i32, i64, u16, u32, u64, usize, f64);

impl ToValue for str {
    fn to_value(&self) -> Value {
        self.into()
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value {
        self.as_str().into()
    }
}

impl ToValue for Box<str> {
    fn to_value(&self) -> Value {
        (**self).into()
    }
}

impl ToValue for Cow<'_, str> {
    fn to_value(&self) -> Value {
        (**self).into()
    }
}

impl ToValue for Text {
    fn to_value(&self) -> Value {
        self.clone().into()
    }
}

impl ToValue for Number {
    fn to_value(&self) -> Value {
        self.clone().into()
    }
}

impl ToValue for Map {
    fn to_value(&self) -> Value {
        self.clone().into()
    }
}

impl ToValue for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }
}

impl<V: ToValue + ?Sized> ToValue for &V {
    fn to_value(&self) -> Value {
        (**self).to_value()
    }
}

impl<V: ToValue> ToValue for Option<V> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

impl<V: ToValue> ToValue for [V] {
    fn to_value(&self) -> Value {
        self.iter().map(ToValue::to_value).collect()
    }
}

impl<V: ToValue, const N: usize> ToValue for [V; N] {
    fn to_value(&self) -> Value {
        self.as_slice().to_value()
    }
}

impl<V: ToValue> ToValue for Vec<V> {
    fn to_value(&self) -> Value {
        self.as_slice().to_value()
    }
}

impl<N: AsRef<str>, V: ToValue> ToValue for BTreeMap<N, V> {
    fn to_value(&self) -> Value {
        self.iter().map(|(name, value)| (name.as_ref(), value.to_value())).collect()
    }
}

/// What [`json!`](crate::json) begins a list with.
#[doc(hidden)]
pub fn no_items() -> Vec<Value> {
    Vec::new()
}

/// A [`Value`], written as JSON. Whatever is no JSON in it is an expression; a
/// name that is one stands in parentheses.
#[macro_export]
macro_rules! json {
    (null) => { $crate::tree::Value::Null };
    ([ $($items:tt)* ]) => {{
        #[allow(unused_mut, reason = "there may be no items")]
        let mut items = $crate::tree::no_items();
        $crate::json_items!(items; $($items)*);
        $crate::tree::Value::Array(items)
    }};
    ({ $($members:tt)* }) => {{
        #[allow(unused_mut, reason = "there may be no members")]
        let mut members = $crate::tree::Map::new();
        $crate::json_members!(members; $($members)*);
        $crate::tree::Value::Object(members)
    }};
    ($value:expr) => { $crate::tree::ToValue::to_value(&$value) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! json_items {
    ($items:ident;) => {};
    ($items:ident; null $(, $($rest:tt)*)?) => {
        $items.push($crate::tree::Value::Null);
        $($crate::json_items!($items; $($rest)*);)?
    };
    ($items:ident; [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $items.push($crate::json!([ $($inner)* ]));
        $($crate::json_items!($items; $($rest)*);)?
    };
    ($items:ident; { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $items.push($crate::json!({ $($inner)* }));
        $($crate::json_items!($items; $($rest)*);)?
    };
    ($items:ident; $value:expr $(, $($rest:tt)*)?) => {
        $items.push($crate::json!($value));
        $($crate::json_items!($items; $($rest)*);)?
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! json_members {
    ($members:ident;) => {};
    ($members:ident; $call:ident ! $arguments:tt : $($rest:tt)*) => {
        $crate::json_members!($members; ($call!$arguments) : $($rest)*);
    };
    ($members:ident; $name:tt : null $(, $($rest:tt)*)?) => {
        $members.insert($name, $crate::tree::Value::Null);
        $($crate::json_members!($members; $($rest)*);)?
    };
    ($members:ident; $name:tt : [ $($inner:tt)* ] $(, $($rest:tt)*)?) => {
        $members.insert($name, $crate::json!([ $($inner)* ]));
        $($crate::json_members!($members; $($rest)*);)?
    };
    ($members:ident; $name:tt : { $($inner:tt)* } $(, $($rest:tt)*)?) => {
        $members.insert($name, $crate::json!({ $($inner)* }));
        $($crate::json_members!($members; $($rest)*);)?
    };
    ($members:ident; $name:tt : $value:expr $(, $($rest:tt)*)?) => {
        $members.insert($name, $crate::json!($value));
        $($crate::json_members!($members; $($rest)*);)?
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::tree::Value;

    #[test]
    fn values_are_written_as_json() {
        let (name, list) = ("n", vec![Some(1), None]);
        let made = json!({
            "a": [null, true, -1, 2.5, "x", [1, [2]], {"b": {}}, name.len()],
            (name): list,
            "m": BTreeMap::from([("k", "v")]),
            "e": [],
        });
        let text = r#"{"a":[null,true,-1,2.5,"x",[1,[2]],{"b":{}},1],"n":[1,null],"m":{"k":"v"},"e":[]}"#;
        assert_eq!(made.to_string(), text);
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), made);
        // What was named is still there.
        assert_eq!(list.len(), 2);
    }
}
