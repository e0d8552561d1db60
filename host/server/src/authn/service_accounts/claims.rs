//! What a token says. Fields are in the order of their names, as upstream writes them.

use serde::{Deserialize, Deserializer, Serialize};

/// What clocks may differ by.
const LEEWAY_SECONDS: i64 = 60;

/// Whom secrets of the type `kubernetes.io/service-account-token` say that they are from.
pub(super) const LEGACY_ISSUER: &str = "kubernetes/serviceaccount";

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Claims {
    #[serde(deserialize_with = "one_or_more")]
    pub(super) aud: Vec<String>,
    pub(super) exp: Option<Seconds>,
    pub(super) iat: Option<Seconds>,
    pub(super) iss: String,
    pub(super) jti: String,
    #[serde(rename = "kubernetes.io")]
    pub(super) kubernetes: Bound,
    pub(super) nbf: Option<Seconds>,
    pub(super) sub: String,
}

/// Whose token it is, and what it dies with.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Bound {
    pub(super) namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pod: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<Reference>,
    pub(super) serviceaccount: Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warnafter: Option<Seconds>,
}

/// An object, and not another one of its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reference {
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
}

/// What the token of a secret says. It does not expire.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LegacyClaims {
    pub(super) sub: String,
    #[serde(rename = "kubernetes.io/serviceaccount/namespace")]
    pub(super) namespace: String,
    #[serde(rename = "kubernetes.io/serviceaccount/secret.name")]
    pub(super) secret: String,
    #[serde(rename = "kubernetes.io/serviceaccount/service-account.name")]
    pub(super) account: String,
    #[serde(rename = "kubernetes.io/serviceaccount/service-account.uid")]
    pub(super) uid: String,
}

/// Since 1970. Others may send fractions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Seconds(pub(super) i64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        f64::deserialize(from).map(|seconds| Self(seconds as i64))
    }
}

impl Claims {
    /// Whether it is the time for this token.
    pub(super) fn check_time(&self, now: i64) -> Result<(), &'static str> {
        if self.nbf.is_some_and(|from| now + LEEWAY_SECONDS < from.0) {
            return Err("service account token is not valid yet");
        }
        if self.exp.is_some_and(|until| now - LEEWAY_SECONDS > until.0) {
            return Err("service account token has expired");
        }
        if self.iat.is_some_and(|at| now + LEEWAY_SECONDS < at.0) {
            return Err("service account token is issued in the future");
        }
        Ok(())
    }
}

/// Before which an object must have been deleted for its tokens to be dead.
pub(super) fn dead_before(now: i64) -> i64 {
    now - LEEWAY_SECONDS
}

fn one_or_more<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMore {
        One(String),
        More(Vec<String>),
    }
    Ok(match OneOrMore::deserialize(from)? {
        OneOrMore::One(one) => vec![one],
        OneOrMore::More(more) => more,
    })
}
