//! Members by their names and items by their places: `value["spec"]["containers"][0]`.

use std::ops;

use super::{Map, Text, Value};

/// What a value can be asked for.
pub trait Index {
    fn find<'v>(&self, value: &'v Value) -> Option<&'v Value>;
    fn find_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value>;

    /// As it is found, or made.
    ///
    /// # Panics
    /// Where it cannot be.
    fn make<'v>(&self, value: &'v mut Value) -> &'v mut Value;
}

impl Index for usize {
    fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_array()?.get(*self)
    }

    fn find_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        value.as_array_mut()?.get_mut(*self)
    }

    fn make<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        self.find_mut(value).unwrap_or_else(|| panic!("there is no item {self}"))
    }
}

impl Index for str {
    #[inline]
    fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_object()?.get(self)
    }

    #[inline]
    fn find_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        value.as_object_mut()?.get_mut(self)
    }

    fn make<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        if value.is_null() {
            *value = Value::Object(Map::new());
        }
        match value {
            Value::Object(members) => members.entry(self).or_insert(Value::Null),
            other => panic!("`{other}` has no member `{self}`"),
        }
    }
}

macro_rules! by_name {
    ($($name:ty),*) => {$(
        impl Index for $name {
            fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
                <str as Index>::find(self, value)
            }

            fn find_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
                <str as Index>::find_mut(self, value)
            }

            fn make<'v>(&self, value: &'v mut Value) -> &'v mut Value {
                <str as Index>::make(self, value)
            }
        }
    )*};
}

by_name!(String, Text, Box<str>);

impl<I: Index + ?Sized> Index for &I {
    fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        (**self).find(value)
    }

    fn find_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        (**self).find_mut(value)
    }

    fn make<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        (**self).make(value)
    }
}

/// Null where nothing is.
impl<I: Index> ops::Index<I> for Value {
    type Output = Value;

    #[inline]
    fn index(&self, index: I) -> &Value {
        index.find(self).unwrap_or(&Value::Null)
    }
}

/// A member that is not there is made, and so is the object in place of null.
impl<I: Index> ops::IndexMut<I> for Value {
    fn index_mut(&mut self, index: I) -> &mut Value {
        index.make(self)
    }
}

impl ops::Index<&str> for Map {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use crate::tree::{Value, json};

    #[test]
    fn what_is_not_there_is_null_and_is_made_when_it_is_set() {
        let mut value = json!({"a": [{"b": 1}]});
        assert_eq!(value["a"][0]["b"], 1);
        assert_eq!(value["a"][1]["b"]["c"], Value::Null);
        value["x"]["y"] = json!(2);
        value["a"][0]["b"] = json!(3);
        assert_eq!(value, json!({"a": [{"b": 3}], "x": {"y": 2}}));
    }

    #[test]
    #[should_panic(expected = "`1` has no member `a`")]
    fn a_number_gets_no_members() {
        json!(1)["a"] = json!(2);
    }
}
