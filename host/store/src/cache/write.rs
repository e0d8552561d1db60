//! Writes: to the store, and back when they are shown here.

use std::sync::Arc;

use bytes::Bytes;

use super::checked::Checked;
use super::object::{Object, Read};
use super::{Cache, Inner};
use crate::{Guard, Key, Op, Txn, TxnOut, WriteError};

/// What became of a transaction.
#[derive(Clone, Debug)]
pub enum TxnOutcome {
    /// One object for each operation, in order: as written, or as it was before it was deleted,
    /// with the new revision.
    Applied(Vec<Arc<Object>>),
    /// A guard did not hold for `key`, or it was to be deleted and did not exist: the object as it is
    /// now, if there is one.
    Refused { key: Key, current: Option<Arc<Object>> },
}

impl Cache {
    /// Applies all operations if all guards hold, at one revision. When this returns they are
    /// durable, and every read here shows them.
    pub async fn txn(&self, guards: Vec<Guard>, ops: Vec<Op>) -> Result<TxnOutcome, WriteError> {
        let values: Vec<(Key, Option<Bytes>)> = ops.iter().map(|op| (op.key().clone(), value(op).cloned())).collect();
        let _under_way = UnderWay { checked: &self.inner.checked, values: &values };
        self.inner.check(&values)?;
        match self.inner.store.txn(Txn { guards, ops, get_on_refusal: false }).await? {
            TxnOut::Applied { revision } => {
                let ended =
                    |_| WriteError::Unknown(format!("revision `{revision}` was written, but the cache has ended"));
                self.inner.applied.wait(revision).await.map_err(ended)?;
                match self.inner.written_at(revision, values.len()) {
                    Some(objects) => Ok(TxnOutcome::Applied(objects)),
                    None => self.inner.rebuild(revision, &values).await.map(TxnOutcome::Applied),
                }
            }
            TxnOut::Refused { revision, key, .. } => {
                let ended = |_| WriteError::Unavailable("the cache has ended".to_owned());
                self.inner.applied.wait(revision).await.map_err(ended)?;
                let current = self.inner.now.load().tree.get(&key).cloned();
                Ok(TxnOutcome::Refused { key, current })
            }
        }
    }
}

/// Values that a transaction writes. However it ends, nothing more is known of them then.
struct UnderWay<'a> {
    checked: &'a Checked,
    values: &'a [(Key, Option<Bytes>)],
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.checked.forget(self.values.iter().filter_map(|(_, value)| value.as_ref()));
    }
}

impl Inner {
    /// Reads what is to be stored, for the feed as well.
    fn check(&self, values: &[(Key, Option<Bytes>)]) -> Result<(), WriteError> {
        let claims = self.claims.load();
        for (key, value) in values {
            let Some(value) = value else { continue };
            let claim = claims.of(key);
            let read = Read::new(value, claim)
                .map_err(|what| WriteError::Invalid(format!("the value of `{key}` is wrong: {what}")))?;
            if let Some(read) = read {
                self.checked.put(value, claim, read);
            }
        }
        Ok(())
    }

    /// The objects that one revision wrote, if they are remembered.
    fn written_at(&self, revision: u64, operations: usize) -> Option<Vec<Arc<Object>>> {
        let core = self.core();
        if core.history.oldest() >= revision {
            return None;
        }
        let changes = core.history.after(revision - 1).take_while(|change| change.revision() == revision);
        let objects: Vec<_> = changes.map(|change| change.object.clone()).collect();
        (objects.len() == operations).then_some(objects)
    }

    /// The objects that one revision wrote, when so much was written since that it is forgotten.
    async fn rebuild(&self, revision: u64, values: &[(Key, Option<Bytes>)]) -> Result<Vec<Arc<Object>>, WriteError> {
        let mut objects = Vec::with_capacity(values.len());
        for (key, value) in values {
            let claim = self.claims.load().of(key).clone();
            let object = match value {
                Some(value) => Object::new(key.clone(), value.clone(), revision, &claim),
                None => {
                    let lost =
                        |what: String| WriteError::Unknown(format!("revision `{revision}` was written, but {what}"));
                    let before = self.store.get(key, Some(revision - 1)).await;
                    let (found, _) = before.map_err(|error| lost(error.to_string()))?;
                    let kv = found.ok_or_else(|| lost(format!("`{key}` was not there before")))?;
                    Arc::new(Object::new(kv.key, kv.value, kv.mod_revision, &claim)).at(revision)
                }
            };
            objects.push(Arc::new(object));
        }
        Ok(objects)
    }
}

fn value(op: &Op) -> Option<&Bytes> {
    match op {
        Op::Put { value, .. } => Some(value),
        Op::Delete { .. } => None,
    }
}

#[cfg(all(test, not(feature = "explore")))]
mod tests {
    use futures_util::FutureExt as _;
    use redb::backends::InMemoryBackend;

    use super::*;
    use crate::{Embedded, Limits, Options, SelectableField};

    fn put(key: &str, value: &'static str) -> Op {
        Op::Put { key: key.into(), value: Bytes::from(value.as_bytes().to_vec()), ttl: None }
    }

    #[tokio::test]
    async fn what_is_written_is_not_read_again_and_nothing_is_known_of_it_afterwards() {
        let store = Embedded::open_on(InMemoryBackend::new(), Options::default()).unwrap();
        let cache = Cache::start(Arc::new(store), Limits::default()).await.unwrap();
        let field = SelectableField {
            name: "spec.on".to_owned(),
            path: vec!["spec".into(), "on".into()],
            absent: String::new(),
        };
        cache.claim("/r/", vec![field.clone()]).unwrap();
        let (value, json) = (
            r#"{"metadata":{"name":"a","labels":{"x":"y"}},"spec":{"on":"yes"}}"#,
            r#"{"metadata":{"resourceVersion":"2","name":"a","labels":{"x":"y"}},"spec":{"on":"yes"}}"#,
        );
        let TxnOutcome::Applied(objects) = cache.txn(vec![], vec![put("/r/a", value)]).await.unwrap() else {
            panic!("refused");
        };
        let object = &objects[0];
        // Nobody has looked at it yet.
        assert!(object.is_shown());
        assert_eq!((object.json().as_ref(), object.name(), object.label("x")), (json.as_bytes(), Some("a"), Some("y")));
        assert_eq!(object.field(&field), "yes");
        let guard = Guard { key: "/r/a".into(), revision: 1 };
        let refused = cache.txn(vec![guard], vec![put("/r/a", value)]).await.unwrap();
        assert!(matches!(refused, TxnOutcome::Refused { .. }));
        let wrong = cache.txn(vec![], vec![put("/r/a", value), put("/r/b", "{")]).await;
        assert!(matches!(wrong, Err(WriteError::Invalid(_))));
        // A transaction that nobody waits for any more.
        assert!(cache.txn(vec![], vec![put("/r/a", value)]).now_or_never().is_none());
        assert!(cache.inner.checked.is_empty());
    }
}
