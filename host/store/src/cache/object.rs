//! An object as the cache holds it: its bytes, once, and what was read from them.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::claims::{Claim, SelectableField};
use super::json::{self, Scan, Splice, Text};
use crate::Key;

const VERSION: &[u8] = b"\"resourceVersion\":\"";

/// One object at one revision. Its JSON is what a client gets, `metadata.resourceVersion`
/// included. A value that is no JSON object is held as it is, without any of that.
#[derive(Debug)]
pub struct Object {
    key: Key,
    json: Bytes,
    revision: u64,
    types_end: u32,
    /// Where the digits of the resource version are; empty if there are none.
    version: (u32, u32),
    facts: Facts,
}

/// What selectors look at.
#[derive(Clone, Debug)]
struct Facts {
    name: Option<Text>,
    namespace: Option<Text>,
    labels: Box<[(Text, Text)]>,
    fields: Box<[Option<Text>]>,
    claim: Arc<Claim>,
}

impl Object {
    /// Takes a stored value.
    pub(super) fn new(key: Key, value: Bytes, revision: u64, claim: &Arc<Claim>) -> Self {
        let scan = if is_object(&value) { json::scan(&value, claim).ok() } else { None };
        let Some(scan) = scan else {
            return Self { key, json: value, revision, types_end: 0, version: (0, 0), facts: Facts::none(claim) };
        };
        let types_end = scan.types_end as u32;
        let (splice, mut facts) = (scan.splice, Facts::new(scan, claim));
        let Some(splice) = splice else {
            return Self { key, json: value, revision, types_end, version: (0, 0), facts };
        };
        let digits = revision.to_string();
        let (at, before, after): (_, &[u8], &[u8]) = match splice {
            Splice::Behind(at) => (at, b",", b"\""),
            Splice::Before(at) => (at, b"", b"\","),
            Splice::Alone(at) => (at, b"", b"\""),
        };
        let added = before.len() + VERSION.len() + digits.len() + after.len();
        let mut json = BytesMut::with_capacity(value.len() + added);
        for part in [&value[..at], before, VERSION, digits.as_bytes(), after, &value[at..]] {
            json.extend_from_slice(part);
        }
        let start = (at + before.len() + VERSION.len()) as u32;
        facts.shift(at, added as i64);
        Self { key, json: json.freeze(), revision, types_end, version: (start, start + digits.len() as u32), facts }
    }

    /// Whether a value can be stored; an error says what is wrong with it.
    pub(super) fn check(value: &[u8]) -> Result<(), String> {
        if is_object(value) { json::scan(value, &Claim::default()).map(drop) } else { Ok(()) }
    }

    /// The same object with another resource version: as it is shown when it was deleted.
    pub(super) fn at(&self, revision: u64) -> Self {
        let (start, end) = (self.version.0 as usize, self.version.1 as usize);
        let mut copy =
            Self { key: self.key.clone(), json: self.json.clone(), facts: self.facts.clone(), revision, ..*self };
        if start == end {
            return copy;
        }
        let digits = revision.to_string();
        let mut json = BytesMut::with_capacity(self.json.len() + digits.len());
        for part in [&self.json[..start], digits.as_bytes(), &self.json[end..]] {
            json.extend_from_slice(part);
        }
        copy.facts.shift(end, digits.len() as i64 - (end - start) as i64);
        copy.version.1 = (start + digits.len()) as u32;
        copy.json = json.freeze();
        copy
    }

    /// The same object, read again for another claim.
    pub(super) fn claimed(&self, claim: &Arc<Claim>) -> Self {
        let stored = self.stored();
        let fresh = Self::new(self.key.clone(), stored, self.revision, claim);
        // The bytes are the same: those that others hold are kept.
        Self { json: self.json.clone(), ..fresh }
    }

    /// The value without the resource version, as the store has it.
    pub(super) fn stored(&self) -> Bytes {
        let (start, end) = (self.version.0 as usize, self.version.1 as usize);
        if start == end {
            return self.json.clone();
        }
        let (mut from, mut to) = (start - VERSION.len(), end + 1);
        if self.json[from - 1] == b',' {
            from -= 1;
        } else if self.json[to] == b',' {
            to += 1;
        }
        [&self.json[..from], &self.json[to..]].concat().into()
    }

    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The revision of the last write, which is the resource version; of a deleted object
    /// that of its deletion.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// All of it, as it is served.
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// The leading `"kind":..,"apiVersion":..` members, as they are written; empty if the
    /// object does not begin with them. A comma is behind them unless they are all there is.
    pub fn types(&self) -> &[u8] {
        self.json.get(1..self.types_end as usize).unwrap_or_default()
    }

    /// Everything behind [`types`](Self::types), the closing brace included: `{`, other types
    /// with a comma, and this make the object in another version's name, `{` and this the
    /// object without type.
    pub fn untyped(&self) -> Bytes {
        self.json.slice(self.types_end as usize..)
    }

    /// Whether [`untyped`](Self::untyped) has any member.
    pub fn has_members(&self) -> bool {
        self.json.get(self.types_end as usize).is_some_and(|byte| *byte != b'}')
    }

    pub fn name(&self) -> Option<&str> {
        self.facts.name.as_ref().map(|text| text.of(&self.json))
    }

    pub fn namespace(&self) -> Option<&str> {
        self.facts.namespace.as_ref().map(|text| text.of(&self.json))
    }

    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.facts.labels.iter().map(|(key, value)| (key.of(&self.json), value.of(&self.json)))
    }

    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// A selectable field's value, or what it is equal to when it is absent.
    pub(super) fn field<'a>(&'a self, field: &'a SelectableField) -> Cow<'a, str> {
        if let Some(at) = self.facts.claim.fields().iter().position(|known| known == field) {
            let found = self.facts.fields.get(at).and_then(Option::as_ref);
            return found.map_or(field.absent.as_str(), |text| text.of(&self.json)).into();
        }
        // The object is older than the claim that has the field.
        let claim = Claim::new(vec![field.clone()]);
        let scan = if is_object(&self.json) { json::scan(&self.stored(), &claim).ok() } else { None };
        let found = scan.and_then(|scan| scan.fields.into_iter().next().flatten());
        found.map_or(field.absent.as_str().into(), |text| text.of(&self.stored()).to_owned().into())
    }
}

impl Facts {
    fn new(scan: Scan, claim: &Arc<Claim>) -> Self {
        Self {
            name: scan.name,
            namespace: scan.namespace,
            labels: scan.labels.into(),
            fields: scan.fields.into(),
            claim: claim.clone(),
        }
    }

    fn none(claim: &Arc<Claim>) -> Self {
        Self { name: None, namespace: None, labels: [].into(), fields: [].into(), claim: claim.clone() }
    }

    fn shift(&mut self, at: usize, by: i64) {
        let names = self.name.iter_mut().chain(&mut self.namespace);
        let labels = self.labels.iter_mut().flat_map(|(key, value)| [key, value]);
        for text in names.chain(labels).chain(self.fields.iter_mut().flatten()) {
            text.shift(at, by);
        }
    }
}

fn is_object(value: &[u8]) -> bool {
    value.first() == Some(&b'{')
}
