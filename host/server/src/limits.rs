//! Every quantity that a client can grow, and its bound: one table. The defaults are
//! kube-apiserver's where it has one.

use std::time::Duration;

/// A request's body. What upstream takes, and more than a store takes of one object.
pub const REQUEST_BODY_BYTES_MAX: u64 = 3 << 20;

/// What is read, and forgotten, of a body that is refused. A client that writes all of its
/// request before it looks for an answer would else see a broken connection in its place.
pub(crate) const REFUSED_BODY_BYTES_MAX: u64 = 8 * REQUEST_BODY_BYTES_MAX;

/// Series of request metrics: more than a large cluster has. What comes after is counted without
/// its resource.
pub(crate) const REQUEST_SERIES_MAX: usize = 10_000;

/// Tokens of service accounts that are known to be signed; the signature of others is verified again.
pub(crate) const VERIFIED_TOKENS_MAX: usize = 1024;
/// Each of them. Longer ones are verified each time.
pub(crate) const VERIFIED_TOKEN_BYTES_MAX: usize = 4096;

/// Different warnings of a response; more are left out.
pub(crate) const WARNINGS_MAX: usize = 256;
/// All warnings of a response together. Above it each is cut.
pub(crate) const WARNING_CHARS_MAX: usize = 4096;
/// Each of them, then.
pub(crate) const WARNING_CHARS_CUT: usize = 256;

/// HTTP/2: what is gathered for a connection until it is written together: what TLS takes at once.
pub(crate) const HTTP2_GATHERED_BYTES_MAX: usize = 64 << 10;
/// Buffers of that size that are kept for whoever gathers next.
pub(crate) const HTTP2_SPARE_BUFFERS_MAX: usize = 16;

/// What an audit event keeps of a user agent.
pub(crate) const AUDIT_USER_AGENT_BYTES_MAX: usize = 1024;
/// What is kept of an answer for its audit event, at level `RequestResponse`. An event whose answer
/// is larger says so in place of it.
pub(crate) const AUDIT_RESPONSE_BYTES_MAX: usize = 10 << 20;
/// Batches that are on their way to a webhook at once; more wait in the buffer, whose bound is a flag.
pub(crate) const AUDIT_SENDS_MAX: usize = 16;
/// How often a batch is sent until it is accepted.
pub(crate) const AUDIT_SEND_ATTEMPTS_MAX: u32 = 5;
/// Until a webhook has answered.
pub(crate) const AUDIT_SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// What is read of its answer.
pub(crate) const AUDIT_SEND_ANSWER_BYTES_MAX: usize = 64 << 10;
/// What a shutdown waits for events that are on their way.
pub(crate) const AUDIT_CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// What a watch still sends, after the server has begun to end it, of what is ready.
pub(crate) const ENDING_WATCH_FRAMES_MAX: usize = 128;

/// Watches that a shutdown ends in a second at least, however long it may take for them.
pub(crate) const ENDING_WATCHES_PER_SECOND_MIN: u32 = 200;

/// How long a profile may be taken.
pub(crate) const PROFILE_TIME_MAX: Duration = Duration::from_secs(300);

/// Spans that wait for the exporter. More are dropped, and counted.
pub(crate) const TRACE_SPANS_QUEUED_MAX: usize = 2048;
/// Spans that the collector gets at once.
pub(crate) const TRACE_SPANS_SENT_MAX: usize = 512;

/// What is read of a collector's answer: it says hardly more than that all went well.
pub(crate) const TRACE_ANSWER_BYTES_MAX: usize = 64 << 10;

/// What a connection may use, most of it before anybody knows who it is.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at once; more wait in the kernel's queue.
    pub connections_max: usize,
    /// From accept to the end of the TLS handshake.
    pub handshake_ms_max: u64,
    /// HTTP/1.1: from the first byte of a head to its last.
    pub request_head_ms_max: u64,
    /// HTTP/1.1: a whole head. It has at most 100 fields, which is hyper's: more would cost each
    /// request their places in memory.
    pub request_head_bytes_max: usize,
    /// Without a request.
    pub idle_ms_max: u64,
    /// HTTP/2: a whole head, unpacked: a peer sends little and costs much.
    pub http2_head_bytes_max: u32,
    /// HTTP/2: the heads of all requests that are under way on a connection.
    pub http2_heads_bytes_max: usize,
    /// HTTP/2: streams of one connection (`--http2-max-streams-per-connection`).
    pub http2_streams_max: u32,
    /// HTTP/2: what a client may send of one body before it is read.
    pub http2_stream_window_bytes: u32,
    /// HTTP/2: and of all bodies of a connection.
    pub http2_connection_window_bytes: u32,
    /// HTTP/2: streams that a client has reset before anybody worked on them. More, and the connection ends.
    pub http2_early_resets_max: usize,
    /// HTTP/2: streams that had to be reset because of what the client sent. More, and the connection ends.
    pub http2_broken_streams_max: usize,
    /// HTTP/2: what waits for a slow reader, for each stream.
    pub http2_send_buffer_bytes_max: usize,
    /// How long nothing comes from a peer before the kernel asks whether it lives.
    pub tcp_keep_alive_ms: u64,
    /// HTTP/2: how often a silent peer is asked whether it lives.
    pub http2_ping_ms: u64,
    /// HTTP/2: and how long it may think.
    pub http2_ping_answer_ms_max: u64,
    /// How long a body that nobody reads is waited for, once its answer is on its way.
    pub refused_body_ms_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 20_000,
            handshake_ms_max: 10_000,
            request_head_ms_max: 32_000,
            request_head_bytes_max: 1 << 20,
            idle_ms_max: 90_000,
            http2_head_bytes_max: 1 << 20,
            http2_heads_bytes_max: 6 << 20,
            http2_streams_max: 100,
            http2_stream_window_bytes: 256 << 10,
            http2_connection_window_bytes: 1 << 20,
            http2_early_resets_max: 20,
            http2_broken_streams_max: 1024,
            http2_send_buffer_bytes_max: 64 << 10,
            tcp_keep_alive_ms: 180_000,
            http2_ping_ms: 30_000,
            http2_ping_answer_ms_max: 15_000,
            refused_body_ms_max: 2_000,
        }
    }
}

