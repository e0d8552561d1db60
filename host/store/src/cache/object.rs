//! An object as the cache holds it: its bytes, once, and what was read from them.
//!
//! They are read when somebody looks at the object for the first time: a start with ten thousand
//! objects reads none of them.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::{Bytes, BytesMut};

use super::claims::{Claim, SelectableField};
use super::json::{self, Form, Scan, Splice, Text};
use crate::Key;

const VERSION: &[u8] = b"\"resourceVersion\":\"";

/// One object at one revision. Its JSON is what a client gets, `metadata.resourceVersion`
/// included. A value that is no JSON object is held as it is, without any of that.
#[derive(Debug)]
pub struct Object {
    key: Key,
    revision: u64,
    stored_bytes: u32,
    claim: Arc<Claim>,
    /// Gone once the object is shown.
    source: Mutex<Option<Source>>,
    shown: OnceLock<Shown>,
}

/// What an object is made from.
#[derive(Clone, Debug)]
enum Source {
    /// A value as it is stored.
    Value(Bytes),
    /// The same object before it was deleted.
    Before(Arc<Object>),
}

/// An object as it is served, and where things are in it.
#[derive(Clone, Debug)]
struct Shown {
    json: Bytes,
    types_end: u32,
    /// Where the digits of the resource version are; empty if there are none.
    version: (u32, u32),
    facts: Facts,
}

/// What selectors look at.
#[derive(Clone, Debug, Default)]
struct Facts {
    name: Option<Text>,
    namespace: Option<Text>,
    labels: Box<[(Text, Text)]>,
    fields: Box<[Option<Text>]>,
}

/// What was read of a value that is stored.
#[derive(Debug)]
pub(super) struct Read(Scan);

impl Read {
    /// Nothing of a value that is no JSON object. An error says why a value cannot be stored.
    pub(super) fn new(value: &[u8], claim: &Claim) -> Result<Option<Self>, String> {
        if is_object(value) { json::scan(value, Form::Stored, claim).map(Self).map(Some) } else { Ok(None) }
    }
}

impl Object {
    /// Takes a stored value.
    pub(super) fn new(key: Key, value: Bytes, revision: u64, claim: &Arc<Claim>) -> Self {
        let stored_bytes = value.len() as u32;
        Self::from(Source::Value(value), key, revision, stored_bytes, claim)
    }

    /// Takes a stored value of which everything is known already.
    pub(super) fn known(key: Key, value: Bytes, read: Read, revision: u64, claim: &Arc<Claim>) -> Self {
        let stored_bytes = value.len() as u32;
        let shown = Shown::read(value, read, revision).into();
        Self { key, revision, stored_bytes, claim: claim.clone(), source: Mutex::new(None), shown }
    }

    /// The same object with another resource version: as it is shown when it was deleted.
    pub(super) fn at(self: &Arc<Self>, revision: u64) -> Self {
        Self::from(Source::Before(self.clone()), self.key.clone(), revision, self.stored_bytes, &self.claim)
    }

    /// The same object, read again for another claim.
    pub(super) fn claimed(&self, claim: &Arc<Claim>) -> Self {
        let source = self.source().clone();
        let shown = match &source {
            Some(_) => OnceLock::new(),
            None => self.shown().claimed(claim).into(),
        };
        let (key, source) = (self.key.clone(), Mutex::new(source));
        Self { key, claim: claim.clone(), source, shown, ..*self }
    }

    fn from(source: Source, key: Key, revision: u64, stored_bytes: u32, claim: &Arc<Claim>) -> Self {
        let (source, claim) = (Mutex::new(Some(source)), claim.clone());
        Self { key, revision, stored_bytes, claim, source, shown: OnceLock::new() }
    }

    /// Does what the first look at the object costs.
    pub(super) fn show(&self) {
        self.shown();
    }

