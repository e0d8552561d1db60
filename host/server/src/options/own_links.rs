//! The links that come with the host: the one place where it knows plugins by name.
//!
//! What they may have beyond others is not in what they register: who could say that of himself could say it
//! of any plugin. It is the operator who says so, by giving a component one of these names.

/// A link that comes with the host.
#[derive(Debug, PartialEq, Eq)]
pub struct OwnLink {
    pub name: &'static str,
    /// Looked for where bare file names are.
    pub file: &'static str,
    /// What it is granted without being told.
    pub grants: &'static [&'static str],
}

/// Innermost first: the chain of a host that is called `kube-apiserver`.
pub const OWN_LINKS: [OwnLink; 3] = [
    OwnLink { name: "extensions", file: "extensions.wasm", grants: &[] },
    // Whoever takes the place of the core server issues tokens.
    OwnLink { name: "core", file: "core.wasm", grants: &["tokens"] },
    OwnLink { name: "aggregator", file: "aggregator.wasm", grants: &[] },
];

impl OwnLink {
    /// The link of this name, if it is one of the host's own.
    pub fn named(name: &str) -> Option<&'static Self> {
        OWN_LINKS.iter().find(|link| link.name == name)
    }
}
