//! The tree that an object is while a request works on it: JSON, its members in their writer's
//! order.
//!
//! It is made for the objects of the API, which are many small structs with short names: names and
//! texts of up to 23 bytes stand in the tree itself, and the members of a struct are one list, found
//! by looking at each name. So to read, to copy and to drop a struct costs one piece of memory.
//! Its interface is that of `serde_json`'s tree, which hashes each name and holds each apart.
//!
//! What upstream holds as raw bytes is no tree here either: see [`Value::Raw`].

mod convert;
mod index;
mod make;
mod map;
mod raw;
mod read;
mod serial;
mod text;
mod typed;
mod words;
mod write;

pub use make::{ToValue, no_items};
pub use map::{Entry, Map};
pub use read::Unreadable;
pub(crate) use read::{Reader, into_text};
pub use serde_json::Number;
pub use smol_str::{SmolStr as Text, SmolStrBuilder as TextBuilder};
pub(crate) use text::{depth as depth_of_text, indented};
pub(crate) use words::{has_dot, hash, is_plain, same_text};
pub(crate) use write::write_text;

pub use crate::json;

/// Any JSON value.
#[derive(Debug, Clone, Default)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    String(Text),
    Array(Vec<Value>),
    Object(Map),
    /// A value of any kind but null, as its writer wrote it. It is none of the others to whoever asks:
    /// who means to look inside opens it.
    Raw(Text),
}

impl Value {
    /// The member of this name, or the item at this place.
    #[inline]
    pub fn get(&self, index: impl index::Index) -> Option<&Value> {
        index.find(self)
    }

    #[inline]
    pub fn get_mut(&mut self, index: impl index::Index) -> Option<&mut Value> {
        index.find_mut(self)
    }

    #[inline]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub fn is_boolean(&self) -> bool {
        matches!(self, Self::Bool(_))
    }

    pub fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    pub fn is_i64(&self) -> bool {
        self.as_i64().is_some()
    }

    pub fn is_u64(&self) -> bool {
        self.as_u64().is_some()
    }

    pub fn is_f64(&self) -> bool {
        matches!(self, Self::Number(number) if number.is_f64())
    }

    pub fn is_string(&self) -> bool {
        matches!(self, Self::String(_))
    }

    #[inline]
    pub fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }

    #[inline]
    pub fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    pub fn as_i64(&self) -> Option<i64> {
        self.as_number().and_then(Number::as_i64)
    }

    pub fn as_u64(&self) -> Option<u64> {
        self.as_number().and_then(Number::as_u64)
    }

    pub fn as_f64(&self) -> Option<f64> {
        self.as_number().and_then(Number::as_f64)
    }

    #[inline]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    #[inline]
    pub fn as_array(&self) -> Option<&Vec<Value>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    #[inline]
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Value>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    #[inline]
    pub fn as_object(&self) -> Option<&Map> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    #[inline]
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The value, in whose place null is left.
    pub fn take(&mut self) -> Value {
        std::mem::take(self)
    }

    /// Brings the members of all objects in it into the order of their names.
    pub fn sort_all_objects(&mut self) {
        match self {
            Self::Object(members) => {
                members.sort_keys();
                members.values_mut().for_each(Self::sort_all_objects);
            }
            Self::Array(items) => items.iter_mut().for_each(Self::sort_all_objects),
            _ => {}
        }
    }
}
