//! The one model of a schema: built-in types are made from the generated table
//! (`schema::builtin`), custom resources from the OpenAPI v3 schema of their definition
//! (`schema::structural`). Everything that needs to know what a field is (decoding,
//! pruning, defaults, validation, patches, managed fields, OpenAPI) reads this.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::builtin;
use super::fields::Fields;
use super::pattern::Pattern;
use crate::cel;
use crate::tree::Value;

/// What one place in an object may hold.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    pub shape: Shape,
    /// JSON `null` is a value here, not an absent field.
    pub nullable: bool,
    /// Set when the field is absent (declared defaults only).
    pub default: Option<Value>,
    /// Unknown fields are kept (`x-kubernetes-preserve-unknown-fields`).
    pub preserve_unknown: bool,
    /// The value is a complete object with `kind`, `apiVersion` and `metadata`.
    pub embedded_resource: bool,
    pub rules: Rules,
    pub description: Option<Box<str>>,
    /// The OpenAPI document's own words where the model does not keep them all (custom
    /// resources), for publishing.
    pub openapi: Option<Arc<Value>>,
    /// `x-kubernetes-validations` (custom resources).
    pub validations: Option<Arc<cel::Rules>>,
    /// Whether there are any, here or below.
    pub has_validations: bool,
}

#[derive(Debug, Clone, Default)]
pub enum Shape {
    /// Anything: `preserve_unknown` without a type, RawExtension, JSON.
    #[default]
    Any,
    Object(Object),
    List(List),
    Scalar(Scalar),
}

#[derive(Debug, Clone, Default)]
pub struct Object {
    /// The type's OpenAPI name (`io.k8s.api.core.v1.Pod`) for built-ins.
    pub name: Option<&'static str>,
    pub fields: Fields,
    /// The values of a map (`additionalProperties`).
    pub values: Option<SchemaRef>,
    /// Owned and replaced as a whole (`x-kubernetes-map-type: atomic`).
    pub atomic: bool,
    /// `patchStrategy: retainKeys` on this struct's field.
    pub retain_keys: bool,
    /// `patchStrategy: replace` on this struct's field: strategic merge does not merge it.
    pub replace: bool,
    /// Whether a field of it, or of what it holds, is a `RawExtension`: see [`super::foreign`].
    pub has_foreign: bool,
}

#[derive(Debug, Clone)]
pub struct Field {
    pub name: Box<str>,
    pub schema: SchemaRef,
    pub required: bool,
    /// What upstream writes when the field is unset; absent fields are left out.
    pub when_unset: Option<Value>,
    /// Protobuf field number, 0 for custom resources.
    pub number: u32,
    pub wire: Wire,
    pub native: Native,
}

/// What upstream's Go struct says of a built-in field beside its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Native {
    /// Numbers of the messages around the field, outermost first, if upstream's struct embeds
    /// the one that declares it (`Volume` and its sources).
    pub within: &'static [u32],
    /// Go's names for those structs, as decoding errors tell them (`VolumeSource`).
    pub embedded: &'static [&'static str],
    /// Its Go type where the schema does not imply it: named (`v1.Protocol`) or a pointer.
    pub go: &'static str,
    /// Its place in the struct from one on, in types whose fields stand otherwise than in protobuf.
    pub at: u8,
}

impl Native {
    /// Whether a scalar that is written as its zero differs from one that is not written.
    pub fn keeps_zero(&self) -> bool {
        self.go.starts_with('*')
    }
}

/// How a built-in field travels in protobuf; for a list or a map, how each item or value does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wire {
    /// By shape: string, varint, double, length-delimited message.
    #[default]
    ByShape,
    Bytes,
    Int32,
    Int64,
    Double,
    Bool,
    /// `metav1.Time`: seconds and nanos.
    Time,
    /// `metav1.MicroTime`.
    MicroTime,
    /// `resource.Quantity`: a message with one string.
    Quantity,
    /// `intstr.IntOrString`: type, int, string.
    IntOrString,
    /// `runtime.RawExtension`: a message with raw bytes.
    RawExtension,
    /// `metav1.FieldsV1`: a message with raw JSON bytes.
    FieldsV1,
    /// `apiextensions JSON`: the same, but upstream takes the bytes apart.
    RawJson,
    /// `metav1.Verbs`, `ExtraValue` and others like them: a message with repeated strings.
    StringListMessage,
    /// `JSONSchemaPropsOrArray` of CRDs: a schema, or a list of them.
    SchemaOrArray,
    /// `JSONSchemaPropsOrBool`: a schema, or whether anything is allowed.
    SchemaOrBool,
    /// `JSONSchemaPropsOrStringArray`: a schema, or a list of names.
    SchemaOrStringArray,
}

