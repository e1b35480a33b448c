//! The demonstration's fleet: a few agents that work through tasks without end, and the people
//! and systems that judge them a little later. Models are stand-ins that only take their time;
//! everything else is real: the instrumentation crate, its pipelines, the sockets.

mod random;
mod story;
mod work;
mod workflows;

use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::limits;
use random::Random;
use story::Story;
use work::Crew;

/// The world that every demonstration lives through.
const SEED: u64 = 0xc0de_2026;

/// Milliseconds from one task to the next.
const PACE_MS: std::ops::Range<u64> = 220..480;

/// Lets the fleet work until `stop` becomes true or its sender is gone. What it has to tell goes
/// to `otlp_endpoint`, the base URL of an OTLP receiver over HTTP, such as
/// `http://127.0.0.1:4318`.
///
/// # Errors
/// If the pipelines to the receiver cannot be set up.
pub async fn run(otlp_endpoint: String, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let crew = tokio::task::spawn_blocking(move || Crew::hire(&otlp_endpoint))
        .await
        .context("the demonstration's fleet did not start")??;
    let mut pace = Random::new(SEED, u64::MAX);
    let mut open = JoinSet::new();
    for number in 0.. {
        let idle = Duration::from_millis(pace.within(PACE_MS));
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            () = sleep(idle) => {}
        }
        while open.try_join_next().is_some() {}
        if open.len() < limits::FLEET_TASKS_OPEN_MAX {
            open.spawn(crew.live(number, Story::tell(SEED, number)));
        }
    }
    // What is not finished is cancelled, as in any agent that is shut down.
    open.shutdown().await;
    tokio::task::spawn_blocking(move || crew.dismiss())
        .await
        .context("the demonstration's fleet did not stop")
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Bytes;
    use axum::routing::post;
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use prost::Message as _;
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::*;

    /// What the fleet's receiver sees first of each kind.
    enum Seen {
        Spans(usize),
        Verdicts(usize),
    }

    /// A receiver that counts. It answers on a port of its own.
    async fn receiver() -> (String, mpsc::Receiver<Seen>, JoinSet<()>) {
        let (tell, seen) = mpsc::channel(64);
        let tell_of_verdicts = tell.clone();
        let router = Router::new()
            .route(
                "/v1/traces",
                post(async move |body: Bytes| {
                    let request = ExportTraceServiceRequest::decode(body).unwrap();
                    let scopes = request.resource_spans.iter().flat_map(|r| &r.scope_spans);
                    let count = scopes.map(|scope| scope.spans.len()).sum();
                    tell.send(Seen::Spans(count)).await.ok();
                }),
            )
            .route(
                "/v1/logs",
                post(async move |body: Bytes| {
                    let request = ExportLogsServiceRequest::decode(body).unwrap();
                    let scopes = request.resource_logs.iter().flat_map(|r| &r.scope_logs);
                    let count = scopes.map(|scope| scope.log_records.len()).sum();
                    tell_of_verdicts.send(Seen::Verdicts(count)).await.ok();
                }),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        (endpoint, seen, serving)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn spans_and_then_verdicts_arrive_and_the_fleet_stops_when_told() {
        crate::command::use_tls_of_ring();
        let (endpoint, mut seen, _serving) = receiver().await;
        let (stop, stopped) = watch::channel(false);
        let mut fleet = JoinSet::new();
        fleet.spawn(run(endpoint, stopped));

        let (mut spans, mut verdicts) = (0, 0);
        while spans < 20 || verdicts < 3 {
            match timeout(Duration::from_secs(30), seen.recv()).await.unwrap().unwrap() {
                Seen::Spans(count) => spans += count,
                Seen::Verdicts(count) => verdicts += count,
            }
        }
        stop.send(true).unwrap();
        // What the fleet says on its way out must find an open channel.
        let drain = async { while seen.recv().await.is_some() {} };
        tokio::select! {
            ended = fleet.join_next() => ended.unwrap().unwrap().unwrap(),
            () = drain => unreachable!("the receiver goes on"),
        }
    }

    #[tokio::test]
    async fn an_endpoint_that_is_none_is_refused() {
        crate::command::use_tls_of_ring();
        let (_stop, stopped) = watch::channel(false);
        let error = run("not a url".to_owned(), stopped).await.unwrap_err();
        assert!(format!("{error:#}").contains("endpoint"), "{error:#}");
    }
}
