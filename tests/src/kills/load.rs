//! Load: clients that send what was never sent before, until the program does not answer.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use tonic::Code;
use tonic::transport::Channel;

use super::oracle::{Oracle, Unit, spans, verdict};
use crate::otlp::request;
use crate::server::Server;

/// What a client is allowed to send in one life of the program: the journal is read again at
/// each start, and a thousand starts should not read a million tasks.
const TASKS_PER_LIFE: usize = 24;

/// How a request fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Taken,
    /// Send it again later.
    Busy,
    /// Nobody knows.
    None,
}

/// A client over HTTP: tasks, and a verdict on every other of them.
pub(super) fn over_http(oracle: &Oracle, server: &Server) {
    for _ in 0..TASKS_PER_LIFE {
        let number = oracle.fresh();
        let mut units = vec![Unit::Work(number)];
        if number.is_multiple_of(2) {
            // A verdict may come before the work that it judges.
            units.insert(usize::from(number.is_multiple_of(4)), Unit::Verdict(number));
        }
        for unit in units {
            if send(oracle, unit, || post(server, unit)) == Answer::None {
                return;
            }
        }
    }
}

/// A client over gRPC: tasks without verdicts.
pub(super) fn over_grpc(oracle: &Oracle, server: &Server) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let channel = Channel::from_shared(format!("http://{}", server.grpc)).unwrap();
    let Ok(channel) = runtime.block_on(channel.connect()) else { return };
    for _ in 0..TASKS_PER_LIFE {
        let number = oracle.fresh();
        let mut client = TraceServiceClient::new(channel.clone());
        let bytes = request(spans(number));
        let body = ExportTraceServiceRequest::decode(&*bytes).unwrap();
        let export = || match runtime.block_on(client.export(body.clone())) {
            Ok(_) => Answer::Taken,
            Err(status) if status.code() == Code::Unavailable && !status.metadata().is_empty() => {
                Answer::Busy
            }
            Err(_) => Answer::None,
        };
        if send(oracle, Unit::Work(number), export) == Answer::None {
            return;
        }
    }
}

/// Sends once more what got no answer; all of it must be taken now.
pub(super) fn again(oracle: &Oracle, server: &Server) {
    for unit in oracle.unknown() {
        assert_eq!(send(oracle, unit, || post(server, unit)), Answer::Taken, "{unit:?}");
    }
}

fn send(oracle: &Oracle, unit: Unit, mut attempt: impl FnMut() -> Answer) -> Answer {
    oracle.sends(unit);
    loop {
        match attempt() {
            Answer::Taken => {
                oracle.acknowledged(unit);
                return Answer::Taken;
            }
            Answer::Busy => {
                oracle.refused();
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            Answer::None => return Answer::None,
        }
    }
}

fn post(server: &Server, unit: Unit) -> Answer {
    let (path, content_type, body) = match unit {
        Unit::Work(number) => ("/v1/traces", "application/x-protobuf", request(spans(number))),
        Unit::Verdict(number) => {
            ("/v1/verdicts", "application/json", verdict(number).to_string().into_bytes())
        }
    };
    match server.try_post(path, content_type, body) {
        Ok(answer) if answer.status().is_success() => Answer::Taken,
        Ok(answer) if answer.status() == 503 => Answer::Busy,
        Ok(answer) => panic!("{unit:?}: {}", answer.status()),
        Err(_) => Answer::None,
    }
}
