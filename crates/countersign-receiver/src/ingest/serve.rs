//! Serve: takes connections, gives each its limits, and lets them finish at a stop.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::limits::{
    CONNECTION_STREAMS_MAX, CONNECTIONS_MAX, HEAD_BYTES_MAX, HEADERS_MAX, IDLE_MS_MAX,
    PING_ANSWER_MS_MAX, PING_MS, STOP_MS_MAX,
};

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1 and HTTP/2.
    Any,
    /// HTTP/2 only: gRPC.
    Http2,
}

/// Bytes that a sender may be ahead of us, on a stream and on a connection: enough for a fast
/// network, and little beside the budget of the whole.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// Larger than HTTP/2's 16 KiB, so that most bodies come in one piece and are not copied.
const FRAME_BYTES_MAX: u32 = 128 << 10;
/// When connections cannot be taken, because the process has too many files open, others may
/// close soon.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Takes connections until `stop`, then lets open requests finish.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    protocol: Protocol,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let builder = Arc::new(builder(protocol));
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (stopping, _) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, stream) = tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            (slot, taken) = next => match taken {
                Ok((stream, _)) => (slot, stream),
                Err(error) => {
                    tracing::warn!(%error, "cannot take a connection");
                    tokio::time::sleep(BACK_OFF).await;
                    continue;
                }
            },
        };
        let (builder, router) = (Arc::clone(&builder), router.clone());
        let stopped = stopping.subscribe();
        connections.spawn(async move {
            connection(&builder, stream, router, stopped).await;
            drop(slot);
        });
    }
    drop(listener);
    stopping.send_replace(true);
    let finished = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(Duration::from_millis(STOP_MS_MAX), finished).await.is_err() {
        tracing::warn!(open = connections.len(), "closing connections that did not finish");
        connections.shutdown().await;
    }
    Ok(())
}

fn builder(protocol: Protocol) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(IDLE_MS_MAX))
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
    match protocol {
        Protocol::Any => builder,
        Protocol::Http2 => builder.http2_only(),
    }
}

/// One connection, to its end. One that begins no request in time is closed, whatever it sent
/// before.
async fn connection(
    builder: &auto::Builder<TokioExecutor>,
    stream: TcpStream,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot send small answers at once");
    }
    let begun = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&begun);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        seen.store(true, Ordering::Relaxed);
        router.call(request)
    });
    let mut open = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let idle = tokio::time::sleep(Duration::from_millis(IDLE_MS_MAX));
    let mut idle = pin!(idle);
    let mut waiting = true;
    let mut closing = false;
    loop {
        tokio::select! {
            result = &mut open => {
                if let Err(error) = result {
                    tracing::debug!(error, "a connection ended early");
                }
                return;
            }
            () = &mut idle, if waiting => {
                if !begun.load(Ordering::Relaxed) {
                    return;
                }
                waiting = false;
            }
            _ = stopped.wait_for(|stopped| *stopped), if !closing => {
                closing = true;
                open.as_mut().graceful_shutdown();
            }
        }
    }
}
