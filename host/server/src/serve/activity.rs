//! Whether a connection does anything. Ends those that do not: idle ones, those that send a head
//! byte by byte, and those that do not read their answer.
//!
//! One clock for a connection in place of a timer for each request.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::{Instant, timeout};

#[derive(Debug)]
pub(super) struct Activity {
    epoch: Instant,
    requests: AtomicUsize,
    /// What their heads take in memory.
    head_bytes: AtomicUsize,
    /// When the last request ended, in milliseconds after `epoch`.
    idle_since: AtomicU64,
    /// When the first byte after it came; `NEVER` before.
    head_since: AtomicU64,
    /// HTTP/1.1: when the answer under way must have been read; `NEVER` if there is none.
    read_by: AtomicU64,
    read_by_changed: Notify,
    /// Somebody wants the connection to end after the requests that are under way.
    end: Notify,
    /// The connection's place among those that the listener takes.
    _place: Option<OwnedSemaphorePermit>,
}

const NEVER: u64 = u64::MAX;

impl Activity {
    pub(super) fn new(place: Option<OwnedSemaphorePermit>) -> Arc<Self> {
        Arc::new(Self {
            epoch: Instant::now(),
            requests: AtomicUsize::new(0),
            head_bytes: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
            head_since: AtomicU64::new(NEVER),
            read_by: AtomicU64::new(NEVER),
            read_by_changed: Notify::new(),
            end: Notify::new(),
            _place: place,
        })
    }

    /// A request whose head takes so many bytes, which may be left out where there is one at a time.
    pub(super) fn request(self: &Arc<Self>, head_bytes: usize) -> ActiveRequest {
        self.requests.fetch_add(1, Ordering::AcqRel);
        self.head_bytes.fetch_add(head_bytes, Ordering::AcqRel);
        ActiveRequest { activity: self.clone(), head_bytes }
    }

    /// Nothing has happened until now: the handshake's bytes are no request's.
    pub(super) fn start(&self) {
        self.idle_since.store(self.now(), Ordering::Release);
        self.head_since.store(NEVER, Ordering::Release);
    }

    fn bytes_came(&self) {
        if self.requests.load(Ordering::Acquire) == 0 && self.head_since.load(Ordering::Acquire) == NEVER {
            self.head_since.store(self.now(), Ordering::Release);
        }
    }

    /// A request's bytes may be on their way for long after it was answered: a connection that
    /// somebody reads from is not idle.
    fn bytes_went(&self) {
        if self.requests.load(Ordering::Acquire) == 0 {
            self.idle_since.store(self.now(), Ordering::Release);
        }
    }

    fn now(&self) -> u64 {
        self.epoch.elapsed().as_millis() as u64
    }

    pub(super) async fn end_asked(&self) {
        self.end.notified().await;
    }

    /// Resolves when there has been no request for `idle`, or a head has been under way for `head`.
    pub(super) async fn over(&self, idle: Duration, head: Option<Duration>) {
        let idle = idle.as_millis() as u64;
        let head = head.map_or(NEVER, |head| head.as_millis() as u64);
        loop {
            let now = self.now();
            let mut left = idle.min(head);
            if self.requests.load(Ordering::Acquire) == 0 {
                let idle_left = (self.idle_since.load(Ordering::Acquire) + idle).saturating_sub(now);
                let head_left = self.head_since.load(Ordering::Acquire).saturating_add(head).saturating_sub(now);
                left = left.min(idle_left).min(head_left);
            }
            if left == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(left)).await;
        }
    }

    /// HTTP/1.1: resolves when an answer has not been read in time.
    pub(super) async fn unread(&self) {
        loop {
            let left = self.read_by.load(Ordering::Acquire).saturating_sub(self.now());
            if left == 0 {
                return;
            }
            // Either way it may be another answer's by now.
            let _ = timeout(Duration::from_millis(left), self.read_by_changed.notified()).await;
        }
    }
}

/// A request on the connection, until its last byte.
pub(super) struct ActiveRequest {
    activity: Arc<Activity>,
    head_bytes: usize,
}

impl ActiveRequest {
    /// Asks for the end of the connection, after the requests that are under way.
    pub(super) fn end_connection(&self) {
        self.activity.end.notify_one();
    }

    /// What the heads of all requests on the connection take, this one's included.
    pub(super) fn all_head_bytes(&self) -> usize {
        self.activity.head_bytes.load(Ordering::Acquire)
    }

    /// The whole answer must have been read by then. HTTP/1.1 only: it has one answer at a time.
    pub(super) fn read_by(&self, time: std::time::Instant) {
        let time = Instant::from_std(time).saturating_duration_since(self.activity.epoch).as_millis() as u64;
        self.activity.read_by.store(time, Ordering::Release);
        self.activity.read_by_changed.notify_one();
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.activity.read_by.store(NEVER, Ordering::Release);
        self.activity.start();
        self.activity.head_bytes.fetch_sub(self.head_bytes, Ordering::AcqRel);
        self.activity.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A socket that notes when bytes come and go.
pub(super) struct Watched {
    stream: TcpStream,
    activity: Arc<Activity>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.activity.bytes_came();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.activity.bytes_went();
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, bytes))?;
        self.activity.bytes_went();
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(90);
    const HEAD: Duration = Duration::from_secs(32);

    /// Seconds until the connection is over, if `acts` happen (at a second each) and then nothing.
    async fn over_after(head: Option<Duration>, acts: impl Future<Output = ()>, activity: &Activity) -> u64 {
        let started = Instant::now();
        let over = activity.over(IDLE, head);
        // Checked at most an idle time late: the bounds are no clockwork.
        tokio::join!(acts, over);
        started.elapsed().as_secs()
    }

    async fn after(seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_over() {
        let activity = Activity::new(None);
        assert_eq!(over_after(Some(HEAD), async {}, &activity).await, 90);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_read_is_over_in_its_time() {
        let activity = Activity::new(None);
        let started = Instant::now();
        let acts = async {
            for (takes, allotted) in [(10, 60), (5, 8), (200, 20)] {
                let request = activity.request(0);
                request.read_by((Instant::now() + Duration::from_secs(allotted)).into_std());
                after(takes).await;
            }
        };
        tokio::select! {
            () = acts => panic!("the last answer was not read in its time"),
            () = activity.unread() => {}
        }
        assert_eq!(started.elapsed().as_secs(), 10 + 5 + 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_starts_the_time_anew() {
        let activity = Activity::new(None);
        let acts = async {
            let request = activity.request(0);
            after(200).await;
            drop(request);
        };
        assert_eq!(over_after(Some(HEAD), acts, &activity).await, 290);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_read_slowly_is_not_idle() {
        let activity = Activity::new(None);
        let acts = async {
            drop(activity.request(0));
            for _ in 0..4 {
                after(60).await;
                activity.bytes_went();
            }
        };
        assert_eq!(over_after(Some(HEAD), acts, &activity).await, 330);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_comes_byte_by_byte_is_over_sooner() {
        for (head, expected) in [(Some(HEAD), 42), (None, 90)] {
            let activity = Activity::new(None);
            let acts = async {
                for _ in 0..4 {
                    after(10).await;
                    activity.bytes_came();
                }
            };
            assert_eq!(over_after(head, acts, &activity).await, expected);
        }
    }
}
