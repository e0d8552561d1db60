//! What becomes of a field that is there twice: upstream reads the second into what the first has left.

use crate::schema::{Field, Scalar, Schema, Shape, Wire, check};
use crate::tree::Value;

/// Reads `new` into a field that holds `old`. `misfit` is whether something was found that does not fit: the
/// body is refused for it, and what is there again need not be looked at any more, however often it is.
pub(super) fn field(field: &Field, old: Value, new: Value, misfit: &mut bool) -> Value {
    match new {
        Value::Null if keeps_value(field) => old,
        new => place(&field.schema, old, new, misfit),
    }
}

fn place(schema: &Schema, old: Value, new: Value, misfit: &mut bool) -> Value {
    match (&schema.shape, old, new) {
        (Shape::Object(object), Value::Object(mut members), Value::Object(new)) => {
            for (name, new) in new {
                let old = members.get_mut(&name).map(std::mem::take);
                let value = match (object.fields.get(&name), old) {
                    (Some(of), Some(old)) => field(of, old, new, misfit),
                    // A map's value is a new one.
                    (_, _) => new,
                };
                members.insert(name, value);
            }
            members.into()
        }
        (Shape::List(list), Value::Array(old), Value::Array(new)) => {
            let mut old = old.into_iter();
            new.into_iter()
                .map(|new| match (old.next(), new) {
                    (Some(old), Value::Null) if !is_reference(&list.items) => old,
                    (Some(old), new) => place(&list.items, old, new, misfit),
                    (None, new) => new,
                })
                .collect::<Vec<_>>()
                .into()
        }
        // The first that does not fit is told, though the next one may.
        (_, old, new) => {
            *misfit = *misfit || check::types(schema, &old).is_err();
            if *misfit { old } else { new }
        }
    }
}

/// Whether null says nothing to Go: the field is no pointer, map or list, and does not read itself.
fn keeps_value(field: &Field) -> bool {
    match &field.schema.shape {
        Shape::Object(object) => object.values.is_none() && field.when_unset.as_ref().is_some_and(Value::is_object),
        Shape::Scalar(Scalar::String | Scalar::Integer | Scalar::Number | Scalar::Boolean) => {
            !field.native.keeps_zero() && !matches!(field.wire, Wire::Time | Wire::MicroTime)
        }
        _ => false,
    }
}

fn is_reference(schema: &Schema) -> bool {
    match &schema.shape {
        Shape::Object(object) => object.values.is_some(),
        Shape::Scalar(_) => false,
        _ => true,
    }
}
