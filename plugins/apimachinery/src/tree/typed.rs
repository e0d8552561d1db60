//! Rust's own types out of a tree.

use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::Value;

impl Value {
    /// Reads a value of another type out of this one.
    ///
    /// # Errors
    /// If it is none of that type.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(Tree(self))
    }
}

struct Tree<'v>(&'v Value);

impl<'de> Deserializer<'de> for Tree<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => visitor.visit_i64(value),
                (None, Some(value)) => visitor.visit_u64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.iter().map(Tree))),
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| (name.as_str(), Tree(value)));
                visitor.visit_map(MapDeserializer::new(members))
            }
            Value::Raw(_) => Tree(&self.0.opened()).deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

impl IntoDeserializer<'_> for Tree<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::tree::{Value, json};

    #[test]
    fn types_are_read_out_of_trees() {
        let tree = json!({"a": [1, null, 3], "b": []});
        let read: BTreeMap<String, Vec<Option<u8>>> = tree.typed().unwrap();
        assert_eq!(read["a"], [Some(1), None, Some(3)]);
        assert_eq!(tree.typed::<Value>().unwrap(), tree);
        assert!(tree.typed::<Vec<u8>>().is_err());
        assert_eq!(json!(1.5).typed::<f64>().unwrap(), 1.5);
    }
}
