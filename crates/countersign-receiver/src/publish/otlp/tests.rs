//! Requests made from small books.

use super::super::books::{BEGIN, Script};
use super::*;
use crate::keeper::Ledgers;
use countersign_core::settle::Settings;
use expect_test::expect;

const SECOND: u64 = 1_000_000_000;

fn script() -> Script {
    let mut script = Script::default();
    script.call("t-1", 0xa1, 0);
    script.judge("t-1", "accepted", 60);
    script.call("t-2", 0xa2, 0);
    script
}

fn shown(script: &Script, taken_at: u64) -> (String, String) {
    let ledgers = &Ledgers::new(Settings::default());
    let Script { books, tally, now, .. } = script;
    let view = View { ledgers, books, tally, now: *now, fault: None };
    let (zeros, truth) = requests(&view, None, "here", script.now, taken_at);
    (zeros.map_or_else(String::new, text), truth.map_or_else(String::new, text))
}

/// One line for each point, times relative to the beginning.
fn text(request: Bytes) -> String {
    let request = ExportMetricsServiceRequest::decode(request).unwrap();
    let seconds = |time: u64| if time == 0 { 0 } else { (time - BEGIN).div_ceil(SECOND) };
    let mut text = String::new();
    for metric in &request.resource_metrics[0].scope_metrics[0].metrics {
        match metric.data.as_ref().unwrap() {
            Data::Sum(Sum { data_points, is_monotonic, aggregation_temporality }) => {
                assert!(*is_monotonic && *aggregation_temporality == 2);
                for point in data_points {
                    text += &format!(
                        "{} {:?} {}..{} {} exemplars\n",
                        metric.name,
                        point.value.unwrap(),
                        seconds(point.start_time_unix_nano),
                        seconds(point.time_unix_nano),
                        point.exemplars.len()
                    );
                }
            }
            Data::Gauge(Gauge { data_points }) => {
                for point in data_points {
                    text += &format!("{} {:?}\n", metric.name, point.value.unwrap());
                }
            }
            Data::ExponentialHistogram(ExponentialHistogram { data_points, .. }) => {
                for point in data_points {
                    let buckets = point.positive.as_ref();
                    text += &format!(
                        "{} count {} sum {:?} offset {:?} buckets {:?}\n",
                        metric.name,
                        point.count,
                        point.sum.unwrap(),
                        buckets.map(|buckets| buckets.offset),
                        buckets.map(|buckets| &buckets.bucket_counts),
                    );
                }
            }
            Data::Histogram(_) | Data::Summary(_) => panic!("we have none of these"),
        }
    }
    text
}

#[test]
fn the_truth_is_cumulative_and_says_since_when() {
    let (_, truth) = shown(&script(), 0);
    expect![[r#"
        countersign.outcomes AsInt(1) 10..20 1 exemplars
        countersign.verdicts AsInt(1) 10..20 1 exemplars
        countersign.provisional.tasks AsInt(1)
        countersign.cost.provisional AsDouble(0.25)
        countersign.cost.incurred AsDouble(0.5) 10..20 0 exemplars
        countersign.cost.settled AsDouble(0.25) 10..20 0 exemplars
        countersign.cost.settled AsDouble(1.5) 10..20 0 exemplars
        countersign.cost.pending AsDouble(0.0)
        countersign.cost.pending AsDouble(0.25)
        countersign.pending.tasks AsInt(0)
        countersign.pending.tasks AsInt(1)
        countersign.pending.age AsDouble(12.0)
        countersign.pending.age AsDouble(12.0)
        countersign.pending.age AsDouble(12.0)
        countersign.cohort.tasks AsInt(1)
        countersign.cohort.tasks AsInt(1)
        countersign.cohort.unconfirmed AsInt(0)
        countersign.cohort.acceptance.low AsDouble(0.5)
        countersign.cohort.acceptance.high AsDouble(1.0)
        countersign.cohort.decided AsDouble(0.5)
        countersign.cohort.mature AsInt(0)
        countersign.cohort.cost AsDouble(0.25)
        countersign.cohort.cost AsDouble(0.25)
        countersign.cohort.review AsDouble(1.5)
        countersign.task.cost count 1 sum 0.25 offset Some(-17) buckets Some([1])
        countersign.task.duration count 1 sum 1.5 offset Some(4) buckets Some([1])
        countersign.task.time_to_verdict count 1 sum 10.5 offset Some(27) buckets Some([1])
        countersign.review.duration count 1 sum 60.0 offset Some(47) buckets Some([1])
        countersign.rework.rounds count 1 sum 1.0 offset Some(-1) buckets Some([1])
        countersign.calls AsInt(2) 10..20 1 exemplars
        countersign.call.duration count 2 sum 3.0 offset Some(4) buckets Some([2])
        countersign.call.time_to_first_token count 2 sum 0.5 offset Some(-17) buckets Some([2])
        countersign.tokens AsInt(2400) 10..20 0 exemplars
        countersign.tokens AsInt(600) 10..20 0 exemplars
    "#]]
    .assert_eq(&truth);
}

#[test]
fn only_new_series_begin_with_a_zero() {
    let script = script();
    let (zeros, _) = shown(&script, script.now);
    assert_eq!(zeros, "");
    let (zeros, truth) = shown(&script, 0);
    let gauges = ["pending", "provisional", "cohort", "journal"];
    let is_gauge = |line: &&str| gauges.iter().any(|word| line.contains(word));
    assert_eq!(zeros.lines().find(is_gauge), None, "gauges have no zero point");
    let counters = |text: &str| text.lines().filter(|line| !is_gauge(line)).count();
    assert_eq!(counters(&zeros), counters(&truth));
    for line in zeros.lines() {
        assert!(
            line.contains("(0)") || line.contains("(0.0)") || line.contains("count 0 sum 0.0"),
            "{line}"
        );
    }
}
