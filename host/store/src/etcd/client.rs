//! Calls to a cluster: which member answers, how long it may take, and what an error means.

use std::time::Duration;

use prost::Message;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use super::EtcdOptions;
use super::members::{self, Members};
use crate::limits::ETCD_ANSWER_BYTES_MAX;
use crate::{ReadError, WriteError};

const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);
const CALL_TIME_MAX: Duration = Duration::from_secs(10);
/// A member that is silent for so long is taken for dead.
const PING_INTERVAL: Duration = Duration::from_secs(3);
const PING_TIME_MAX: Duration = Duration::from_secs(3);
/// Reads are tried again while another member may answer.
const READ_TRIES: u32 = 5;
const READ_PAUSE: Duration = Duration::from_millis(100);

/// A connection to each member; the ones that do not answer are left out.
pub(super) struct Client {
    channel: Channel,
    _members: Members,
}

impl Client {
    /// Connects to no member yet. An error says what is wrong with the options.
    pub(super) fn new(options: &EtcdOptions) -> Result<Self, String> {
        if options.servers.is_empty() {
            return Err("there is no etcd server".to_owned());
        }
        let endpoints: Result<Vec<Endpoint>, String> =
            options.servers.iter().map(|server| endpoint(server, options)).collect();
        let (channel, members) = members::channel(endpoints?);
        Ok(Self { channel, _members: members })
    }

    fn grpc(&self) -> Grpc<Channel> {
        Grpc::new(self.channel.clone())
            .max_decoding_message_size(ETCD_ANSWER_BYTES_MAX)
            .max_encoding_message_size(ETCD_ANSWER_BYTES_MAX)
    }

    /// Asks once.
    pub(super) async fn call<Q, A>(&self, path: &'static str, question: Q) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = self.grpc();
        let call = async {
            grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
            let codec = ProstCodec::<Q, A>::default();
            grpc.unary(Request::new(question), PathAndQuery::from_static(path), codec).await
        };
        match tokio::time::timeout(CALL_TIME_MAX, call).await {
            Ok(answer) => answer.map(tonic::Response::into_inner),
            Err(_) => Err(Status::deadline_exceeded(format!("no answer within `{CALL_TIME_MAX:?}`"))),
        }
    }

    /// Asks what changes nothing, and asks again when a member is away.
    pub(super) async fn read<Q, A>(&self, path: &'static str, question: Q) -> Result<A, Status>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let mut tries = 1;
        loop {
            match self.call(path, question.clone()).await {
                Err(status) if may_pass(&status) && tries < READ_TRIES => {
                    tokio::time::sleep(READ_PAUSE * tries).await;
                    tries += 1;
                }
                answer => return answer,
            }
        }
    }

    /// A stream that lasts.
    pub(super) async fn stream<Q, A>(
        &self,
        path: &'static str,
        questions: impl futures_util::Stream<Item = Q> + Send + 'static,
    ) -> Result<Streaming<A>, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = self.grpc();
        let call = async {
            grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
            let mut request = Request::new(questions);
            // A member that is cut off from the others ends the stream instead of falling silent.
            request.metadata_mut().insert("hasleader", tonic::metadata::MetadataValue::from_static("true"));
            grpc.streaming(request, PathAndQuery::from_static(path), ProstCodec::<Q, A>::default()).await
        };
        match tokio::time::timeout(CALL_TIME_MAX, call).await {
            Ok(answer) => answer.map(tonic::Response::into_inner),
            Err(_) => Err(Status::deadline_exceeded(format!("no answer within `{CALL_TIME_MAX:?}`"))),
        }
    }
}

fn endpoint(server: &str, options: &EtcdOptions) -> Result<Endpoint, String> {
    let wrong = |error: tonic::transport::Error| {
        format!("`{server}` is no etcd server: {}", std::error::Error::source(&error).unwrap_or(&error))
    };
    let endpoint = Endpoint::from_shared(server.to_owned()).map_err(wrong)?;
    let secure = match endpoint.uri().scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(format!("`{server}` is no etcd server: it must begin with `http://` or `https://`")),
    };
    let endpoint = endpoint
        .connect_timeout(CONNECT_TIME_MAX)
        .http2_keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIME_MAX)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true);
    if secure { endpoint.tls_config(tls(options)).map_err(wrong) } else { Ok(endpoint) }
}

fn tls(options: &EtcdOptions) -> ClientTlsConfig {
    let tls = match &options.ca {
        Some(ca) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    match &options.identity {
        Some((certificate, key)) => tls.identity(Identity::from_pem(certificate, key)),
        None => tls,
    }
}

/// Whether another try may get another answer.
pub(super) fn may_pass(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown => true,
        Code::ResourceExhausted => status.message().contains("too many requests"),
        _ => false,
    }
}

pub(super) fn read_error(status: &Status) -> ReadError {
    ReadError::Unavailable(told(status))
}

/// What a failed write means: that it was refused for sure, or nothing at all.
pub(super) fn write_error(status: &Status, bytes_max: usize) -> WriteError {
    let message = status.message();
    match status.code() {
        Code::ResourceExhausted if message.contains("database space exceeded") => WriteError::NoSpace(told(status)),
        Code::ResourceExhausted if message.contains("too many requests") => WriteError::Overloaded,
        Code::InvalidArgument if message.contains("too large") => {
            WriteError::TooLarge { what: "transaction", bytes: bytes_max as u64 + 1, max: bytes_max as u64 }
        }
        Code::InvalidArgument => WriteError::Invalid(told(status)),
        Code::PermissionDenied | Code::Unauthenticated => WriteError::Unavailable(told(status)),
        _ => WriteError::Unknown(told(status)),
    }
}

fn told(status: &Status) -> String {
    format!("etcd says `{}`", status.message())
}