    fn shown(&self) -> &Shown {
        self.shown.get_or_init(|| match self.source().take() {
            Some(Source::Value(value)) => Shown::new(value, self.revision, &self.claim),
            Some(Source::Before(object)) => object.shown().at(self.revision),
            None => unreachable!("an object is shown once"),
        })
    }

    fn source(&self) -> std::sync::MutexGuard<'_, Option<Source>> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The revision of the last write, which is the resource version; of a deleted object
    /// that of its deletion.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How large the stored value is.
    pub(super) fn stored_bytes(&self) -> usize {
        self.stored_bytes as usize
    }

    /// All of it, as it is served.
    pub fn json(&self) -> &Bytes {
        &self.shown().json
    }

    /// The leading `"kind":..,"apiVersion":..` members, as they are written; empty if the
    /// object does not begin with them. A comma is behind them unless they are all there is.
    pub fn types(&self) -> &[u8] {
        let shown = self.shown();
        shown.json.get(1..shown.types_end as usize).unwrap_or_default()
    }

    /// Everything behind [`types`](Self::types), the closing brace included: `{`, other types
    /// with a comma, and this make the object in another version's name, `{` and this the
    /// object without type.
    pub fn untyped(&self) -> &[u8] {
        let shown = self.shown();
        &shown.json[shown.types_end as usize..]
    }

    /// Whether [`untyped`](Self::untyped) has any member.
    pub fn has_members(&self) -> bool {
        let shown = self.shown();
        shown.json.get(shown.types_end as usize).is_some_and(|byte| *byte != b'}')
    }

    pub fn name(&self) -> Option<&str> {
        let shown = self.shown();
        shown.facts.name.as_ref().map(|text| text.of(&shown.json))
    }

    pub fn namespace(&self) -> Option<&str> {
        let shown = self.shown();
        shown.facts.namespace.as_ref().map(|text| text.of(&shown.json))
    }

    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        let shown = self.shown();
        shown.facts.labels.iter().map(|(key, value)| (key.of(&shown.json), value.of(&shown.json)))
    }

    pub fn label(&self, key: &str) -> Option<&str> {
        let shown = self.shown();
        let found = shown.facts.labels.iter().find(|(name, _)| name.bytes(&shown.json) == key.as_bytes());
        found.map(|(_, value)| value.of(&shown.json))
    }

    /// A selectable field's value, or what it is equal to when it is absent.
    pub(super) fn field<'a>(&'a self, field: &'a SelectableField) -> Cow<'a, str> {
        let shown = self.shown();
        if let Some(at) = self.claim.fields().iter().position(|known| known == field) {
            let found = shown.facts.fields.get(at).and_then(Option::as_ref);
            return found.map_or(field.absent.as_str(), |text| text.of(&shown.json)).into();
        }
        // The object is older than the claim that has the field.
        let scan = shown.scan(&Claim::new(vec![field.clone()]));
        let found = scan.and_then(|scan| scan.fields.into_iter().next().flatten());
        found.map_or(field.absent.as_str().into(), |text| text.of(&shown.json).to_owned().into())
    }
}

impl Shown {
    fn new(value: Bytes, revision: u64, claim: &Claim) -> Self {
        match Read::new(&value, claim) {
            Ok(Some(read)) => Self::read(value, read, revision),
            _ => Self { json: value, types_end: 0, version: (0, 0), facts: Facts::default() },
        }
    }

