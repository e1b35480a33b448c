//! The table of faults: what may go wrong, what is required then, and which tests prove it. It
//! is printed into `docs/faults.md`; `BLESS=1` writes that page anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each fault by its number: what goes wrong, and what the program does then. The tests are
/// those whose names begin with the number.
const FAULTS: &[(u8, &str, &str)] = &[
    (
        1,
        "killed at any moment",
        "after the next start everything that was acknowledged is there, once; counters do not fall and keep their start times",
    ),
    (2, "the power is cut; unsynced pages are lost, reordered or torn", "the same"),
    (
        3,
        "a record or a sector is torn",
        "recovery stops at the first bad record of the tail: an exact prefix is left",
    ),
    (
        4,
        "the disk is full",
        "new telemetry is refused with a time to try again, verdicts still get in, and it ends by itself",
    ),
    (
        5,
        "the disk can only be read",
        "the program does not start, with exit code 78; while it runs it acknowledges nothing and still answers questions",
    ),
    (
        6,
        "a sync fails",
        "who waits for it is refused; the same file is never synced again; a new segment follows, or nothing is acknowledged",
    ),
    (
        7,
        "a write is short, interrupted, or out of space in the middle of a record",
        "nothing of it counts, and the log goes on",
    ),
    (
        8,
        "the disk is slow",
        "groups grow, waiting requests are bounded by bytes, nothing is lost, and health says so",
    ),
    (
        14,
        "a segment is damaged",
        "the damaged range is set aside and told; everything else is read; no empty book begins beside a full one",
    ),
    (
        15,
        "a snapshot is damaged or missing",
        "the books come from the one before it, or from the journal",
    ),
    (16, "clocks jump or the machine sleeps", "deadlines follow a clock that only rises"),
    (17, "copies, in any number and any batches", "no effect"),
    (18, "children before parents, roots late, any order", "the same books"),
    (19, "telemetry and verdicts after months", "they count once"),
    (20, "one span with two contents", "it counts once"),
    (21, "a verdict before the work that it judges", "it waits, and joins"),
    (
        22,
        "verdicts that are changed again and again",
        "all are kept, each move is counted, the last one holds",
    ),
    (23, "a verdict on a task that nobody knows", "it waits within bounds and counts nowhere"),
    (24, "two sources disagree", "the higher authority holds, whoever speaks last"),
    (
        25,
        "a restart in the middle of an export",
        "the same cumulative points come again, from the same start",
    ),
    (
        26,
        "an older or a newer program on the same data",
        "older formats are read; a newer one is refused in clear words, and nothing is written",
    ),
    (27, "two programs on one data directory", "the second ends within a second with exit code 75"),
    (28, "an old backup or a copy of the machine is started", "it is not taken for the original"),
    (
        46,
        "webhooks that are replayed, forged, altered or signed with an old secret",
        "only what is proved is taken, and once",
    ),
    (
        47,
        "a destination's name moves or does not resolve, IPv6 only, half-open connections",
        "looked up again within a minute, timeouts, tries; no other destination waits",
    ),
    (
        48,
        "a stop during overload",
        "drained or refused within ten seconds, nothing acknowledged is lost; a second signal stops at once",
    ),
    (
        49,
        "bits rot at rest",
        "what is at rest is read again every week; damage is logged and a metric",
    ),
];

/// Faults without a test so far. Who adds one takes its number away here.
const UNPROVED: &[u8] = &[];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Tests whose names begin with the number of a fault: name and file.
fn tests_of_faults() -> BTreeMap<u8, Vec<(String, String)>> {
    let mut files = Vec::new();
    for folder in ["crates", "tests"] {
        sources(&root().join(folder), &mut files);
    }
    let mut tests: BTreeMap<u8, Vec<(String, String)>> = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let shown = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            let name = line.strip_prefix("async fn f").or(line.strip_prefix("fn f"));
            let name = name.and_then(|name| name.split('(').next());
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                is_test = true;
            } else if line.starts_with("fn ") || line.starts_with("async fn ") {
                let number = name.and_then(|name| name.split('_').next()?.parse().ok());
                if let (true, Some(number)) = (is_test, number) {
                    let name = format!("f{}", name.unwrap());
                    tests.entry(number).or_default().push((name, shown.clone()));
                }
                is_test = false;
            }
        }
    }
    tests
}

#[test]
fn each_fault_has_tests_that_prove_what_is_required() {
    let mut tests = tests_of_faults();
    let mut page = String::from(
        "# Faults, and the tests that prove what happens then\n\n\
         Written by `BLESS=1 cargo test -p countersign-tests faults`; the numbers are the first \
         part of the tests' names.\n\n| | fault | required | tests |\n|---|---|---|---|\n",
    );
    let mut unproved = Vec::new();
    for (number, fault, required) in FAULTS {
        let proofs = tests.remove(number).unwrap_or_default();
        if proofs.is_empty() && !UNPROVED.contains(number) {
            unproved.push(*number);
        }
        let proofs: Vec<_> =
            proofs.iter().map(|(name, file)| format!("`{name}` in {file}")).collect();
        let proofs = if proofs.is_empty() { "none yet".into() } else { proofs.join("<br>") };
        page += &format!("| F{number} | {fault} | {required} | {proofs} |\n");
    }
    println!("{page}");
    assert!(unproved.is_empty(), "faults without a test: {unproved:?}");
    let path = root().join("docs/faults.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    // Tests may come faster than the page is written: what it names must exist.
    let written = std::fs::read_to_string(&path).unwrap();
    for name in written.split('`').filter(|word| word.starts_with('f') && word.contains('_')) {
        assert!(page.contains(&format!("`{name}`")), "{name} is in docs/faults.md and gone");
    }
}
