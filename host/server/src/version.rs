//! Which Kubernetes this server is compatible with, and what it is itself.

use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Value, json};

/// The release whose API is served.
pub const KUBERNETES_VERSION: &str = "v1.36.3";

const MAJOR: &str = "1";
const MINOR: &str = "36";
/// Upstream's rule: one release back.
const MIN_COMPATIBILITY_MINOR: &str = "35";

/// What `/version` answers: written once, since probes ask for nothing else.
pub(crate) fn version() -> Bytes {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| format!("{:#}", object()).into());
    TEXT.clone()
}

fn object() -> Value {
    json!({
        "major": MAJOR,
        "minor": MINOR,
        "emulationMajor": MAJOR,
        "emulationMinor": MINOR,
        "minCompatibilityMajor": MAJOR,
        "minCompatibilityMinor": MIN_COMPATIBILITY_MINOR,
        // Build metadata does not count where clients compare versions.
        "gitVersion": format!("{KUBERNETES_VERSION}+host.{}", env!("CARGO_PKG_VERSION")),
        "gitCommit": option_env!("HOST_GIT_COMMIT").unwrap_or_default(),
        "gitTreeState": if option_env!("HOST_GIT_COMMIT").is_some() { "clean" } else { "" },
        "buildDate": option_env!("HOST_BUILD_DATE").unwrap_or("1970-01-01T00:00:00Z"),
        "goVersion": concat!("rust", env!("CARGO_PKG_RUST_VERSION")),
        "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, architecture()),
    })
}

/// In Go's words.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
