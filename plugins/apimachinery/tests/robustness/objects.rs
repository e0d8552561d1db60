//! Patches, ownership, tables, and the wire, of every built-in type.

use apimachinery::codec::proto;
use apimachinery::definition::Definition;
use apimachinery::managed::{self, Manager, Set, Versions};
use apimachinery::patch::{json, merge, shown, strategic};
use apimachinery::schema::{Schema, Shape, builtin, check, defaults};
use apimachinery::strategy::Plain;
use apimachinery::tree::{Map, Value, json};
use apimachinery::{table, validation};

use crate::draw::{Draw, Panics, rounds};

#[test]
fn objects_are_patched_owned_and_shown_whatever_they_are() {
    let mut draw = Draw::new(2);
    let mut panics = Panics::default();
    for facts in builtin::resources() {
        let definition = Definition::from_facts(facts, &Plain);
        let schema = &definition.schema;
        for round in 0..rounds(30) {
            let mut one = draw.object(schema);
            let mut two = if draw.once_in(3) { draw.any(5) } else { draw.change(schema, &one) };
            if one.is_object() && draw.once_in(2) {
                one["metadata"] = json!({"name": "a", "managedFields": draw.owners()});
            }
            panics.attempt("shown", &one, || shown(&definition, &one));
            panics.attempt("normalized", &one, || normalized(schema, one.clone()));
            panics.attempt(&format!("owned, after {one}"), &two, || owned(schema, &one, two.clone(), round));
            draw.add_directives(schema, &mut two);
            panics.attempt(&format!("patched, {one}"), &two, || patched(schema, &one, &two));
            let operations = draw.operations(&one);
            panics.attempt(&format!("patched, {one}"), &operations, || {
                let _ = json::unknown_members(&operations);
                if let Ok(patched) = json::apply(&one, operations.clone()) {
                    let _ = shown::by_operations(patched, &operations);
                }
            });
        }
    }
    panics.assert_none();
}

fn shown(definition: &Definition, object: &Value) {
    let _ = table::cells(definition, object);
    let _ = table::conditions(definition, object);
    let mut errors = Vec::new();
    validation::metadata::create(definition, object, &mut errors);
    validation::metadata::update(definition, "", object, object, &mut errors);
    validation::labels::selector(object, "x", &mut errors);
}

fn normalized(schema: &Schema, mut object: Value) {
    let _ = check::types(schema, &object);
    let _ = proto::encode(&object, schema);
    check::unknown_fields(schema, &mut object, true);
    defaults::normalize(schema, &mut object);
    defaults::apply(schema, &mut object);
    defaults::write_unset(schema, &mut object);
    let _ = proto::decode(&proto::encode(&object, schema));
}

fn owned(schema: &Schema, live: &Value, mut wanted: Value, round: usize) {
    let manager = Manager {
        name: "m".into(),
        subresource: String::new(),
        api_version: "v1".into(),
        time: "2026-01-01T00:00:00Z".into(),
    };
    let ignored = Set::of_fields(&[&["status"]]);
    // What is stored is an object; what is applied to it may be anything.
    let present = Some(live).filter(|live| live.is_object() && !round.is_multiple_of(4));
    let _ = managed::apply(Versions::alone(schema), present, &wanted, &manager, round.is_multiple_of(3), &ignored);
    managed::update(Versions::alone(schema), present, &mut wanted, &manager, &ignored);
    managed::keep_times(live, &mut wanted);
    let mut scale = json!({"metadata": {}});
    let _ = managed::to_scale(live, &["spec", "replicas"], &mut scale);
    let _ = managed::from_scale(live, &["spec", "replicas"], "apps/v1", &mut wanted);
}

fn patched(schema: &Schema, object: &Value, patch: &Value) {
    let _ = strategic::apply(schema, object, patch);
    if let Ok(patched) = merge::apply(object, patch) {
        let _ = shown::by_merge(patched, patch);
    }
}

impl Draw {
    /// Entries of `metadata.managedFields`, as they should be or damaged.
    fn owners(&mut self) -> Value {
        if self.once_in(8) {
            return self.any(3);
        }
        let mut owners = Vec::new();
        for _ in 0..self.below(4) {
            let fields = self.fields(5);
            let mut owner = json!({
                "manager": self.one(&["a", "b", ""]), "operation": self.one(&["Apply", "Update"]),
                "apiVersion": self.one(&["v1", "apps/v1", "nonsense"]), "time": "2026-01-01T00:00:00Z",
                "fieldsType": "FieldsV1", "fieldsV1": fields,
            });
            if self.once_in(6) {
                owner[self.one(&["operation", "time", "fieldsType", "fieldsV1", "subresource"])] = self.scalar();
            }
            owners.push(owner);
        }
        owners.into()
    }

