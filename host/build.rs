//! Lists what `wit/` offers, for the comparison with what a component wants.

use std::fmt::Write;

use wit_parser::{Resolve, WorldItem};

const VERSION: &str = "0.1.0";

fn main() {
    println!("cargo::rerun-if-changed=../wit");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(format!("../wit/{VERSION}")).expect("the contract is valid WIT");
    let world = resolve.select_world(&[package], Some("imports")).expect("the world `imports`");
    let mut out =
        format!("/// The version of the contract that is offered.\npub(super) const VERSION: &str = {VERSION:?};\n\n");
    out.push_str("/// Each interface that is offered, and its functions.\nconst OFFERED: &[(&str, &[&str])] = &[\n");
    for item in resolve.worlds[world].imports.values() {
        let WorldItem::Interface { id, .. } = item else { continue };
        let interface = &resolve.interfaces[*id];
        let name = interface.name.as_deref().expect("a named interface");
        let functions: Vec<&str> = interface.functions.keys().map(String::as_str).collect();
        writeln!(out, "    (\"host:chain/{name}\", &{functions:?}),").expect("writing to a string");
    }
    out.push_str("];\n");
    let path = std::path::Path::new(&std::env::var("OUT_DIR").expect("cargo sets it")).join("offered.rs");
    std::fs::write(path, out).expect("the build directory is writable");
}
