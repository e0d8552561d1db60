//! Tokens whose signature has been verified: a signature costs more than all the rest of a small
//! request, and a client sends the same token with each. Whether what a token is bound to is still
//! there is asked each time.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::claims::Claims;
use crate::limits::{VERIFIED_TOKEN_BYTES_MAX, VERIFIED_TOKENS_MAX};

/// What a token says, and that one of our keys has signed it.
pub(super) struct Signed {
    pub(super) claims: Claims,
    pub(super) payload: Vec<u8>,
}

/// Those that came lately, by their whole text. The keys do not change while the host runs, so
/// what was signed once stays signed.
#[derive(Default)]
pub(super) struct KnownTokens(Mutex<Halves>);

/// The older half is forgotten when the younger one is full: what is used moves there.
#[derive(Default)]
struct Halves {
    younger: HashMap<Box<str>, Arc<Signed>>,
    older: HashMap<Box<str>, Arc<Signed>>,
}

impl KnownTokens {
    pub(super) fn get(&self, token: &str) -> Option<Arc<Signed>> {
        let mut halves = self.0.lock();
        if let Some(signed) = halves.younger.get(token) {
            return Some(signed.clone());
        }
        let (text, signed) = halves.older.remove_entry(token)?;
        halves.keep(text, signed.clone());
        Some(signed)
    }

    pub(super) fn keep(&self, token: &str, signed: Arc<Signed>) {
        if token.len() <= VERIFIED_TOKEN_BYTES_MAX {
            self.0.lock().keep(token.into(), signed);
        }
    }
}

impl Halves {
    fn keep(&mut self, token: Box<str>, signed: Arc<Signed>) {
        if self.younger.len() >= VERIFIED_TOKENS_MAX / 2 {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(token, signed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> Arc<Signed> {
        Arc::new(Signed { claims: Claims::default(), payload: Vec::new() })
    }

    #[test]
    fn the_tokens_that_are_used_are_kept_and_so_many_at_most() {
        let known = KnownTokens::default();
        known.keep("used", signed());
        for number in 0..3 * VERIFIED_TOKENS_MAX {
            known.keep(&number.to_string(), signed());
            assert!(known.get("used").is_some(), "after {number}");
        }
        let last = 3 * VERIFIED_TOKENS_MAX - 1;
        assert!(known.get(&last.to_string()).is_some() && known.get("0").is_none());
        let halves = known.0.lock();
        assert!(halves.younger.len() + halves.older.len() <= VERIFIED_TOKENS_MAX);
    }

    #[test]
    fn a_token_that_is_too_long_is_not_kept() {
        let known = KnownTokens::default();
        for (bytes, is_kept) in [(VERIFIED_TOKEN_BYTES_MAX, true), (VERIFIED_TOKEN_BYTES_MAX + 1, false)] {
            let token = "x".repeat(bytes);
            known.keep(&token, signed());
            assert_eq!(known.get(&token).is_some(), is_kept, "{bytes}");
        }
    }
}
