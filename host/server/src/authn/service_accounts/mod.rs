//! Tokens of service accounts: made here, since the keys are here, and verified here.
//!
//! - [`keys`] and [`jws`]: who signed what.
//! - [`known`]: what they have signed is verified once.
//! - [`claims`]: what a token says.
//! - [`objects`]: whether what it is bound to is still there.
//! - [`legacy`]: tokens that a controller made.
//! - [`discovery`]: what tells others how to verify.

mod claims;
mod discovery;
mod jws;
mod keys;
mod known;
mod legacy;
mod objects;

use std::sync::{Arc, OnceLock};

use time::OffsetDateTime;
use tracing::warn;

pub use claims::Reference;
use claims::{Bound, Claims, LEGACY_ISSUER, LegacyClaims, Seconds, dead_before};
pub(crate) use discovery::Discovery;
pub use keys::KeyFileError;
use keys::{PublicKey, SigningKey};
use known::{KnownTokens, Signed};
pub use objects::BoundObjects;
use objects::{Object, check_bound};

use super::{Recognised, User};
use crate::options::ServiceAccounts;
use crate::request::Context;

/// A year: long enough for whoever does not read a renewed token to be found.
pub const EXTENDED_SECONDS: u64 = 365 * 24 * 60 * 60;

/// Makes and verifies the tokens of service accounts.
pub struct ServiceAccountTokens {
    config: ServiceAccounts,
    /// Nobody's, if the operator has given keys to verify with alone.
    signing: Option<SigningKey>,
    verifying: Vec<PublicKey>,
    known: KnownTokens,
    objects: OnceLock<Arc<dyn BoundObjects>>,
}

/// What somebody asks to have signed.
#[derive(Debug, Clone, Default)]
pub struct WantedToken {
    pub namespace: String,
    pub account: Reference,
    pub pod: Option<Reference>,
    pub secret: Option<Reference>,
    pub node: Option<Reference>,
    pub audiences: Vec<String>,
    /// How long it is good for.
    pub seconds: u64,
    /// After which its use is noted, because it was asked for to live only so long.
    pub warn_after_seconds: Option<u64>,
}

/// A token that was signed.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    pub token: String,
    /// What audit events call it.
    pub credential_id: String,
    /// Seconds since 1970.
    pub issued_at: u64,
}

impl ServiceAccountTokens {
    /// `own_key` is the host's own, PEM, for an operator who has given none.
    pub(crate) fn open<E: From<KeyFileError>>(
        config: ServiceAccounts,
        own_key: impl FnOnce() -> Result<std::path::PathBuf, E>,
    ) -> Result<Self, E> {
        let signing = match &config.signing_key_file {
            Some(file) => Some(SigningKey::read(file)?),
            None if config.key_files.is_empty() => Some(SigningKey::read(&own_key()?)?),
            None => None,
        };
        let mut verifying = Vec::new();
        for file in &config.key_files {
            verifying.extend(PublicKey::read_all(file)?);
        }
        if verifying.is_empty() {
            verifying.extend(signing.as_ref().map(|key| key.public().clone()));
        }
        Ok(Self { config, signing, verifying, known: KnownTokens::default(), objects: OnceLock::new() })
    }

    /// Says who has the objects that tokens are bound to. Before that no token is accepted.
    pub fn set_objects(&self, objects: Arc<dyn BoundObjects>) {
        let _ = self.objects.set(objects);
    }

    pub fn config(&self) -> &ServiceAccounts {
        &self.config
    }

    /// Whether there is a key to sign with.
    pub fn issues(&self) -> bool {
        self.signing.is_some()
    }

    /// Signs a token.
    ///
    /// # Errors
    /// If there is no key, it does not sign, or the token would be good for too long.
    pub fn issue(&self, wanted: WantedToken) -> Result<IssuedToken, String> {
        let key = self.signing.as_ref().ok_or("there is no key to sign with: `--service-account-signing-key-file`")?;
        self.check_lifetime(&wanted)?;
        let now = now();
        let after = |seconds: u64| Seconds(now.saturating_add_unsigned(seconds));
        let id = uuid::Uuid::new_v4().to_string();
        let claims = Claims {
            aud: wanted.audiences,
            exp: Some(after(wanted.seconds)),
            iat: Some(after(0)),
            iss: self.issuer().to_owned(),
            jti: id.clone(),
            nbf: Some(after(0)),
            sub: username(&wanted.namespace, &wanted.account.name),
            kubernetes: Bound {
                namespace: wanted.namespace,
                node: wanted.node,
                pod: wanted.pod,
                secret: wanted.secret,
                serviceaccount: wanted.account,
                warnafter: wanted.warn_after_seconds.map(after),
            },
        };
        let token = jws::sign(key, &claims)?;
        Ok(IssuedToken { token, credential_id: credential_id(&id), issued_at: now.unsigned_abs() })
    }

    /// Whoever asks has to know the bound, so that his answer says how long the token is good for.
    fn check_lifetime(&self, wanted: &WantedToken) -> Result<(), String> {
        let Some(max) = self.config.expiration_max.map(|max| max.as_secs()) else { return Ok(()) };
        // Such a token counts as stale within the bound.
        let is_extended = self.config.extend_expiration
            && wanted.seconds == EXTENDED_SECONDS
            && wanted.warn_after_seconds.is_some_and(|after| after <= max);
        if wanted.seconds > max && !is_extended {
            let seconds = wanted.seconds;
            return Err(format!("`--service-account-max-token-expiration` allows {max} seconds: {seconds}"));
        }
        Ok(())
    }

