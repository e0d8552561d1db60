//! All of the store, as objects.

use std::sync::Arc;

use super::claims::Claims;
use super::object::Object;
use crate::{Kv, RangeQuery, ReadError, Store};

/// Keys that are read at a time.
const PAGE: usize = 20_000;

/// What kube-apiserver puts before objects that it stores as protobuf.
const PROTOBUF: &[u8] = b"k8s\0";

/// Every object, in the order of the keys, as it was at one revision.
pub(super) async fn all(
    store: &dyn Store,
    at: Option<u64>,
    claims: &Claims,
) -> Result<(u64, Vec<Arc<Object>>), ReadError> {
    let mut objects: Vec<Arc<Object>> = Vec::new();
    let mut query = RangeQuery { limit: PAGE, at, ..RangeQuery::default() };
    loop {
        let page = store.range(query.clone()).await?;
        objects.reserve(page.kvs.len());
        for kv in page.kvs {
            readable(&kv).map_err(ReadError::Invalid)?;
            let claim = claims.of(&kv.key);
            objects.push(Arc::new(Object::new(kv.key, kv.value, kv.mod_revision, claim)));
        }
        match objects.last() {
            Some(last) if page.more => {
                query.start = format!("{}\0", last.key());
                query.at = Some(page.revision);
            }
            _ => return Ok((page.revision, objects)),
        }
    }
}

/// Only kube-apiserver reads what it stores as protobuf.
pub(super) fn readable(kv: &Kv) -> Result<(), String> {
    if !kv.value.starts_with(PROTOBUF) {
        return Ok(());
    }
    let key = &kv.key;
    Err(format!(
        "the value of `{key}` is protobuf: let kube-apiserver store JSON (`--storage-media-type`), and replace what it \
         stored before"
    ))
}
