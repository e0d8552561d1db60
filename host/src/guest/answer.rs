//! What a guest answered, taken out of its store: from here on nothing refers to the guest.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::PollSender;
use wasmtime::StoreContextMut;
use wasmtime::component::{Access, HasData, Source, StreamConsumer, StreamReader, StreamResult};

use super::Instance;
use crate::bindings::host::chain::request as wit;
use crate::imports::State;
use crate::imports::storage::Handed;

/// What `handle` decided.
pub enum Answer {
    Response(Response),
    Proxy(ProxyOrder),
    Upgrade(ProxyOrder),
    Pass,
    /// The guest's answer cannot be carried out: why.
    Broken(String),
}

pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

pub enum Body {
    Empty,
    Bytes(Bytes),
    /// What the guest writes, until it closes its end.
    Stream(GuestStream),
    Object {
        object: Arc<host_store::Object>,
        layout: Layout,
    },
    Collection {
        listing: Arc<host_store::Listing>,
        layout: Layout,
    },
    Watch {
        watcher: host_store::Watcher,
        options: WatchOptions,
        form: wit::ItemForm,
    },
}

/// Bytes that a guest goes on writing after it has answered.
pub struct GuestStream {
    chunks: mpsc::Receiver<Bytes>,
    /// Who writes. It lives as long as it is read from.
    instance: Option<Arc<Instance>>,
}

impl GuestStream {
    /// The next piece; nothing when the guest has closed its end.
    ///
    /// # Errors
    /// If the guest ended before it closed the stream.
    pub async fn next(&mut self) -> Option<Result<Bytes, String>> {
        match self.chunks.recv().await {
            Some(bytes) => Some(Ok(bytes)),
            None => match &self.instance {
                Some(instance) if instance.is_ended() => Some(Err("the plugin ended while it wrote".to_string())),
                _ => None,
            },
        }
    }

    /// Says which instance the guest's end is in.
    pub(super) fn set_instance(&mut self, instance: Arc<Instance>) {
        self.instance = Some(instance);
    }
}

/// What stands around objects, and how each is written.
pub struct Layout {
    pub head: Bytes,
    pub form: wit::ItemForm,
    pub tail: Bytes,
}

/// How a watch is served.
pub struct WatchOptions {
    pub timeout: Option<Duration>,
    pub bookmarks: bool,
    pub bookmark_head: Bytes,
    pub bookmark_tail: Bytes,
    /// Counts it among the plugin's until it ends.
    pub permit: OwnedSemaphorePermit,
}

/// Where a request is forwarded.
pub struct ProxyOrder {
    pub uri: String,
    pub headers: Vec<(String, String)>,
    pub ca_bundle: Option<Vec<u8>>,
    pub server_name: Option<String>,
    pub insecure_skip_verify: bool,
}

/// Chunks of a guest's stream that wait for the client; the guest waits when it is full.
const STREAM_CHUNKS: usize = 8;

/// Takes an answer out of the guest's store.
pub(super) fn take<D: HasData>(mut access: Access<'_, State, D>, answer: wit::Answer) -> Answer {
    match answer {
        wit::Answer::Pass => Answer::Pass,
        wit::Answer::Proxy(order) => Answer::Proxy(order.into()),
        wit::Answer::Upgrade(order) => Answer::Upgrade(order.into()),
        wit::Answer::Response(response) => {
            let body = match body(&mut access, response.body) {
                Ok(body) => body,
                Err(error) => return Answer::Broken(error.to_string()),
            };
            Answer::Response(Response { status: response.status, headers: response.headers, body })
        }
    }
}

fn body<D: HasData>(access: &mut Access<'_, State, D>, body: wit::Body) -> wasmtime::Result<Body> {
    Ok(match body {
        wit::Body::Empty => Body::Empty,
        wit::Body::Bytes(bytes) => Body::Bytes(bytes.into()),
        wit::Body::Stream(stream) => Body::Stream(GuestStream { chunks: pipe(access, stream)?, instance: None }),
        wit::Body::Object(body) => {
            let object = access.data_mut().table.delete(body.object)?.0;
            Body::Object { object, layout: Layout { head: body.head.into(), form: body.form, tail: body.tail.into() } }
        }
        wit::Body::Collection(body) => {
            let listing = access.data_mut().table.delete(body.collection)?.0;
            Body::Collection {
                listing,
                layout: Layout { head: body.head.into(), form: body.form, tail: body.tail.into() },
            }
        }
        wit::Body::Watch(body) => {
            let watch = access.data_mut().table.delete(body.watch)?;
            let Handed { watcher, timeout, bookmarks, permit } = watch.hand_over()?;
            let options = WatchOptions {
                timeout,
                bookmarks,
                bookmark_head: body.bookmark_head.into(),
                bookmark_tail: body.bookmark_tail.into(),
                permit,
            };
            Body::Watch { watcher, options, form: body.form }
        }
    })
}

impl From<wit::Proxy> for ProxyOrder {
    fn from(order: wit::Proxy) -> Self {
        Self {
            uri: order.uri,
            headers: order.headers,
            ca_bundle: order.tls.ca_bundle,
            server_name: order.tls.server_name,
            insecure_skip_verify: order.tls.insecure_skip_verify,
        }
    }
}

/// Connects a guest's stream to a channel; the instance's event loop moves the bytes.
fn pipe<D: HasData>(
    access: &mut Access<'_, State, D>,
    stream: StreamReader<u8>,
) -> wasmtime::Result<mpsc::Receiver<Bytes>> {
    let (sender, receiver) = mpsc::channel(STREAM_CHUNKS);
    stream.pipe(access, Pipe(PollSender::new(sender)))?;
    Ok(receiver)
}

struct Pipe(PollSender<Bytes>);

impl<D> StreamConsumer<D> for Pipe {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        store: StoreContextMut<'_, D>,
        source: Source<'_, u8>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        match self.0.poll_reserve(context) {
            Poll::Pending if finish => Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => Poll::Pending,
            // The client left.
            Poll::Ready(Err(_)) => Poll::Ready(Ok(StreamResult::Dropped)),
            Poll::Ready(Ok(())) => {
                let mut source = source.as_direct(store);
                let bytes = Bytes::copy_from_slice(source.remaining());
                source.mark_read(bytes.len());
                if !bytes.is_empty() && self.0.send_item(bytes).is_err() {
                    return Poll::Ready(Ok(StreamResult::Dropped));
                }
                Poll::Ready(Ok(StreamResult::Completed))
            }
        }
    }
}
