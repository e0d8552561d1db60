//! Compares what a component imports and exports with what the host offers, before wasmtime
//! does: its own error names one problem in the linker's terms, ours all of them in words.

use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::{Engine, LoadError};

// `OFFERED: &[(&str, &[&str])]`, each interface of `wit/` with its functions, and
// `VERSION: &str`; made by the build script.
include!(concat!(env!("OUT_DIR"), "/offered.rs"));

/// WASI 0.2 interfaces that are linked, by package.
const WASI: &[&str] = &[
    "wasi:io/",
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:random/",
    "wasi:filesystem/",
    "wasi:sockets/",
    "wasi:http/types@",
    "wasi:http/outgoing-handler@",
];

/// What does nothing without a grant, and the grant. Variables are not among it: guests of all
/// languages import them whether they read any or not, and without a grant there are none.
const GRANTED: [(&str, &str); 4] = [
    ("wasi:filesystem", "dir:PATH"),
    ("wasi:sockets", "net:HOST:PORT"),
    ("wasi:http/outgoing-handler", "http:HOST"),
    ("host:chain/tokens", "tokens"),
];

/// What the component imports that does nothing without a grant, and that grant.
pub(super) fn wants(engine: &Engine, component: &Component) -> Vec<(&'static str, &'static str)> {
    let ty = component.component_type();
    let imports: Vec<&str> = ty.imports(engine.wasmtime()).map(|(import, _)| import).collect();
    let imported = |package: &str| imports.iter().any(|import| import.starts_with(package));
    GRANTED.into_iter().filter(|(package, _)| imported(package)).collect()
}

/// Whether the component wants only what there is, and exports `server`.
pub(super) fn check(engine: &Engine, name: &str, component: &Component) -> Result<(), LoadError> {
    let ty = component.component_type();
    let mut missing = Vec::new();
    for (import, item) in ty.imports(engine.wasmtime()) {
        if WASI.iter().any(|package| import.starts_with(package)) && import.contains("@0.2.") {
            continue;
        }
        let (interface, version) = import.split_once('@').unwrap_or((import, ""));
        let offered = OFFERED.iter().find(|(name, _)| *name == interface).filter(|_| compatible(version));
        let Some((_, functions)) = offered else {
            missing.push(format!("`{import}`"));
            continue;
        };
        if let ComponentItem::ComponentInstance(instance) = item.ty {
            for (function, item) in instance.exports(engine.wasmtime()) {
                let is_function = matches!(item.ty, ComponentItem::ComponentFunc(_));
                if is_function && !functions.contains(&function) {
                    missing.push(format!("`{function}` of `{import}`"));
                }
            }
        }
    }
    let exports_server = ty.exports(engine.wasmtime()).any(|(export, _)| {
        export.split_once('@').is_some_and(|(name, v)| name == "host:chain/server" && compatible(v))
    });
    if missing.is_empty() && exports_server {
        return Ok(());
    }
    let mut problems = Vec::new();
    if !missing.is_empty() {
        problems.push(format!("imports {}, which this host does not offer", missing.join(", ")));
    }
    if !exports_server {
        problems.push(format!("does not export `host:chain/server@{VERSION}`"));
    }
    let interfaces: Vec<&str> = OFFERED.iter().map(|(name, _)| *name).collect();
    let offers = format!("this host offers WASI 0.2 and version {VERSION} of {}", interfaces.join(", "));
    Err(LoadError::new(name, format!("does not fit: it {}; {offers}", problems.join(", and it "))).hint(format!(
        "build it against version {VERSION} of the contract (`wit/{VERSION}`), or use a host that offers what it wants"
    )))
}

/// Whether a version is on our track: the same major, or the same minor below 1.0.
fn compatible(version: &str) -> bool {
    let track = |version: &str| {
        let mut parts = version.split('.').map(str::to_string);
        match parts.next() {
            Some(major) if major == "0" => vec![major, parts.next().unwrap_or_default()],
            Some(major) => vec![major],
            None => vec![],
        }
    };
    track(version) == track(VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_that_does_not_fit_is_told_everything_that_it_wants() {
        let engine = Engine::compiler().expect("an engine");
        let component = super::super::component(
            &engine,
            r#"(component
                (import "host:chain/log@0.1.0" (instance (export "shout" (func))))
                (import "host:chain/oracle@0.1.0" (instance))
                (import "host:chain/log@2.0.0" (instance)))"#,
        );
        let error = check(&engine, "odd", &component).expect_err("it does not fit").to_string();
        for part in [
            "plugin `odd` does not fit",
            "`shout` of `host:chain/log@0.1.0`",
            "`host:chain/oracle@0.1.0`",
            "`host:chain/log@2.0.0`",
            "does not export `host:chain/server@0.1.0`",
            "this host offers WASI 0.2 and version 0.1.0 of",
            "hint: ",
        ] {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
    }

    #[test]
    fn versions_are_compatible_on_one_track() {
        for (version, expected) in [("0.1.0", true), ("0.1.7", true), ("0.2.0", false), ("1.1.0", false), ("", false)] {
            assert_eq!(compatible(version), expected, "{version}");
        }
    }
}
