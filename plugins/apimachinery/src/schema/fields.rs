//! The fields of a struct, by their names.
//!
//! Every walk over an object asks for the field of each member that it meets, so that finding one
//! has to cost little: a few bytes of a name say where it most likely stands.

use std::ops::Deref;

use super::{Field, SchemaRef};
use crate::tree::{hash, same_text};

/// Of so many fields the wanted one is found by looking at each.
const SCANNED_MAX: usize = 4;
/// In a slot that no field has.
const NONE: u8 = u8::MAX;

/// In protobuf order for built-ins, in the definition's order for custom resources.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    fields: Vec<Field>,
    /// Positions of the fields, each in the slot that its name's hash says, or in the first free one
    /// behind that. At least half of the slots are free. None, if the fields are few or very many.
    slots: Box<[u8]>,
    /// Positions of the fields that are written even when they are unset.
    written_unset: Box<[u32]>,
    /// Positions of the fields that have a declared default.
    defaulted: Box<[u32]>,
}

impl Fields {
    #[inline]
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.place(name).map(|place| &self.fields[place])
    }

    /// A field, and where its struct has it among the others, from one on: so upstream writes them.
    #[inline]
    pub fn find(&self, name: &str) -> Option<(usize, &Field)> {
        let place = self.place(name)?;
        let field = &self.fields[place];
        Some((if field.native.at == 0 { place + 1 } else { usize::from(field.native.at) }, field))
    }

    fn place(&self, name: &str) -> Option<usize> {
        if self.slots.is_empty() {
            return self.fields.iter().position(|field| same_text(&field.name, name));
        }
        let mut slot = hash(name);
        loop {
            let at = usize::from(*self.slots.get(slot & (self.slots.len() - 1))?);
            // There is none at `NONE`.
            if same_text(&self.fields.get(at)?.name, name) {
                return Some(at);
            }
            slot += 1;
        }
    }

    /// Those that upstream writes even when they are unset.
    pub fn written_unset(&self) -> impl Iterator<Item = &Field> {
        self.written_unset.iter().map(|at| &self.fields[*at as usize])
    }

    /// Those that have a declared default.
    pub fn defaulted(&self) -> impl Iterator<Item = &Field> {
        self.defaulted.iter().map(|at| &self.fields[*at as usize])
    }

    pub fn into_vec(self) -> Vec<Field> {
        self.fields
    }
}

impl Deref for Fields {
    type Target = [Field];

    fn deref(&self) -> &[Field] {
        &self.fields
    }
}

impl<'f> IntoIterator for &'f Fields {
    type Item = &'f Field;
    type IntoIter = std::slice::Iter<'f, Field>;

    fn into_iter(self) -> Self::IntoIter {
        self.fields.iter()
    }
}

impl From<Vec<Field>> for Fields {
    fn from(fields: Vec<Field>) -> Self {
        let positions = |which: fn(&Field) -> bool| -> Box<[u32]> {
            (0..).zip(&fields).filter(|(_, field)| which(field)).map(|(at, _)| at).collect()
        };
        let (written_unset, defaulted) = (positions(|field| field.when_unset.is_some()), positions(has_default));
        Self { slots: slots(&fields), written_unset, defaulted, fields }
    }
}

impl FromIterator<Field> for Fields {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        Vec::from_iter(fields).into()
    }
}

/// Types have none of their own, and are not to be made for this question.
fn has_default(field: &Field) -> bool {
    matches!(&field.schema, SchemaRef::Inline(schema) if schema.default.is_some())
}

fn slots(fields: &[Field]) -> Box<[u8]> {
    if fields.len() <= SCANNED_MAX || fields.len() > usize::from(NONE) {
        return Box::default();
    }
    let mut slots = vec![NONE; 2 * fields.len().next_power_of_two()];
    // Each finds a free one: there are twice as many.
    for (at, field) in (0..NONE).zip(fields) {
        let mut slot = hash(&field.name) & (slots.len() - 1);
        while slots[slot] != NONE {
            slot = (slot + 1) & (slots.len() - 1);
        }
        slots[slot] = at;
    }
    slots.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Native, Schema, Shape, Wire, builtin};
    use crate::tree::{Value, json};

    fn numbered(count: usize) -> Fields {
        let field = |number: usize| Field {
            name: format!("field-{number}").into(),
            schema: match number % 3 {
                0 => SchemaRef::Inline(Schema { default: Some(json!(number)), ..Schema::default() }.into()),
                _ => SchemaRef::Inline(Schema::default().into()),
            },
            required: false,
            when_unset: number.is_multiple_of(2).then_some(Value::Null),
            number: 0,
            wire: Wire::ByShape,
            native: Native::default(),
        };
        (0..count).map(field).collect()
    }

    #[test]
    fn fields_are_found_among_few_and_many() {
        for count in [0, 1, SCANNED_MAX, SCANNED_MAX + 1, 40, 254, 255, 256, 1_000] {
            let fields = numbered(count);
            for number in 0..count + 2 {
                let name = format!("field-{number}");
                let found = fields.get(&name).map(|field| &*field.name);
                assert_eq!(found, (number < count).then_some(&*name), "{name} of {count}");
            }
            assert!(fields.get("").is_none());
            assert_eq!(fields.written_unset().count(), count.div_ceil(2));
            assert_eq!(fields.defaulted().count(), count.div_ceil(3));
        }
    }

    #[test]
    fn every_built_in_field_is_found() {
        for name in builtin::names() {
            let Shape::Object(object) = &builtin::schema(name).shape else { continue };
            for field in &object.fields {
                let found = object.fields.get(&field.name).map(|found| &found.name);
                assert_eq!(found, Some(&field.name), "{name}");
            }
            assert!(object.fields.get("nobody's").is_none(), "{name}");
        }
    }
}
