//! Whatever a client sends of whatever built-in type, the rules answer: they never panic.

#[path = "../../apimachinery/tests/draw/mod.rs"]
mod draw;

use apimachinery::definition::Definition;
use apimachinery::rest::{self, options::DeleteOptions};
use apimachinery::strategy::Operation;
use apimachinery::tree::Value;
use apimachinery::{table, validation};
use core_server::resources;
use draw::{Draw, Panics};

#[test]
fn every_built_in_type_answers_whatever_it_is_sent() {
    let mut draw = Draw::new(1);
    let mut panics = Panics::default();
    for definition in resources::definitions() {
        let mut decoded = 0;
        for _ in 0..draw::rounds(150) {
            let sent = draw.object(&definition.schema);
            let Some(object) = decode(&definition, sent, &mut panics) else { continue };
            decoded += 1;
            let name = format!("{} create", definition.kind);
            panics.attempt(&name, &object, || create(&definition, object.clone()));

            let mut old = object.clone();
            panics.attempt(&format!("{} stored", definition.kind), &object, || {
                definition.strategy.default_stored(&mut old);
                shown(&definition, &old);
            });
            let next =
                if draw.once_in(4) { draw.object(&definition.schema) } else { draw.change(&definition.schema, &old) };
            let Some(next) = decode(&definition, next, &mut panics) else { continue };
            let subresources = definition.subresources.iter().map(|subresource| &*subresource.name);
            for subresource in [""].into_iter().chain(subresources) {
                let name = format!("{} update of `{subresource}` of {old}", definition.kind);
                panics.attempt(&name, &next, || update(&definition, subresource, next.clone(), &old));
            }
        }
        assert!(decoded > 30, "{}: only {decoded} objects were of their type", definition.kind);
    }
    panics.assert_none();
}

fn decode(definition: &Definition, sent: Value, panics: &mut Panics) -> Option<Value> {
    let mut decoded = None;
    panics.attempt(&format!("{} decode", definition.kind), &sent, || {
        decoded = Some(sent.clone()).filter(Value::is_object).and_then(|sent| rest::typed(definition, sent).ok());
    });
    decoded
}

fn operation<'a>(definition: &'a Definition, subresource: &'a str) -> Operation<'a> {
    Operation {
        definition,
        namespace: if definition.namespaced { "default" } else { "" },
        name: "a",
        asked_name: "a",
        subresource,
        user: "somebody",
        groups: &[],
        identity: None,
        dry_run: false,
    }
}

fn create(definition: &Definition, mut object: Value) {
    let (strategy, operation) = (definition.strategy, operation(definition, ""));
    let mut errors = Vec::new();
    let _ = strategy.warnings_unprepared(&operation, &object);
    strategy.prepare_for_create(&operation, &mut object);
    validation::metadata::create(definition, &object, &mut errors);
    strategy.validate(&operation, &object, &mut errors);
    let _ = strategy.warnings(&operation, &object, None);
}

fn update(definition: &Definition, subresource: &str, mut object: Value, old: &Value) {
    let (strategy, operation) = (definition.strategy, operation(definition, subresource));
    let mut errors = Vec::new();
    strategy.prepare_for_update(&operation, &mut object, old);
    let _ = strategy.desires_differ(&object, old);
    validation::metadata::update(definition, subresource, &object, old, &mut errors);
    strategy.validate_update(&operation, &object, old, &mut errors);
    let _ = strategy.warnings(&operation, &object, Some(old));
}

/// What is done with an object that is there.
fn shown(definition: &Definition, object: &Value) {
    let strategy = definition.strategy;
    let _ = table::cells(definition, object);
    let _ = table::conditions(definition, object);
    for seconds in [None, Some(0), Some(-1), Some(i64::MAX)] {
        let _ = strategy.grace(object, seconds);
    }
    let _ = strategy.may_go(object);
    let _ = strategy.before_delete(&operation(definition, ""), object, &DeleteOptions::default());
    let _ = strategy.companions_of_removal(object);
    let mut reshaped = object.clone();
    strategy.reshape_to_store(&mut reshaped);
    strategy.reshape_to_serve(&mut reshaped);
}
