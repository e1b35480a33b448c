//! Target: the endpoint that is checked, and what is known about it.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::finding::{Found, expect, not_here};
use crate::ours::{Program, Server};
use crate::sink::Sink;
use crate::wire::grpc::{Called, TRACES};
use crate::wire::http1::{Answer, exchange};
use crate::wire::http2::Http2;

/// What is checked.
#[derive(Debug, Default)]
pub struct Target {
    http: Option<SocketAddr>,
    grpc: Option<SocketAddr>,
    token: Option<String>,
    sink: Option<Sink>,
    ours: Option<(Program, Server)>,
    /// Held by checks whose requests are so large that two of them are an overload.
    large: Mutex<()>,
}

/// The content type of protobuf.
pub const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");
/// The content type of JSON.
pub const JSON: (&str, &str) = ("Content-Type", "application/json");
/// A packed body.
pub const GZIP: (&str, &str) = ("Content-Encoding", "gzip");

impl Target {
    /// An endpoint that runs already. It may forward what it takes to the sink.
    #[must_use]
    pub fn at(http: Option<SocketAddr>, grpc: Option<SocketAddr>) -> Target {
        Target { http, grpc, ..Target::default() }
    }

    /// The same with a bearer token.
    #[must_use]
    pub fn with_token(self, token: Option<String>) -> Target {
        Target { token, ..self }
    }

    /// The same with a place where it forwards to what it takes.
    #[must_use]
    pub fn with_sink(self, sink: Option<Sink>) -> Target {
        Target { sink, ..self }
    }

    /// Our own program, started now, forwarding to a sink.
    pub fn ours(program: Program) -> Found<Target> {
        let sink = Sink::start()?;
        // The bytes go on as they came, so that all of what was taken can be seen.
        let configuration = format!(
            "exporters:\n  otlphttp/sink:\n    endpoint: http://{}\n    compression: none\n    \
             scrub: \"off\"\n    signals: [traces, logs]\n",
            sink.address
        );
        let server = program.start(&configuration)?;
        let (http, grpc) = (Some(server.http), Some(server.grpc));
        let ours = Some((program, server));
        Ok(Target { http, grpc, sink: Some(sink), ours, ..Target::default() })
    }

    /// Waits until no other check sends large requests.
    pub fn large_requests(&self) -> MutexGuard<'_, ()> {
        self.large.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The HTTP port.
    pub fn http(&self) -> Found<SocketAddr> {
        self.http.map_or_else(|| not_here("no HTTP port was named"), Ok)
    }

    /// The gRPC port.
    pub fn grpc(&self) -> Found<SocketAddr> {
        self.grpc.map_or_else(|| not_here("no gRPC port was named"), Ok)
    }

    /// Where what was taken is forwarded to.
    pub fn sink(&self) -> Found<&Sink> {
        self.sink.as_ref().map_or_else(|| not_here("it does not forward to a sink of ours"), Ok)
    }

    /// The program, for servers that are set up otherwise.
    pub fn program(&self) -> Found<&Program> {
        let program = self.ours.as_ref().map(|(program, _)| program);
        program.map_or_else(|| not_here("it is not ours to set up"), Ok)
    }

    /// The server, where it is ours.
    pub fn server(&self) -> Found<&Server> {
        let server = self.ours.as_ref().map(|(_, server)| server);
        server.map_or_else(|| not_here("it is not ours to look into"), Ok)
    }

    /// Fails unless what holds these bytes was taken, as far as that can be seen.
    pub fn took(&self, what: &str, bytes: &[u8]) -> Found {
        let Some(sink) = &self.sink else { return Ok(()) };
        expect(sink.gets(bytes), || format!("{what} did not arrive where it is forwarded to"))
    }

    /// The bytes of a request, with the token.
    #[must_use]
    pub fn request(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let mut head = format!("{line} HTTP/1.1\r\n");
        let given = |name: &str| headers.iter().any(|it| it.0.eq_ignore_ascii_case(name));
        if !given("host") {
            head += "Host: localhost\r\n";
        }
        if let (Some(token), false) = (&self.token, given("authorization")) {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !given("transfer-encoding") && !given("content-length") {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        [head.as_bytes(), b"\r\n", body].concat()
    }

    /// Posts a body.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Found<Answer> {
        exchange(self.http()?, &self.request(&format!("POST {path}"), headers, body))
    }

    /// Posts traces as protobuf.
    pub fn post_traces(&self, body: &[u8]) -> Found<Answer> {
        self.post("/v1/traces", &[PROTOBUF], body)
    }

    /// Posts traces as JSON.
    pub fn post_json(&self, body: &str) -> Found<Answer> {
        self.post("/v1/traces", &[JSON], body.as_bytes())
    }

    /// Makes a call on a connection of its own.
    pub fn call(&self, path: &str, more: &[(&str, &str)], body: &[u8]) -> Found<Called> {
        let mut connection = Http2::open(self.grpc()?)?;
        self.call_on(&mut connection, path, more, body)
    }

    /// Makes a call with traces.
    pub fn call_traces(&self, more: &[(&str, &str)], body: &[u8]) -> Found<Called> {
        self.call(TRACES, more, body)
    }

    /// Makes a call on this connection.
    pub fn call_on(
        &self,
        connection: &mut Http2,
        path: &str,
        more: &[(&str, &str)],
        body: &[u8],
    ) -> Found<Called> {
        let bearer = self.bearer();
        let mut headers = more.to_vec();
        headers.extend(bearer.as_ref().map(|bearer| ("authorization", bearer.as_str())));
        connection.unary(path, &headers, body)
    }

    /// The value of `authorization`.
    #[must_use]
    pub fn bearer(&self) -> Option<String> {
        self.token.as_ref().map(|token| format!("Bearer {token}"))
    }
}
