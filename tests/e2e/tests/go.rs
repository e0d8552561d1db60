//! Programs in Go that use the API as libraries: typed clients and informers that speak protobuf,
//! server-side apply as controllers have it.

use e2e::{Host, typed};

#[test]
fn typed_clients_informers_and_controllers_work() {
    let Some(host) = Host::start() else { return };
    let Some(session) = typed(&host) else { return };
    assert_eq!(session.success(), "ok objects\nok informers\nok apply\nok messages\nok controller\n");
}
