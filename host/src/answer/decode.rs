//! Objects whose claim asks for it pass through `objects.decode` before they are served: a
//! custom resource that was stored under an older definition shows the defaults of the
//! current one.

use std::sync::Arc;

use host_store::Object;

use super::item::{Served, batch_end};
use crate::chain::Link;
use crate::guest::{CallError, RenderItem};

/// The objects in the form in which they are served now, in the same order.
pub(super) async fn current(link: &Arc<Link>, objects: Vec<Arc<Object>>) -> Result<Vec<Served>, CallError> {
    let claims = &link.services().claims;
    let Some(tag) = objects.first().and_then(|object| claims.decode_tag(object.key())) else {
        return Ok(objects.into_iter().map(Served::Cached).collect());
    };
    // One answer is about one resource, so about one claim.
    let limits = link.limits();
    let mut served = Vec::with_capacity(objects.len());
    let mut rest = &objects[..];
    while !rest.is_empty() {
        let sizes = rest.iter().map(|object| object.json().len());
        let (batch, next) =
            rest.split_at(batch_end(sizes, limits.render_batch_items_max, limits.render_batch_bytes_max));
        let item =
            |object: &Arc<Object>| RenderItem { event: None, key: object.key().clone(), json: object.json().clone() };
        let items = batch.iter().map(item).collect();
        let values = link.pool().decode(tag.clone(), items, limits.render_ms_max).await?;
        for (object, value) in batch.iter().zip(values) {
            served.push(one(link, object, value)?);
        }
        rest = next;
    }
    Ok(served)
}

fn one(link: &Link, object: &Arc<Object>, value: Vec<u8>) -> Result<Served, CallError> {
    // What the guest left as it was is served from the cache.
    if value[..] == object.json()[..] {
        return Ok(Served::Cached(object.clone()));
    }
    if value.first() != Some(&b'{') {
        let reason = format!("what it decoded of `{}` is no JSON object", object.key());
        return Err(CallError::Refused { plugin: link.name().into(), reason });
    }
    let types_end = types_end(&value).unwrap_or(1);
    Ok(Served::Decoded(value.into(), types_end))
}

/// Where the leading `"kind":"..","apiVersion":".."` members of an object end, the comma behind
/// them included, written without escapes. Nothing if others stand between them, as names that are sorted may: such
/// objects are only shown whole.
fn types_end(json: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(json).ok()?;
    let mut at = 1;
    for _ in 0..2 {
        let rest = text.get(at..)?;
        let rest = rest.strip_prefix("\"kind\":\"").or_else(|| rest.strip_prefix("\"apiVersion\":\""))?;
        at = text.len() - rest.len() + rest.find('"')? + 1;
        if text.get(at..)?.starts_with(',') {
            at += 1;
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::types_end;

    #[test]
    fn the_types_end_behind_their_comma() {
        for (json, rest) in [
            (r#"{"kind":"A","apiVersion":"v1","metadata":{}}"#, Some(r#""metadata":{}}"#)),
            (r#"{"apiVersion":"v1","kind":"A","metadata":{}}"#, Some(r#""metadata":{}}"#)),
            (r#"{"apiVersion":"v1","kind":"A"}"#, Some("}")),
            (r#"{"metadata":{}}"#, None),
            ("", None),
            ("é", None),
            (r#"{"kind":"A"#, None),
        ] {
            assert_eq!(types_end(json.as_bytes()).map(|end| &json[end..]), rest, "{json}");
        }
    }
}
