//! The three ports: bound before anything is said to be ready, and announced with what they
//! really are.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::current::Current;
use super::files::Room;
use crate::command::printed;
use crate::config::{Config, Listen};
use crate::ingest::{Port, Slots};
use crate::logs;
use crate::publish::operator::Operator;
use crate::publish::own::Own;
use crate::publish::page::Setting;

/// Ports that are open and not served yet.
pub(super) struct Listeners {
    pub(super) grpc: Port,
    pub(super) http: Port,
    pub(super) operator: Port,
}

/// Where the program listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) grpc: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) operator: SocketAddr,
}

impl Listeners {
    /// Opens the ports.
    pub(super) async fn bind(
        listen: &Listen,
        current: &Current,
        room: Room,
    ) -> anyhow::Result<Listeners> {
        let Room { ingest, operator } = room;
        let grpc = bind("--grpc", listen.grpc).await?;
        let http = bind("--http", listen.http).await?;
        let pages = bind("--operator", listen.operator).await?;
        Ok(Listeners {
            grpc: Port { listener: grpc, tls: current.grpc_tls(), slots: ingest.clone() },
            http: Port { listener: http, tls: current.http_tls(), slots: ingest },
            operator: Port { listener: pages, tls: current.operator_tls(), slots: operator },
        })
    }

    /// Their connections, for metrics.
    pub(super) fn connections(&self) -> Vec<(&'static str, Slots)> {
        vec![("ingest", self.http.slots.clone()), ("operator", self.operator.slots.clone())]
    }

    /// What they really are, where port 0 was asked for.
    pub(super) fn addresses(&self) -> std::io::Result<Addresses> {
        Ok(Addresses {
            grpc: self.grpc.listener.local_addr()?,
            http: self.http.listener.local_addr()?,
            operator: self.operator.listener.local_addr()?,
        })
    }
}

async fn bind(flag: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: choose another address with {flag} ADDR")
    })
}

impl Addresses {
    /// What the operator port is told of them.
    pub(super) fn operator_port(
        &self,
        config: &Config,
        current: &Current,
        ready: watch::Receiver<bool>,
        own: Arc<Own>,
    ) -> Operator {
        let Addresses { grpc, http, operator } = *self;
        let listen = Listen { grpc, http, operator };
        let setting = Setting { purpose: config.purpose.clone(), listen };
        Operator {
            setting,
            trace_url: config.trace_url.clone(),
            hosts: config.doors.operator.hosts.clone(),
            ready,
            access: current.access(),
            own,
        }
    }

    /// One line on stdout that says where to find what.
    ///
    /// # Errors
    /// Stdout cannot be written.
    pub(crate) fn announce(&self, format: logs::Format) -> anyhow::Result<()> {
        let Addresses { grpc, http, operator } = self;
        match format {
            logs::Format::Text => printed::line(format_args!(
                "countersign is ready: OTLP on {grpc} (gRPC) and {http} (HTTP), \
                 pages on http://{operator}"
            )),
            logs::Format::Json => {
                let addresses = [grpc, http, operator].map(ToString::to_string);
                let [grpc, http, operator] = addresses;
                let ready =
                    json!({"listening": {"grpc": grpc, "http": http, "operator": operator}});
                printed::line(format_args!("{ready}"))
            }
        }
    }
}
