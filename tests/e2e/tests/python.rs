//! The second client: the official Python one, typed and dynamic.

use e2e::{Host, checkout, python};

#[test]
fn the_official_python_client_works() {
    let Some(host) = Host::start() else { return };
    let Some(output) = python(&checkout().join("tests/clients/session.py"), &host) else { return };
    println!("{}", output.success());
}
