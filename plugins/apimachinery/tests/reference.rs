//! Strategic merge patches and the ownership of fields, against what upstream's own libraries
//! made of the same generated cases. See `tests/reference/README.md`.

use apimachinery::managed::{self, Manager, Set};
use apimachinery::patch::strategic;
use apimachinery::schema::{Schema, builtin, check, defaults};
use apimachinery::tree::{Value, json};

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/recording.jsonl");

#[test]
fn upstream_comes_to_the_same() {
    // More cases than are kept here can be given.
    let path = std::env::var("REFERENCE").unwrap_or_else(|_| RECORDING.into());
    let recording = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("`{path}` cannot be read: {error}"));
    let mut replayed = 0;
    let mut differences = Vec::new();
    for line in recording.lines() {
        let case: Value = serde_json::from_str(line).expect("a case is JSON");
        let found = match case.get("patch") {
            Some(patch) => replay_patch(patch),
            None => replay_writes(case["writes"].as_array().expect("a case is a patch or writes")),
        };
        replayed += 1;
        differences.extend(found.map(|difference| format!("case {replayed}: {difference}")));
    }
    assert!(replayed > 0, "`{path}` has no cases");
    assert!(differences.is_empty(), "{} of {replayed} differ\n{}", differences.len(), differences.join("\n"));
}

fn schema() -> &'static Schema {
    builtin::schema("io.k8s.api.apps.v1.Deployment")
}

/// What differs, if anything.
fn replay_patch(case: &Value) -> Option<String> {
    let patched = strategic::apply(schema(), &case["live"], &case["patch"]);
    difference(case, patched.map_err(|error| error.message))
}

fn replay_writes(writes: &[Value]) -> Option<String> {
    let mut live: Option<Value> = None;
    for write in writes {
        let text = |name: &str| write[name].as_str().unwrap_or_default().to_string();
        let manager = Manager {
            name: text("manager"),
            subresource: text("subresource"),
            api_version: "apps/v1".into(),
            time: "2026-01-01T00:00:00Z".into(),
        };
        let written = match write.get("update") {
            Some(update) => {
                let mut object = update.clone();
                managed::update(schema(), live.as_ref(), &mut object, &manager, &Set::default());
                Ok(object)
            }
            None => {
                let force = write["force"] == true;
                managed::apply(schema(), live.as_ref(), &write["apply"], &manager, force, &Set::default())
                    .map_err(|error| error.message)
            }
        };
        if let Some(difference) = difference(write, written) {
            return Some(difference);
        }
        live = write.get("result").cloned().or(live);
    }
    None
}

fn difference(case: &Value, answer: Result<Value, String>) -> Option<String> {
    let recorded = match case.get("error") {
        Some(error) => Err(error.as_str().unwrap_or_default().to_string()),
        None => Ok(comparable(case["result"].clone())),
    };
    let answer = answer.map(|mut object| {
        // As the engine decodes what a patch leaves.
        check::unknown_fields(schema(), &mut object, true);
        defaults::normalize(schema(), &mut object);
        defaults::write_unset(schema(), &mut object);
        comparable(object)
    });
    (answer != recorded).then(|| format!("{case}\n  recorded {recorded:?}\n  answered {answer:?}"))
}

/// Times are when the recording was made: only whether there is one counts, and not the order
/// that follows from them. The recorder sets the uid.
fn comparable(mut object: Value) -> Value {
    let Some(metadata) = object["metadata"].as_object_mut() else { return object };
    metadata.remove("uid");
    if let Some(entries) = metadata.get_mut("managedFields").and_then(Value::as_array_mut) {
        for entry in entries.iter_mut() {
            entry["time"] = json!(entry.get("time").is_some());
        }
        entries
            .sort_by_cached_key(|entry| format!("{}{}{}", entry["operation"], entry["manager"], entry["subresource"]));
    }
    object
}
