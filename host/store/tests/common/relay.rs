//! A way to a server that can be cut, as networks are: nothing is refused or closed, nothing arrives.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

pub struct Relay {
    pub url: String,
    cut: watch::Sender<bool>,
    task: AbortHandle,
}

impl Relay {
    /// A way to `http://HOST:PORT`.
    pub async fn to(url: &str) -> Relay {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let cut = watch::Sender::new(false);
        let state = cut.subscribe();
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(connect(near, target.clone(), state.clone()));
            }
        });
        Relay { url, cut, task: task.abort_handle() }
    }

    /// Cuts it, or mends it: what was sent meanwhile arrives then.
    pub fn cut(&self, cut: bool) {
        self.cut.send_replace(cut);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connect(near: TcpStream, target: String, mut cut: watch::Receiver<bool>) {
    // Fails when the relay is gone.
    if cut.wait_for(|cut| !cut).await.is_err() {
        return;
    }
    if let Ok(far) = TcpStream::connect(target).await {
        forward(near, far, cut, |cut| *cut).await;
    }
}

/// Carries bytes in both directions while the way is not cut, until one side ends.
pub(super) async fn forward<T>(
    near: TcpStream,
    far: TcpStream,
    cut: watch::Receiver<T>,
    is_cut: impl Fn(&T) -> bool + Clone,
) {
    // As those who talk through it have it: what is small goes at once.
    if near.set_nodelay(true).and(far.set_nodelay(true)).is_err() {
        return;
    }
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    tokio::select! {
        () = copy(near_read, far_write, cut.clone(), is_cut.clone()) => {}
        () = copy(far_read, near_write, cut, is_cut) => {}
    }
}

async fn copy<T>(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut cut: watch::Receiver<T>,
    is_cut: impl Fn(&T) -> bool,
) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
        if cut.wait_for(|cut| !is_cut(cut)).await.is_err() || to.write_all(&buffer[..bytes]).await.is_err() {
            return;
        }
    }
}
