//! Pages made by hand, letter for letter.

use countersign_core::key::{SpanId, TraceId};
use expect_test::{Expect, expect};

use super::*;

static COST: Metric = Metric {
    name: "countersign.cost.incurred",
    kind: Kind::Counter,
    unit: "USD",
    help: "Cost that came into being, \"exact\".\nIn dollars.",
    attributes: &["gen_ai.workflow.name", "gen_ai.response.model"],
};
static CALLS: Metric = Metric {
    name: "countersign.calls",
    kind: Kind::Counter,
    unit: "{call}",
    help: "Calls.",
    attributes: &["error.type"],
};
static PENDING: Metric = Metric {
    name: "countersign.pending.age",
    kind: Kind::Gauge,
    unit: "s",
    help: "Age.",
    attributes: &[],
};
static DURATION: Metric = Metric {
    name: "countersign.call.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "Duration.",
    attributes: &[],
};
static ROUNDS: Metric = Metric {
    name: "countersign.rework.rounds",
    kind: Kind::Histogram,
    unit: "{round}",
    help: "Rounds.",
    attributes: &[],
};

const START: u64 = 1_700_000_000_500_000_000;
const EXEMPLAR: Exemplar =
    Exemplar { trace: TraceId(0xabc), span: SpanId(0x12), value: 150_000_000, time: START + 1 };

fn check(format: Format, series: &[Series<'_>], expect: Expect) {
    let mut page = Page::new(format);
    series.iter().for_each(|series| page.add(series));
    expect.assert_eq(&page.finish());
}

fn series<'a>(
    metric: &'static Metric,
    attributes: &'a [(&'static str, &'a str)],
    value: Value<'a>,
    exemplar: Option<Exemplar>,
) -> Series<'a> {
    Series { metric, attributes, start: START, value, exemplar }
}

fn sample() -> Vec<Series<'static>> {
    let one_pico_less = Value::Money(Money::from_pico(12_999_999_999_999));
    vec![
        series(
            &COST,
            &[("gen_ai.workflow.name", "pr-\"review\"\n"), ("gen_ai.response.model", "a\\b")],
            one_pico_less,
            Some(EXEMPLAR),
        ),
        series(&COST, &[], Value::Money(Money::DOLLAR), None),
        series(&CALLS, &[("error.type", "429")], Value::Count(u64::MAX), None),
        series(&PENDING, &[], Value::Millis(90_061_001), None),
    ]
}

