//! Sets of objects that are small enough to be read whole.

use apimachinery::rest::from_store;
use apimachinery::rest::object::meta;
use apimachinery::status::ApiError;
use apimachinery::tree::Value;
use plugin_sdk::Store;
use plugin_sdk::storage::{Freshness, ListQuery, Object, Selector};

use crate::tree::text;

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
    Ok(found.read(0, u32::try_from(found.count()).unwrap_or(u32::MAX)))
}

/// As [`objects`], decoded.
pub(crate) async fn values(store: &Store, prefix: &str) -> Result<Vec<Value>, ApiError> {
    let objects = objects(store, prefix).await?;
    Ok(objects.iter().filter_map(|object| serde_json::from_slice(&object.value()).ok()).collect())
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
