//! Strategic merge patches and the ownership of fields, against what upstream's own libraries
//! made of the same generated cases. See `tests/reference/README.md`.

use std::collections::BTreeSet;

use apimachinery::managed::{self, Manager, Set, Versions};
use apimachinery::patch::strategic;
use apimachinery::schema::{Schema, builtin, check, defaults};
use apimachinery::tree::{Text, Value};

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference/recording.jsonl");

#[test]
fn upstream_comes_to_the_same() {
    // More cases than are kept here can be given.
    let path = std::env::var("REFERENCE").unwrap_or_else(|_| RECORDING.into());
    let recording = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("`{path}` cannot be read: {error}"));
    let mut kinds = BTreeSet::new();
    let mut differences = Vec::new();
    let mut replayed = 0;
    for line in recording.lines() {
        let case: Value = serde_json::from_str(line).expect("a case is JSON");
        let text = |name: &str| case[name].as_str().expect("a case has a kind");
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let replay = Replay { api_version, kind, schema: schema(api_version, kind) };
        let found = match case.get("patch") {
            Some(patch) => replay.patch(patch),
            None => replay.writes(case["writes"].as_array().map(Vec::as_slice).unwrap_or_default()),
        };
        replayed += 1;
        kinds.insert(format!("{api_version} {kind}"));
        differences.extend(found.map(|difference| format!("case {replayed}: {difference}")));
    }
    assert!(differences.is_empty(), "{} of {replayed} differ\n{}", differences.len(), differences.join("\n"));
    let patched = builtin::resources().iter().filter(|resource| resource.verbs.contains(&"patch"));
    assert!(kinds.len() >= patched.count(), "only {} kinds are in `{path}`", kinds.len());
}

fn schema(api_version: &str, kind: &str) -> &'static Schema {
    let found = builtin::kind_of(api_version, kind);
    found.unwrap_or_else(|| panic!("there is no {api_version} {kind}")).schema()
}

struct Replay<'a> {
    api_version: &'a str,
    kind: &'a str,
    schema: &'static Schema,
}

impl Replay<'_> {
    /// What differs, if anything.
    fn patch(&self, case: &Value) -> Option<String> {
        let patched = strategic::apply(self.schema, &case["live"], &case["patch"]);
        self.difference(case, patched.map_err(|error| error.message))
    }

    fn writes(&self, writes: &[Value]) -> Option<String> {
        let mut live: Option<Value> = None;
        for write in writes {
            let written = self.write(write, live.as_ref());
            if let Some(difference) = self.difference(write, written) {
                return Some(format!("of {}: {difference}", live.unwrap_or_default()));
            }
            live = write.get("result").cloned().or(live);
        }
        None
    }

    fn write(&self, write: &Value, live: Option<&Value>) -> Result<Value, String> {
        let text = |name: &str| write[name].as_str().unwrap_or_default().to_string();
        let manager = Manager {
            name: text("manager"),
            subresource: text("subresource"),
            api_version: self.api_version.into(),
            time: text("time"),
        };
        // As the recorder has it for every kind.
        let ignored = Set::of_fields(&[&[if manager.subresource.is_empty() { "status" } else { "spec" }]]);
        match write.get("update") {
            Some(update) => {
                let mut object = update.clone();
                managed::update(Versions::alone(self.schema), live, &mut object, &manager, &ignored);
                Ok(object)
            }
            None => managed::apply(
                Versions::alone(self.schema),
                live,
                &write["apply"],
                &manager,
                write["force"] == true,
                &ignored,
            )
            .map(|(object, _)| object)
            .map_err(|error| error.message),
        }
    }

    fn difference(&self, case: &Value, answer: Result<Value, String>) -> Option<String> {
        let recorded = match case.get("error") {
            Some(error) => Err(error.as_str().unwrap_or_default().to_string()),
            None => Ok(self.comparable(case["result"].clone())),
        };
        let answer = answer.map(|mut object| {
            // As the engine decodes what a patch leaves.
            check::unknown_fields(self.schema, &mut object, true);
            defaults::normalize(self.schema, &mut object);
            defaults::write_unset(self.schema, &mut object);
            self.comparable(object)
        });
        if answer == recorded {
            return None;
        }
        Some(match (&recorded, &answer) {
            (Ok(recorded), Ok(answer)) => format!("{case}\n  {}", first_difference(recorded, answer, "")?),
            _ => format!("{case}\n  recorded {recorded:?}\n  answered {answer:?}"),
        })
    }

    /// The recorder sets the uid and, whatever a patch makes of it, the kind.
    fn comparable(&self, mut object: Value) -> Value {
        object["apiVersion"] = self.api_version.into();
        object["kind"] = self.kind.into();
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("uid");
        }
        object
    }
}

/// The first place where two trees differ: the trees are large.
fn first_difference(recorded: &Value, answered: &Value, path: &str) -> Option<String> {
    match (recorded, answered) {
        (Value::Object(left), Value::Object(right)) => {
            let names: BTreeSet<&Text> = left.keys().chain(right.keys()).collect();
            names.into_iter().find_map(|name| {
                first_difference(
                    left.get(name).unwrap_or(&Value::Null),
                    right.get(name).unwrap_or(&Value::Null),
                    &format!("{path}.{name}"),
                )
            })
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            left.iter().zip(right).find_map(|(left, right)| first_difference(left, right, &format!("{path}[]")))
        }
        _ => (recorded != answered).then(|| format!("{path}: recorded {recorded}, answered {answered}")),
    }
}
