//! A data directory that was copied, or restored from a backup: the copy goes on with the same
//! books and is another instance, whose counters begin at zero; the original goes on as it was.

use std::path::Path;

use serde_json::json;

use crate::kept_formats::copy;
use crate::kills::series::{assert_no_reset, counters, sum};
use crate::kills::verify;
use crate::otlp::{call, request};
use crate::server::Server;

const INCURRED: &str = "countersign_cost_incurred_USD_total";

fn instance(data: &Path) -> String {
    let identity = std::fs::read_to_string(data.join("identity")).unwrap();
    identity.lines().next().unwrap().to_owned()
}

fn pending(server: &Server) -> Vec<String> {
    let page = server.metrics();
    let lines = page.lines().filter(|line| line.starts_with("countersign_pending_tasks"));
    lines.map(str::to_owned).collect()
}

#[test]
fn f28_a_copied_data_directory_is_another_stream_with_the_same_books() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copied) = (folder.path().join("data"), folder.path().join("copied"));
    let server = Server::start(&data);
    for (trace, task) in [(1, "a"), (2, "b")] {
        server.export("/v1/traces", request(vec![call(trace, 1, task, 0.5, &[])]));
    }
    server.verdicts(&json!({"id": "v", "task": "a", "state": "accepted"}));
    server.wait_until_booked();
    let (before, was_pending) = (counters(&server), pending(&server));
    assert!(sum(&before, INCURRED) > 0.9, "{before:?}");
    assert!(!was_pending.is_empty());
    let totals = server.totals();
    server.stop();
    let original = instance(&data);
    copy(&data, &copied);

    let server = Server::start(&copied);
    assert!(server.logs().contains("copy or a restored backup"), "{}", server.logs());
    assert_ne!(instance(&copied), original);
    assert_eq!(counters(&server), [].into(), "nothing is published twice");
    assert_eq!(pending(&server), was_pending);
    assert_eq!(server.totals(), totals);
    server.export("/v1/traces", request(vec![call(3, 1, "c", 0.25, &[])]));
    server.wait_until_booked();
    let now = counters(&server);
    assert!((sum(&now, INCURRED) - 0.25).abs() < 1e-9, "{now:?}");
    for (series, began) in now.iter().filter(|(series, _)| series.contains("_created")) {
        assert!(before.get(series).is_none_or(|earlier| began > earlier), "{series}");
    }
    let own = instance(&copied);
    server.stop();
    verify(&copied, &[]);
    let server = Server::start(&copied);
    assert_eq!(instance(&copied), own, "a copy is one once");
    assert_no_reset(&now, &counters(&server));
    server.stop();

    let server = Server::start(&data);
    assert_eq!(instance(&data), original);
    assert_eq!(counters(&server), before);
    assert_eq!(server.totals(), totals);
    server.stop();
    verify(&data, &[]);
}
