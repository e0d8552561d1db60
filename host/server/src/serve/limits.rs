//! Every bound of the listener and its connections, in one table.

use std::time::Duration;

/// What a peer may use before anybody knows who it is. The defaults are kube-apiserver's where it
/// has one.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Connections at once; more wait in the kernel's queue.
    pub(crate) connections: usize,
    /// From accept to the end of the TLS handshake.
    pub(crate) handshake: Duration,
    /// HTTP/1.1: from the first byte of a head to its last.
    pub(crate) request_head: Duration,
    /// Without a request.
    pub(crate) idle: Duration,
    /// HTTP/1.1: a whole head. It has at most 100 fields, which is hyper's: more would cost each
    /// request their places in memory.
    pub(crate) head_bytes: usize,
    /// HTTP/2: a whole head. Headers are compressed, so a peer sends little and costs much.
    pub(crate) h2_head_bytes: u32,
    /// HTTP/2: streams of one connection.
    pub(crate) h2_streams: u32,
    /// HTTP/2: what a client may send of one body before it is read.
    pub(crate) h2_stream_window: u32,
    /// HTTP/2: and of all bodies of a connection.
    pub(crate) h2_connection_window: u32,
    /// HTTP/2: what waits for a slow reader, for each stream.
    pub(crate) h2_send_buffer: usize,
    /// HTTP/2: how often a silent peer is asked whether it lives, and how long it may think.
    pub(crate) h2_ping_interval: Duration,
    pub(crate) h2_ping_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            handshake: Duration::from_secs(10),
            request_head: Duration::from_secs(32),
            idle: Duration::from_secs(90),
            head_bytes: 1024 * 1024,
            h2_head_bytes: 64 * 1024,
            h2_streams: 100,
            h2_stream_window: 256 * 1024,
            h2_connection_window: 1024 * 1024,
            h2_send_buffer: 64 * 1024,
            h2_ping_interval: Duration::from_secs(30),
            h2_ping_timeout: Duration::from_secs(15),
        }
    }
}
