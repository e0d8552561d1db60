//! Which Kubernetes this server is compatible with, and what it is itself.

use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::Value;

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
    let mut build = FIELDS.into_iter().zip(build()).map(|((name, _), value)| (name, value));
    // As upstream writes them.
    let numbers: Vec<_> = build.by_ref().take(2).collect();
    let emulated = [
        ("emulationMajor", MAJOR),
        ("emulationMinor", MINOR),
        ("minCompatibilityMajor", MAJOR),
        ("minCompatibilityMinor", MIN_COMPATIBILITY_MINOR),
    ];
    let emulated = emulated.map(|(name, value)| (name, value.to_owned()));
    numbers
        .into_iter()
        .chain(emulated)
        .chain(build)
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect()
}

/// How the metric calls what `/version` answers.
pub(crate) fn build_labels() -> [(&'static str, String); 9] {
    let mut values = build().into_iter();
    FIELDS.map(|(_, label)| (label, values.next().expect("there is a value for each field")))
}

/// Names in JSON, and in metrics.
const FIELDS: [(&str, &str); 9] = [
    ("major", "major"),
    ("minor", "minor"),
    ("gitVersion", "git_version"),
    ("gitCommit", "git_commit"),
    ("gitTreeState", "git_tree_state"),
    ("buildDate", "build_date"),
    ("goVersion", "go_version"),
    ("compiler", "compiler"),
    ("platform", "platform"),
];

fn build() -> [String; 9] {
    let commit = option_env!("HOST_GIT_COMMIT");
    [
        MAJOR.to_owned(),
        MINOR.to_owned(),
        // Build metadata does not count where clients compare versions.
        format!("{KUBERNETES_VERSION}+host.{}", env!("CARGO_PKG_VERSION")),
        commit.unwrap_or_default().to_owned(),
        commit.map_or("", |_| "clean").to_owned(),
        option_env!("HOST_BUILD_DATE").unwrap_or("1970-01-01T00:00:00Z").to_owned(),
        concat!("rust", env!("CARGO_PKG_RUST_VERSION")).to_owned(),
        "rustc".to_owned(),
        format!("{}/{}", std::env::consts::OS, architecture()),
    ]
}

/// In Go's words.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
