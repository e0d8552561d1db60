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

/// The other exports of a `resource-link`, apart, so that a plain link need not have it:
/// wit-component unites the two worlds of a component that exports both.
pub mod resource {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        inline: "
            package host:resource-link@0.1.0;
            world objects {
                export host:chain/objects@0.1.0;
                export host:chain/bodies@0.1.0;
            }
        ",
        world: "host:resource-link/objects",
        pub_export_macro: true,
        export_macro_name: "export_objects",
        default_bindings_module: "plugin_sdk::bindings::resource",
        generate_all,
    });
}

/// The exports of links that decide who gets in, apart for the same reason. Their types are
/// those of the whole contract.
pub mod access {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        inline: "
            package host:access-link@0.1.0;
            world authenticator {
                export host:chain/authenticator@0.1.0;
            }
        ",
        world: "host:access-link/authenticator",
        pub_export_macro: true,
        export_macro_name: "export_authenticator_interface",
        default_bindings_module: "plugin_sdk::bindings::access",
        with: {
            "host:chain/types@0.1.0": crate::bindings::host::chain::types,
            "host:chain/access@0.1.0": crate::bindings::host::chain::access,
            "host:chain/storage@0.1.0": crate::bindings::host::chain::storage,
        },
        generate_all,
    });
}

/// As [`access`], for `authorizer`.
pub mod rights {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        inline: "
            package host:rights-link@0.1.0;
            world authorizer {
                export host:chain/authorizer@0.1.0;
            }
        ",
        world: "host:rights-link/authorizer",
        pub_export_macro: true,
        export_macro_name: "export_authorizer_interface",
        default_bindings_module: "plugin_sdk::bindings::rights",
        with: {
            "host:chain/types@0.1.0": crate::bindings::host::chain::types,
            "host:chain/access@0.1.0": crate::bindings::host::chain::access,
            "host:chain/storage@0.1.0": crate::bindings::host::chain::storage,
        },
        generate_all,
    });
}

/// The export of links that answer some requests without waiting, apart for the same reason.
pub mod immediate {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        inline: "
            package host:immediate-link@0.1.0;
            world immediate {
                export host:chain/immediate@0.1.0;
            }
        ",
        world: "host:immediate-link/immediate",
        pub_export_macro: true,
        export_macro_name: "export_immediate_interface",
        default_bindings_module: "plugin_sdk::bindings::immediate",
        with: {
            "host:chain/types@0.1.0": crate::bindings::host::chain::types,
            "host:chain/lifecycle@0.1.0": crate::bindings::host::chain::lifecycle,
            "host:chain/storage@0.1.0": crate::bindings::host::chain::storage,
            "host:chain/request@0.1.0": crate::bindings::host::chain::request,
        },
        generate_all,
    });
}
