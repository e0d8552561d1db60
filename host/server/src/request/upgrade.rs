//! Leaving HTTP: exec, attach, port-forward, websockets.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::response::{Body, Guards};

/// The connection of a client that asks to leave HTTP.
#[derive(Debug)]
pub struct Upgrade {
    connection: OnUpgrade,
    guards: Guards,
}

impl Upgrade {
    pub(super) fn new(connection: OnUpgrade) -> Self {
        Self { connection, guards: Guards::default() }
    }

    /// The body of the answer 101, which says that the request goes on: it is under way, and not
    /// cancelled, until the connection is dropped.
    pub fn body(&self) -> Body {
        Body::upgrade(self.guards.clone())
    }

    /// The connection, once the answer has been written.
    pub async fn connection(self) -> hyper::Result<UpgradedConnection> {
        Ok(UpgradedConnection { io: TokioIo::new(self.connection.await?), _guards: self.guards })
    }
}

/// A connection that has left HTTP. The request is over when it is dropped.
#[derive(Debug)]
pub struct UpgradedConnection {
    io: TokioIo<Upgraded>,
    _guards: Guards,
}

impl AsyncRead for UpgradedConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl AsyncWrite for UpgradedConnection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
