//! Tokens that a controller keeps in secrets: they do not expire, and die with their secret.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::claims::LegacyClaims;
use super::objects::{BoundObjects, Object};
use super::username;
use crate::authn::User;

const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";

/// Whose token this is. Its signature has been verified.
pub(super) async fn user(objects: &dyn BoundObjects, token: &str, claims: &LegacyClaims) -> Result<User, String> {
    let LegacyClaims { sub, namespace, secret, account, uid } = claims;
    for (value, name) in [
        (sub, "sub"),
        (namespace, "namespace"),
        (secret, "secretName"),
        (account, "serviceAccountName"),
        (uid, "serviceAccountUID"),
    ] {
        if value.is_empty() {
            return Err(format!("{name} claim is missing"));
        }
    }
    if *sub != username(namespace, account) {
        return Err("sub claim is invalid".to_owned());
    }
    let stored = Object::read(objects, "secrets", namespace, secret).await?;
    let stored = stored.filter(|stored| !stored.is_deleting()).ok_or("Token has been invalidated")?;
    if verify_slices_are_equal(stored.token().as_bytes(), BASE64_STANDARD.encode(token).as_bytes()).is_err() {
        return Err("Token does not match server's copy".to_owned());
    }
    let owner = Object::read(objects, "serviceaccounts", namespace, account).await?;
    let owner = owner.ok_or_else(|| format!("serviceaccounts \"{account}\" not found"))?;
    if owner.is_deleting() {
        return Err(format!("ServiceAccount {namespace}/{account} has been deleted"));
    }
    if owner.uid() != uid {
        return Err(format!("ServiceAccount UID ({}) does not match claim ({uid})", owner.uid()));
    }
    if stored.has_label(INVALID_SINCE) {
        return Err(format!(
            "the token in secret {namespace}/{secret} for service account {namespace}/{account} has been marked \
             invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the \
             '{INVALID_SINCE}' label from the secret to temporarily allow use of this token"
        ));
    }
    Ok(super::user(namespace, account, uid))
}
