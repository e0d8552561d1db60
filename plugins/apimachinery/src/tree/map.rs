//! The members of an object.

use std::borrow::Cow;
use std::collections::HashMap;
use std::{slice, vec};

use super::{Text, Value, hash, into_text, same_text};

/// Objects with more members than this are asked by hash: a client may send any number.
const SCANNED_MAX: usize = 32;

type Member = (Text, Value);

/// Members by their names, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Map {
    members: Vec<Member>,
    /// Has the [`bit`] of each name, maybe those of more: most of what an object is asked for is not
    /// there, and to see it here costs less than a look at each name.
    names: u32,
    /// Where each is, if they are many.
    #[expect(clippy::box_collection, reason = "few have it, and all would be larger by it")]
    places: Option<Box<HashMap<Text, usize>>>,
}

impl Map {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn with_capacity(members: usize) -> Self {
        Self { members: Vec::with_capacity(members), ..Self::default() }
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    #[inline(always)]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.place(name).map(|place| &self.members[place].1)
    }

    #[inline]
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.place(name).map(|place| &mut self.members[place].1)
    }

    #[inline]
    pub fn contains_key(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// Sets a member, at its place if it has one, else behind the others; answers what it was.
    pub fn insert(&mut self, name: impl Into<Text>, value: Value) -> Option<Value> {
        let name = name.into();
        match self.place(&name) {
            Some(place) => Some(std::mem::replace(&mut self.members[place].1, value)),
            None => {
                self.push(name, value);
                None
            }
        }
    }

    /// As [`Self::insert`], with a name that was just read.
    pub(crate) fn set(&mut self, name: Cow<'_, str>, value: Value) {
        match self.place(&name) {
            Some(place) => self.members[place].1 = value,
            None => self.push(into_text(name), value),
        }
    }

    /// Takes a member out; the others keep their order.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let place = self.place(name)?;
        let (_, value) = self.members.remove(place);
        self.find_places();
        Some(value)
    }

    pub fn entry(&mut self, name: impl Into<Text>) -> Entry<'_> {
        let name = name.into();
        let place = self.place(&name);
        Entry { map: self, name, place }
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&Text, &mut Value) -> bool) {
        let before = self.len();
        self.members.retain_mut(|(name, value)| keep(name, value));
        if self.len() < before {
            self.find_places();
        }
    }

    pub fn clear(&mut self) {
        self.members.clear();
        self.find_places();
    }

    /// Takes all members of another.
    pub fn append(&mut self, other: &mut Map) {
        self.members.reserve(other.len());
        self.extend(std::mem::take(other));
    }

    /// Brings the members into the order of their names.
    pub fn sort_keys(&mut self) {
        if !self.members.is_sorted_by(|(a, _), (b, _)| a <= b) {
            self.members.sort_by(|(a, _), (b, _)| a.cmp(b));
            self.find_places();
        }
    }

    /// The same for ranks that are known, of which there are as many as members.
    pub(crate) fn arrange_by(&mut self, ranks: &mut [u16]) {
        // They are few, and most stand right.
        for sorted in 1..ranks.len().min(self.members.len()) {
            let mut at = sorted;
            while at > 0 && ranks[at - 1] > ranks[at] {
                ranks.swap(at - 1, at);
                self.members.swap(at - 1, at);
                at -= 1;
            }
        }
        self.find_places();
    }

    /// Brings the members into the order of their ranks; those of one rank keep theirs.
    pub(crate) fn arrange(&mut self, rank: impl Fn(&str) -> usize) {
        if !self.members.is_sorted_by_key(|(name, _)| rank(name)) {
            self.members.sort_by_cached_key(|(name, _)| rank(name));
            self.find_places();
        }
    }

    pub fn iter(&self) -> Iter<'_> {
        self.into_iter()
    }

    pub fn iter_mut(&mut self) -> IterMut<'_> {
        self.into_iter()
    }

    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Text> + DoubleEndedIterator {
        self.members.iter().map(|(name, _)| name)
    }

    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> + DoubleEndedIterator {
        self.members.iter().map(|(_, value)| value)
    }

    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Value> {
        self.members.iter_mut().map(|(_, value)| value)
    }

    /// What is not there is seen here, without a call.
    #[inline(always)]
    fn place(&self, name: &str) -> Option<usize> {
        if self.names & bit(name) == 0 { None } else { self.look_for(name) }
    }

    fn look_for(&self, name: &str) -> Option<usize> {
        match &self.places {
            None => self.members.iter().position(|(own, _)| same_text(own, name)),
            Some(places) => look_up(places, name),
        }
    }

    /// Adds what is known not to be there.
    pub(crate) fn push(&mut self, name: Text, value: Value) {
        if let Some(places) = &mut self.places {
            places.insert(name.clone(), self.members.len());
        }
        self.names |= bit(&name);
        self.members.push((name, value));
        if self.places.is_none() && self.len() > SCANNED_MAX {
            self.find_places();
        }
    }

    /// After members have moved.
    fn find_places(&mut self) {
        self.places = (self.len() > SCANNED_MAX).then(|| {
            let names = self.members.iter().map(|(name, _)| name.clone());
            Box::new(names.zip(0..).collect())
        });
    }
}