#[derive(Debug, Clone)]
pub struct List {
    pub items: SchemaRef,
    pub kind: ListKind,
    /// The key of strategic merge (`patchMergeKey`), and whether its strategy is `merge`.
    pub merge_key: Option<Box<str>>,
    pub patch_merge: bool,
}

/// `x-kubernetes-list-type`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListKind {
    Atomic,
    Set,
    Map { keys: Vec<Box<str>> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    String,
    Integer,
    Number,
    Boolean,
    /// `x-kubernetes-int-or-string`.
    IntOrString,
    /// Base64 in JSON, bytes in protobuf.
    Bytes,
    /// A string or a number in JSON, normalised to a string.
    Quantity,
}

/// What a value must obey beside its shape.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The shape says what the members of such a value obey, not that the value has it: a
    /// schema without `type`.
    pub untyped: bool,
    /// No other members than the fields (`additionalProperties: false`).
    pub closed: bool,
    pub format: Option<Box<str>>,
    pub enumeration: Vec<Value>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub exclusive_minimum: bool,
    pub exclusive_maximum: bool,
    pub multiple_of: Option<f64>,
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
    pub pattern: Option<Pattern>,
    pub min_items: Option<u64>,
    pub max_items: Option<u64>,
    pub unique_items: bool,
    pub min_properties: Option<u64>,
    pub max_properties: Option<u64>,
    /// `allOf`, `anyOf`, `oneOf`, `not` without structure of their own.
    pub all_of: Vec<SchemaRef>,
    pub any_of: Vec<SchemaRef>,
    pub one_of: Vec<SchemaRef>,
    pub not: Option<SchemaRef>,
    /// Names that must be there in an object, fields or not (custom resources).
    pub required: Vec<Box<str>>,
}

/// A schema by reference: in place, or a built-in type, which is made on first use (types
/// refer to themselves, and an instance should not make all of them to start).
#[derive(Debug, Clone)]
pub enum SchemaRef {
    Inline(Arc<Schema>),
    Builtin(builtin::Type),
    Later(Arc<Later>),
}

/// A schema that is seldom needed: it is kept as it was written until its first use, and then as it was read.
#[derive(Debug)]
pub struct Later {
    written: Mutex<Box<str>>,
    read: fn(&str) -> Schema,
    schema: OnceLock<Schema>,
}

impl SchemaRef {
    /// A built-in type by its OpenAPI name.
    ///
    /// # Panics
    /// If there is no such type: names are constants in our code.
    pub fn builtin(name: &str) -> Self {
        Self::Builtin(builtin::Type::find(name).unwrap_or_else(|| panic!("`{name}` is not a built-in type")))
    }

    /// A schema that is read on first use.
    pub fn later(written: impl Into<Box<str>>, read: fn(&str) -> Schema) -> Self {
        Self::Later(Arc::new(Later { written: Mutex::new(written.into()), read, schema: OnceLock::new() }))
    }
}

impl Later {
    fn schema(&self) -> &Schema {
        self.schema.get_or_init(|| {
            let written = std::mem::take(&mut *self.written.lock().unwrap_or_else(PoisonError::into_inner));
            (self.read)(&written)
        })
    }
}

impl std::ops::Deref for SchemaRef {
    type Target = Schema;

    fn deref(&self) -> &Schema {
        match self {
            Self::Inline(schema) => schema,
            Self::Builtin(of) => of.schema(),
            Self::Later(later) => later.schema(),
        }
    }
}

impl Schema {
    /// The field `name` of an object.
    pub fn field(&self, name: &str) -> Option<&Field> {
        match &self.shape {
            Shape::Object(object) => object.fields.get(name),
            _ => None,
        }
    }

    /// The schema of the member `name`: a field's, or a map's values'.
    pub fn member(&self, name: &str) -> Option<&Schema> {
        match &self.shape {
            Shape::Object(object) => match object.fields.get(name) {
                Some(field) => Some(&field.schema),
                None => object.values.as_deref(),
            },
            _ => None,
        }
    }

    /// The schema of a list's items.
    pub fn items(&self) -> Option<&Schema> {
        match &self.shape {
            Shape::List(list) => Some(&list.items),
            _ => None,
        }
    }
}

impl Rules {
    /// Whether other schemas say more about the same value.
    pub fn has_alternatives(&self) -> bool {
        !(self.all_of.is_empty() && self.any_of.is_empty() && self.one_of.is_empty() && self.not.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_let_go_of_once_it_was_read() {
        let schema = SchemaRef::later("a long text", |_| Schema::default());
        let SchemaRef::Later(later) = &schema else { panic!("made later") };
        assert_eq!(&**later.written.lock().unwrap(), "a long text");
        let read: *const Schema = &*schema;
        assert_eq!(&**later.written.lock().unwrap(), "");
        assert!(std::ptr::eq::<Schema>(read, &*schema), "it is read once");
    }
}
