//! Counters as a scraper sees them: none falls and none begins again.

use std::collections::BTreeMap;

use crate::server::Server;

/// Name and labels of a sample, with its value.
pub(crate) type Counters = BTreeMap<String, f64>;

/// Series that begin with the process, as a scraper names them: they are not of the books.
pub(crate) const OF_THE_PROCESS: [&str; 4] = [
    "countersign_receiver_",
    "countersign_journal_",
    "countersign_exporter_",
    "countersign_config_",
];

/// The samples of counters and histograms, and when each began.
pub(crate) fn counters(server: &Server) -> Counters {
    let page = server.metrics();
    let samples = page.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let line = line.split(" # ").next().unwrap();
        let (series, value) = line.rsplit_once(' ').unwrap();
        (series.to_owned(), value.parse().unwrap())
    });
    let lasting = ["_total", "_created", "_count", "_sum", "_bucket"];
    samples
        .filter(|(series, _): &(String, f64)| lasting.iter().any(|end| name(series).ends_with(end)))
        .filter(|(series, _)| !OF_THE_PROCESS.iter().any(|begin| series.starts_with(begin)))
        .collect()
}

/// The sum over all series of a name.
pub(crate) fn sum(counters: &Counters, wanted: &str) -> f64 {
    counters.iter().filter(|(series, _)| name(series) == wanted).map(|(_, value)| value).sum()
}

pub(crate) fn assert_no_reset(before: &Counters, after: &Counters) {
    for (series, value) in before {
        let now = after.get(series).unwrap_or_else(|| panic!("{series} is gone"));
        if name(series).ends_with("_created") {
            assert_eq!(now, value, "{series} began again");
        } else {
            assert!(now >= value, "{series} fell from {value} to {now}");
        }
    }
}

fn name(series: &str) -> &str {
    series.split('{').next().unwrap()
}
