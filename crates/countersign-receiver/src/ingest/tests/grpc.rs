//! OTLP and `countersign.v1` over gRPC.

use countersign_proto::v1;
use countersign_proto::v1::outcomes_client::OutcomesClient;
use countersign_proto::v1::verdicts_client::VerdictsClient;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{HALF_GOOD, Site, capture, gzip};
use crate::ingest::json::transcode;
use crate::limits::REQUEST_BYTES_MAX;
use countersign_core::dialect::Signal;

pub(super) const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

async fn channel(site: &Site) -> Channel {
    Endpoint::from_shared(format!("http://{}", site.grpc)).unwrap().connect().await.unwrap()
}

pub(super) fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag], &length[..], message].concat()
}

/// Sends a body as it is; gives headers, message and status.
pub(super) async fn send(
    site: &Site,
    path: &str,
    headers: &[(&'static str, &'static str)],
    body: Vec<u8>,
) -> (HeaderMap, Vec<u8>, Status) {
    let mut channel = channel(site).await;
    let mut request = Request::post(format!("http://{}{path}", site.grpc))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::new(Full::new(body.into())))
        .unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    std::future::poll_fn(|cx| GrpcService::<Body>::poll_ready(&mut channel, cx)).await.unwrap();
    let response = GrpcService::call(&mut channel, request).await.unwrap();
    let (parts, body) = response.into_parts();
    assert_eq!(parts.status, 200);
    let collected = body.collect().await.unwrap();
    let trailers = collected.trailers().cloned().unwrap_or_default();
    let status = Status::from_header_map(&trailers)
        .or_else(|| Status::from_header_map(&parts.headers))
        .expect("a status");
    (parts.headers, collected.to_bytes().to_vec(), status)
}

async fn code(site: &Site, headers: &[(&'static str, &'static str)], body: Vec<u8>) -> Code {
    send(site, TRACES, headers, body).await.2.code()
}

const GZIP: &[(&str, &str)] = &[("grpc-encoding", "gzip")];

#[tokio::test]
async fn good_requests_are_taken() {
    let site = Site::start().await;
    let spans = capture("otel-openai-v2-embeddings/traces-001.pb");
    let (headers, message, status) = send(&site, TRACES, &[], framed(0, &spans)).await;
    assert_eq!((status.code(), message), (Code::Ok, framed(0, &[])));
    assert_eq!(
        headers["countersign-position"].to_str().unwrap(),
        site.position().await.to_string()
    );
    assert_eq!(code(&site, GZIP, framed(1, &gzip(&spans))).await, Code::Ok);
    let members = [gzip(&spans[..100]), gzip(&spans[100..])].concat();
    assert_eq!(code(&site, GZIP, framed(1, &members)).await, Code::Ok);
    assert_eq!(code(&site, GZIP, framed(0, &spans)).await, Code::Ok);
    assert_eq!(code(&site, &[], framed(0, &[])).await, Code::Ok);
    let mut half_good = Vec::new();
    transcode(Signal::Traces, HALF_GOOD.as_bytes(), &mut half_good).unwrap();
    let (_, message, status) = send(&site, TRACES, &[], framed(0, &half_good)).await;
    assert_eq!(status.code(), Code::Ok);
    // partial_success = 1 { rejected_spans = 1: 1 … }
    assert_eq!((message[5], message[7], message[8]), (10, 8, 1));
    for path in [
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    ] {
        assert_eq!(send(&site, path, &[], framed(0, &[])).await.2.code(), Code::Ok);
    }
    site.close().await;
}

