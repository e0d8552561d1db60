//! Sets of fields: what a manager owns.

use std::cmp::Ordering;

use super::element::{PathElement, Unreadable};
use crate::tree::{Reader, Value};

/// What the fields of most managers fit into when they are written.
const FIELDS_BYTES: usize = 1024;

/// A set of paths in an object, as a tree. A path can be a member with or without what is
/// below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set {
    /// Sorted by element; none without a member at or below it.
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) element: PathElement,
    pub(super) member: bool,
    pub(super) children: Set,
}

impl Set {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A set of fields by their names: `&["metadata", "labels"]`.
    pub fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            let path: Vec<PathElement> = path.iter().map(|name| PathElement::field(name)).collect();
            set.insert(&path);
        }
        set
    }

    /// Adds the path alone, not what leads to it. The empty path is nobody's.
    pub fn insert(&mut self, path: &[PathElement]) {
        let Some((first, rest)) = path.split_first() else { return };
        let position = match self.position(first) {
            Ok(position) => position,
            Err(position) => {
                let entry = Entry { element: first.clone(), member: false, children: Self::default() };
                self.entries.insert(position, entry);
                position
            }
        };
        match rest {
            [] => self.entries[position].member = true,
            rest => self.entries[position].children.insert(rest),
        }
    }

    pub fn contains(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [only] => self.entry(only).is_some_and(|entry| entry.member),
            [first, rest @ ..] => self.entry(first).is_some_and(|entry| entry.children.contains(rest)),
        }
    }

    /// What is in either.
    pub fn union(self, other: Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return if self.is_empty() { other } else { self };
        }
        let mut entries: Vec<Entry> = Vec::with_capacity(self.entries.len().max(other.entries.len()));
        let (mut mine, mut theirs) = (self.entries.into_iter().peekable(), other.entries.into_iter().peekable());
        loop {
            let order = match (mine.peek(), theirs.peek()) {
                (None, None) => return Self { entries },
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => a.element.cmp(&b.element),
            };
            match order {
                Ordering::Less => entries.extend(mine.next()),
                Ordering::Greater => entries.extend(theirs.next()),
                Ordering::Equal => {
                    entries.extend(mine.next().zip(theirs.next()).map(|(mine, theirs)| Entry {
                        element: mine.element,
                        member: mine.member || theirs.member,
                        children: mine.children.union(theirs.children),
                    }));
                }
            }
        }
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        let in_both = self.entries.iter().filter_map(|mine| {
            let theirs = other.entry(&mine.element)?;
            let children = mine.children.intersection(&theirs.children);
            Entry { element: mine.element.clone(), member: mine.member && theirs.member, children }.kept()
        });
        Self { entries: in_both.collect() }
    }

    /// Whether all that is here is there, too.
    pub fn is_within(&self, other: &Self) -> bool {
        self.entries.iter().all(|mine| {
            other
                .entry(&mine.element)
                .is_some_and(|theirs| (theirs.member || !mine.member) && mine.children.is_within(&theirs.children))
        })
    }

    /// What is here and not there. A path is not removed by one that leads to it.
    pub fn difference(mut self, other: &Self) -> Self {
        for theirs in &other.entries {
            self.change(&theirs.element, |mine| {
                mine.member &= !theirs.member;
                mine.children = std::mem::take(&mut mine.children).difference(&theirs.children);
            });
        }
        self
    }

    /// What is here and neither there nor below something there.
    pub fn without_subtrees(mut self, other: &Self) -> Self {
        for theirs in &other.entries {
            self.change(&theirs.element, |mine| match theirs.member {
                true => (mine.member, mine.children) = (false, Self::default()),
                false => mine.children = std::mem::take(&mut mine.children).without_subtrees(&theirs.children),
            });
        }
        self
    }

    /// Changes an entry, if there is one, and removes it if nothing is left of it.
    fn change(&mut self, element: &PathElement, change: impl FnOnce(&mut Entry)) {
        let Ok(position) = self.position(element) else { return };
        let entry = &mut self.entries[position];
        change(entry);
        if !entry.member && entry.children.is_empty() {
            self.entries.remove(position);
        }
    }

    /// Calls `visit` with each path, those at one level before those below it.
    pub fn for_each(&self, visit: &mut dyn FnMut(&[PathElement])) {
        self.for_each_below(&mut Vec::new(), visit);
    }

    fn for_each_below(&self, path: &mut Vec<PathElement>, visit: &mut dyn FnMut(&[PathElement])) {
        for entry in self.entries.iter().filter(|entry| entry.member) {
            path.push(entry.element.clone());
            visit(path);
            path.pop();
        }
        for entry in &self.entries {
            path.push(entry.element.clone());
            entry.children.for_each_below(path, visit);
            path.pop();
        }
    }

    /// `FieldsV1`, as the text that it is in an object.
    pub fn to_value(&self) -> Value {
        let mut out = Vec::with_capacity(FIELDS_BYTES);
        self.write(false, &mut out);
        Value::raw(std::str::from_utf8(&out).unwrap_or("{}"))
    }

    fn write(&self, itself: bool, out: &mut Vec<u8>) {
        // Most have nothing below them.
        if self.is_empty() {
            return out.extend_from_slice(b"{}");
        }
        out.push(b'{');
        if itself {
            out.extend_from_slice(b"\".\":{}");
        }
        for (place, entry) in self.entries.iter().enumerate() {
            if place > 0 || itself {
                out.push(b',');
            }
            entry.element.write(out);
            out.push(b':');
            entry.children.write(entry.member, out);
        }
        out.push(b'}');
    }

    /// Reads `FieldsV1`. Kinds of path elements that are not known are left out.
    pub fn from_value(fields: &Value) -> Result<Self, String> {
        match fields {
            Value::Null => Ok(Self::default()),
            fields if !fields.says_object() => Err("fields are not an object".into()),
            Value::Raw(text) => Self::read(&mut Reader::stored(text)).map(|(set, _)| set),
            tree => Self::read(&mut Reader::stored(&tree.to_string())).map(|(set, _)| set),
        }
    }

    /// The set, and whether the path to it is a member itself.
    fn read(reader: &mut Reader<'_>) -> Result<(Self, bool), String> {
        let mut set = Self::default();
        let mut itself = false;
        reader.members(|reader, key| {
            if key == "." {
                itself = true;
                reader.skip()?;
                return Ok(());
            }
            let element = match PathElement::deserialize(&key) {
                Ok(element) => element,
                Err(Unreadable::Unknown) => {
                    reader.skip()?;
                    return Ok(());
                }
                Err(Unreadable::Malformed(why)) => return Err(why),
            };
            if reader.peek()? != b'{' {
                return Err(format!("value of `{key}` is not an object"));
            }
            let (children, member) = Self::read(reader)?;
            set.push(Entry { element, member, children });
            Ok(())
        })?;
        // Whoever wrote them has nearly always sorted them.
        if !set.entries.is_sorted_by(|a, b| a.element < b.element) {
            set.entries.sort_by(|a, b| a.element.cmp(&b.element));
            set.entries.dedup_by(|later, kept| {
                let is_repeated = later.element == kept.element;
                if is_repeated {
                    kept.repeat(later);
                }
                is_repeated
            });
        }
        itself |= set.is_empty();
        Ok((set, itself))
    }

    pub(super) fn reserve(&mut self, entries: usize) {
        self.entries.reserve_exact(entries);
    }

    /// Adds an entry, if there is anything in it, that is not yet there; to be followed by
    /// [`Set::sort`].
    pub(super) fn push(&mut self, entry: Entry) {
        self.entries.extend(entry.kept());
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn sort(&mut self) {
        self.entries.sort_by(|a, b| a.element.cmp(&b.element));
    }

    pub(super) fn entry(&self, element: &PathElement) -> Option<&Entry> {
        self.position(element).ok().map(|position| &self.entries[position])
    }

    fn position(&self, element: &PathElement) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.element.cmp(element))
    }
}

