//! Sets of objects that are small enough to be read whole.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use apimachinery::rest::from_store;
use apimachinery::rest::object::meta;
use apimachinery::status::ApiError;
use apimachinery::tree::Value;
use plugin_sdk::Store;
use plugin_sdk::storage::{Freshness, ListQuery, Object, Selector};

use crate::tree::text;

/// How many sets an instance remembers, and of how many objects at most.
const REMEMBERED_SETS_MAX: usize = 16;
const REMEMBERED_OBJECTS_MAX: usize = 64;

/// A set as this instance has decoded it.
struct Remembered {
    /// Of all objects, in their order. An object that another one has taken the place of has another
    /// revision, so these tell sets apart.
    revisions: Vec<u64>,
    values: Rc<[Value]>,
}

thread_local! {
    /// By prefixes.
    static REMEMBERED: RefCell<HashMap<String, Remembered>> = RefCell::default();
}

/// All objects below a prefix, as they are now.
pub(crate) async fn objects(store: &Store, prefix: &str) -> Result<Vec<Object>, ApiError> {
    let query = ListQuery {
        prefix: prefix.to_string(),
        start: None,
        selector: Selector { labels: Vec::new(), fields: Vec::new() },
        freshness: Freshness::Latest,
        limit: 0,
    };
    let found = store.list(query).await.map_err(from_store)?;
    Ok(match found.count() {
        0 => Vec::new(),
        count => found.read(0, u32::try_from(count).unwrap_or(u32::MAX)),
    })
}

/// As [`objects`], decoded.
pub(crate) async fn values(store: &Store, prefix: &str) -> Result<Vec<Value>, ApiError> {
    Ok(decoded(&objects(store, prefix).await?).collect())
}

fn decoded(objects: &[Object]) -> impl Iterator<Item = Value> {
    objects.iter().filter_map(|object| Value::read_bytes(&object.value()).ok())
}

/// As [`values`], for sets that are asked for with each request and hardly ever change: they are
/// decoded when they have.
pub(crate) async fn remembered(store: &Store, prefix: &str) -> Result<Rc<[Value]>, ApiError> {
    let objects = objects(store, prefix).await?;
    if objects.is_empty() {
        return Ok(Rc::default());
    }
    let revisions: Vec<u64> = objects.iter().map(Object::revision).collect();
    let known = REMEMBERED.with_borrow(|sets| {
        let known = sets.get(prefix).filter(|known| known.revisions == revisions);
        known.map(|known| known.values.clone())
    });
    if let Some(values) = known {
        return Ok(values);
    }
    let values: Rc<[Value]> = decoded(&objects).collect();
    if objects.len() <= REMEMBERED_OBJECTS_MAX {
        let set = Remembered { revisions, values: values.clone() };
        REMEMBERED.with_borrow_mut(|sets| {
            if sets.len() >= REMEMBERED_SETS_MAX {
                sets.clear();
            }
            sets.insert(prefix.to_string(), set);
        });
    }
    Ok(values)
}

/// As [`objects`], but only the last parts of their keys.
pub(crate) async fn names(store: &Store, prefix: &str) -> Result<Vec<String>, ApiError> {
    let objects = objects(store, prefix).await?;
    Ok(objects.iter().map(|object| object.key().strip_prefix(prefix).unwrap_or_default().to_string()).collect())
}

/// The name of the newest object that is annotated to be the default.
pub(crate) async fn default_name(store: &Store, prefix: &str, annotation: &str) -> Result<Option<String>, ApiError> {
    let values = values(store, prefix).await?;
    let newest = values
        .iter()
        .filter(|value| text(&value["metadata"]["annotations"], annotation) == "true")
        .max_by_key(|value| meta(value, "creationTimestamp").to_string());
    Ok(newest.map(|value| meta(value, "name").to_string()))
}
