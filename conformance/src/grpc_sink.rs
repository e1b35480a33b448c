//! A destination over gRPC that answers as it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use countersign_receiver::clock;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tonic::codec::CompressionEncoding::Gzip;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// Gives what becomes of a call by its number, from 0.
type Script = dyn Fn(usize) -> Result<ExportTraceServiceResponse, Status> + Send + Sync;

/// The destination, on a free port.
#[derive(Debug)]
pub struct GrpcSink {
    /// Where it listens.
    pub address: SocketAddr,
    calls: Arc<Mutex<Vec<Instant>>>,
}

impl GrpcSink {
    /// Starts it.
    pub fn scripted(
        script: impl Fn(usize) -> Result<ExportTraceServiceResponse, Status> + Send + Sync + 'static,
    ) -> std::io::Result<GrpcSink> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let calls = Arc::new(Mutex::new(Vec::new()));
        let service = Scripted { script: Box::new(script), calls: Arc::clone(&calls) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                let service = TraceServiceServer::new(service).accept_compressed(Gzip);
                let server = Server::builder().add_service(service);
                let served = server.serve_with_incoming(TcpIncoming::from(listener)).await;
                served.map_err(std::io::Error::other)
            })
        });
        Ok(GrpcSink { address, calls })
    }

    /// When it was called.
    pub fn calls(&self) -> Vec<Instant> {
        self.calls.lock().expect("nobody panics with it").clone()
    }

    /// Waits until it was called so often; false if it is not in time.
    #[must_use]
    pub fn waits_for(&self, calls: usize) -> bool {
        let began = clock::instant();
        while began.elapsed() < Duration::from_secs(20) {
            if self.calls().len() >= calls {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

struct Scripted {
    script: Box<Script>,
    calls: Arc<Mutex<Vec<Instant>>>,
}

#[tonic::async_trait]
impl TraceService for Scripted {
    async fn export(
        &self,
        _: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let number = {
            let mut calls = self.calls.lock().expect("nobody panics with it");
            calls.push(clock::instant());
            calls.len() - 1
        };
        (self.script)(number).map(Response::new)
    }
}
