//! Finds OTLP requests in files and folders, by name.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use countersign_core::dialect::Signal;

/// A request in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) path: PathBuf,
    pub(super) signal: Kind,
    pub(super) encoding: Encoding,
}

/// The signal, as the name of the file says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind(Signal);

impl Kind {
    /// Where such requests go.
    pub(super) const fn path(self) -> &'static str {
        match self.0 {
            Signal::Traces => "/v1/traces",
            Signal::Logs => "/v1/logs",
            Signal::Metrics => "/v1/metrics",
        }
    }
}

/// Protobuf or JSON, as the name of the file says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Encoding::Protobuf => "application/x-protobuf",
            Encoding::Json => "application/json",
        }
    }
}

const SIGNALS: [(&str, Signal); 3] =
    [("traces", Signal::Traces), ("logs", Signal::Logs), ("metrics", Signal::Metrics)];
const ENCODINGS: [(&str, Encoding); 2] = [("pb", Encoding::Protobuf), ("json", Encoding::Json)];

/// The requests of all paths: files as given, folders with everything below them that is named
/// like a request, in the order of the numbers in the names.
pub(super) fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<Request>> {
    let mut found = Vec::new();
    for path in paths {
        let metadata =
            std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if metadata.is_dir() {
            find_below(path, &mut found)?;
        } else if let Some(request) = request(path) {
            found.push(request);
        } else {
            bail!(
                "{}: expected a name that begins with traces, logs or metrics and ends in .pb \
                 or .json",
                path.display()
            );
        }
    }
    Ok(found)
}

fn find_below(folder: &Path, found: &mut Vec<Request>) -> anyhow::Result<()> {
    let shown = folder.display();
    let mut entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read {shown}"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("cannot read {shown}"))?;
    entries.sort_by_cached_key(|path| (number(path), path.clone()));
    for path in entries {
        if path.is_dir() {
            find_below(&path, found)?;
        } else {
            found.extend(request(&path));
        }
    }
    Ok(())
}

fn request(path: &Path) -> Option<Request> {
    let name = path.file_stem()?.to_str()?;
    let extension = path.extension()?.to_str()?;
    let (_, signal) = SIGNALS.iter().find(|(prefix, _)| name.starts_with(prefix))?;
    let (_, encoding) = ENCODINGS.iter().find(|(known, _)| *known == extension)?;
    Some(Request { path: path.to_owned(), signal: Kind(*signal), encoding: *encoding })
}

/// The last number in a name: requests of one run are counted in the order they came.
fn number(path: &Path) -> u64 {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let digits = name.rsplit(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn requests_are_known_by_their_names() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("run")).expect("a folder in it");
        let names = [
            "run/traces-010.pb",
            "run/traces-9.pb",
            "run/logs-001.json",
            "run/truth.json",
            "run/README.md",
            "metrics.pb",
            "traces-1.txt",
        ];
        for name in names {
            std::fs::write(folder.path().join(name), b"").expect("a file");
        }
        let found = find(&[folder.path().to_owned()]).expect("it can be read");
        let shown: Vec<_> = found
            .iter()
            .map(|request| {
                let path = request.path.strip_prefix(folder.path()).expect("it is below");
                let signal = request.signal.path();
                format!("{} {signal} {}", path.display(), request.encoding.content_type())
            })
            .collect();
        expect![[r#"
            [
                "metrics.pb /v1/metrics application/x-protobuf",
                "run/logs-001.json /v1/logs application/json",
                "run/traces-9.pb /v1/traces application/x-protobuf",
                "run/traces-010.pb /v1/traces application/x-protobuf",
            ]
        "#]]
        .assert_debug_eq(&shown);
        assert!(find(&[folder.path().join("run/truth.json")]).is_err());
    }
}
