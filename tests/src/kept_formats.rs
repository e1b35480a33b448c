//! Data directories that this and earlier versions wrote: this one reads them, goes on with them,
//! and refuses those of later ones.
//!
//! If this fails after a change of `Fact`, then what users have on disk cannot be read any more:
//! read both, and keep a directory of the new format here beside the old one.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::otlp::{call, request};
use crate::server::{Server, run};

/// The newest format that this program knows.
const NEWEST: u32 = 2;
/// The oldest one that it reads.
const OLDEST: u32 = 2;

/// A directory of a format as it was kept, copied so that it can be written.
fn kept(format: u32, to: &Path) -> (PathBuf, Value) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("formats").join(format.to_string());
    let data = to.join(format!("data-{format}"));
    copy(&from.join("data"), &data);
    let totals = std::fs::read_to_string(from.join("totals.json")).unwrap();
    (data, serde_json::from_str(&totals).unwrap())
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn f26_every_earlier_format_is_read_and_gone_on_with() {
    for format in OLDEST..=NEWEST {
        let folder = tempfile::tempdir().unwrap();
        let (data, totals) = kept(format, folder.path());
        let before = ["verify", "--data", data.to_str().unwrap()];
        let (code, out, err) = run(&before);
        assert_eq!(code, 0, "format {format} is read as it is: {out}{err}");

        let server = Server::start(&data);
        assert_eq!(server.totals(), totals, "format {format}");
        server.export("/v1/traces", request(vec![call(77, 1, "a new task", 0.5, &[])]));
        server.wait_until_booked();
        let ok = totals["calls"]["ok"].as_u64().unwrap();
        assert_eq!(server.totals()["calls"]["ok"], ok + 1);
        server.stop();
        let now = std::fs::read_to_string(data.join("format")).unwrap();
        assert_eq!(now, format!("countersign-data {NEWEST}\n"));
        let (code, out, err) = run(&before);
        assert_eq!(code, 0, "format {format}, gone on with: {out}{err}");
    }
}

#[test]
fn f26_a_later_format_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (data, _) = kept(NEWEST, folder.path());
    std::fs::write(data.join("lock"), "").unwrap();
    for (format, told) in [(NEWEST + 1, "run the newer program"), (OLDEST - 1, "begin a new one")] {
        std::fs::write(data.join("format"), format!("countersign-data {format}\n")).unwrap();
        let before = content(&data);
        for command in ["serve", "verify", "report"] {
            let (code, out, err) = run(&[command, "--data", data.to_str().unwrap()]);
            assert_eq!((code, out.as_str()), (78, ""), "{command}: {err}");
            assert!(err.contains(told) && err.contains("nothing was changed"), "{err}");
        }
        assert_eq!(content(&data), before);
    }
}

/// Every file below a folder with what it holds.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(content(&path));
        } else {
            files.push((path.clone(), std::fs::read(path).unwrap()));
        }
    }
    files.sort();
    files
}
