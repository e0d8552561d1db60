//! Objects made up from schemas, right ones and wrong ones, for tests of what must hold whatever a
//! client sends. Tests of the other crates have this file too.

#![allow(dead_code, reason = "no test needs all of it")]

mod words;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use apimachinery::schema::{Scalar, Schema, Shape, Wire};
use apimachinery::tree::{Map, Value, json};

/// How much more than usual is tried: `ROUNDS=100 cargo test robustness`.
pub(crate) fn rounds(usual: usize) -> usize {
    usual * std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1)
}

/// Where something panicked, with what it was doing there.
#[derive(Default)]
pub(crate) struct Panics(BTreeMap<String, String>);

impl Panics {
    /// Does something with a value, and notes if it panics.
    pub(crate) fn attempt(&mut self, what: &str, subject: &Value, attempt: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(attempt)) {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref().copied()).unwrap_or("no text").to_string();
            self.0.entry(format!("{what}: {text}")).or_insert_with(|| subject.to_string());
        }
    }

    pub(crate) fn assert_none(self) {
        let found: Vec<String> = self.0.into_iter().map(|(what, subject)| format!("{what}\n    {subject}")).collect();
        assert!(found.is_empty(), "{} panics\n{}", found.len(), found.join("\n"));
    }
}

/// Choices that are the same in every run (xorshift).
pub(crate) struct Draw {
    state: u64,
    /// How many more members an object may get: types hold themselves.
    room: usize,
}

