//! What upstream's Go types say of the places that a patch goes into.

use super::Failure;
use crate::schema::{List, Object, Schema, Shape, Wire};
use crate::validation::quoted;

/// A place that holds a map or a list in the object as in the patch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    schema: &'a Schema,
    wire: Wire,
}

impl<'a> Place<'a> {
    pub(super) fn root(schema: &'a Schema) -> Self {
        Self { schema, wire: Wire::ByShape }
    }

    /// The place of a member. It is looked up only where there is something to merge.
    ///
    /// # Errors
    /// If this is no struct, or has no such field: upstream merges nothing but the fields of
    /// structs.
    pub(super) fn member(self, name: &str) -> Result<Self, Failure> {
        let of = match &self.schema.shape {
            Shape::Object(Object { values: Some(_), .. }) => {
                let why = "merging an object in json but data type is not struct, instead is: map";
                return Err(Failure::Other(why.into()));
            }
            Shape::Object(object) => match object.fields.get(name) {
                Some(field) => return Ok(Self { schema: &field.schema, wire: field.wire }),
                None => object.name.and_then(|name| name.rsplit('.').next()).unwrap_or_default(),
            },
            _ => self.opaque_struct(),
        };
        Err(Failure::Other(format!("unable to find api field in struct {of} for the json field {}", quoted(name))))
    }

    /// The place of an item of this list.
    pub(super) fn item(self) -> Self {
        self.list().map_or(self, |list| Self::root(&list.items))
    }

    pub(super) fn list(self) -> Option<&'a List> {
        match &self.schema.shape {
            Shape::List(list) => Some(list),
            _ => None,
        }
    }

    /// The key of the items of a merged list of maps.
    pub(super) fn merge_key(self) -> Option<&'a str> {
        self.list()?.merge_key.as_deref()
    }

    /// Whether a map here is not merged but replaced.
    pub(super) fn is_replaced(self) -> bool {
        matches!(&self.schema.shape, Shape::Object(object) if object.replace)
    }

    /// The structs that have no fields of their own in JSON.
    fn opaque_struct(self) -> &'static str {
        match self.wire {
            Wire::RawExtension => "RawExtension",
            Wire::FieldsV1 => "FieldsV1",
            Wire::RawJson => "JSON",
            Wire::SchemaOrArray => "JSONSchemaPropsOrArray",
            Wire::SchemaOrBool => "JSONSchemaPropsOrBool",
            Wire::SchemaOrStringArray => "JSONSchemaPropsOrStringArray",
            _ => "",
        }
    }
}
