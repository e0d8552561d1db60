//! `metadata.managedFields`: one entry for each manager that owns something.

use super::set::Set;
use crate::tree::{Map, Value, json};

/// Entries of operation `Update`, above which the oldest are merged.
const UPDATE_MANAGERS_MAX: usize = 10;
/// Who owns what those entries owned.
const OLDEST_CHANGES: &str = "ancient-changes";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Apply,
    Update,
}

/// Who an entry belongs to. For `Apply` the version is no part of the identity: applying in
/// another version replaces what was applied before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) manager: String,
    pub(super) operation: Operation,
    pub(super) subresource: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) owner: Owner,
    pub(super) api_version: String,
    /// RFC 3339 in UTC, as all times in objects; their order as texts is their order in time.
    pub(super) time: Option<String>,
    pub(super) set: Set,
}

impl Entry {
    pub(super) fn belongs_to(&self, owner: &Owner, api_version: &str) -> bool {
        self.owner == *owner && (owner.operation == Operation::Apply || self.api_version == api_version)
    }
}

/// Reads `metadata.managedFields`.
///
/// # Errors
/// What is wrong with it; a client may have written it.
pub(super) fn decode(managed_fields: &Value) -> Result<Vec<Entry>, String> {
    let mut entries: Vec<Entry> = Vec::new();
    for (index, entry) in managed_fields.as_array().into_iter().flatten().enumerate() {
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_string();
        let operation = match entry["operation"].as_str() {
            Some("Apply") => Operation::Apply,
            Some("Update") => Operation::Update,
            _ => return Err("operation must be `Apply` or `Update`".into()),
        };
        let api_version = text("apiVersion");
        if api_version.is_empty() {
            return Err("apiVersion must not be empty".into());
        }
        match text("fieldsType").as_str() {
            "FieldsV1" => {}
            "" => return Err(format!("missing fieldsType in managed fields entry {index}")),
            other => return Err(format!("invalid fieldsType \"{other}\" in managed fields entry {index}")),
        }
        let owner = Owner { manager: text("manager"), operation, subresource: text("subresource") };
        let set = Set::from_value(&entry["fieldsV1"]).map_err(|why| format!("error decoding set: {why}"))?;
        let entry = Entry { owner, api_version, time: entry["time"].as_str().map(str::to_string), set };
        // The last one of several with the same owner counts.
        entries.retain(|earlier| !earlier.belongs_to(&entry.owner, &entry.api_version));
        entries.push(entry);
    }
    Ok(entries)
}

/// `metadata.managedFields` of these entries, in upstream's order; nothing if there are none.
pub(super) fn encode(mut entries: Vec<Entry>) -> Option<Value> {
    entries.sort_by(|a, b| {
        let key = |entry: &Entry| (entry.owner.operation, entry.time.clone().unwrap_or_default());
        key(a).cmp(&key(b)).then_with(|| {
            let key = |entry: &Entry| {
                (entry.owner.manager.clone(), entry.api_version.clone(), entry.owner.subresource.clone())
            };
            key(a).cmp(&key(b))
        })
    });
    (!entries.is_empty()).then(|| entries.into_iter().map(encode_entry).collect())
}

fn encode_entry(entry: Entry) -> Value {
    let mut out = Map::new();
    let operation = match entry.owner.operation {
        Operation::Apply => "Apply",
        Operation::Update => "Update",
    };
    if !entry.owner.manager.is_empty() {
        out.insert("manager", json!(entry.owner.manager));
    }
    out.insert("operation", json!(operation));
    out.insert("apiVersion", json!(entry.api_version));
    if let Some(time) = entry.time {
        out.insert("time", json!(time));
    }
    out.insert("fieldsType", json!("FieldsV1"));
    out.insert("fieldsV1", entry.set.to_value());
    if !entry.owner.subresource.is_empty() {
        out.insert("subresource", json!(entry.owner.subresource));
    }
    Value::Object(out)
}

