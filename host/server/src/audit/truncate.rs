//! Keeps events small: `--audit-log-truncate-enabled` and `--audit-webhook-truncate-enabled`.

use std::sync::Arc;

use super::policy::Level;
use super::record::TRUNCATED;
use super::sink::Entry;
use crate::options::AuditTruncate;

pub(super) struct Truncate {
    event_bytes_max: usize,
}

impl Truncate {
    pub(super) fn new(options: AuditTruncate) -> Self {
        Self { event_bytes_max: options.event_bytes_max }
    }

    /// The event, without its objects if it is too large with them. Nothing if it is even then.
    pub(super) fn fit(&self, entry: &Arc<Entry>) -> Option<Arc<Entry>> {
        if entry.json().len() <= self.event_bytes_max {
            return Some(entry.clone());
        }
        let mut event = entry.event().clone();
        if event.level < Level::Request {
            return None;
        }
        event.request_object = None;
        event.response_object = None;
        event.annotations.insert(TRUNCATED.to_owned(), "true".to_owned());
        let entry = Entry::new(event);
        (entry.json().len() <= self.event_bytes_max).then(|| Arc::new(entry))
    }
}

/// Splits a batch where it would be larger than `most` bytes.
pub(super) fn split(entries: Vec<Arc<Entry>>, most: Option<usize>) -> Vec<Vec<Arc<Entry>>> {
    let Some(most) = most else { return vec![entries] };
    let mut batches: Vec<Vec<Arc<Entry>>> = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        let length = entry.json().len();
        match batches.last_mut() {
            Some(batch) if bytes + length <= most => batch.push(entry),
            _ => {
                batches.push(vec![entry]);
                bytes = 0;
            }
        }
        bytes += length;
    }
    batches
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::audit::testing::event;

    fn entry(level: Level, object_bytes: usize) -> Arc<Entry> {
        let mut event = event();
        event.level = level;
        event.request_object = Some(json!("x".repeat(object_bytes)));
        Arc::new(Entry::new(event))
    }

    #[test]
    fn a_large_event_loses_its_objects_first() {
        let truncate = Truncate { event_bytes_max: 2000 };
        let small = entry(Level::Request, 10);
        assert!(Arc::ptr_eq(&truncate.fit(&small).unwrap(), &small));
        let large = truncate.fit(&entry(Level::Request, 3000)).unwrap();
        assert!(large.event().request_object.is_none());
        assert_eq!(large.event().annotations[TRUNCATED], "true");
        assert!(truncate.fit(&entry(Level::Metadata, 3000)).is_none());
        assert!(Truncate { event_bytes_max: 10 }.fit(&small).is_none());
    }

    #[test]
    fn a_large_batch_becomes_several() {
        let entries: Vec<_> = [100, 100, 900, 100].map(|bytes| entry(Level::Request, bytes)).into();
        let lengths = |most| split(entries.clone(), most).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(None), [4]);
        let two_small = entries[0].json().len() * 2;
        assert_eq!(lengths(Some(two_small)), [2, 1, 1]);
        assert_eq!(lengths(Some(1)), [1, 1, 1, 1]);
    }
}
