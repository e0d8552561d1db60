//! The objects that a token lives and dies with.

use futures_util::future::BoxFuture;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::claims::Reference;

/// Who has the objects that tokens are bound to.
pub trait BoundObjects: Send + Sync + 'static {
    /// The JSON of one of `pods`, `secrets`, `serviceaccounts` or, without a namespace, `nodes`;
    /// nothing if there is no such object.
    fn get<'a>(
        &'a self,
        resource: &'static str,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, String>>;
}

pub(super) struct Object(Value);

impl Object {
    /// Nothing if there is none.
    pub(super) async fn read(
        objects: &dyn BoundObjects,
        resource: &'static str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Self>, String> {
        let Some(json) = objects.get(resource, namespace, name).await? else { return Ok(None) };
        let object = serde_json::from_slice(&json).map_err(|error| format!("{resource} \"{name}\": {error}"))?;
        Ok(Some(Self(object)))
    }

    pub(super) fn uid(&self) -> &str {
        self.0["metadata"]["uid"].as_str().unwrap_or_default()
    }

    pub(super) fn has_label(&self, name: &str) -> bool {
        self.0["metadata"]["labels"][name].as_str().is_some_and(|value| !value.is_empty())
    }

    /// The token of a secret, in base64.
    pub(super) fn token(&self) -> &str {
        self.0["data"]["token"].as_str().unwrap_or_default()
    }

    pub(super) fn is_deleting(&self) -> bool {
        self.0["metadata"]["deletionTimestamp"].is_string()
    }

    /// Whether it was to end before this time. A time that cannot be read is long ago.
    pub(super) fn is_dead(&self, before: i64) -> bool {
        let Some(text) = self.0["metadata"]["deletionTimestamp"].as_str() else { return false };
        OffsetDateTime::parse(text, &Rfc3339).map_or(true, |at| at.unix_timestamp() < before)
    }
}

/// Whether what a token is bound to, beside its account, is there.
pub(super) async fn check_bound(
    objects: &dyn BoundObjects,
    kind: &str,
    resource: &'static str,
    namespace: &str,
    bound: &Reference,
    dead_before: i64,
) -> Result<(), String> {
    let invalidated = || Err("service account token has been invalidated".to_owned());
    let Some(object) = Object::read(objects, resource, namespace, &bound.name).await? else { return invalidated() };
    if object.uid() != bound.uid {
        let (found, wanted) = (object.uid(), &bound.uid);
        return Err(format!("{kind} UID ({found}) does not match service account {kind} ref claim ({wanted})"));
    }
    if object.is_dead(dead_before) {
        return invalidated();
    }
    Ok(())
}
