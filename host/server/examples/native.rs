//! A server whose only link is a native handler: what the filters and the listener cost.
//!
//! ```text
//! cargo run --release -p host-server --example native -- --data-dir DIR --secure-port 0
//! cargo run --release -p host-server --example native -- --data-dir DIR --bare 6444
//! ```
//!
//! `--bare PORT` serves the same answer on the same certificate with hyper alone.

use std::convert::Infallible;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use clap::Parser;
use host_server::options::RunOptions;
use host_server::{Director, Request, Response, Server, init_logging, lifecycle};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    run: RunOptions,
    /// Serve with hyper alone on this port
    #[arg(long)]
    bare: Option<u16>,
}

const HELLO: &str = "{\"message\":\"hello\"}\n";

struct Hello;

impl Director for Hello {
    async fn serve(&self, request: Request) -> Response {
        if request.info().path() != "/hello" {
            return host_server::not_found(request.context());
        }
        let mut response = Response::new(HELLO.into());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    fn paths(&self) -> Vec<String> {
        vec!["/hello".to_owned()]
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    // The options want a link; this server has a native one.
    arguments.run.plugins.plugins.push("hello".to_owned());
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let config = arguments.run.complete()?;
    init_logging(&config.logging)?;
    let server = Server::new(config)?;
    if let Some(port) = arguments.bare {
        return bare(&server.config().data_dir, port).await;
    }
    let bound = server.bind().await?;
    eprintln!("{}", bound.kubeconfig().display());
    let running = bound.serve(Arc::new(Hello));
    lifecycle::notify_ready();
    lifecycle::obey_signals(running.handle())?;
    running.finished().await;
    Ok(())
}

/// hyper and rustls with nothing in between.
async fn bare(data_dir: &std::path::Path, port: u16) -> Result<(), Box<dyn std::error::Error>> {
    let chain = CertificateDer::pem_file_iter(data_dir.join("pki/apiserver.crt"))?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(data_dir.join("pki/apiserver.key"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let service = service_fn(async |request: http::Request<hyper::body::Incoming>| {
                let mut response = http::Response::new(Full::new(Bytes::from_static(HELLO.as_bytes())));
                match request.uri().path() {
                    "/hello" => {
                        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                    }
                    _ => *response.status_mut() = StatusCode::NOT_FOUND,
                }
                Ok::<_, Infallible>(response)
            });
            let stream = TokioIo::new(stream);
            let _ = match http2 {
                true => {
                    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    builder.serve_connection(stream, service).await
                }
                false => hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await,
            };
        });
    }
}
