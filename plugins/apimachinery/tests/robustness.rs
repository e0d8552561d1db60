//! Whatever a client sends, the rules answer: they never panic.

use apimachinery::definition::Definition;
use apimachinery::jsonpath::Path;
use apimachinery::managed::{self, Manager, Set};
use apimachinery::patch::{json, merge, strategic};
use apimachinery::schema::{Schema, Shape, builtin};
use apimachinery::strategy::Plain;
use apimachinery::tree::{Map, Value};
use apimachinery::{selector, table, validation};

/// Numbers that are the same in every run (xorshift).
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    fn text(&mut self) -> String {
        const PARTS: [&str; 24] = [
            "a", "ä", "1", "-", ".", "/", ",", "=", "!", "(", ")", "[", "]", "{", "'", "\"", "\\", " ", "\0", "$", "@",
            "?", "in ", "*",
        ];
        (0..self.below(7)).map(|_| self.one(&PARTS)).collect()
    }

    fn scalar(&mut self) -> Value {
        match self.below(7) {
            0 => Value::Null,
            1 => true.into(),
            2 => 0.into(),
            3 => (-1.5).into(),
            4 => u64::MAX.into(),
            _ => self.text().into(),
        }
    }

    /// What a place of this type may hold, and now and then something else.
    fn value(&mut self, schema: &Schema, depth: usize) -> Value {
        if depth == 0 || self.below(8) == 0 {
            return match self.below(4) {
                0 => Value::Array(vec![self.scalar(), self.scalar()]),
                1 => Value::Object(Map::from_iter([(self.text(), self.scalar())])),
                _ => self.scalar(),
            };
        }
        match &schema.shape {
            Shape::Object(object) => {
                let mut map = Map::new();
                if !object.fields.is_empty() {
                    for _ in 0..self.below(5) {
                        let field = &object.fields[self.below(object.fields.len())];
                        map.insert(field.name.to_string(), self.value(&field.schema, depth - 1));
                    }
                }
                if self.below(4) == 0 {
                    let directives =
                        ["$patch", "$retainKeys", "$setElementOrder/containers", "$deleteFromPrimitiveList/finalizers"];
                    let directive = self.one(&directives).to_string();
                    let argument = self.one(&["delete", "replace", "merge", "x"]);
                    map.insert(directive, if self.below(2) == 0 { argument.into() } else { self.scalar() });
                }
                Value::Object(map)
            }
            Shape::List(list) => (0..self.below(4)).map(|_| self.value(&list.items, depth - 1)).collect(),
            _ => self.scalar(),
        }
    }
}

#[test]
fn rules_answer_whatever_the_object() {
    let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
    let manager = Manager {
        name: "m".into(),
        subresource: String::new(),
        api_version: "v1".into(),
        time: "2026-01-01T00:00:00Z".into(),
    };
    for facts in builtin::resources() {
        let definition = Definition::from_facts(facts, &Plain);
        let schema = &definition.schema;
        for round in 0..40 {
            let (one, two) = (draw.value(schema, 7), draw.value(schema, 7));
            let ignored = Set::of_fields(&[&["status"]]);

            let _ = table::cells(&definition, &one);
            let _ = table::conditions(&definition, &one);
            let _ = strategic::apply(schema, &one, &two);
            let _ = merge::apply_decoded(&one, &two);
            let _ = json::apply_decoded(&one, draw.value(schema, 3));
            let mut errors = Vec::new();
            validation::metadata::create(&definition, &one, &mut errors);
            validation::metadata::update(&definition, "", &two, &one, &mut errors);
            validation::labels::selector(&one, "x", &mut errors);

            let mut new = two.clone();
            managed::update(schema, Some(&one), &mut new, &manager, &ignored);
            managed::keep_times(&one, &mut new);
            // What is stored is an object; what is applied to it may be anything.
            let live = Some(&one).filter(|one| one.is_object() && round % 2 == 0);
            let _ = managed::apply(schema, live, &two, &manager, round % 3 == 0, &ignored);
        }
    }
}

#[test]
fn parsers_answer_whatever_the_text() {
    let mut draw = Draw(42);
    let pods = Definition::builtin("", "v1", "pods", &Plain);
    for _ in 0..20_000 {
        let text = draw.text();
        let _ = selector::parse_labels(&text);
        let _ = selector::parse_fields(&text, &pods);
        if let Ok(path) = Path::parse(&text) {
            let _ = path.find(&apimachinery::tree::json!({"a": [{"a": 1}], "1": null}));
        }
        let _ = validation::names::qualified_name(&text);
        let _ = validation::names::mask_trailing_dash(&text);
        let _ = validation::quoted(&text);
    }
}
