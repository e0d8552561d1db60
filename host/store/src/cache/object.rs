//! An object as the cache holds it: its bytes, once, and what was read from them.

use std::borrow::Cow;
use std::sync::Arc;

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
        let scan = if is_object(&value) { json::scan(&value, Form::Stored, claim).ok() } else { None };
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
        if is_object(value) { json::scan(value, Form::Stored, &Claim::default()).map(drop) } else { Ok(()) }
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
        let facts = match self.scan(claim) {
            Some(scan) => Facts::new(scan, claim),
            None => Facts::none(claim),
        };
        Self { key: self.key.clone(), json: self.json.clone(), facts, ..*self }
    }

    fn scan(&self, claim: &Claim) -> Option<Scan> {
        if is_object(&self.json) { json::scan(&self.json, Form::Served, claim).ok() } else { None }
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
        let found = self.facts.labels.iter().find(|(name, _)| name.bytes(&self.json) == key.as_bytes());
        found.map(|(_, value)| value.of(&self.json))
    }

    /// A selectable field's value, or what it is equal to when it is absent.
    pub(super) fn field<'a>(&'a self, field: &'a SelectableField) -> Cow<'a, str> {
        if let Some(at) = self.facts.claim.fields().iter().position(|known| known == field) {
            let found = self.facts.fields.get(at).and_then(Option::as_ref);
            return found.map_or(field.absent.as_str(), |text| text.of(&self.json)).into();
        }
        // The object is older than the claim that has the field.
        let scan = self.scan(&Claim::new(vec![field.clone()]));
        let found = scan.and_then(|scan| scan.fields.into_iter().next().flatten());
        found.map_or(field.absent.as_str().into(), |text| text.of(&self.json).to_owned().into())
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

#[cfg(test)]
mod tests {
    use super::*;

    impl Object {
        /// The value without its version.
        fn stored(&self) -> String {
            let (start, end) = (self.version.0 as usize, self.version.1 as usize);
            let json = std::str::from_utf8(&self.json).unwrap();
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

    fn object(value: &str, revision: u64) -> Object {
        let claim = Arc::new(Claim::new(vec![SelectableField {
            name: "spec.on".to_owned(),
            path: vec!["spec".to_owned(), "on".to_owned()],
            absent: "off".to_owned(),
        }]));
        Object::new("/r/t/a".into(), Bytes::copy_from_slice(value.as_bytes()), revision, &claim)
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
    fn the_version_goes_behind_the_uid_or_to_the_front() {
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
                let field = before.facts.claim.fields()[0].clone();
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
        assert_eq!(object.untyped(), r#""metadata":{"resourceVersion":"7","name":"n"}}"#);
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
}
