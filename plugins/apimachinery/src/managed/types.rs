//! Schemas as ownership sees them: what is one leaf, what is owned piece by piece, and what
//! identifies an item of a list.

use super::element::PathElement;
use crate::schema::{self, ListKind, Object, Scalar, Schema, Shape, Wire};
use crate::tree::{Text, Value};

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// The type of a place in an object.
#[derive(Debug, Clone, Copy)]
pub(super) enum Type<'a> {
    /// The whole object, whose `metadata` is known even if the schema does not say it.
    Root(&'a Schema),
    Schema(&'a Schema),
    /// Within a schema that keeps what it does not know: so do all below.
    Lenient(&'a Schema),
    /// Unknown: maps are owned piece by piece, lists as a whole.
    Deduced,
    /// Raw JSON, owned as a whole.
    Raw,
}

/// What a value of some type is, once the value has been looked at too.
#[derive(Debug, Clone, Copy)]
pub(super) enum Atom<'a> {
    /// Of this kind, or of any.
    Scalar(Option<Scalar>),
    /// Owned and replaced as a whole.
    Leaf,
    List(AssociativeList<'a>),
    Map(Members<'a>),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct AssociativeList<'a> {
    pub(super) items: Type<'a>,
    /// Empty for a set.
    keys: &'a [Box<str>],
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Members<'a> {
    of: Type<'a>,
}

impl<'a> Type<'a> {
    /// What `value` is here. A value that does not fit, null and an absent one are taken for
    /// what the schema says.
    pub(super) fn atom(self, value: Option<&Value>) -> Atom<'a> {
        match self {
            Self::Raw => Atom::Leaf,
            Self::Deduced => match value {
                Some(Value::Array(_)) => Atom::Leaf,
                Some(Value::Object(_)) | None | Some(Value::Null) => Atom::Map(Members { of: self }),
                Some(_) => Atom::Scalar(None),
            },
            Self::Root(_) => Atom::Map(Members { of: self }),
            Self::Schema(schema) | Self::Lenient(schema) => match &schema.shape {
                Shape::Any => Self::Deduced.atom(value),
                Shape::Object(object) if object.atomic => Atom::Leaf,
                Shape::Object(_) => Atom::Map(Members { of: self }),
                Shape::List(list) => match &list.kind {
                    ListKind::Atomic => Atom::Leaf,
                    ListKind::Set => Atom::List(AssociativeList { items: self.below(&list.items), keys: &[] }),
                    ListKind::Map { keys } => Atom::List(AssociativeList { items: self.below(&list.items), keys }),
                },
                // Upstream does not know of texts of a form that they are texts.
                Shape::Scalar(Scalar::String) if schema.rules.format.is_some() => Atom::Scalar(None),
                Shape::Scalar(scalar) => Atom::Scalar(Some(*scalar)),
            },
        }
    }

    /// The type of the items of a list that is one leaf.
    pub(super) fn items(self) -> Option<Type<'a>> {
        self.schema()?.items().map(|items| self.below(items))
    }

    /// A schema that is declared within this one.
    fn below(self, schema: &'a Schema) -> Self {
        let keeps = match self {
            Self::Lenient(_) => true,
            Self::Root(around) | Self::Schema(around) => around.preserve_unknown,
            Self::Deduced | Self::Raw => false,
        };
        let is_named = matches!(&schema.shape, Shape::Object(object) if object.name.is_some());
        if keeps && !is_named { Self::Lenient(schema) } else { Self::Schema(schema) }
    }

    /// The type of a member of a map or struct, one leaf or not; nothing if the schema does not
    /// declare it.
    pub(super) fn member(self, name: &str) -> Option<Type<'a>> {
        Members { of: self }.get(name)
    }

    pub(super) fn is_map(self) -> bool {
        self.schema().is_some_and(|schema| matches!(schema.shape, Shape::Object(_)))
    }

    pub(super) fn schema(self) -> Option<&'a Schema> {
        match self {
            Self::Root(schema) | Self::Schema(schema) | Self::Lenient(schema) => Some(schema),
            Self::Deduced | Self::Raw => None,
        }
    }
}

