//! Destinations that cannot be reached, move, or fall silent: what is relayed arrives in the
//! end, and no destination waits for another.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use countersign_receiver::clock;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use prost::Message;
use serde_json::json;

use crate::full_disk::{mounts_are_allowed, through};
use crate::kills::series::OF_THE_PROCESS;
use crate::otlp::{call, request};
use crate::server::{Server, wait_for};
use crate::sink::Sink;

/// One exporter of a configuration file, which gives up on a request early.
fn exporter(kind: &str, name: &str, endpoint: &str) -> String {
    format!(
        "  {kind}/{name}:\n    endpoint: {endpoint}\n    compression: none\n    timeout: 1s\n    \
         retry_on_failure: {{ initial_interval: 100ms, max_interval: 500ms }}\n"
    )
}

fn start(folder: &Path, exporters: &[String]) -> Server {
    let config = folder.join("countersign.yaml");
    std::fs::write(&config, format!("exporters:\n{}", exporters.concat())).unwrap();
    let data = folder.join("data");
    Server::start_with(&data, &["--config", config.to_str().unwrap()])
}

fn send(server: &Server, number: u128) {
    server.export("/v1/traces", request(vec![call(number, 1, "task", 0.5, &[])]));
}

/// Requests that a destination did not take.
fn retries(server: &Server, name: &str) -> (u64, String) {
    let status = server.json("/api/v1/status");
    let all = status["destinations"].as_array().unwrap();
    let shown = all.iter().find(|destination| destination["name"] == name).unwrap();
    let failure = shown["last_failure"].as_str().unwrap_or_default().to_owned();
    (shown["retries"].as_u64().unwrap(), failure)
}

#[test]
fn f47_a_name_that_does_not_resolve_slows_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start();
    let server = start(
        folder.path(),
        &[
            exporter("otlp", "nowhere", "http://nowhere.invalid:4317"),
            exporter("otlphttp", "nowhere-http", "http://nowhere.invalid:4318"),
            exporter("otlphttp", "sink", &sink.endpoint),
        ],
    );
    for number in 1..=5 {
        let sent = clock::instant();
        send(&server, number);
        wait_for("it arrives", || sink.spans() >= number as usize);
        assert!(sent.elapsed() < Duration::from_secs(5), "{:?}", sent.elapsed());
    }
    for name in ["nowhere", "nowhere-http"] {
        wait_for("it is tried again", || retries(&server, name).0 >= 3);
        let failure = retries(&server, name).1;
        assert!(["unreachable", "timed out"].contains(&&*failure), "{failure}");
    }
    server.stop();
}

#[test]
fn f47_a_destination_that_speaks_ipv6_only_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let Some(sink) = Sink::start_on("[::1]:0") else {
        // A machine without IPv6 has no such destinations either.
        return println!("there is no IPv6 here");
    };
    assert!(sink.endpoint.starts_with("http://[::1]:"));
    let server = start(folder.path(), &[exporter("otlphttp", "sink", &sink.endpoint)]);
    send(&server, 1);
    wait_for("it arrives", || sink.spans() == 1);
    server.stop();
}

/// Takes connections and never says a word on them.
struct Silence {
    endpoint: String,
    connections: Arc<AtomicUsize>,
}

impl Silence {
    fn start() -> Silence {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counted.fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || {
                    let mut bytes = [0; 4096];
                    let mut stream = stream.unwrap();
                    while stream.read(&mut bytes).is_ok_and(|count| count > 0) {}
                });
            }
        });
        Silence { endpoint, connections }
    }
}

#[test]
fn f47_a_connection_that_is_half_open_is_left_and_slows_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start();
    let (over_http, over_grpc) = (Silence::start(), Silence::start());
    let server = start(
        folder.path(),
        &[
            exporter("otlphttp", "silent", &over_http.endpoint),
            exporter("otlp", "silent-grpc", &over_grpc.endpoint),
            exporter("otlphttp", "sink", &sink.endpoint),
        ],
    );
    for number in 1..=5 {
        let sent = clock::instant();
        send(&server, number);
        wait_for("it arrives", || sink.spans() >= number as usize);
        assert!(sent.elapsed() < Duration::from_secs(5), "{:?}", sent.elapsed());
    }
    for (name, silence) in [("silent", &over_http), ("silent-grpc", &over_grpc)] {
        wait_for("it is tried again", || retries(&server, name).0 >= 2);
        assert_eq!(retries(&server, name).1, "timed out", "{name}");
        // Each try has a connection of its own.
        wait_for("connections are made anew", || silence.connections.load(Ordering::Relaxed) >= 2);
    }
    server.stop();
}

