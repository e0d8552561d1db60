//! Objects made up from schemas, for tests of what must hold for every type.

use super::{Field, Object, Scalar, Schema, Shape, Wire};
use crate::tree::{Map, Value, json};

/// A source of choices that is the same in every run.
pub(crate) struct Dice {
    state: u64,
    fields_left: usize,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, fields_left: 0 }
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        // xorshift64*
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }
}

/// An object as upstream would write it.
pub(crate) fn object(schema: &Schema, dice: &mut Dice) -> Value {
    dice.fields_left = FIELDS_MAX;
    value(schema, Wire::ByShape, dice, 0)
}

/// Types that hold themselves would grow without end.
const FIELDS_MAX: usize = 400;

fn value(schema: &Schema, wire: Wire, dice: &mut Dice, depth: usize) -> Value {
    match &schema.shape {
        Shape::Object(Object { values: Some(values), .. }) => {
            (0..=dice.roll(2)).map(|n| (format!("key-{n}"), value(values, wire, dice, depth + 1))).collect()
        }
        Shape::Object(object) => members(object, dice, depth),
        Shape::List(list) => (0..=dice.roll(2)).map(|_| value(&list.items, wire, dice, depth + 1)).collect(),
        Shape::Any => any(wire, dice),
        Shape::Scalar(scalar) => match scalar {
            Scalar::String if wire == Wire::Time => {
                let (year, month, day, hour) = (1990 + dice.roll(90), 1 + dice.roll(9), dice.roll(10), dice.roll(10));
                format!("{year}-0{month}-1{day}T0{hour}:00:59Z").into()
            }
            Scalar::String if wire == Wire::MicroTime => {
                format!("2026-11-21T13:18:40.{:06}Z", dice.roll(1_000_000)).into()
            }
            Scalar::String => format!("text {}", dice.roll(1000)).into(),
            Scalar::Integer if wire == Wire::Int32 => (dice.roll(1 << 32) as u32 as i32).into(),
            Scalar::Integer => ((dice.roll(1 << 31) as i64 - (1 << 30)) << dice.roll(30)).into(),
            Scalar::Number => ((2 * dice.roll(500) + 1) as f64 / 8.0).into(),
            Scalar::Boolean => true.into(),
            Scalar::Bytes => ["", "AA==", "aGVsbG8=", "/+8="][dice.roll(4) as usize].into(),
            Scalar::Quantity => ["0", "1", "500m", "1Gi", "-3k", "1e3"][dice.roll(6) as usize].into(),
            Scalar::IntOrString if dice.roll(2) == 0 => (dice.roll(100) as i64 - 50).into(),
            Scalar::IntOrString => format!("{}%", dice.roll(100)).into(),
        },
    }
}

fn any(wire: Wire, dice: &mut Dice) -> Value {
    match wire {
        Wire::SchemaOrArray if dice.roll(2) == 0 => json!([{"type": "string"}, {"type": "integer", "minimum": 0}]),
        Wire::SchemaOrBool if dice.roll(2) == 0 => (dice.roll(2) == 0).into(),
        Wire::SchemaOrStringArray if dice.roll(2) == 0 => json!(["a", "b"]),
        Wire::SchemaOrArray | Wire::SchemaOrBool | Wire::SchemaOrStringArray => {
            json!({"type": "object", "properties": {"a": {"type": "string"}}})
        }
        _ => json!({"kind": "Any", "n": [dice.roll(9), "<&>", null, {"a": 1.5}]}),
    }
}

fn members(object: &Object, dice: &mut Dice, depth: usize) -> Value {
    let mut members = Map::new();
    for field in &object.fields {
        let skip = match depth {
            0 | 1 => dice.roll(4) == 0,
            2 | 3 => dice.roll(2) == 0,
            4..7 => dice.roll(6) != 0,
            _ => true,
        };
        if skip || field.number == 0 || dice.fields_left == 0 {
            continue;
        }
        dice.fields_left -= 1;
        let made = value(&field.schema, field.wire, dice, depth + 1);
        if let Some(made) = as_written(field, made) {
            members.insert(field.name.to_string(), made);
        }
    }
    Value::Object(members)
}

/// None for zeros that upstream leaves out.
fn as_written(field: &Field, made: Value) -> Option<Value> {
    let zero = made == ""
        || made == 0
        || made == json!({}) && !matches!(&field.schema.shape, Shape::Object(o) if o.values.is_none());
    let kept = field.when_unset.is_some() || field.native.keeps_zero() || field.wire == Wire::IntOrString;
    (kept || !zero).then_some(made)
}