impl Entry {
    /// Nothing, if neither it nor anything below it is a member.
    fn kept(self) -> Option<Self> {
        (self.member || !self.children.is_empty()).then_some(self)
    }

    /// Of what is below an element that is there repeatedly, the last counts, as upstream.
    fn repeat(&mut self, later: &mut Self) {
        self.member |= later.member;
        if !later.children.is_empty() {
            self.children = std::mem::take(&mut later.children);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    fn set(fields: Value) -> Set {
        Set::from_value(&fields).expect("fields")
    }

    #[test]
    fn fields_v1_is_read_and_written() {
        for fields in [
            json!({}),
            json!({"f:a": {}}),
            json!({"f:a": {".": {}, "f:b": {}}}),
            json!({"f:a": {"f:b": {}, "k:{\"name\":\"x\"}": {".": {}, "f:c": {}}, "v:1": {}, "i:0": {}}}),
        ] {
            assert_eq!(set(fields.clone()).to_value(), fields);
        }
        // Without anything below it a path is a member itself.
        assert_eq!(set(json!({"f:a": {".": {}}, "x:later": {"f:b": {}}})).to_value(), json!({"f:a": {}}));
        for fields in [json!(1), json!({"f:a": 1}), json!({"a": {}})] {
            assert!(Set::from_value(&fields).is_err(), "{fields}");
        }
    }

    #[test]
    fn what_is_below_repeated_elements_is_what_the_last_says() {
        for (fields, expected) in [
            (r#"{"f:a":{"f:b":{}},"f:a":{"f:c":{}}}"#, json!({"f:a": {"f:c": {}}})),
            (
                r#"{"f:a":{"f:b":{}},"f:0":{},"f:a":{"f:c":{}},"f:a":{}}"#,
                json!({"f:0": {}, "f:a": {".": {}, "f:c": {}}}),
            ),
            (r#"{"f:a":{},"f:a":{}}"#, json!({"f:a": {}})),
        ] {
            assert_eq!(set(Value::raw(fields)).to_value(), expected, "{fields}");
        }
    }

    #[test]
    fn algebra() {
        let a = set(json!({"f:x": {}, "f:y": {".": {}, "f:1": {}, "f:2": {}}}));
        let b = set(json!({"f:y": {".": {}, "f:2": {}, "f:3": {}}, "f:z": {}}));
        let y = set(json!({"f:y": {}}));
        for (name, result, expected) in [
            (
                "union",
                a.clone().union(b.clone()),
                json!({"f:x": {}, "f:y": {".": {}, "f:1": {}, "f:2": {}, "f:3": {}}, "f:z": {}}),
            ),
            ("intersection", a.intersection(&b), json!({"f:y": {".": {}, "f:2": {}}})),
            ("difference", a.clone().difference(&b), json!({"f:x": {}, "f:y": {"f:1": {}}})),
            ("difference from a parent", a.clone().difference(&y), json!({"f:x": {}, "f:y": {"f:1": {}, "f:2": {}}})),
            ("without a subtree", a.clone().without_subtrees(&y), json!({"f:x": {}})),
            ("without itself", a.clone().difference(&a), json!({})),
        ] {
            assert_eq!(result.to_value(), expected, "{name}");
        }
        for (inner, outer, expected) in [
            (&a, &a, true),
            (&Set::default(), &a, true),
            (&a.intersection(&b), &b, true),
            (&y, &a, true),
            (&a, &b, false),
            (&y, &set(json!({"f:y": {"f:1": {}}})), false),
        ] {
            assert_eq!(inner.is_within(outer), expected, "{} in {}", inner.to_value(), outer.to_value());
        }
    }

    #[test]
    fn paths() {
        let set = Set::of_fields(&[&["metadata", "labels"], &["status"], &[]]);
        assert_eq!(set.to_value(), json!({"f:metadata": {"f:labels": {}}, "f:status": {}}));
        let path = |names: &[&str]| names.iter().map(|name| PathElement::field(name)).collect::<Vec<_>>();
        assert!(set.contains(&path(&["status"])) && !set.contains(&path(&["metadata"])) && !set.contains(&[]));

        let mut seen = Vec::new();
        set.for_each(&mut |path| seen.push(path.iter().map(PathElement::to_string).collect::<String>()));
        assert_eq!(seen, [".status", ".metadata.labels"]);
    }
}
