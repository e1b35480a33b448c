//! Activity: what a connection does, so that one that does nothing can be closed.
//!
//! A head that comes slowly and a pause between requests have limits of their own, and the
//! server below sees only one of them: so the bytes are watched on their way to it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::clock;
use crate::limits::{HEAD_MS_MAX, IDLE_MS_MAX, STALL_MS_MAX};

/// How an HTTP/2 connection begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What is known of one connection. Times are milliseconds since it began.
#[derive(Debug)]
pub(super) struct Activity {
    began: Instant,
    /// Requests that are not answered to their end.
    requests: AtomicUsize,
    /// When the last of them ended.
    quiet_since: AtomicU64,
    /// When the first byte after that came, and 1 more; 0 if none did.
    head_since: AtomicU64,
    /// When any byte went any way.
    moved: AtomicU64,
    /// How much of [`PREFACE`] came.
    preface: AtomicUsize,
    /// Whether the first bytes were anything else.
    is_http1: AtomicBool,
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lapse {
    /// A request's head did not come in time.
    Head,
    /// No request came for too long.
    Idle,
    /// A request is open, and nothing moves.
    Stall,
}

impl Activity {
    pub(super) fn new() -> Arc<Activity> {
        Arc::new(Activity {
            began: clock::instant(),
            requests: AtomicUsize::new(0),
            quiet_since: AtomicU64::new(0),
            head_since: AtomicU64::new(0),
            moved: AtomicU64::new(0),
            preface: AtomicUsize::new(0),
            is_http1: AtomicBool::new(false),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// How long the connection has been there.
    pub(super) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// A request has begun: its head is there. It is open until the answer's end.
    pub(super) fn begin(self: &Arc<Activity>) -> Request {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
        Request(Arc::clone(self))
    }

    /// Whether the connection has been waited for long enough.
    pub(super) fn lapse(&self) -> Option<Lapse> {
        self.lapse_at(self.now())
    }

    fn lapse_at(&self, now: u64) -> Option<Lapse> {
        let read = |time: &AtomicU64| time.load(Ordering::Relaxed);
        if self.requests.load(Ordering::Relaxed) > 0 {
            return (now >= read(&self.moved).saturating_add(STALL_MS_MAX)).then_some(Lapse::Stall);
        }
        let quiet_since = read(&self.quiet_since);
        let head_since = match read(&self.head_since) {
            // Over HTTP/2 heads are frames among others: any quiet connection is idle.
            _ if self.preface.load(Ordering::Relaxed) == PREFACE.len() => None,
            // Who connects has something to say.
            0 if quiet_since == 0 => Some(0),
            0 => None,
            since => Some(since - 1),
        };
        if head_since.is_some_and(|since| now >= since.saturating_add(HEAD_MS_MAX)) {
            return Some(Lapse::Head);
        }
        (now >= quiet_since.saturating_add(IDLE_MS_MAX)).then_some(Lapse::Idle)
    }

    fn has_read(&self, bytes: &[u8]) {
        let now = self.now();
        self.moved.store(now, Ordering::Relaxed);
        if self.requests.load(Ordering::Relaxed) == 0
            && self.head_since.load(Ordering::Relaxed) == 0
        {
            self.head_since.store(now + 1, Ordering::Relaxed);
        }
        if !self.is_http1.load(Ordering::Relaxed) {
            self.compare_preface(bytes);
        }
    }

    fn compare_preface(&self, bytes: &[u8]) {
        let seen = self.preface.load(Ordering::Relaxed);
        let due = PREFACE.get(seen..).unwrap_or_default();
        let length = due.len().min(bytes.len());
        if bytes.get(..length) == due.get(..length) {
            self.preface.store(seen + length, Ordering::Relaxed);
        } else {
            self.is_http1.store(true, Ordering::Relaxed);
        }
    }
}

/// An open request.
#[derive(Debug)]
pub(super) struct Request(Arc<Activity>);

impl Request {
    /// Keeps the request open until its answer's body is gone.
    pub(super) fn until_sent(self, body: Body) -> Answer {
        Answer { body, _open: self }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let now = self.0.now();
        // The time first: who sees no request must not see the pause before it.
        self.0.quiet_since.store(now.max(1), Ordering::Relaxed);
        self.0.moved.store(now, Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::Release);
    }
}

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Answer {
    body: Body,
    _open: Request,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection's bytes, in plaintext or out of TLS, watched.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) stream: Stream,
    pub(super) activity: Arc<Activity>,
}

/// A socket with or without TLS.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        let read = buffer.filled().get(before..).unwrap_or_default();
        if !read.is_empty() {
            self.activity.has_read(read);
        }
        polled
    }
}

impl Watched {
    fn has_written(&self, polled: &Poll<io::Result<usize>>) {
        if matches!(polled, Poll::Ready(Ok(1..))) {
            self.activity.moved.store(self.activity.now(), Ordering::Relaxed);
        }
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        };
        self.has_written(&polled);
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        };
        self.has_written(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(what: &AtomicU64, ms: u64) {
        what.store(ms, Ordering::Relaxed);
    }

    #[test]
    fn heads_and_pauses_have_limits_of_their_own() {
        let fresh = Activity::new();
        assert_eq!(fresh.lapse_at(HEAD_MS_MAX - 1), None);
        assert_eq!(fresh.lapse_at(HEAD_MS_MAX), Some(Lapse::Head));

        // A request came and was answered at 5 s.
        let used = Activity::new();
        used.has_read(b"POST /v1/traces");
        drop(used.begin());
        at(&used.quiet_since, 5_000);
        assert_eq!(used.lapse_at(5_000 + IDLE_MS_MAX - 1), None);
        assert_eq!(used.lapse_at(5_000 + IDLE_MS_MAX), Some(Lapse::Idle));
        // The next head begins at 20 s.
        used.has_read(b"P");
        at(&used.head_since, 20_001);
        assert_eq!(used.lapse_at(20_000 + HEAD_MS_MAX - 1), None);
        assert_eq!(used.lapse_at(20_000 + HEAD_MS_MAX), Some(Lapse::Head));
        // It is there, and its answer does not move.
        let open = used.begin();
        at(&used.moved, 30_000);
        assert_eq!(used.lapse_at(30_000 + STALL_MS_MAX - 1), None);
        assert_eq!(used.lapse_at(30_000 + STALL_MS_MAX), Some(Lapse::Stall));
        drop(open);
        assert_eq!(used.lapse(), None);
    }

    #[test]
    fn http2_may_wait_before_its_first_request() {
        let whole = Activity::new();
        whole.has_read(&PREFACE[..5]);
        assert_eq!(whole.lapse_at(HEAD_MS_MAX + 1_000), Some(Lapse::Head));
        whole.has_read(&PREFACE[5..]);
        whole.has_read(b"settings");
        assert_eq!(whole.lapse_at(HEAD_MS_MAX + 1_000), None);
        assert_eq!(whole.lapse_at(IDLE_MS_MAX), Some(Lapse::Idle));
        let other = Activity::new();
        other.has_read(b"PRI * HTTP/2.1");
        other.has_read(PREFACE);
        assert_eq!(other.lapse_at(HEAD_MS_MAX + 1_000), Some(Lapse::Head));
    }
}