    /// Puts the resource version in.
    fn read(value: Bytes, Read(scan): Read, revision: u64) -> Self {
        let types_end = scan.types_end as u32;
        let (splice, mut facts) = (scan.splice, Facts::new(scan));
        let Some(splice) = splice else {
            return Self { json: value, types_end, version: (0, 0), facts };
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
        Self { json: json.freeze(), types_end, version: (start, start + digits.len() as u32), facts }
    }

    fn at(&self, revision: u64) -> Self {
        let (start, end) = (self.version.0 as usize, self.version.1 as usize);
        let mut copy = self.clone();
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

    fn claimed(&self, claim: &Claim) -> Self {
        let facts = self.scan(claim).map(Facts::new).unwrap_or_default();
        Self { json: self.json.clone(), facts, ..*self }
    }

    fn scan(&self, claim: &Claim) -> Option<Scan> {
        if is_object(&self.json) { json::scan(&self.json, Form::Served, claim).ok() } else { None }
    }
}

impl Facts {
    fn new(scan: Scan) -> Self {
        let Scan { name, namespace, labels, fields, .. } = scan;
        Self { name, namespace, labels: labels.into(), fields: fields.into() }
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

#[cfg(test)]
mod tests {
    use super::*;

    impl Object {
        pub(in crate::cache) fn is_shown(&self) -> bool {
            self.shown.get().is_some()
        }

        /// The value without its version.
        fn stored(&self) -> String {
            let shown = self.shown();
            let (start, end) = (shown.version.0 as usize, shown.version.1 as usize);
            let json = std::str::from_utf8(&shown.json).unwrap();
            if start == end {
                return json.to_owned();
            }
            let member = format!(r#""resourceVersion":"{}""#, &json[start..end]);
            for taken in [format!(",{member}"), format!("{member},"), member] {
                if json.contains(&taken) {
                    return json.replacen(&taken, "", 1);
                }
            }
            panic!("the version is not where it should be in {json}")
        }
    }

    fn object(value: &str, revision: u64) -> Arc<Object> {
        let claim = Arc::new(Claim::new(vec![SelectableField {
            name: "spec.on".to_owned(),
            path: vec!["spec".to_owned(), "on".to_owned()],
            absent: "off".to_owned(),
        }]));
        Arc::new(Object::new("/r/t/a".into(), Bytes::copy_from_slice(value.as_bytes()), revision, &claim))
    }

    /// Every shape that `metadata` can have, and where the version goes.
    const SHAPES: &[(&str, &str)] = &[
        (r#"{"metadata":{}}"#, r#"{"metadata":{"resourceVersion":"7"}}"#),
        (r#"{"metadata":{ }}"#, r#"{"metadata":{"resourceVersion":"7" }}"#),
        (r#"{"metadata":{"name":"n"}}"#, r#"{"metadata":{"resourceVersion":"7","name":"n"}}"#),
        (r#"{"metadata":{ "name":"n"},"a":1}"#, r#"{"metadata":{"resourceVersion":"7", "name":"n"},"a":1}"#),
        (r#"{"metadata":{"uid":"u"}}"#, r#"{"metadata":{"uid":"u","resourceVersion":"7"}}"#),
        (
            r#"{"kind":"T","metadata":{"name":"n","uid":"u","labels":{"x":"y"}},"spec":{"on":"yes"}}"#,
            r#"{"kind":"T","metadata":{"name":"n","uid":"u","resourceVersion":"7","labels":{"x":"y"}},"spec":{"on":"yes"}}"#,
        ),
        // Sorted by their names.
        (
            r#"{"metadata":{"labels":{"x":"y"},"name":"n","uid":"u"}}"#,
            r#"{"metadata":{"labels":{"x":"y"},"name":"n","resourceVersion":"7","uid":"u"}}"#,
        ),
        (
            r#"{"spec":{"uid":"no"},"metadata":{"uid" : "u" ,"name":"n"}}"#,
            r#"{"spec":{"uid":"no"},"metadata":{"uid" : "u","resourceVersion":"7" ,"name":"n"}}"#,
        ),
        (
            r#"{"metadata":{"labels":{"uid":"no"},"name":"n"}}"#,
            r#"{"metadata":{"resourceVersion":"7","labels":{"uid":"no"},"name":"n"}}"#,
        ),
        (
            r#"{"m\u0065tadata":{"\u0075id":"u","name":"\u006e"}}"#,
            r#"{"m\u0065tadata":{"\u0075id":"u","resourceVersion":"7","name":"\u006e"}}"#,
        ),
    ];

    #[test]
    fn the_version_goes_beside_the_uid_or_to_the_front() {
        for (value, json) in SHAPES {
            let object = object(value, 7);
            assert_eq!(object.json(), json);
            assert_eq!(object.stored(), *value, "taken out again");
            let parsed: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(object.name(), parsed["metadata"]["name"].as_str());
            let labels = parsed["metadata"]["labels"].as_object();
            let wanted: Vec<_> =
                labels.into_iter().flatten().map(|(key, value)| (&**key, value.as_str().unwrap())).collect();
            assert_eq!(object.labels().collect::<Vec<_>>(), wanted);
        }
    }

    #[test]
    fn a_deleted_object_has_another_version_and_nothing_else() {
        for (value, json) in SHAPES {
            for revision in [8, 12345] {
                let before = object(value, 7);
                let after = before.at(revision);
                assert_eq!(after.json(), &json.replace(r#"on":"7""#, &format!(r#"on":"{revision}""#)));
                assert_eq!(
                    (after.revision(), after.name(), after.stored()),
                    (revision, before.name(), before.stored())
                );
                assert_eq!(after.labels().collect::<Vec<_>>(), before.labels().collect::<Vec<_>>());
                let field = before.claim.fields()[0].clone();
                assert_eq!(after.field(&field), before.field(&field));
                assert_eq!(after.types(), before.types());
            }
        }
    }

    #[test]
    fn a_value_without_metadata_or_that_is_no_object_stays_as_it_is() {
        for value in ["", "7", "raw", r#"{"a":1}"#, r#"{"metadata":null}"#, "k8s\0...", r#"{"broken"#] {
            let object = object(value, 7);
            assert_eq!((object.json(), object.name(), object.revision()), (&Bytes::from(value), None, 7));
            assert_eq!(object.at(9).json(), value);
        }
    }

    #[test]
    fn the_types_can_be_taken_off() {
        let object = object(r#"{"kind":"T","apiVersion":"v1","metadata":{"name":"n"}}"#, 7);
        assert_eq!(object.types(), br#""kind":"T","apiVersion":"v1","#);
        assert_eq!(object.untyped(), br#""metadata":{"resourceVersion":"7","name":"n"}}"#);
        assert!(object.has_members());
    }

    #[test]
    fn a_field_is_found_by_a_claim_that_is_newer_than_the_object() {
        let object = object(r#"{"metadata":{},"spec":{"on":"yes","off":true}}"#, 7);
        let field = |path: &[&str]| SelectableField {
            name: path.join("."),
            path: path.iter().map(|step| (*step).to_owned()).collect(),
            absent: "absent".to_owned(),
        };
        assert_eq!(object.field(&field(&["spec", "off"])), "true");
        assert_eq!(object.field(&field(&["spec", "gone"])), "absent");
        let claim = Arc::new(Claim::new(vec![field(&["spec", "off"])]));
        let claimed = object.claimed(&claim);
        assert_eq!(claimed.json().as_ptr(), object.json().as_ptr(), "the bytes were copied");
        assert_eq!(claimed.field(&field(&["spec", "off"])), "true");
    }

    #[test]
    fn an_object_that_nobody_has_looked_at_is_claimed_and_deleted_like_any_other() {
        let (value, json) = SHAPES[5];
        let object = object(value, 7);
        let claimed = Arc::new(object.claimed(&Arc::default()));
        let deleted = Arc::new(claimed.at(8)).at(9);
        assert!([&object, &claimed].iter().all(|object| object.shown.get().is_none()));
        assert_eq!(deleted.json(), &json.replace(r#"on":"7""#, r#"on":"9""#));
        assert_eq!((claimed.json().as_ref(), object.json().as_ref()), (json.as_bytes(), json.as_bytes()));
    }
}
