//! Data of newer versions: refused in clear words, and left alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::server::{Server, run};

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn f26_a_newer_format_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    Server::start(&data).stop();
    std::fs::write(data.join("format"), "countersign-data 99\n").unwrap();
    let before = files(&data);
    let (code, out, err) = run(&["serve", "--data", data.to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (78, ""), "{err}");
    assert!(err.contains("format 99") && err.contains("run the newer program"), "{err}");
    let after = files(&data);
    assert!(after == before, "{:?}", after.keys());
    let (code, _, err) = run(&["verify", "--data", data.to_str().unwrap()]);
    assert_eq!(code, 78, "{err}");
}