    /// Whose token this is, if it is one of ours. It must be for one of `audiences`; `context` is
    /// the request that it came with, if it did.
    ///
    /// # Errors
    /// If it is one of ours and not good: why.
    pub(super) async fn recognise(
        &self,
        token: &str,
        audiences: &[String],
        context: Option<&Context>,
    ) -> Result<Option<Recognised>, String> {
        let Some(signed) = self.signed(token)? else { return Ok(None) };
        let Signed { claims, payload } = &*signed;
        let meant_for = if claims.aud.is_empty() { &self.config.audiences } else { &claims.aud };
        let common: Vec<String> = meant_for.iter().filter(|own| audiences.contains(own)).cloned().collect();
        if common.is_empty() {
            let (for_whom, target) = (quoted(meant_for), quoted(audiences));
            return Err(format!("token audiences {for_whom} is invalid for the target audiences {target}"));
        }
        let objects = self.objects.get().ok_or("the objects that it is bound to cannot be read yet")?.as_ref();
        let user = if claims.iss == LEGACY_ISSUER {
            let claims: LegacyClaims = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
            legacy::user(objects, token, &claims).await?
        } else {
            self.bound_user(objects, claims, context).await?
        };
        Ok(Some(Recognised { user: Arc::new(user.authenticated()), audiences: common }))
    }

    /// What a token says, if it is one of ours.
    ///
    /// # Errors
    /// If it says that it is one of ours, and none of the keys has signed it.
    fn signed(&self, token: &str) -> Result<Option<Arc<Signed>>, String> {
        if let Some(signed) = self.known.get(token) {
            return Ok(Some(signed));
        }
        let Some(parsed) = jws::Token::parse(token) else { return Ok(None) };
        let Ok(claims) = serde_json::from_slice::<Claims>(parsed.payload()) else { return Ok(None) };
        if claims.iss != LEGACY_ISSUER && !self.config.issuers.contains(&claims.iss) {
            return Ok(None);
        }
        parsed.verify(&self.verifying)?;
        let signed = Arc::new(Signed { claims, payload: parsed.into_payload() });
        self.known.keep(token, signed.clone());
        Ok(Some(signed))
    }

    async fn bound_user(
        &self,
        objects: &dyn BoundObjects,
        claims: &Claims,
        context: Option<&Context>,
    ) -> Result<User, String> {
        let now = now();
        claims.check_time(now)?;
        let Bound { namespace, node, pod, secret, serviceaccount, warnafter } = &claims.kubernetes;
        let (name, dead) = (&serviceaccount.name, dead_before(now));
        let account = Object::read(objects, "serviceaccounts", namespace, name).await?;
        let account = account.ok_or_else(|| format!("serviceaccounts \"{name}\" not found"))?;
        if account.uid() != serviceaccount.uid {
            let (found, wanted) = (account.uid(), &serviceaccount.uid);
            return Err(format!("service account UID ({found}) does not match claim ({wanted})"));
        }
        if account.is_dead(dead) {
            return Err(format!("service account {namespace}/{name} has been deleted"));
        }
        if let Some(secret) = secret {
            check_bound(objects, "secret", "secrets", namespace, secret, dead).await?;
        }
        match (pod, node) {
            (Some(pod), _) => check_bound(objects, "pod", "pods", namespace, pod, dead).await?,
            (None, Some(node)) => check_bound(objects, "node", "nodes", "", node, dead).await?,
            (None, None) => {}
        }
        if let (Some(context), Some(after)) = (context, warnafter.filter(|after| after.0 != 0 && now > after.0)) {
            let late = now - after.0;
            let note = format!("subject: {}, seconds after warning threshold: {late}", claims.sub);
            context.annotate_audit("authentication.k8s.io/stale-token", &note);
        }
        let mut user = user(namespace, name, &serviceaccount.uid);
        let mut extra = |key: &str, value: &str| {
            if !value.is_empty() {
                user.extra.push((format!("authentication.kubernetes.io/{key}"), vec![value.to_owned()]));
            }
        };
        // In the order of their names.
        if !claims.jti.is_empty() {
            extra("credential-id", &credential_id(&claims.jti));
        }
        for (kind, bound) in [("node", node), ("pod", pod)] {
            let Some(bound) = bound else { continue };
            extra(&format!("{kind}-name"), &bound.name);
            extra(&format!("{kind}-uid"), &bound.uid);
        }
        Ok(user)
    }

    /// What others need to verify the tokens; nothing, with a line in the log, if OpenID does not
    /// allow the issuer.
    pub(crate) fn discovery(&self, address: &str) -> Option<Discovery> {
        let discovery = Discovery::new(self.issuer(), self.config.jwks_uri.as_deref(), &self.verifying, address);
        discovery.inspect_err(|reason| warn!(reason, "there is no discovery of tokens for this issuer")).ok()
    }

    /// Who signs. Others of the list are believed.
    fn issuer(&self) -> &str {
        &self.config.issuers[0]
    }
}

impl std::fmt::Debug for ServiceAccountTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceAccountTokens").field("config", &self.config).finish_non_exhaustive()
    }
}

fn username(namespace: &str, name: &str) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

fn user(namespace: &str, name: &str, uid: &str) -> User {
    User {
        name: username(namespace, name),
        uid: uid.to_owned(),
        groups: vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")],
        extra: Vec::new(),
    }
}

fn credential_id(jti: &str) -> String {
    format!("JTI={jti}")
}

/// As Go shows a list of texts.
fn quoted(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
    format!("[{}]", texts.join(" "))
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

#[cfg(test)]
mod tests;
