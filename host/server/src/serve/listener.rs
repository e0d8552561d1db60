//! Takes connections, as many at once as the table of limits says.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::http::Shared;
use crate::filters::Handler;

/// Accepts until `stop`. The listener is closed when this returns.
pub(super) async fn accept<H: Handler>(
    listener: TcpListener,
    shared: Arc<Shared<H>>,
    connections: TaskTracker,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(shared.limits.connections_max));
    loop {
        let next = async {
            // A place first: whoever finds none waits in the kernel's queue.
            let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
            (place, listener.accept().await)
        };
        let Some((place, accepted)) = stop.run_until_cancelled(next).await else { return };
        match accepted {
            Ok((stream, peer)) => {
                connections.spawn(shared.clone().serve(stream, peer, place));
            }
            Err(error) => {
                // Out of file descriptors, mostly: others have to end before it gets better.
                warn!("cannot accept a connection: {error}");
                let _ = stop.run_until_cancelled(tokio::time::sleep(Duration::from_millis(100))).await;
            }
        }
    }
}