    fn fields(&mut self, depth: usize) -> Value {
        const ELEMENTS: [&str; 20] = [
            ".",
            "f:metadata",
            "f:spec",
            "f:status",
            "f:containers",
            "f:ports",
            "f:labels",
            "f:template",
            "f:data",
            "f:",
            "k:{\"name\":\"a\"}",
            "k:{\"containerPort\":80,\"protocol\":\"TCP\"}",
            "k:{}",
            "k:1",
            "k:{\"a\":[1]}",
            "v:\"a\"",
            "v:{\"a\":1}",
            "i:0",
            "i:99999999999999999999",
            "x:later",
        ];
        let mut fields = Map::new();
        for _ in 0..self.below(if depth == 0 { 1 } else { 5 }) {
            let element = if self.once_in(20) { self.text() } else { self.one(&ELEMENTS).to_string() };
            let below = if self.once_in(30) { self.scalar() } else { self.fields(depth - 1) };
            fields.insert(element, below);
        }
        fields.into()
    }

    /// Makes a strategic merge patch of an object.
    fn add_directives(&mut self, schema: &Schema, patch: &mut Value) {
        match patch {
            Value::Object(members) => {
                let names: Vec<String> = members.keys().map(ToString::to_string).collect();
                for name in &names {
                    let below = schema.member(name).unwrap_or(schema);
                    if self.once_in(12) {
                        members.insert(name.as_str(), Value::Null);
                    } else if let Some(member) = members.get_mut(name) {
                        self.add_directives(below, member);
                    }
                }
                if let Some(name) = names.get(self.below(names.len() + 1)) {
                    let prefix = self.one(&["$setElementOrder/", "$deleteFromPrimitiveList/", "$setElementOrder"]);
                    let order = members.get(name).cloned().unwrap_or_default();
                    if matches!(schema.member(name).map(|of| &of.shape), Some(Shape::List(_))) || self.once_in(20) {
                        members.insert(format!("{prefix}{name}"), order);
                    }
                }
                if self.once_in(15) {
                    let directive = match self.below(4) {
                        0 => self.any(2),
                        _ => self.one(&["delete", "replace", "merge"]).into(),
                    };
                    members.insert("$patch", directive);
                }
                if self.once_in(15) {
                    let keys = if self.once_in(4) { self.any(2) } else { json!(names) };
                    members.insert("$retainKeys", keys);
                }
            }
            Value::Array(items) => {
                let below = schema.items().unwrap_or(schema);
                items.iter_mut().for_each(|item| self.add_directives(below, item));
            }
            _ => {}
        }
    }

    /// A JSON patch of an object, whose paths lead somewhere, most of them.
    fn operations(&mut self, object: &Value) -> Value {
        if self.once_in(10) {
            return self.any(4);
        }
        let mut operations = Vec::new();
        for _ in 0..=self.below(4) {
            let mut operation = json!({
                "op": self.one(&["add", "remove", "replace", "move", "copy", "test"]),
                "path": self.pointer(object), "from": self.pointer(object), "value": self.any(2),
            });
            if self.once_in(15) {
                operation[self.one(&["op", "path", "from", "x"])] = self.scalar();
            }
            operations.push(operation);
        }
        operations.into()
    }

    fn pointer(&mut self, object: &Value) -> String {
        let mut pointer = String::new();
        let mut place = object;
        while !self.once_in(4) {
            let step = match place {
                Value::Object(members) if !members.is_empty() => {
                    members.keys().nth(self.below(members.len())).map(ToString::to_string).unwrap_or_default()
                }
                Value::Array(items) if !items.is_empty() => self.below(items.len() + 1).to_string(),
                _ => self.one(&["-", "0", "-1", "01", "99999999999999999999", "~", "~2", "a/b", ""]).to_string(),
            };
            place = place.get(&*step).or_else(|| place.get(step.parse::<usize>().ok()?)).unwrap_or(&Value::Null);
            pointer.push('/');
            pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        }
        pointer
    }
}