/// Depth and members of a drawn object.
const DEPTH_MAX: usize = 12;
const MEMBERS_MAX: usize = 150;

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, room: 0 }
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        ((self.state >> 11) % end as u64) as usize
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// A text that means something somewhere, or not.
    pub(crate) fn text(&mut self) -> String {
        match self.below(8) {
            0 => self.noise(),
            1 => format!("{}{}", self.one(words::WORDS), self.noise()),
            _ => self.one(words::WORDS).to_string(),
        }
    }

    pub(crate) fn noise(&mut self) -> String {
        (0..self.below(7)).map(|_| self.one(words::PIECES)).collect()
    }

    pub(crate) fn scalar(&mut self) -> Value {
        match self.below(8) {
            0 => Value::Null,
            1 => true.into(),
            2 => words::NUMBERS[self.below(words::NUMBERS.len())].into(),
            3 => json!(-1.5),
            4 => u64::MAX.into(),
            _ => self.text().into(),
        }
    }

    /// Any JSON at all.
    pub(crate) fn any(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 1 } else { 3 }) {
            1 => (0..self.below(4)).map(|_| self.any(depth - 1)).collect(),
            2 => (0..self.below(4)).map(|_| (self.text(), self.any(depth - 1))).collect::<Map>().into(),
            _ => self.scalar(),
        }
    }

    /// What belongs to somebody else, as he may have written it.
    pub(crate) fn kept(&mut self) -> Value {
        Value::keep(&self.kept_text(3)).expect("it is JSON")
    }

    pub(crate) fn kept_text(&mut self, depth: usize) -> String {
        let space = self.one(&["", "", "", " ", "\n\t"]);
        match self.below(if depth == 0 { 1 } else { 4 }) {
            1 => {
                let items: Vec<String> = (0..self.below(4)).map(|_| self.kept_text(depth - 1)).collect();
                format!("[{space}{}]", items.join(&format!("{space},")))
            }
            2 => {
                let mut member = || format!("{}:{space}{}", self.one(words::KEPT_NAMES), self.kept_text(depth - 1));
                let members = [member(), member(), member()];
                format!("{{{space}{}{space}}}", members.join(","))
            }
            _ => self.one(words::KEPT_SCALARS).to_string(),
        }
    }

    /// What such an object may be, now and then with something wrong in it.
    pub(crate) fn object(&mut self, schema: &Schema) -> Value {
        self.room = MEMBERS_MAX;
        let flaws = if self.once_in(2) { 60 } else { usize::MAX };
        self.value(schema, Wire::ByShape, flaws, 0)
    }

    /// Another object, most times not far from this one.
    pub(crate) fn change(&mut self, schema: &Schema, object: &Value) -> Value {
        self.room = MEMBERS_MAX;
        let mut changed = object.clone();
        for _ in 0..=self.below(4) {
            self.change_place(schema, Wire::ByShape, &mut changed, 0);
        }
        changed
    }

    fn change_place(&mut self, schema: &Schema, wire: Wire, value: &mut Value, depth: usize) {
        match (&schema.shape, &mut *value) {
            (Shape::Object(object), Value::Object(members)) if depth < 2 || !self.once_in(5) => {
                if let Some(values) = &object.values {
                    let name = self.text();
                    members.insert(name, self.value(values, wire, usize::MAX, depth + 1));
                } else if !object.fields.is_empty() {
                    let present: Vec<_> = object.fields.iter().filter(|f| members.contains_key(&f.name)).collect();
                    let field = match present.len() {
                        0 => &object.fields[self.below(object.fields.len())],
                        _ if self.once_in(4) => &object.fields[self.below(object.fields.len())],
                        count => present[self.below(count)],
                    };
                    match members.get_mut(&field.name) {
                        Some(_) if self.once_in(8) => drop(members.remove(&field.name)),
                        Some(member) => self.change_place(&field.schema, field.wire, member, depth + 1),
                        None => {
                            let made = self.value(&field.schema, field.wire, usize::MAX, depth + 1);
                            members.insert(&*field.name, made);
                        }
                    }
                }
            }
            (Shape::List(list), Value::Array(items)) if !items.is_empty() && !self.once_in(6) => {
                let at = self.below(items.len());
                match self.below(6) {
                    0 => drop(items.remove(at)),
                    1 => items.push(items[at].clone()),
                    2 => items.swap(0, at),
                    _ => self.change_place(&list.items, wire, &mut items[at], depth + 1),
                }
            }
            _ => *value = self.value(schema, wire, usize::MAX, depth),
        }
    }

    /// One place in `flaws` holds something else than its type.
    fn value(&mut self, schema: &Schema, wire: Wire, flaws: usize, depth: usize) -> Value {
        if flaws != usize::MAX && self.once_in(flaws) {
            return self.any(2);
        }
        match &schema.shape {
            Shape::Object(object) => {
                let mut map = Map::new();
                if let Some(values) = &object.values {
                    for _ in 0..self.below(3) {
                        map.insert(self.text(), self.value(values, wire, flaws, depth + 1));
                    }
                }
                for field in &object.fields {
                    let share = match depth {
                        0 => 1,
                        _ if depth >= DEPTH_MAX || self.room == 0 => continue,
                        _ if field.required => 2,
                        1 | 2 => 3,
                        _ => 5,
                    };
                    if share == 1 || self.once_in(share) {
                        self.room = self.room.saturating_sub(1);
                        map.insert(&*field.name, self.value(&field.schema, field.wire, flaws, depth + 1));
                    }
                }
                Value::Object(map)
            }
            Shape::List(list) => (0..self.below(4)).map(|_| self.value(&list.items, wire, flaws, depth + 1)).collect(),
            Shape::Any if matches!(wire, Wire::RawExtension | Wire::FieldsV1) && !self.once_in(4) => self.kept(),
            Shape::Any => self.any(3),
            Shape::Scalar(scalar) => self.scalar_of(*scalar, wire, schema),
        }
    }

    fn scalar_of(&mut self, scalar: Scalar, wire: Wire, schema: &Schema) -> Value {
        let numbers = words::NUMBERS;
        match scalar {
            Scalar::String if wire == Wire::Time => self.one(words::TIMES).into(),
            Scalar::String if wire == Wire::MicroTime => self.one(words::MICRO_TIMES).into(),
            Scalar::String if !schema.rules.enumeration.is_empty() && !self.once_in(5) => {
                schema.rules.enumeration[self.below(schema.rules.enumeration.len())].clone()
            }
            Scalar::String => self.text().into(),
            Scalar::Integer if wire == Wire::Int32 => (numbers[self.below(numbers.len())] as i32).into(),
            Scalar::Integer => numbers[self.below(numbers.len())].into(),
            Scalar::Number => json!(1.5),
            Scalar::Boolean => self.once_in(2).into(),
            Scalar::Bytes => self.one(&["", "AA==", "aGVsbG8=", "/+8=", "eyJhIjoxfQ==", "LS0tLS1CRUdJTg=="]).into(),
            Scalar::Quantity => self.one(words::QUANTITIES).into(),
            Scalar::IntOrString if self.once_in(2) => numbers[self.below(numbers.len())].into(),
            Scalar::IntOrString => self.one(&["", "http", "50%", "150%", "-1%", "99999999999999999999%", "%"]).into(),
        }
    }
}
