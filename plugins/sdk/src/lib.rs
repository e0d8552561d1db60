pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/0.1.0",
        world: "resource-link",
        pub_export_macro: true,
        export_macro_name: "export_bindings",
        default_bindings_module: "plugin_sdk::bindings",
        generate_all,
    });
}
