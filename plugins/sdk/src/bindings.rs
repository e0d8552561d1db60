//! What wit-bindgen makes of the contract. Everything that an author needs has a better
//! address at the root of the crate; this module is public since exported macros name it.
#![allow(
    unsafe_code,
    unreachable_pub,
    clippy::all,
    clippy::mem_forget,
    reason = "generated code, documented in `wit/`"
)]

wit_bindgen::generate!({
    path: "../../wit/0.1.0",
    world: "link",
    pub_export_macro: true,
    export_macro_name: "export_server",
    default_bindings_module: "plugin_sdk::bindings",
    generate_all,
});

/// The second export of a `resource-link`, apart, so that a plain link need not have it:
/// wit-component unites the two worlds of a component that exports both.
pub mod resource {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        inline: "
            package host:resource-link@0.1.0;
            world objects {
                export host:chain/objects@0.1.0;
            }
        ",
        world: "host:resource-link/objects",
        pub_export_macro: true,
        export_macro_name: "export_objects",
        default_bindings_module: "plugin_sdk::bindings::resource",
        generate_all,
    });
}
