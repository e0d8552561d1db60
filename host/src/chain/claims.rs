//! Which key prefix belongs to which link: what storage grants are decided by.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use host_store::{Cache, HOST_KEYS, SelectableField};
use parking_lot::RwLock;

use crate::bindings::host::chain::registration::{Claim, Readers, RegistrationError as Error};

/// What is done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// The claims of all links.
#[derive(Default)]
pub struct Claims {
    held: RwLock<BTreeMap<String, Held>>,
    /// How often they have changed.
    changes: AtomicU64,
}

/// What was last found for a key and its neighbours, for who asks again and again.
#[derive(Default)]
pub struct Neighbours {
    changes: u64,
    /// The key up to its last slash: claims end with one, so one that covers a key covers them all.
    place: Box<str>,
    decodes: bool,
}

#[derive(Clone, PartialEq)]
struct Held {
    link: Arc<str>,
    readers: Readers,
    decode: Option<Arc<str>>,
    fields: Vec<SelectableField>,
}

impl Claims {
    /// Makes these the claims of `link`, all or none.
    ///
    /// # Errors
    /// If one overlaps a claim of another link.
    pub fn set<'a>(&self, cache: &Cache, link: &str, claims: impl Iterator<Item = &'a Claim>) -> Result<(), Error> {
        let mut wanted: BTreeMap<String, Held> = BTreeMap::new();
        for claim in claims {
            let held = wanted.entry(claim.prefix.clone()).or_insert_with(|| Held {
                link: link.into(),
                readers: claim.readers,
                decode: claim.decode.as_deref().map(Into::into),
                fields: Vec::new(),
            });
            // Several versions of one resource claim the same prefix.
            if claim.readers == Readers::Chain {
                held.readers = Readers::Chain;
            }
            for field in &claim.selectable {
                let field = SelectableField {
                    name: field.name.clone(),
                    path: field.path.clone(),
                    absent: field.absent.clone(),
                };
                if !held.fields.contains(&field) {
                    held.fields.push(field);
                }
            }
        }
        let mut held = self.held.write();
        // Whoever sees this waits for what follows.
        self.changes.fetch_add(1, Ordering::Release);
        for prefix in wanted.keys() {
            if let Some((other, holder)) = overlapping(&held, prefix).find(|(_, holder)| &*holder.link != link) {
                return Err(Error::Taken(format!(
                    "the claim `{prefix}` of plugin `{link}` overlaps `{other}` of plugin `{}`",
                    holder.link
                )));
            }
        }
        let gone: Vec<String> = held
            .iter()
            .filter(|(prefix, holder)| &*holder.link == link && !wanted.contains_key(*prefix))
            .map(|(prefix, _)| prefix.clone())
            .collect();
        for prefix in gone {
            held.remove(&prefix);
            cache.unclaim(&prefix);
        }
        for (prefix, claim) in wanted {
            let changed = held.get(&prefix).is_none_or(|before| before.fields != claim.fields);
            if changed {
                cache
                    .claim(&prefix, claim.fields.clone())
                    .map_err(|error| Error::Limit(format!("the claim `{prefix}`: {error}")))?;
            }
            held.insert(prefix, claim);
        }
        Ok(())
    }

    /// Lets go of all that `link` holds.
    pub fn clear(&self, cache: &Cache, link: &str) {
        // To hold nothing is always possible.
        let _ = self.set(cache, link, std::iter::empty());
    }

    /// Whether `link` may do this with a key, or with everything below a prefix.
    pub fn allow(&self, link: &str, key: &str, access: Access) -> bool {
        // Whatever claim covers them, and also as a part of what is below a prefix.
        if key.starts_with(HOST_KEYS) || HOST_KEYS.starts_with(key) {
            return false;
        }
        let held = self.held.read();
        covering(&held, key).is_some_and(|(_, holder)| {
            &*holder.link == link || (access == Access::Read && holder.readers == Readers::Chain)
        })
    }

    /// The claim that a key is below.
    pub fn prefix_of(&self, key: &str) -> Option<String> {
        covering(&self.held.read(), key).map(|(prefix, _)| prefix.clone())
    }

    /// All claims, of all links.
    pub fn prefixes(&self) -> Vec<String> {
        self.held.read().keys().cloned().collect()
    }

    /// Whether objects of this key are decoded; quick for a neighbour of the last key.
    pub fn decodes(&self, key: &str, last: &mut Neighbours) -> bool {
        let place = &key[..key.rfind('/').map_or(0, |slash| slash + 1)];
        let changes = self.changes.load(Ordering::Acquire);
        if last.changes != changes || *last.place != *place {
            *last = Neighbours { changes, place: place.into(), decodes: self.decode_tag(key).is_some() };
        }
        last.decodes
    }

    /// The tag under which objects of this key are decoded, if they are.
    pub fn decode_tag(&self, key: &str) -> Option<Arc<str>> {
        covering(&self.held.read(), key).and_then(|(_, holder)| holder.decode.clone())
    }
}

/// The claim that a key, or a whole prefix, is below.
fn covering<'a>(held: &'a BTreeMap<String, Held>, key: &str) -> Option<(&'a String, &'a Held)> {
    // Claims of one link may nest: the longest counts.
    let mut end = key.len();
    while let Some(slash) = key[..end].rfind('/') {
        if let Some(holder) = held.get_key_value(&key[..=slash]) {
            return Some(holder);
        }
        end = slash;
    }
    None
}

/// Claims above or below a prefix, and itself.
fn overlapping<'a>(held: &'a BTreeMap<String, Held>, prefix: &'a str) -> impl Iterator<Item = (&'a String, &'a Held)> {
    let below = held.range(prefix.to_string()..).take_while(move |(other, _)| other.starts_with(prefix));
    let above = (1..prefix.len()).filter(|&end| prefix.as_bytes()[end - 1] == b'/');
    let above = above.filter_map(|end| held.get_key_value(&prefix[..end]));
    below.chain(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_a_neighbour_is_forgotten_when_claims_change() {
        let held = |decode: Option<&str>| Held {
            link: "own".into(),
            readers: Readers::Link,
            decode: decode.map(Into::into),
            fields: vec![],
        };
        let claims = Claims::default();
        let set = |decode| {
            claims.held.write().insert("/registry/a/".to_owned(), held(decode));
            claims.changes.fetch_add(1, Ordering::Release);
        };
        set(Some("tag"));
        let mut last = Neighbours::default();
        assert!(claims.decodes("/registry/a/d/x", &mut last));
        assert!(claims.decodes("/registry/a/d/y", &mut last));
        assert!(!claims.decodes("/registry/b/d/y", &mut last));
        set(None);
        assert!(!claims.decodes("/registry/a/d/x", &mut last));
    }

    #[test]
    fn a_claim_above_the_hosts_own_keys_does_not_open_them() {
        let all = Held { link: "greedy".into(), readers: Readers::Chain, decode: None, fields: vec![] };
        let held = RwLock::new(BTreeMap::from([("/registry/".to_owned(), all)]));
        let claims = Claims { held, ..Claims::default() };
        for (key, allowed) in [
            ("/registry/pods/d/a", true),
            ("/registry/pods/", true),
            ("/registry/", false),
            ("/registry/_host/", false),
            ("/registry/_host/leaders/sync/term", false),
        ] {
            for access in [Access::Read, Access::Write] {
                assert_eq!(claims.allow("greedy", key, access), allowed, "{access:?} {key}");
            }
        }
    }
}