/// The program sees a file of hosts of its own, which changes under it.
#[test]
fn f47_a_name_that_moves_is_looked_up_again() {
    if !mounts_are_allowed() {
        println!("no file may be mounted here: the program cannot have hosts of its own");
        return f47_a_name_that_does_not_resolve_slows_nobody_else();
    }
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    std::fs::write(&hosts, "127.0.0.1 localhost\n").unwrap();
    let (first, second) = (Sink::start(), Sink::start_on("127.0.0.2:0").unwrap());
    // Both have the same port in turn: a name has an address only.
    let port = first.endpoint.rsplit_once(':').unwrap().1.to_owned();
    drop(second);
    let second = Sink::start_on(&format!("127.0.0.2:{port}")).unwrap();
    let config = folder.path().join("countersign.yaml");
    let endpoint = format!("http://moving.test:{port}");
    let exporters = exporter("otlphttp", "moving", &endpoint);
    std::fs::write(&config, format!("exporters:\n{exporters}")).unwrap();
    let data = folder.path().join("data");
    let script = format!("mount --bind '{}' /etc/hosts && exec \"$0\" \"$@\"", hosts.display());
    let server = Server::start_from(&data, |mut command| {
        command.arg("--config").arg(&config);
        let mut unshare = Command::new("unshare");
        unshare.args(["-rm", "sh"]);
        let log = std::fs::File::options().append(true).open(data.with_extension("log")).unwrap();
        let mut through = through(unshare, &script, &command);
        through.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        through
    });
    send(&server, 1);
    wait_for("it is tried again", || retries(&server, "moving").0 >= 2);
    std::fs::write(&hosts, "127.0.0.1 moving.test\n").unwrap();
    wait_for("it arrives where the name leads", || first.spans() == 1);
    std::fs::write(&hosts, "127.0.0.2 moving.test\n").unwrap();
    first.close();
    send(&server, 2);
    wait_for("it arrives where the name leads now", || second.spans() == 1);
    server.stop();
}

/// What a destination was told of each series: when it began, the time and the value of its last
/// point.
#[derive(Default)]
struct Told {
    series: BTreeMap<String, (u64, u64, f64)>,
    points: usize,
}

impl Told {
    /// Reads requests in the order in which they came.
    fn hear(&mut self, requests: &[Vec<u8>]) {
        for body in requests {
            let request = ExportMetricsServiceRequest::decode(&**body).unwrap();
            let metrics = request.resource_metrics.into_iter().flat_map(|all| all.scope_metrics);
            for metric in metrics.flat_map(|scope| scope.metrics) {
                let name = metric.name.replace('.', "_");
                let Some(Data::Sum(sum)) = metric.data else { continue };
                if OF_THE_PROCESS.iter().any(|begin| name.starts_with(begin)) {
                    continue;
                }
                for point in sum.data_points {
                    let series = format!("{} {:?}", metric.name, point.attributes);
                    let value = match point.value.unwrap() {
                        Value::AsInt(value) => value as f64,
                        Value::AsDouble(value) => value,
                    };
                    self.point(series, point.start_time_unix_nano, point.time_unix_nano, value);
                }
            }
        }
    }

    fn point(&mut self, series: String, start: u64, time: u64, value: f64) {
        self.points += 1;
        if let Some((began, last, before)) = self.series.get(&series) {
            assert_eq!(*began, start, "{series} began again");
            assert!(time > *last, "{series}: time stood still");
            assert!(value >= *before, "{series} fell from {before} to {value}");
        }
        self.series.insert(series, (start, time, value));
    }
}

#[test]
fn f25_a_restart_during_an_export_repeats_the_same_points() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start();
    let config = folder.path().join("countersign.yaml");
    let text = format!(
        "exporters:\n{}countersign: {{ metrics: {{ interval: 200ms }} }}\n",
        exporter("otlphttp", "sink", &sink.endpoint)
    );
    std::fs::write(&config, text).unwrap();
    let data = folder.path().join("data");
    let start = || Server::start_with(&data, &["--config", config.to_str().unwrap()]);
    let exports = || sink.bodies("/v1/metrics").len();
    for life in 1..=6 {
        let server = start();
        for number in 0..3 {
            let task = format!("task-{life}-{number}");
            server
                .export("/v1/traces", request(vec![call(life * 10 + number, 1, &task, 0.5, &[])]));
            server.verdicts(&json!({"id": task, "task": task, "state": "accepted"}));
        }
        if life % 2 == 0 {
            server.wait_until_booked();
        }
        let before = exports();
        wait_for("metrics are exported", || exports() > before + 1);
        server.kill();
    }
    let server = start();
    server.wait_until_booked();
    let before = exports();
    wait_for("metrics are exported", || exports() > before + 2);
    server.stop();
    let mut told = Told::default();
    told.hear(&sink.bodies("/v1/metrics"));
    let calls = told.series.iter().filter(|(name, _)| name.starts_with("countersign.calls "));
    assert_eq!(calls.map(|(_, (_, _, value))| *value).sum::<f64>(), 18.0);
    assert!(told.points > 50, "{}", told.points);
}