#[tokio::test]
async fn bad_requests_get_the_code_that_otlp_wants() {
    let site = Site::start().await;
    let (_, _, malformed) = send(&site, TRACES, &[], framed(0, &[0xff, 0xff])).await;
    assert_eq!(malformed.code(), Code::InvalidArgument);
    assert!(malformed.get_details_bad_request().is_some());
    let claimed = [&[0][..], &u32::try_from(REQUEST_BYTES_MAX + 1).unwrap().to_be_bytes()].concat();
    let (_, _, large) = send(&site, TRACES, &[], claimed).await;
    assert_eq!(large.code(), Code::ResourceExhausted);
    assert!(large.get_details_retry_info().is_none());
    let bomb = framed(1, &gzip(&vec![0; REQUEST_BYTES_MAX + 1]));
    assert_eq!(code(&site, GZIP, bomb).await, Code::ResourceExhausted);
    let (headers, _, unknown) =
        send(&site, TRACES, &[("grpc-encoding", "br")], framed(0, &[])).await;
    assert_eq!(unknown.code(), Code::Unimplemented);
    assert_eq!(headers["grpc-accept-encoding"], "identity,gzip");
    assert_eq!(code(&site, &[], framed(1, &gzip(&[]))).await, Code::Internal);
    assert_eq!(code(&site, &[], framed(2, &[])).await, Code::Internal);
    assert_eq!(code(&site, GZIP, framed(1, b"plain")).await, Code::InvalidArgument);
    let two = [framed(0, &[]), framed(0, &[])].concat();
    assert_eq!(code(&site, &[], two).await, Code::Internal);
    let short = framed(0, &[1, 2, 3]);
    assert_eq!(code(&site, &[], short[..6].to_vec()).await, Code::Internal);
    assert_eq!(code(&site, &[], vec![]).await, Code::Internal);
    for path in [
        "/opentelemetry.proto.collector.trace.v1.TraceService/Import",
        "/some.Service/Method",
        "//opentelemetry.proto.collector.trace.v1.TraceService/Export",
    ] {
        let status = send(&site, path, &[], framed(0, &[])).await.2;
        assert_eq!(status.code(), Code::Unimplemented, "{path}");
    }
    assert_eq!(site.position().await, 0);
    site.close().await;
}

#[tokio::test]
async fn verdicts_and_outcomes() {
    let site = Site::start().await;
    let mut verdicts = VerdictsClient::new(channel(&site).await);
    let verdict = v1::Verdict {
        task: "t1".into(),
        state: v1::Judgement::Accepted.into(),
        ..Default::default()
    };
    let request = v1::SubmitRequest { verdict: Some(verdict.clone()) };
    let answer = verdicts.submit(request).await.unwrap();
    assert_eq!(answer.metadata().get("countersign-position").unwrap(), "1");
    assert_eq!(answer.into_inner().position, 1);
    let bad = v1::Verdict { round: 20_000, ..verdict.clone() };
    let request = v1::SubmitBatchRequest { verdicts: vec![bad.clone(), verdict] };
    let answer = verdicts.submit_batch(request).await.unwrap().into_inner();
    assert_eq!((answer.accepted, answer.rejected.len()), (1, 1));
    assert_eq!(answer.rejected[0].error, "round: expected a whole number from 1 to 10000");
    let request = v1::SubmitRequest { verdict: Some(bad) };
    assert_eq!(verdicts.submit(request).await.unwrap_err().code(), Code::InvalidArgument);
    let request = v1::SubmitRequest { verdict: None };
    assert_eq!(verdicts.submit(request).await.unwrap_err().code(), Code::InvalidArgument);

    let task = "x".repeat(9 << 20);
    let request = v1::SubmitRequest { verdict: Some(v1::Verdict { task, ..Default::default() }) };
    assert_eq!(verdicts.submit(request).await.unwrap_err().code(), Code::ResourceExhausted);

    let mut outcomes = OutcomesClient::new(channel(&site).await);
    let totals = outcomes.get_totals(v1::GetTotalsRequest {}).await.unwrap().into_inner();
    assert_eq!(totals.cost_usd.unwrap().incurred, "0");
    let request = v1::GetTaskRequest { task: "nobody knows it".into() };
    assert_eq!(outcomes.get_task(request).await.unwrap_err().code(), Code::NotFound);
    let listed = outcomes.list_outcomes(v1::ListOutcomesRequest::default()).await.unwrap();
    assert!(listed.into_inner().total.is_some());
    site.close().await;
}

#[tokio::test]
async fn health_is_told() {
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;
    let site = Site::start().await;
    let mut health = HealthClient::new(channel(&site).await);
    for service in ["", "countersign.v1.Verdicts"] {
        let request = HealthCheckRequest { service: service.into() };
        assert_eq!(health.check(request).await.unwrap().into_inner().status, 1);
    }
    site.close().await;
}
