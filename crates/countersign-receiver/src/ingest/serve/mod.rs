//! Serve: takes connections, gives each its limits, and lets them finish at a stop.

mod activity;
mod connection;
mod slots;

pub use slots::Slots;

use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::slots::Slot;
use crate::limits::STOP_MS_MAX;

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1 and HTTP/2.
    Any,
    /// HTTP/2 only: gRPC.
    Http2,
}

/// The TLS of a listener, if it has one: read anew for each connection.
pub type Tls = watch::Receiver<Option<Arc<ServerConfig>>>;

/// An open listener, and what its connections pass before they may say anything.
#[derive(Debug)]
pub struct Port {
    /// The socket.
    pub listener: TcpListener,
    /// Its TLS; `None` in it is plaintext.
    pub tls: Tls,
    /// How many connections there may be.
    pub slots: Slots,
}

impl From<TcpListener> for Port {
    /// A port without TLS and with limits of its own.
    fn from(listener: TcpListener) -> Port {
        // A receiver keeps the last value when its sender is gone.
        Port { listener, tls: watch::channel(None).1, slots: Slots::default() }
    }
}

/// When connections cannot be taken, because the process has too many files open, others may
/// close soon.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Takes connections until `stop`, then lets open requests finish.
pub(super) async fn serve(
    port: Port,
    router: Router,
    protocol: Protocol,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let Port { listener, tls, slots } = port;
    let speaker = Arc::new(connection::Speaker::new(protocol, router));
    let (stopping, _) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    let mut failing = false;
    loop {
        let taken = tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            taken = take(&listener, &slots) => taken,
        };
        match taken {
            Ok((stream, from, slot)) => {
                failing = false;
                let Some(slot) = slot else {
                    tracing::debug!(%from, "too many connections from one address");
                    continue;
                };
                let speaker = Arc::clone(&speaker);
                let (tls, stopped) = (tls.borrow().clone(), stopping.subscribe());
                connections.spawn(async move {
                    speaker.speak(stream, tls, stopped).await;
                    drop(slot);
                });
            }
            Err(error) => {
                // Once, not ten times a second: the log is on a disk as well.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "cannot take connections for now");
                }
                tokio::time::sleep(BACK_OFF).await;
            }
        }
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

/// The next connection, once there is room for one; no slot if its address has too many.
async fn take(
    listener: &TcpListener,
    slots: &Slots,
) -> io::Result<(TcpStream, IpAddr, Option<Slot>)> {
    let room = slots.room().await;
    let (stream, address) = listener.accept().await?;
    let from = address.ip().to_canonical();
    Ok((stream, from, room.of(from)))
}
