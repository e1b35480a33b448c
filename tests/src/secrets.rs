//! No output holds content: every recorded request is sent, and every output is searched.

use std::path::{Path, PathBuf};

use crate::program::captures;
use crate::server::{Server, run, wait_for};
use crate::sink::Sink;

const MARK: &[u8] = b"SECRET-";

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

fn assert_clean(what: &str, bytes: &[u8]) {
    let found = bytes.windows(MARK.len()).position(|window| window == MARK);
    if let Some(at) = found {
        let around = &bytes[at.saturating_sub(120)..bytes.len().min(at + 60)];
        panic!("content in {what} at {at}: {}", String::from_utf8_lossy(around));
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[test]
fn nothing_that_stood_for_content_comes_out() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let sink = Sink::start();
    let config = folder.path().join("countersign.yaml");
    let text = format!(
        "exporters:\n  otlphttp/sink:\n    endpoint: {}\n    compression: none\n\
         countersign: {{ metrics: {{ interval: 1s }} }}\n",
        sink.endpoint
    );
    std::fs::write(&config, text).unwrap();
    let server = Server::start_with(&data, &["--config", config.to_str().unwrap()]);
    let runs = captures("");
    assert!(runs.len() > 100, "{}", runs.len());
    let runs: Vec<&str> = runs.iter().map(|run| run.to_str().unwrap()).collect();
    let sent = server.send(&[runs.as_slice(), &["--wait"]].concat());
    let sent: u64 = sent.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(sent > 300, "{sent}");

    let pages = ["/", "/metrics", "/api/v1/totals", "/api/v1/outcomes?by=workflow"];
    let more = ["/api/v1/outcomes?by=model", "/api/v1/outcomes?by=route", "/api/v1/status"];
    for page in pages.into_iter().chain(more) {
        assert_clean(page, server.get(page).as_bytes());
    }
    assert_clean("OpenMetrics", server.metrics().as_bytes());
    let (_, report, _) = run(&["report", "--operator", &server.operator]);
    assert_clean("the report", report.as_bytes());
    wait_for("all of it is relayed", || {
        server.json("/api/v1/status")["destinations"][0]["position"].as_u64().unwrap() > sent
    });
    wait_for("metrics are pushed", || {
        sink.bodies("/v1/metrics").iter().any(|body| contains(body, b"countersign.calls"))
    });
    server.stop();
    for arrived in sink.arrived() {
        assert_clean(&arrived.path, &arrived.body);
        assert_clean(&arrived.path, arrived.head.as_bytes());
    }
    let mut searched = 0;
    for file in files_below(folder.path()) {
        let bytes = std::fs::read(&file).unwrap();
        searched += bytes.len();
        assert_clean(&file.display().to_string(), &bytes);
    }
    assert!(searched > 100_000, "{searched} bytes on disk");
}
