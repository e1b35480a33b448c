//! The ports: where each one listens, its TLS, and that none is open to others by accident.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::section::{Reading, Section};
use super::units;
use crate::access::tls::{MinVersion, TlsFiles};

/// Where to listen. Port 0 takes a free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// OTLP and `countersign.v1` over gRPC.
    pub grpc: SocketAddr,
    /// OTLP over HTTP, `/v1/verdicts` and hooks.
    pub http: SocketAddr,
    /// Pages, `/metrics`, health and the API.
    pub operator: SocketAddr,
}

impl Default for Listen {
    fn default() -> Listen {
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Listen { grpc: loopback(4317), http: loopback(4318), operator: loopback(4319) }
    }
}

/// How a port is reached, beside its address.
#[derive(Clone, Debug, Default)]
pub struct Door {
    /// Its TLS, if it has any.
    pub tls: Option<TlsFiles>,
    /// Whether it may be open to others all the same.
    pub insecure: bool,
    /// Names by which browsers may call it, beside those of loopback. Only the operator port
    /// asks for a name.
    pub hosts: Vec<String>,
}

/// The doors of all three ports.
#[derive(Clone, Debug, Default)]
pub struct Doors {
    /// OTLP and `countersign.v1` over gRPC.
    pub grpc: Door,
    /// OTLP over HTTP, `/v1/verdicts` and hooks.
    pub http: Door,
    /// Pages, `/metrics`, health and the API.
    pub operator: Door,
}

/// What `reload_interval` is if it is not given.
const RELOAD_INTERVAL: Duration = Duration::from_secs(10);

/// Reads the section of one listener.
pub(super) fn listener(section: Option<Section<'_>>, address: &mut SocketAddr) -> Door {
    let Some(mut section) = section else { return Door::default() };
    let parsed = section.read("endpoint", units::ADDRESS, |text| units::address(text).ok());
    *address = parsed.unwrap_or(*address);
    let insecure = section.read("insecure", "true or false", units::truth).unwrap_or(false);
    let tls = section.section("tls").and_then(tls);
    let name = |text: &str| (!text.is_empty()).then(|| text.to_ascii_lowercase());
    let hosts = section.list("hosts", "a host's name", name).unwrap_or_default();
    let auth = "credentials are the same on all ports: put them under countersign.credentials";
    section.refuse("auth", auth);
    section.end();
    Door { tls, insecure, hosts }
}

fn tls(mut section: Section<'_>) -> Option<TlsFiles> {
    let cert_file = section.read("cert_file", "a file", units::path);
    let key_file = section.read("key_file", "a file", units::path);
    for (key, there) in [("cert_file", &cert_file), ("key_file", &key_file)] {
        if there.is_none() && !section.has(key) {
            section.mistake(key, "is missing: TLS needs a certificate and its key");
        }
    }
    let client_ca_file = section.read("client_ca_file", "a file", units::path);
    let version = section.read("min_version", "1.2 or 1.3", |text| match text {
        "1.2" => Some(MinVersion::Tls12),
        "1.3" => Some(MinVersion::Tls13),
        _ => None,
    });
    let interval = section.read("reload_interval", units::DURATION, units::some_duration);
    section.end();
    Some(TlsFiles {
        cert_file: cert_file?,
        key_file: key_file?,
        client_ca_file,
        min_version: version.unwrap_or_default(),
        reload_interval: interval.unwrap_or(RELOAD_INTERVAL),
    })
}

/// Off loopback anybody who reaches a listener could write telemetry and verdicts, and who is on
/// the way could read them: it needs TLS, and credentials or clients' certificates.
pub(super) fn refuse_open(
    reading: &Reading<'_>,
    listen: &Listen,
    doors: &Doors,
    has_credentials: bool,
) {
    let listeners = [
        ("receivers.otlp.protocols.grpc", listen.grpc, &doors.grpc),
        ("receivers.otlp.protocols.http", listen.http, &doors.http),
        ("countersign.operator", listen.operator, &doors.operator),
    ];
    for (key, address, door) in listeners {
        let tls = door.tls.as_ref();
        let known = has_credentials || tls.is_some_and(|tls| tls.client_ca_file.is_some());
        if address.ip().is_loopback() || door.insecure || (tls.is_some() && known) {
            continue;
        }
        let mut text = match (tls.is_some(), known) {
            (true, _) => format!("{address} is open to others without credentials. Add\n"),
            (_, true) => format!("{address} is open to others without TLS. Add\n"),
            (false, false) => {
                format!("{address} is open to others without TLS and credentials. Add\n")
            }
        };
        if tls.is_none() {
            text.push_str("tls: { cert_file: server.crt, key_file: server.key }   # here\n");
        }
        if !known {
            text.push_str(
                "credentials: …   # under countersign: what `countersign token NAME` prints\n",
            );
        }
        text.push_str("or, behind a proxy or a Collector that has both, one of\n");
        text.push_str(&format!("endpoint: 127.0.0.1:{}\n", address.port()));
        text.push_str("insecure: true   # whoever reaches this address may write and read");
        reading.mistake(None, key, text);
    }
}
