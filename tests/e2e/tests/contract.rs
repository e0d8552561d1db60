//! Components that were built against a published version of the contract go on working.

use std::fs;

use e2e::{Setup, checkout};

#[test]
fn a_component_of_every_published_version_loads_and_answers() {
    let frozen = checkout().join("tests/contract");
    let mut versions: Vec<String> = fs::read_dir(checkout().join("wit"))
        .expect("the contract's versions can be listed")
        .map(|entry| entry.expect("a readable directory").file_name().to_string_lossy().into_owned())
        .collect();
    versions.sort();
    assert!(!versions.is_empty(), "there is no version of the contract");
    for version in versions {
        let component = frozen.join(&version).join("link.wasm");
        assert!(component.is_file(), "version {version} has no frozen component at `{}`", component.display());
        let Some(setup) = Setup::bare() else { return };
        let host = setup.scripted(&component, "frozen", "prefix /frozen\ncheck frozen\nhook frozen").start();
        let answer = host.client().get("/frozen/x").expect(200);
        assert_eq!(answer.text().trim_end(), "frozen: prefix /frozen for /frozen/x", "version {version}");
        // Its check, its hook and its storage, too.
        let checks = host.client().get("/readyz?verbose").expect(200).text();
        for check in ["[+]frozen ok", "[+]poststarthook/frozen ok"] {
            assert!(checks.contains(check), "version {version}: `{check}` is not in:\n{checks}");
        }
        host.client().get("/frozen/told").expect(200);
    }
}
