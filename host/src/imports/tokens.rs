//! `tokens`: what a guest that is granted it may have made, and learn.

use host_server::{EXTENDED_SECONDS, Reference, WantedToken};
use tokio_util::task::AbortOnDropHandle;
use wasmtime::component::Accessor;

use super::{HasState, State};
use crate::access::asking;
use crate::bindings::host::chain::tokens;
use crate::chain::{Fault, Link};

impl tokens::Host for State {
    fn get_rules(&mut self) -> wasmtime::Result<Result<tokens::Rules, String>> {
        Ok(granted(&self.link).map(|()| {
            let tokens = &self.link.services().service_accounts;
            let config = tokens.config();
            tokens::Rules {
                issued: tokens.issues(),
                audiences: config.audiences.clone(),
                seconds_max: config.expiration_max.map(|max| max.as_secs()),
                extended_seconds: config.extend_expiration.then_some(EXTENDED_SECONDS),
            }
        }))
    }

    fn issue(&mut self, wanted: tokens::WantedToken) -> wasmtime::Result<Result<tokens::IssuedToken, String>> {
        Ok(granted(&self.link).and_then(|()| {
            let issued = self.link.services().service_accounts.issue(WantedToken {
                namespace: wanted.namespace,
                account: reference(wanted.service_account),
                pod: wanted.pod.map(reference),
                secret: wanted.secret.map(reference),
                node: wanted.node.map(reference),
                audiences: wanted.audiences,
                seconds: wanted.seconds,
                warn_after_seconds: wanted.warn_after_seconds,
            })?;
            let host_server::IssuedToken { token, credential_id, issued_at } = issued;
            Ok(tokens::IssuedToken { token, credential_id, issued_at })
        }))
    }
}

impl tokens::HostWithStore<State> for HasState {
    async fn review(
        accessor: &Accessor<State, Self>,
        token: String,
        audiences: Vec<String>,
    ) -> wasmtime::Result<Result<tokens::ReviewedToken, String>> {
        let authentication = accessor.with(|mut access| {
            let link = &access.get().link;
            granted(link).map(|()| link.services().authentication.clone())
        });
        let authentication = match authentication {
            Ok(authentication) => authentication,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // On a task of its own: other plugins may be asked, and no store may be entered from within
        // this one's event loop (wasmtime#14302).
        let review = tokio::spawn(async move { authentication.review(&token, &audiences).await });
        let reviewed = AbortOnDropHandle::new(review).await.unwrap_or_else(|error| Err(error.to_string()));
        Ok(reviewed.map(|known| tokens::ReviewedToken { user: asking(&known.user), audiences: known.audiences }))
    }
}

fn granted(link: &Link) -> Result<(), String> {
    if link.options().grants.tokens {
        return Ok(());
    }
    let name = link.name();
    let text = format!("`tokens` is not granted to plugin `{name}`: start with `--plugin-grant {name}=tokens`");
    link.conduct().fault(Fault::Grant, &text);
    Err(text)
}

fn reference(object: tokens::ObjectReference) -> Reference {
    Reference { name: object.name, uid: object.uid }
}
