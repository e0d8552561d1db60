//! `signatures`: what guests would each need a library of cryptography for.

use host_server::{Unverifiable, verify_signature};

use super::State;
use crate::bindings::host::chain::signatures;
use crate::limits::Limits;

impl signatures::Host for State {
    /// On the guest's own time: it takes no longer than the bounds of its bytes let it.
    fn verify(
        &mut self,
        algorithm: String,
        public_key: Vec<u8>,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> wasmtime::Result<Result<bool, signatures::Refusal>> {
        Ok(verify(self.link.limits(), &algorithm, &public_key, &message, &signature))
    }
}

fn verify(
    limits: &Limits,
    algorithm: &str,
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<bool, signatures::Refusal> {
    let key_bytes = public_key.len().max(signature.len());
    if message.len() > limits.signed_bytes_max || key_bytes > limits.signing_key_bytes_max {
        return Err(signatures::Refusal::TooLong);
    }
    verify_signature(algorithm, public_key, message, signature).map_err(|why| match why {
        Unverifiable::Unsupported => signatures::Refusal::Unsupported,
        Unverifiable::MalformedKey => signatures::Refusal::MalformedKey,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_not_looked_at() {
        let limits = Limits { signed_bytes_max: 8, signing_key_bytes_max: 4, ..Limits::default() };
        for (key, message, signature, is_too_long) in
            [(4, 8, 4, false), (5, 8, 4, true), (4, 9, 4, true), (4, 8, 5, true)]
        {
            let refusal = verify(&limits, "ed25519", &vec![0; key], &vec![0; message], &vec![0; signature]);
            let refusal = refusal.expect_err("that is no key");
            assert_eq!(refusal == signatures::Refusal::TooLong, is_too_long, "{key} {message} {signature}");
        }
    }
}
