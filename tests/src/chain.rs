//! Programs in a chain: what the first has booked and relayed, the second does not book again.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::captures;
use crate::server::{Server, wait_for};

/// Two programs, of which the first relays everything to the second.
struct Chain {
    edge: Server,
    hub: Server,
    /// What the hub's totals are as long as it has booked nothing.
    nothing: Value,
}

impl Chain {
    fn start(folder: &Path) -> Chain {
        let hub = Server::start(&folder.join("hub"));
        let nothing = hub.totals();
        let config = folder.join("edge.yaml");
        let text = format!(
            "exporters:\n  otlphttp/hub:\n    endpoint: {}\n\
             countersign: {{ metrics: {{ interval: 1s }} }}\n",
            hub.http
        );
        std::fs::write(&config, text).unwrap();
        let arguments = ["--config", config.to_str().unwrap()];
        let edge = Server::start_with(&folder.join("edge"), &arguments);
        Chain { edge, hub, nothing }
    }

    /// Sends files or folders to the edge, and waits until both have booked all of it.
    fn send(&self, paths: &[PathBuf]) {
        let paths: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
        let sent = self.edge.send(&[paths.as_slice(), &["--wait"]].concat());
        let sent: u64 = sent.split(' ').nth(1).unwrap().parse().unwrap();
        wait_for("all of it is relayed", || {
            // The place in the queue after the last request.
            let status = self.edge.json("/api/v1/status");
            status["destinations"][0]["position"].as_u64().unwrap() > sent
        });
        self.hub.wait_until_booked();
    }

    /// Asserts that the hub saw marks, and booked nothing.
    fn assert_hub_booked_nothing(&self) {
        let metrics = self.hub.metrics();
        let marks = metrics.lines().find(|line| line.contains("booked_elsewhere"));
        assert!(marks.is_some(), "{metrics}");
        assert_eq!(self.hub.totals(), self.nothing);
    }
}

/// The requests of all captures for some signals, by the beginnings of their files' names.
fn requests(signals: &[&str]) -> Vec<PathBuf> {
    let files = captures("").into_iter().flat_map(|run| std::fs::read_dir(run).unwrap());
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| {
        let name = file.file_name().unwrap().to_str().unwrap();
        signals.iter().any(|signal| name.starts_with(signal))
    });
    files.sort();
    files
}

#[test]
fn what_one_program_booked_the_next_only_relays() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Chain::start(folder.path());
    let runs = captures("");
    chain.send(&runs);
    let served = runs.iter().map(|run| {
        let truth = std::fs::read_to_string(run.join("truth.json")).unwrap();
        let truth: Value = serde_json::from_str(&truth).unwrap();
        truth["expected"]["input_tokens"].as_u64().unwrap()
    });
    let totals = chain.edge.totals();
    assert_eq!(totals["tokens"]["input"], served.sum::<u64>(), "{totals}");
    chain.assert_hub_booked_nothing();
    chain.edge.stop();
    chain.hub.stop();
}

#[test]
fn logs_and_metrics_alone_are_booked_by_the_first_program_only() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Chain::start(folder.path());
    let requests = requests(&["logs-", "metrics-"]);
    assert!(requests.len() > 100, "{}", requests.len());
    chain.send(&requests);
    let totals = chain.edge.totals();
    assert!(totals["calls"]["ok"].as_u64().unwrap() > 50, "{totals}");
    chain.assert_hub_booked_nothing();
    chain.edge.stop();
    chain.hub.stop();
}
