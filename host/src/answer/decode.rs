//! Objects whose claim asks for it pass through `objects.decode` before they are served: a
//! custom resource that was stored under an older definition shows the defaults of the
//! current one (kube-apiserver.md 1.10, row 93).

use std::collections::HashMap;
use std::sync::Arc;

use host_store::Object;

use super::item::Served;
use crate::chain::Link;
use crate::guest::{CallError, RenderItem};

/// The objects in the form in which they are served now, in the same order.
pub(super) async fn current(link: &Arc<Link>, objects: Vec<Arc<Object>>) -> Result<Vec<Served>, CallError> {
    let claims = &link.services().claims;
    let Some(tag) = objects.first().and_then(|object| claims.decode_tag(object.key())) else {
        return Ok(objects.into_iter().map(Served::Cached).collect());
    };
    // One answer is about one resource, so about one claim.
    let mut decoded: HashMap<usize, Vec<u8>> = HashMap::new();
    let numbered: Vec<(usize, &Arc<Object>)> = objects.iter().enumerate().collect();
    for batch in numbered.chunks(link.limits().render_batch_items_max) {
        let items = batch.iter().map(|(_, object)| RenderItem { event: None, object: (*object).clone() }).collect();
        let values = link.pool().decode(tag.clone(), items, link.limits().render_ms_max).await?;
        decoded.extend(batch.iter().map(|(index, _)| *index).zip(values));
    }
    Ok(objects
        .into_iter()
        .enumerate()
        .map(|(index, object)| match decoded.remove(&index) {
            // What the guest left as it was is served from the cache.
            Some(value) if value[..] != object.json()[..] => {
                let types_end = types_end(&value).unwrap_or(1);
                Served::Decoded(value.into(), types_end)
            }
            _ => Served::Cached(object),
        })
        .collect())
}

/// Where the leading `"kind":"..","apiVersion":".."` members of an object end, the comma behind
/// them included. Decoders write them first, and without escapes.
fn types_end(json: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(json).ok()?;
    let mut at = 1;
    for _ in 0..2 {
        let rest = &text[at..];
        let rest = rest.strip_prefix("\"kind\":\"").or_else(|| rest.strip_prefix("\"apiVersion\":\""))?;
        at = text.len() - rest.len() + rest.find('"')? + 1;
        if text[at..].starts_with(',') {
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
        ] {
            assert_eq!(types_end(json.as_bytes()).map(|end| &json[end..]), rest, "{json}");
        }
    }
}
