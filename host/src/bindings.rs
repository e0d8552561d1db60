//! The contract's types and traits, generated from `wit/`. Resources are mapped to the host's
//! own types in `imports`.
#![allow(unsafe_code, clippy::all, unreachable_pub, missing_docs, reason = "generated code")]

wasmtime::component::bindgen!({
    path: "../wit/0.1.0",
    world: "any-link",
    imports: { default: trappable },
    with: {
        "host:chain/storage.object": crate::imports::storage::Object,
        "host:chain/storage.collection": crate::imports::storage::Collection,
        "host:chain/storage.watch": crate::imports::storage::Watch,
        "host:chain/storage.store": crate::imports::storage::Store,
        "host:chain/request.context": crate::imports::request::Context,
        "host:chain/access.context": crate::imports::access::Context,
        "host:chain/request.hook-context": crate::imports::request::HookContext,
    },
});
