//! Makes the schema of a type from its row.

use std::sync::{Arc, LazyLock};

use super::Type;
use super::facts::{Body, FieldFacts, ListFacts, Place, TypeFacts};
use crate::schema::{Field, List, ListKind, Object, Rules, Scalar, Schema, SchemaRef, Shape};
use crate::tree::Value;

pub(super) fn schema(facts: &'static TypeFacts) -> Schema {
    let shape = match &facts.body {
        Body::Struct(fields) => Shape::Object(Object {
            name: Some(facts.name),
            fields: fields.iter().map(field).collect(),
            atomic: facts.atomic,
            has_foreign: facts.has_foreign,
            ..Object::default()
        }),
        Body::Scalar(scalar, format) => return self::scalar(*scalar, format, &[]),
        Body::Any { .. } => return Schema { preserve_unknown: true, ..Schema::default() },
    };
    Schema { shape, ..Schema::default() }
}

fn field(facts: &'static FieldFacts) -> Field {
    let mut schema = place(&facts.place);
    if let Some(default) = facts.default {
        schema = SchemaRef::Inline(Arc::new(Schema { default: Some(json(default)), ..(*schema).clone() }));
    }
    Field {
        name: facts.name.into(),
        schema,
        required: facts.required,
        when_unset: facts.when_unset.map(json),
        number: facts.number,
        wire: facts.wire,
        native: facts.native,
    }
}

fn place(place: &'static Place) -> SchemaRef {
    let shape = match place {
        Place::Type(of) => return SchemaRef::Builtin(*of),
        Place::Changed { of, retain_keys, replace, granular } => {
            return changed(*of, |object| {
                object.retain_keys = *retain_keys;
                object.replace = *replace;
                object.atomic &= !granular;
            });
        }
        Place::Scalar(Scalar::String, "", []) => return SchemaRef::Inline(STRING.clone()),
        Place::Scalar(Scalar::Boolean, "", []) => return SchemaRef::Inline(BOOLEAN.clone()),
        Place::Scalar(Scalar::Integer, "int32", []) => return SchemaRef::Inline(INT32.clone()),
        Place::Scalar(Scalar::Integer, "int64", []) => return SchemaRef::Inline(INT64.clone()),
        Place::Scalar(scalar, format, values) => {
            return SchemaRef::Inline(Arc::new(self::scalar(*scalar, format, values)));
        }
        Place::List { items, kind, merge_key, patch_merge } => Shape::List(List {
            items: self::place(items),
            kind: match kind {
                ListFacts::Atomic => ListKind::Atomic,
                ListFacts::Set => ListKind::Set,
                ListFacts::Map(keys) => ListKind::Map { keys: keys.iter().map(|&key| key.into()).collect() },
            },
            merge_key: merge_key.map(Into::into),
            patch_merge: *patch_merge,
        }),
        Place::Map { values, atomic } => {
            Shape::Object(Object { values: Some(self::place(values)), atomic: *atomic, ..Object::default() })
        }
    };
    SchemaRef::Inline(Arc::new(Schema { shape, ..Schema::default() }))
}

/// The type as one field has it.
fn changed(of: Type, change: impl FnOnce(&mut Object)) -> SchemaRef {
    let mut schema = of.schema().clone();
    if let Shape::Object(object) = &mut schema.shape {
        change(object);
    }
    SchemaRef::Inline(Arc::new(schema))
}

// Most fields are one of these, so they are made once.
static STRING: LazyLock<Arc<Schema>> = LazyLock::new(|| Arc::new(scalar(Scalar::String, "", &[])));
static BOOLEAN: LazyLock<Arc<Schema>> = LazyLock::new(|| Arc::new(scalar(Scalar::Boolean, "", &[])));
static INT32: LazyLock<Arc<Schema>> = LazyLock::new(|| Arc::new(scalar(Scalar::Integer, "int32", &[])));
static INT64: LazyLock<Arc<Schema>> = LazyLock::new(|| Arc::new(scalar(Scalar::Integer, "int64", &[])));

fn scalar(scalar: Scalar, format: &'static str, values: &[&'static str]) -> Schema {
    Schema {
        shape: Shape::Scalar(scalar),
        rules: Rules {
            format: (!format.is_empty()).then(|| format.into()),
            enumeration: values.iter().map(|&value| value.into()).collect(),
            ..Rules::default()
        },
        ..Schema::default()
    }
}

fn json(text: &'static str) -> Value {
    serde_json::from_str(text).expect("data/types.json holds JSON in `default` and `whenUnset`")
}