impl Limits {
    pub(crate) fn handshake(&self) -> Duration {
        Duration::from_millis(self.handshake_ms_max)
    }

    pub(crate) fn request_head(&self) -> Duration {
        Duration::from_millis(self.request_head_ms_max)
    }

    pub(crate) fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms_max)
    }

    pub(crate) fn tcp_keep_alive(&self) -> Duration {
        Duration::from_millis(self.tcp_keep_alive_ms)
    }

    pub(crate) fn http2_ping(&self) -> Duration {
        Duration::from_millis(self.http2_ping_ms)
    }

    pub(crate) fn http2_ping_answer(&self) -> Duration {
        Duration::from_millis(self.http2_ping_answer_ms_max)
    }

    pub(crate) fn refused_body(&self) -> Duration {
        Duration::from_millis(self.refused_body_ms_max)
    }

    /// Each bound with its unit in its name, for `host limits`.
    pub fn rows(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("connections_max", self.connections_max as u64),
            ("handshake_ms_max", self.handshake_ms_max),
            ("request_head_ms_max", self.request_head_ms_max),
            ("request_head_bytes_max", self.request_head_bytes_max as u64),
            ("idle_ms_max", self.idle_ms_max),
            ("http2_head_bytes_max", self.http2_head_bytes_max.into()),
            ("http2_heads_bytes_max", self.http2_heads_bytes_max as u64),
            ("http2_streams_max", self.http2_streams_max.into()),
            ("http2_stream_window_bytes", self.http2_stream_window_bytes.into()),
            ("http2_connection_window_bytes", self.http2_connection_window_bytes.into()),
            ("http2_early_resets_max", self.http2_early_resets_max as u64),
            ("http2_broken_streams_max", self.http2_broken_streams_max as u64),
            ("http2_send_buffer_bytes_max", self.http2_send_buffer_bytes_max as u64),
            ("http2_gathered_bytes_max", HTTP2_GATHERED_BYTES_MAX as u64),
            ("http2_spare_buffers_max", HTTP2_SPARE_BUFFERS_MAX as u64),
            ("tcp_keep_alive_ms", self.tcp_keep_alive_ms),
            ("http2_ping_ms", self.http2_ping_ms),
            ("http2_ping_answer_ms_max", self.http2_ping_answer_ms_max),
            ("request_body_bytes_max", REQUEST_BODY_BYTES_MAX),
            ("refused_body_bytes_max", REFUSED_BODY_BYTES_MAX),
            ("refused_body_ms_max", self.refused_body_ms_max),
            ("request_series_max", REQUEST_SERIES_MAX as u64),
            ("verified_tokens_max", VERIFIED_TOKENS_MAX as u64),
            ("verified_token_bytes_max", VERIFIED_TOKEN_BYTES_MAX as u64),
            ("warnings_max", WARNINGS_MAX as u64),
            ("warning_chars_max", WARNING_CHARS_MAX as u64),
            ("warning_chars_cut", WARNING_CHARS_CUT as u64),
            ("audit_user_agent_bytes_max", AUDIT_USER_AGENT_BYTES_MAX as u64),
            ("audit_response_bytes_max", AUDIT_RESPONSE_BYTES_MAX as u64),
            ("audit_sends_max", AUDIT_SENDS_MAX as u64),
            ("audit_send_attempts_max", AUDIT_SEND_ATTEMPTS_MAX.into()),
            ("audit_send_ms_max", AUDIT_SEND_TIMEOUT.as_millis() as u64),
            ("audit_send_answer_bytes_max", AUDIT_SEND_ANSWER_BYTES_MAX as u64),
            ("audit_close_ms_max", AUDIT_CLOSE_TIMEOUT.as_millis() as u64),
            ("ending_watch_frames_max", ENDING_WATCH_FRAMES_MAX as u64),
            ("profile_ms_max", PROFILE_TIME_MAX.as_millis() as u64),
            ("profile_samples_max", host_profile::SAMPLES_MAX as u64),
            ("profile_sample_depth_max", host_profile::SAMPLE_DEPTH_MAX as u64),
            ("trace_spans_queued_max", TRACE_SPANS_QUEUED_MAX as u64),
            ("trace_spans_sent_max", TRACE_SPANS_SENT_MAX as u64),
            ("trace_answer_bytes_max", TRACE_ANSWER_BYTES_MAX as u64),
            ("ending_watches_per_second_min", ENDING_WATCHES_PER_SECOND_MIN.into()),
        ]
    }
}
