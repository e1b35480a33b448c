//! The connection to one destination: OTLP over gRPC or HTTP, of requests that are bytes already.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Buf, BufMut, Bytes};
use countersign_core::dialect::Signal;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, header};
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Status};

use super::answer::{Answer, Reason, refused};
use crate::clock;
use crate::config::{Destination, Protocol};
use crate::limits::{CONNECTION_AGE_MAX, DESTINATION_RESPONSE_BYTES_MAX};

const USER_AGENT: &str = concat!("countersign/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that is quiet for so long is asked whether it still is one.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long that may take.
const KEEP_ALIVE_ANSWER: Duration = Duration::from_secs(10);

/// A destination that requests can be sent to. It connects when there is something to send, and
/// anew every [`CONNECTION_AGE_MAX`] and after every request without an answer: only a new
/// connection asks for the name's address again, and one that is half open never tells.
pub(super) struct Wire {
    destination: Destination,
    certificates: Option<Vec<u8>>,
    connected: Mutex<Connected>,
    headers: HeaderMap,
}

struct Connected {
    transport: Transport,
    since: Instant,
}

#[derive(Clone)]
enum Transport {
    Grpc(Channel),
    Http { client: reqwest::Client, endpoint: String },
}

impl Wire {
    /// Prepares the connection.
    ///
    /// # Errors
    /// If the endpoint is no URL or the certificates cannot be read.
    pub(super) fn to(destination: &Destination) -> anyhow::Result<Wire> {
        let certificates = match &destination.ca_file {
            Some(path) => Some(std::fs::read(path).map_err(|error| {
                anyhow::anyhow!("cannot read the certificates in {}: {error}", path.display())
            })?),
            None => None,
        };
        let transport = connect(destination, certificates.clone())?;
        Ok(Wire {
            destination: destination.clone(),
            certificates,
            connected: Mutex::new(Connected { transport, since: clock::instant() }),
            headers: destination.headers.iter().cloned().collect(),
        })
    }

    /// Sends one request and waits for its answer.
    pub(super) async fn send(&self, signal: Signal, request: Bytes) -> Answer {
        let sent = async {
            match self.transport() {
                Transport::Grpc(channel) => self.send_grpc(channel, signal, request).await,
                Transport::Http { client, endpoint } => {
                    self.send_http(&client, &endpoint, signal, request).await
                }
            }
        };
        let late = Answer::Later { why: Reason::TimedOut, after: None };
        let timeout = self.destination.timeout;
        let answer = tokio::time::timeout(timeout, sent).await.unwrap_or(late);
        if matches!(answer, Answer::Later { why: Reason::TimedOut | Reason::Unreachable, .. }) {
            self.connect_anew();
        }
        answer
    }

    fn transport(&self) -> Transport {
        let connected = self.connected.lock().unwrap_or_else(PoisonError::into_inner);
        if connected.since.elapsed() < CONNECTION_AGE_MAX {
            return connected.transport.clone();
        }
        drop(connected);
        self.connect_anew();
        self.connected.lock().unwrap_or_else(PoisonError::into_inner).transport.clone()
    }

    /// The next request goes over a connection of its own.
    fn connect_anew(&self) {
        // It could be prepared before with the same arguments; if not now, the old one stays.
        if let Ok(transport) = connect(&self.destination, self.certificates.clone()) {
            let mut connected = self.connected.lock().unwrap_or_else(PoisonError::into_inner);
            *connected = Connected { transport, since: clock::instant() };
        }
    }

    async fn send_grpc(&self, channel: Channel, signal: Signal, message: Bytes) -> Answer {
        let mut client = tonic::client::Grpc::new(channel)
            .max_decoding_message_size(DESTINATION_RESPONSE_BYTES_MAX);
        if self.destination.gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let mut request = tonic::Request::new(message);
        *request.metadata_mut() = MetadataMap::from_headers(self.headers.clone());
        request.set_timeout(self.destination.timeout);
        if client.ready().await.is_err() {
            return Answer::Later { why: Reason::Unreachable, after: None };
        }
        let path = PathAndQuery::from_static(grpc_path(signal));
        match client.unary(request, path, Plain).await {
            Ok(response) => Answer::Taken { refused: refused(&response.into_inner()) },
            // Without metadata the status is tonic's own: the connection failed or broke.
            Err(status) if status.code() == Code::Unavailable && status.metadata().is_empty() => {
                Answer::Later { why: Reason::Unreachable, after: None }
            }
            // So is this one: the deadline passed here before the answer came.
            Err(status) if status.code() == Code::Cancelled && status.metadata().is_empty() => {
                Answer::Later { why: Reason::TimedOut, after: None }
            }
            Err(status) => Answer::of_status(&status),
        }
    }

    async fn send_http(
        &self,
        client: &reqwest::Client,
        endpoint: &str,
        signal: Signal,
        message: Bytes,
    ) -> Answer {
        let mut request = client
            .post(format!("{endpoint}{}", http_path(signal)))
            .headers(self.headers.clone())
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        request = if self.destination.gzip {
            request.header(header::CONTENT_ENCODING, "gzip").body(gzip(&message))
        } else {
            request.body(message)
        };
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_timeout() => {
                return Answer::Later { why: Reason::TimedOut, after: None };
            }
            Err(_) => return Answer::Later { why: Reason::Unreachable, after: None },
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        // The status says what became of the request; a body that is cut off says no less.
        while let Ok(Some(chunk)) = response.chunk().await {
            if body.len() + chunk.len() > DESTINATION_RESPONSE_BYTES_MAX {
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Answer::of_http(status, &headers, &body, clock::now() / 1_000_000_000)
    }
}

fn connect(destination: &Destination, certificates: Option<Vec<u8>>) -> anyhow::Result<Transport> {
    Ok(match destination.protocol {
        Protocol::Grpc => Transport::Grpc(channel(&destination.endpoint, certificates)?),
        Protocol::HttpProtobuf => Transport::Http {
            client: client(certificates, destination.timeout)?,
            endpoint: destination.endpoint.clone(),
        },
    })
}

fn channel(endpoint: &str, certificates: Option<Vec<u8>>) -> anyhow::Result<Channel> {
    let mut builder = Endpoint::from_shared(endpoint.to_owned())?
        .user_agent(USER_AGENT)?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_ANSWER)
        .tcp_keepalive(Some(KEEP_ALIVE))
        .tcp_nodelay(true);
    if endpoint.starts_with("https://") {
        let tls = match certificates {
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        builder = builder.tls_config(tls)?;
    }
    Ok(builder.connect_lazy())
}

fn client(certificates: Option<Vec<u8>>, timeout: Duration) -> anyhow::Result<reqwest::Client> {
    // Another part of the program may have installed the same provider already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .tcp_keepalive(KEEP_ALIVE)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    if let Some(pem) = certificates {
        builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(&pem)?);
    }
    Ok(builder.build()?)
}

fn gzip(message: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(message.len() / 4), Compression::fast());
    encoder.write_all(message).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

const fn grpc_path(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    }
}

const fn http_path(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "/v1/traces",
        Signal::Logs => "/v1/logs",
        Signal::Metrics => "/v1/metrics",
    }
}

/// Messages as they are: the relay never takes a request apart.
#[derive(Clone, Copy)]
struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Plain;
    type Decoder = Plain;

    fn encoder(&mut self) -> Plain {
        Plain
    }

    fn decoder(&mut self) -> Plain {
        Plain
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
