//! The network between the members of a cluster, any way of which can be cut.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::relay::forward;

/// Two members, by their numbers.
type Pair = (usize, usize);

pub struct Network {
    /// Where each member is for the others.
    pub urls: Vec<String>,
    cut: watch::Sender<Vec<Pair>>,
    _tasks: JoinSet<()>,
}

impl Network {
    /// Ways to members, each at `http://HOST:PORT`.
    pub async fn between(members: &[String]) -> Network {
        let mut listeners = Vec::new();
        for _ in members {
            listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
        }
        let urls: Vec<String> =
            listeners.iter().map(|listener| format!("http://{}", listener.local_addr().unwrap())).collect();
        let cut = watch::Sender::default();
        let mut tasks = JoinSet::new();
        for (to, (listener, member)) in listeners.into_iter().zip(members).enumerate() {
            let way = Way { to, target: member.trim_start_matches("http://").to_owned(), urls: urls.clone() };
            tasks.spawn(way.serve(listener, cut.subscribe()));
        }
        Network { urls, cut, _tasks: tasks }
    }

    /// Cuts the ways between these, and mends all others: what was sent meanwhile arrives then.
    pub fn cut(&self, pairs: &[Pair]) {
        self.cut.send_replace(pairs.to_owned());
    }
}

/// To one member, from all others.
#[derive(Clone)]
struct Way {
    to: usize,
    target: String,
    urls: Vec<String>,
}

impl Way {
    async fn serve(self, listener: TcpListener, cut: watch::Receiver<Vec<Pair>>) {
        let mut connections = JoinSet::new();
        while let Ok((near, _)) = listener.accept().await {
            connections.spawn(self.clone().connect(near, cut.clone()));
        }
    }

    async fn connect(self, mut near: TcpStream, mut cut: watch::Receiver<Vec<Pair>>) {
        let mut first = Vec::new();
        while !first.windows(4).any(|end| end == b"\r\n\r\n") {
            if !matches!(near.read_buf(&mut first).await, Ok(1..)) {
                return;
            }
        }
        let (from, to) = (self.sender(&first), self.to);
        // Who does not say who he is comes through when everybody does.
        let is_cut = move |pairs: &Vec<Pair>| match from {
            Some(from) => pairs.contains(&(from, to)) || pairs.contains(&(to, from)),
            None => !pairs.is_empty(),
        };
        if cut.wait_for(|pairs| !is_cut(pairs)).await.is_err() {
            return;
        }
        let Ok(mut far) = TcpStream::connect(self.target).await else { return };
        if far.write_all(&first).await.is_ok() {
            forward(near, far, cut, is_cut).await;
        }
    }

    /// A member says in each request where it is for the others.
    fn sender(&self, head: &[u8]) -> Option<usize> {
        let head = String::from_utf8_lossy(head).to_lowercase();
        let url = head.lines().find_map(|line| line.strip_prefix("x-peerurls:"))?.trim();
        self.urls.iter().position(|known| known == url)
    }
}