impl<'a> Members<'a> {
    /// The type of a member; nothing if the schema does not declare it.
    pub(super) fn get(self, name: &str) -> Option<Type<'a>> {
        let declared = match self.of {
            Type::Deduced | Type::Raw => return Some(Type::Deduced),
            of @ (Type::Root(schema) | Type::Schema(schema) | Type::Lenient(schema)) => member(of, schema, name),
        };
        if let Type::Root(_) = self.of {
            match name {
                "metadata" if !declared.is_some_and(has_fields) => {
                    return Some(Type::Schema(schema::builtin::schema(OBJECT_META)));
                }
                "apiVersion" | "kind" if declared.is_none() => return Some(Type::Deduced),
                _ => {}
            }
        }
        declared
    }

    /// Whether it is a field of a struct, which is never owned by itself, and not the key of a
    /// map.
    pub(super) fn is_field(self, name: &str) -> bool {
        match self.of {
            Type::Deduced | Type::Raw => false,
            Type::Root(schema) => schema.field(name).is_some() || matches!(name, "apiVersion" | "kind" | "metadata"),
            Type::Schema(schema) | Type::Lenient(schema) => schema.field(name).is_some(),
        }
    }
}

fn member<'a>(of: Type<'a>, schema: &'a Schema, name: &str) -> Option<Type<'a>> {
    let Shape::Object(object) = &schema.shape else { return Some(Type::Deduced) };
    if let Some(field) = object.fields.get(name) {
        // On a list or a map the wire form is that of the items, which are leaves then.
        let raw = matches!(field.wire, Wire::RawExtension | Wire::RawJson | Wire::FieldsV1)
            && matches!(field.schema.shape, Shape::Any);
        return Some(if raw { Type::Raw } else { of.below(&field.schema) });
    }
    match &object.values {
        Some(values) => Some(of.below(values)),
        None if matches!(of, Type::Lenient(_)) || schema.preserve_unknown || is_untyped(object) => Some(Type::Deduced),
        None => None,
    }
}

/// `type: object` and nothing else says nothing of its members.
fn is_untyped(object: &Object) -> bool {
    object.name.is_none() && object.fields.is_empty()
}

fn has_fields(of: Type<'_>) -> bool {
    of.schema().is_some_and(|schema| matches!(&schema.shape, Shape::Object(object) if !object.fields.is_empty()))
}

impl<'a> AssociativeList<'a> {
    /// What identifies an item.
    ///
    /// # Errors
    /// Why nothing does, in upstream's words.
    pub(super) fn element(self, item: &Value) -> Result<PathElement, String> {
        if self.keys.is_empty() {
            return match item {
                Value::Object(_) => Err("associative list without keys has an element that's a map type".into()),
                Value::Array(_) => Err("not supported: associative list with lists as elements".into()),
                Value::Null => Err("associative list without keys has an element that's an explicit null".into()),
                scalar => Ok(PathElement::Value(scalar.clone())),
            };
        }
        let fields = match item {
            Value::Object(fields) => fields,
            Value::Null => return Err("associative list with keys may not have a null element".into()),
            _ => return Err("associative list with keys may not have non-map elements".into()),
        };
        let mut found: Vec<(Text, Value)> = Vec::with_capacity(self.keys.len());
        for key in self.keys {
            let value = fields.get(key).or_else(|| self.default_of(key));
            // An item without one of the keys is another item than one that has it.
            found.extend(value.map(|value| (Text::new(key), value.clone())));
        }
        if found.is_empty() {
            let keys: Vec<String> = self.keys.iter().map(|key| crate::validation::quoted(key)).collect();
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{}] (and doesn't have default \
                 values for any key fields)",
                keys.join(" ")
            ));
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(PathElement::Key(found))
    }

    fn default_of(self, key: &str) -> Option<&'a Value> {
        let field = self.items.schema()?.field(key)?;
        // What is written when nobody sets it is what upstream declares as the default.
        field.schema.default.as_ref().or(field.when_unset.as_ref())
    }
}