/// Apart, for it would make the way of the others longer.
#[inline(never)]
fn look_up(places: &HashMap<Text, usize>, name: &str) -> Option<usize> {
    places.get(name).copied()
}

/// One of 32, by the name.
#[inline(always)]
fn bit(name: &str) -> u32 {
    1 << (hash(name) % 32)
}

/// A member that may be there.
pub struct Entry<'m> {
    map: &'m mut Map,
    name: Text,
    place: Option<usize>,
}

impl<'m> Entry<'m> {
    pub fn or_insert(self, value: Value) -> &'m mut Value {
        self.or_insert_with(|| value)
    }

    pub fn or_insert_with(self, value: impl FnOnce() -> Value) -> &'m mut Value {
        let place = match self.place {
            Some(place) => place,
            None => {
                self.map.push(self.name, value());
                self.map.len() - 1
            }
        };
        &mut self.map.members[place].1
    }
}

/// Whatever their order.
impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        let same = |(place, (name, value)): (usize, &Member)| match &other.members[place] {
            (theirs, at_same_place) if theirs == name => at_same_place == value,
            _ => other.get(name) == Some(value),
        };
        self.len() == other.len() && self.members.iter().enumerate().all(same)
    }
}

impl Eq for Map {}

#[derive(Clone)]
pub struct Iter<'m>(slice::Iter<'m, Member>);

impl<'m> Iterator for Iter<'m> {
    type Item = (&'m Text, &'m Value);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(name, value)| (name, value))
    }
}

impl ExactSizeIterator for Iter<'_> {}

pub struct IterMut<'m>(slice::IterMut<'m, Member>);

impl<'m> Iterator for IterMut<'m> {
    type Item = (&'m Text, &'m mut Value);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (&*name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for IterMut<'_> {}

impl<'m> IntoIterator for &'m Map {
    type Item = (&'m Text, &'m Value);
    type IntoIter = Iter<'m>;

    fn into_iter(self) -> Iter<'m> {
        Iter(self.members.iter())
    }
}

impl<'m> IntoIterator for &'m mut Map {
    type Item = (&'m Text, &'m mut Value);
    type IntoIter = IterMut<'m>;

    fn into_iter(self) -> IterMut<'m> {
        IterMut(self.members.iter_mut())
    }
}

impl IntoIterator for Map {
    type Item = Member;
    type IntoIter = vec::IntoIter<Member>;

    fn into_iter(self) -> vec::IntoIter<Member> {
        self.members.into_iter()
    }
}

impl<N: Into<Text>, V: Into<Value>> Extend<(N, V)> for Map {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, members: I) {
        for (name, value) in members {
            self.insert(name, value.into());
        }
    }
}

impl<N: Into<Text>, V: Into<Value>> FromIterator<(N, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(members: I) -> Self {
        let members = members.into_iter();
        let mut map = Self::with_capacity(members.size_hint().0);
        map.extend(members);
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    fn numbered(numbers: impl Iterator<Item = usize>) -> Map {
        numbers.map(|number| (number.to_string(), number)).collect()
    }

    fn names(map: &Map) -> Vec<&str> {
        map.keys().map(Text::as_str).collect()
    }

    #[test]
    fn members_are_found_in_small_objects_and_in_large_ones() {
        for count in [0, 1, SCANNED_MAX, SCANNED_MAX + 1, 10 * SCANNED_MAX] {
            let mut map = numbered(0..count);
            for number in 0..count + 1 {
                let expected = (number < count).then(|| Value::from(number));
                assert_eq!(map.get(&number.to_string()), expected.as_ref(), "{number} of {count}");
            }
            assert_eq!(map.insert("0", Value::Null).is_some(), count > 0);
            assert_eq!(map.entry("0").or_insert(json!(1)), &Value::Null);
            assert_eq!(map.entry("new").or_insert(json!(1)), &json!(1));
            assert_eq!(map.len(), count.max(1) + 1);
        }
    }

    #[test]
    fn what_is_left_keeps_its_order_and_is_found() {
        for count in [4, SCANNED_MAX + 2, 3 * SCANNED_MAX] {
            let mut map = numbered(0..count);
            assert_eq!(map.remove("1"), Some(json!(1)));
            assert_eq!(map.remove("1"), None);
            map.retain(|_, value| value.as_u64().is_some_and(|number| number % 3 != 2));
            let left: Vec<usize> = (0..count).filter(|number| *number != 1 && number % 3 != 2).collect();
            assert_eq!(names(&map), left.iter().map(usize::to_string).collect::<Vec<_>>());
            for number in &left {
                assert_eq!(map.get(&number.to_string()), Some(&json!(number)));
            }
        }
    }

    #[test]
    fn order_does_not_tell_objects_apart() {
        for count in [3, 2 * SCANNED_MAX] {
            let (mut map, reversed) = (numbered(0..count), numbered((0..count).rev()));
            assert_eq!(map, reversed);
            map.insert("0", json!("other"));
            assert_ne!(map, reversed);
            map.remove("0");
            map.insert("other", json!(0));
            assert_ne!(map, reversed);
        }
        let mut sorted = numbered([2, 10, 1].into_iter());
        sorted.sort_keys();
        assert_eq!(names(&sorted), ["1", "10", "2"]);
    }
}
