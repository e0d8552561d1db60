//! Streams of one HTTP/2 connection: how client-go watches.

use h2::RecvStream;
use h2::client::SendRequest;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::client::TlsStream;

/// What a server may send of one stream, and of all, before it is read: as Go's client has it.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 1 << 30;

pub(super) struct Http2 {
    requests: SendRequest<bytes::Bytes>,
    task: AbortHandle,
}

impl Http2 {
    pub(super) async fn on(stream: TlsStream<TcpStream>) -> Http2 {
        let (requests, connection) = h2::client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .handshake(stream)
            .await
            .expect("the server speaks HTTP/2");
        // Ends with an error when the server is stopped.
        let task = tokio::spawn(async { drop(connection.await) }).abort_handle();
        Http2 { requests, task }
    }

    /// Asks, and gives the body of the answer.
    pub(super) async fn get(&self, path: &str) -> Streamed {
        let request = http::Request::get(format!("https://localhost{path}")).header("accept", "application/json");
        let request = request.body(()).expect("the path is one");
        let mut requests = self.requests.clone().ready().await.expect("there is room for one more stream");
        let (answer, _) = requests.send_request(request, true).expect("the server takes it");
        let answer = answer.await.expect("the server answers");
        assert_eq!(answer.status(), 200, "{path}");
        Streamed(answer.into_body())
    }
}

impl Drop for Http2 {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The body of one stream.
pub(super) struct Streamed(RecvStream);

impl Streamed {
    /// Reads what has come; false at the end.
    pub(super) async fn piece(&mut self, seen: impl FnOnce(&[u8])) -> bool {
        let Some(data) = self.0.data().await else { return false };
        let data = data.expect("the answer goes on");
        self.0.flow_control().release_capacity(data.len()).expect("so much has come");
        seen(&data);
        true
    }
}