#[test]
fn openmetrics_has_units_creation_times_and_exemplars() {
    check(
        Format::OpenMetrics,
        &sample(),
        expect![[r##"
        # HELP countersign_cost_incurred_USD Cost that came into being, \"exact\".\nIn dollars.
        # TYPE countersign_cost_incurred_USD counter
        # UNIT countersign_cost_incurred_USD USD
        countersign_cost_incurred_USD_total{gen_ai_workflow_name="pr-\"review\"\n",gen_ai_response_model="a\\b"} 12.999999999999 # {trace_id="00000000000000000000000000000abc",span_id="0000000000000012"} 0.00015 1700000000.500000001
        countersign_cost_incurred_USD_created{gen_ai_workflow_name="pr-\"review\"\n",gen_ai_response_model="a\\b"} 1700000000.5
        countersign_cost_incurred_USD_total 1
        countersign_cost_incurred_USD_created 1700000000.5
        # HELP countersign_calls Calls.
        # TYPE countersign_calls counter
        countersign_calls_total{error_type="429"} 18446744073709551615
        countersign_calls_created{error_type="429"} 1700000000.5
        # HELP countersign_pending_age_seconds Age.
        # TYPE countersign_pending_age_seconds gauge
        # UNIT countersign_pending_age_seconds seconds
        countersign_pending_age_seconds 90061.001
        # EOF
    "##]],
    );
}

#[test]
fn plain_text_has_neither() {
    check(
        Format::Plain,
        &sample(),
        expect![[r##"
        # HELP countersign_cost_incurred_USD_total Cost that came into being, "exact".\nIn dollars.
        # TYPE countersign_cost_incurred_USD_total counter
        countersign_cost_incurred_USD_total{gen_ai_workflow_name="pr-\"review\"\n",gen_ai_response_model="a\\b"} 12.999999999999
        countersign_cost_incurred_USD_total 1
        # HELP countersign_calls_total Calls.
        # TYPE countersign_calls_total counter
        countersign_calls_total{error_type="429"} 18446744073709551615
        # HELP countersign_pending_age_seconds Age.
        # TYPE countersign_pending_age_seconds gauge
        countersign_pending_age_seconds 90061.001
    "##]],
    );
}

#[test]
fn histograms_have_classic_buckets() {
    let mut calls = Histogram { count: 6, zeros: 1, sum: 9_150_000_000, ..Histogram::default() };
    // 0.149 to 0.163 s, exactly 1 s, 7.3 to 8 s, and one beyond the last border.
    calls.buckets.extend([(-22, 1), (-1, 1), (23, 2), (100, 1)]);
    let duration = series(&DURATION, &[], Value::Histogram(&calls), Some(EXEMPLAR));
    check(
        Format::OpenMetrics,
        &[duration],
        expect![[r##"
        # HELP countersign_call_duration_seconds Duration.
        # TYPE countersign_call_duration_seconds histogram
        # UNIT countersign_call_duration_seconds seconds
        countersign_call_duration_seconds_bucket{le="0.03125"} 1
        countersign_call_duration_seconds_bucket{le="0.0625"} 1
        countersign_call_duration_seconds_bucket{le="0.125"} 1
        countersign_call_duration_seconds_bucket{le="0.25"} 2 # {trace_id="00000000000000000000000000000abc",span_id="0000000000000012"} 0.15 1700000000.500000001
        countersign_call_duration_seconds_bucket{le="0.5"} 2
        countersign_call_duration_seconds_bucket{le="1.0"} 3
        countersign_call_duration_seconds_bucket{le="2.0"} 3
        countersign_call_duration_seconds_bucket{le="4.0"} 3
        countersign_call_duration_seconds_bucket{le="8.0"} 5
        countersign_call_duration_seconds_bucket{le="16.0"} 5
        countersign_call_duration_seconds_bucket{le="32.0"} 5
        countersign_call_duration_seconds_bucket{le="64.0"} 5
        countersign_call_duration_seconds_bucket{le="128.0"} 5
        countersign_call_duration_seconds_bucket{le="256.0"} 5
        countersign_call_duration_seconds_bucket{le="512.0"} 5
        countersign_call_duration_seconds_bucket{le="1024.0"} 5
        countersign_call_duration_seconds_bucket{le="+Inf"} 6
        countersign_call_duration_seconds_count 6
        countersign_call_duration_seconds_sum 9.15
        countersign_call_duration_seconds_created 1700000000.5
        # EOF
    "##]],
    );
    // One round is 2^0: it ends bucket -1.
    let mut rounds = Histogram { count: 3, sum: 5, ..Histogram::default() };
    rounds.buckets.extend([(-1, 2), (12, 1)]);
    let rework = series(&ROUNDS, &[("k", "v")], Value::Histogram(&rounds), None);
    check(
        Format::Plain,
        &[rework],
        expect![[r##"
        # HELP countersign_rework_rounds Rounds.
        # TYPE countersign_rework_rounds histogram
        countersign_rework_rounds_bucket{k="v",le="1.0"} 2
        countersign_rework_rounds_bucket{k="v",le="2.0"} 2
        countersign_rework_rounds_bucket{k="v",le="4.0"} 3
        countersign_rework_rounds_bucket{k="v",le="8.0"} 3
        countersign_rework_rounds_bucket{k="v",le="16.0"} 3
        countersign_rework_rounds_bucket{k="v",le="32.0"} 3
        countersign_rework_rounds_bucket{k="v",le="64.0"} 3
        countersign_rework_rounds_bucket{k="v",le="+Inf"} 3
        countersign_rework_rounds_count{k="v"} 3
        countersign_rework_rounds_sum{k="v"} 5
    "##]],
    );
}

#[test]
fn scrapers_get_what_they_prefer() {
    let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
        application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,\
        text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    for (accept, format) in [
        (prometheus, Format::OpenMetrics),
        ("application/openmetrics-text", Format::OpenMetrics),
        ("application/openmetrics-text; version=1.0.0, text/plain; q=0.5", Format::OpenMetrics),
        ("application/openmetrics-text;q=0.1,text/plain;q=0.5", Format::Plain),
        ("application/openmetrics-text;q=0", Format::Plain),
        ("application/openmetrics-text;version=2.0.0", Format::Plain),
        ("text/html,*/*;q=0.8", Format::Plain),
        ("", Format::Plain),
    ] {
        assert_eq!(Format::negotiate(accept), format, "{accept}");
    }
}

#[test]
fn names_are_those_of_the_otlp_translation() {
    let name = |metric: &Metric| family(metric);
    assert_eq!(name(&COST), "countersign_cost_incurred_USD");
    assert_eq!(name(&CALLS), "countersign_calls");
    assert_eq!(name(&PENDING), "countersign_pending_age_seconds");
    let said = Metric { name: "a.seconds.total", unit: "s", ..COST };
    assert_eq!(name(&said), "a_seconds");
}
