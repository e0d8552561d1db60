//! A load balancer of TCP connections: a new one goes to a host that says that it is ready.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::{Client, Host};

/// Between two looks at a host's readiness. A balancer in front of a cluster takes seconds, and is
/// given the time by `--shutdown-delay-duration`.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Serves until it is dropped.
#[derive(Debug)]
pub struct Balancer {
    address: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    backends: Mutex<Vec<Arc<Backend>>>,
    next: AtomicUsize,
    over: AtomicBool,
}

#[derive(Debug)]
struct Backend {
    address: String,
    client: Client,
    ready: AtomicBool,
}

impl Balancer {
    /// In front of these hosts.
    pub fn start(hosts: &[&Host]) -> Balancer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound").to_string();
        let balancer = Balancer { address, shared: Arc::default() };
        for host in hosts {
            balancer.add(host);
        }
        let shared = Arc::clone(&balancer.shared);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if shared.over.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.forward(connection));
            }
        });
        balancer
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// One more host, which is ready.
    pub fn add(&self, host: &Host) {
        let backend = Arc::new(Backend { address: host.address(), client: host.anonymous(), ready: true.into() });
        self.shared.backends().push(Arc::clone(&backend));
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || {
            while !shared.over.load(Ordering::Relaxed) {
                let answer = backend.client.try_send("GET", "/readyz", "", b"");
                backend.ready.store(answer.is_ok_and(|answer| answer.status == 200), Ordering::Relaxed);
                thread::sleep(LOOK_EVERY);
            }
        });
    }

    /// How many of its hosts are ready.
    pub fn ready(&self) -> usize {
        self.shared.backends().iter().filter(|backend| backend.ready.load(Ordering::Relaxed)).count()
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // Wakes who accepts.
        let _ = TcpStream::connect(&self.address);
    }
}

impl Shared {
    fn backends(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Backend>>> {
        self.backends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries bytes both ways until both sides have ended.
    fn forward(&self, client: TcpStream) {
        let all = self.backends().clone();
        let mut ready = all.clone();
        ready.retain(|backend| backend.ready.load(Ordering::Relaxed));
        // As balancers do: where nobody is ready, it is tried with everybody.
        let ready = if ready.is_empty() { all } else { ready };
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let mut others = (0..ready.len()).map(|at| &ready[(turn + at) % ready.len()]);
        let Some(server) = others.find_map(|backend| TcpStream::connect(&backend.address).ok()) else { return };
        let copy = |from: &TcpStream, to: &TcpStream| {
            // Whoever breaks off tells the other side by it.
            let _ = io::copy(&mut &*from, &mut &*to);
            let _ = to.shutdown(Shutdown::Write);
        };
        thread::scope(|scope| {
            scope.spawn(|| copy(&client, &server));
            copy(&server, &client);
            // Who is not answered any more has nothing to say.
            let _ = client.shutdown(Shutdown::Both);
        });
    }
}