/// Merges the oldest updates of each version until there are few enough.
pub(super) fn cap(entries: &mut Vec<Entry>) {
    let is_update = |entry: &Entry| entry.owner.operation == Operation::Update;
    let mut updates: Vec<Entry> = entries.extract_if(.., |entry| is_update(entry)).collect();
    updates.sort_by(|a, b| {
        let key = |entry: &Entry| (entry.time.clone().unwrap_or_default(), entry.owner.manager.clone());
        key(a).cmp(&key(b))
    });

    let mut kept: Vec<Entry> = Vec::with_capacity(updates.len());
    let mut excess = updates.len().saturating_sub(UPDATE_MANAGERS_MAX);
    for update in updates {
        // The first of each version stays until a second one makes it a bucket.
        match kept.iter_mut().find(|earlier| earlier.api_version == update.api_version) {
            Some(bucket) if excess > 0 => {
                bucket.owner =
                    Owner { manager: OLDEST_CHANGES.into(), operation: Operation::Update, subresource: String::new() };
                bucket.set = std::mem::take(&mut bucket.set).union(update.set);
                bucket.time = update.time;
                excess -= 1;
            }
            _ => kept.push(update),
        }
    }
    entries.extend(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, version: &str, time: &str) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": version, "time": time,
               "fieldsType": "FieldsV1", "fieldsV1": {format!("f:{manager}"): {}}})
    }

    fn managers(managed_fields: &Value) -> Vec<&str> {
        managed_fields.as_array().into_iter().flatten().filter_map(|entry| entry["manager"].as_str()).collect()
    }

    #[test]
    fn entries_are_sorted_by_operation_time_and_name() {
        let entries = json!([
            entry("late", "Update", "v1", "2026-01-02T00:00:00Z"),
            entry("b", "Update", "v1", "2026-01-01T00:00:00Z"),
            entry("a", "Update", "v1", "2026-01-01T00:00:00Z"),
            entry("z", "Apply", "v1", "2026-01-03T00:00:00Z"),
        ]);
        let encoded = decode(&entries).map(encode).expect("entries").expect("some");
        assert_eq!(managers(&encoded), ["z", "a", "b", "late"]);
        assert_eq!(encoded[0], entry("z", "Apply", "v1", "2026-01-03T00:00:00Z"));
        assert_eq!(decode(&json!([])).map(encode), Ok(None));
    }

    #[test]
    fn the_last_entry_of_an_owner_counts() {
        let entries = json!([
            entry("m", "Apply", "v1", "2026-01-01T00:00:00Z"),
            entry("m", "Apply", "v2", "2026-01-01T00:00:00Z"),
            entry("m", "Update", "v1", "2026-01-01T00:00:00Z"),
            entry("m", "Update", "v2", "2026-01-01T00:00:00Z"),
        ]);
        let versions: Vec<_> = decode(&entries).expect("entries").into_iter().map(|entry| entry.api_version).collect();
        assert_eq!(versions, ["v2", "v1", "v2"]);
    }

    #[test]
    fn unreadable_entries_are_named() {
        for (change, message) in [
            (json!({"operation": "x"}), "operation must be `Apply` or `Update`"),
            (json!({"apiVersion": ""}), "apiVersion must not be empty"),
            (json!({"fieldsType": ""}), "missing fieldsType in managed fields entry 0"),
            (json!({"fieldsType": "x"}), "invalid fieldsType \"x\" in managed fields entry 0"),
            (json!({"fieldsV1": {"x": {}}}), "error decoding set: key must be 2 characters long:: x"),
        ] {
            let mut entry = entry("m", "Update", "v1", "2026-01-01T00:00:00Z");
            crate::patch::merge::merge(&mut entry, &change);
            assert_eq!(decode(&json!([entry])), Err(message.into()));
        }
    }

    #[test]
    fn the_oldest_updates_are_merged() {
        let of = |index: usize, version: &str| {
            entry(&format!("m{index:02}"), "Update", version, &format!("2026-01-01T00:00:{index:02}Z"))
        };
        let mut many: Vec<Value> = (0..12).map(|index| of(index, if index == 1 { "v2" } else { "v1" })).collect();
        many.push(entry("applier", "Apply", "v1", "2026-01-01T00:00:00Z"));

        let mut entries = decode(&json!(many)).expect("entries");
        cap(&mut entries);
        let encoded = encode(entries).expect("some");
        // 0, 2 and 3 are of one version; 1 is alone in its own.
        let expected = ["applier", "m01", "ancient-changes", "m04", "m05", "m06", "m07", "m08", "m09", "m10", "m11"];
        assert_eq!(managers(&encoded), expected);
        assert_eq!(encoded[2]["fieldsV1"], json!({"f:m00": {}, "f:m02": {}, "f:m03": {}}));
        assert_eq!(encoded[2]["time"], json!("2026-01-01T00:00:03Z"));

        let mut few = decode(&json!(many[..10])).expect("entries");
        let before = few.clone();
        cap(&mut few);
        assert_eq!(few, before);
    }
}
