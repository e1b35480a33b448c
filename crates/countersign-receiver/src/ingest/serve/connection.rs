//! One connection, from the TLS handshake to its end.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::Protocol;
use super::activity::{Activity, Lapse, Stream, Watched};
use crate::clock;
use crate::limits::{
    CONNECTION_AGE_GRACE_MS_MAX, CONNECTION_AGE_MS_MAX, CONNECTION_STREAMS_MAX, HANDSHAKE_MS_MAX,
    HEAD_BYTES_MAX, HEAD_MS_MAX, HEADERS_MAX, PING_ANSWER_MS_MAX, PING_MS,
};

/// Bytes that a sender may be ahead of us, on a stream and on a connection: enough for a fast
/// network, and little beside the budget of the whole.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// Larger than HTTP/2's 16 KiB, so that most bodies come in one piece and are not copied.
const FRAME_BYTES_MAX: u32 = 128 << 10;
/// How often a connection is looked at: what is closed for doing nothing is so much late.
const LOOK: Duration = Duration::from_millis(HEAD_MS_MAX / 4);

/// What the connections of one listener share.
pub(super) struct Speaker {
    builder: auto::Builder<TokioExecutor>,
    router: Router,
}

impl Speaker {
    pub(super) fn new(protocol: Protocol, router: Router) -> Speaker {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            // Heads and pauses are told apart by `Activity`.
            .header_read_timeout(None)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(CONNECTION_STREAMS_MAX)
            .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
            .max_frame_size(FRAME_BYTES_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .keep_alive_interval(Duration::from_millis(PING_MS))
            .keep_alive_timeout(Duration::from_millis(PING_ANSWER_MS_MAX));
        let builder = match protocol {
            Protocol::Any => builder,
            Protocol::Http2 => builder.http2_only(),
        };
        Speaker { builder, router }
    }

    /// One connection, to its end.
    pub(super) async fn speak(
        &self,
        stream: TcpStream,
        tls: Option<Arc<ServerConfig>>,
        mut stopped: watch::Receiver<bool>,
    ) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot send small answers at once");
        }
        let Some(stream) = shake_hands(stream, tls).await else { return };
        let activity = Activity::new();
        let (seen, router) = (Arc::clone(&activity), TowerToHyperService::new(self.router.clone()));
        let service = service_fn(move |request: Request<Incoming>| {
            let open = seen.begin();
            let answer = router.call(request);
            async move {
                Ok::<_, std::convert::Infallible>(answer.await?.map(|body| open.until_sent(body)))
            }
        });
        let bytes = TokioIo::new(Watched { stream, activity: Arc::clone(&activity) });
        let mut open = pin!(self.builder.serve_connection(bytes, service));
        let age_max = age_max();
        let mut looks = tokio::time::interval(LOOK);
        let mut closing = Closing::No;
        loop {
            tokio::select! {
                result = &mut open => {
                    if let Err(error) = result {
                        tracing::debug!(error, "a connection ended early");
                    }
                    return;
                }
                _ = stopped.wait_for(|stopped| *stopped), if closing != Closing::Stop => {
                    closing = Closing::Stop;
                    open.as_mut().graceful_shutdown();
                }
                _ = looks.tick(), if closing != Closing::Stop => {
                    match activity.lapse() {
                        Some(Lapse::Idle) if closing == Closing::No => {
                            closing = Closing::Idle;
                            open.as_mut().graceful_shutdown();
                        }
                        // It was told that it may go, and stays.
                        Some(Lapse::Idle | Lapse::Head | Lapse::Stall) => return,
                        None => {}
                    }
                    let over = activity.age().saturating_sub(age_max);
                    if over > Duration::from_millis(CONNECTION_AGE_GRACE_MS_MAX) {
                        return;
                    }
                    if !over.is_zero() && closing == Closing::No {
                        closing = Closing::Age;
                        open.as_mut().graceful_shutdown();
                    }
                }
            }
        }
    }
}

/// Why a connection was told to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    No,
    Idle,
    Age,
    Stop,
}

/// The stream after the handshake, if there is one to make; nothing if it failed.
async fn shake_hands(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> Option<Stream> {
    let Some(tls) = tls else { return Some(Stream::Plain(stream)) };
    let handshake = TlsAcceptor::from(tls).accept(stream);
    match tokio::time::timeout(Duration::from_millis(HANDSHAKE_MS_MAX), handshake).await {
        Ok(Ok(stream)) => Some(Stream::Tls(Box::new(stream))),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
        Err(_) => None,
    }
}

/// The age at which a connection is told to end, up to a tenth earlier or later: those that
/// came together do not all come back together.
fn age_max() -> Duration {
    let fifth = CONNECTION_AGE_MS_MAX / 5;
    let chance = clock::now() / 1_000 % fifth;
    Duration::from_millis(CONNECTION_AGE_MS_MAX - fifth / 2 + chance)
}
