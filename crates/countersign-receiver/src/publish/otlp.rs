//! Our metrics as cumulative OTLP, pushed at an interval to each destination that takes metrics.
//!
//! Each push tells the whole truth, so one that failed is not repeated: the next one has it all.
//! A series that is new since the last push is preceded by a point of zero, so that the
//! receiver's `increase()` sees the first increment too. Times of points rise strictly, and a
//! late verdict is a point of now.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_core::dialect::Signal;
use countersign_core::fact::UnixNanos;
use countersign_core::key::{SpanId, TraceId};
use countersign_core::tally::{
    Exemplar as Example, Histogram, Kind, Metric as Named, Series, Value,
};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, exemplar,
};
use prost::Message;
use tokio::sync::watch;

use super::answer::Answer;
use super::health::Health;
use super::own::Own;
use super::resource::{SCOPE, TENANT, attribute, resource};
use super::wire::Wire;
use crate::clock;
use crate::config::Destination;
use crate::keeper::{Keeper, View};

/// Pushes metrics to one destination.
pub struct MetricsPush {
    wire: Wire,
    health: Arc<Health>,
    interval: Duration,
    instance: String,
    own: Arc<Own>,
}

impl MetricsPush {
    /// A loop for this destination.
    ///
    /// # Errors
    /// If the endpoint is no URL or its certificates cannot be read.
    pub fn new(
        destination: &Destination,
        health: Arc<Health>,
        interval: Duration,
        instance: String,
        own: Arc<Own>,
    ) -> anyhow::Result<MetricsPush> {
        Ok(MetricsPush { wire: Wire::to(destination)?, health, interval, instance, own })
    }

    /// Pushes until `stop` says true, and then once more, so that the last figures arrive.
    pub async fn run(self, keeper: Keeper, mut stop: watch::Receiver<bool>) {
        // Series that are older than this process were pushed by the one before it. How old they
        // are is told by the books' time, which is not quite the wall clock's.
        let Ok(mut taken_at) = keeper.ask(|view| view.now).await else { return };
        let mut last_time = 0;
        loop {
            let stopped = tokio::select! {
                stopped = stop.wait_for(|stop| *stop) => { drop(stopped); true }
                () = tokio::time::sleep(self.interval) => false,
            };
            let time = clock::now().max(last_time + 1_000_000);
            last_time = time;
            let wait = match self.push(&keeper, time, taken_at).await {
                Pushed::Taken { seen_at } => {
                    taken_at = seen_at;
                    None
                }
                Pushed::Failed(wait) => wait,
                Pushed::NoBooks => return,
            };
            if stopped {
                return;
            }
            if let Some(wait) = wait {
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }

    async fn push(&self, keeper: &Keeper, time: UnixNanos, taken_at: UnixNanos) -> Pushed {
        let (instance, own) = (self.instance.clone(), Arc::clone(&self.own));
        let shape = move |view: &View<'_>| {
            (view.now, requests(view, Some(&own), &instance, time, taken_at))
        };
        let Ok((seen_at, (zeros, truth))) = keeper.ask(shape).await else {
            return Pushed::NoBooks;
        };
        for request in [zeros, truth].into_iter().flatten() {
            match self.wire.send(Signal::Metrics, request).await {
                Answer::Taken { refused } => self.health.took(refused),
                Answer::Later { why, after } => {
                    self.health.sends_again(why);
                    return Pushed::Failed(after);
                }
                Answer::Misconfigured(why) => {
                    self.health.is_misconfigured(why);
                    return Pushed::Failed(None);
                }
                Answer::Never(why) => {
                    self.health.gave_up(why);
                    return Pushed::Failed(None);
                }
            }
        }
        Pushed::Taken { seen_at }
    }
}

enum Pushed {
    /// Every series that began by this time of the books has been told.
    Taken { seen_at: UnixNanos },
    /// The next push is not before the interval, and not before this wait.
    Failed(Option<Duration>),
    /// The keeper stopped.
    NoBooks,
}

/// Points of zero for the series that are new since `taken_at`, and the points of now; of all
/// tenants.
fn requests(
    view: &View<'_>,
    own: Option<&Own>,
    instance: &str,
    time: UnixNanos,
    taken_at: UnixNanos,
) -> (Option<Bytes>, Option<Bytes>) {
    let (mut zeros, mut truth) = (Points::default(), Points::default());
    for (tenant, books, tally) in view.all() {
        tally.visit(books, view.now, &mut |series| {
            truth.add(&series, tenant, time);
            if series.metric.kind != Kind::Gauge && series.start > taken_at {
                // Just before the point of now: a series of long ago, when the destination was
                // away, must not become a point in the past.
                zeros.add(&at_zero(&series), tenant, time - 1_000_000);
            }
        });
    }
    if let Some(own) = own {
        own.visit(&mut |series| truth.add(series, "", time));
    }
    (zeros.into_request(instance), truth.into_request(instance))
}

static EMPTY: Histogram = Histogram { count: 0, zeros: 0, sum: 0, buckets: BTreeMap::new() };

fn at_zero<'a>(series: &Series<'a>) -> Series<'a> {
    let value = match series.value {
        Value::Count(_) => Value::Count(0),
        Value::Level(_) => Value::Level(0),
        Value::Money(_) => Value::Money(countersign_core::money::Money::ZERO),
        Value::Millis(_) => Value::Millis(0),
        Value::Share(_) => Value::Share(0),
        Value::Histogram(_) => Value::Histogram(&EMPTY),
    };
    Series {
        metric: series.metric,
        attributes: series.attributes,
        start: series.start,
        value,
        exemplar: None,
    }
}

/// Points by metric, in the order of the metrics.
#[derive(Default)]
struct Points {
    metrics: Vec<Metric>,
}

impl Points {
    /// Adds a point of a tenant's series; its name is told if it is not the default one.
    fn add(&mut self, series: &Series<'_>, tenant: &str, time: UnixNanos) {
        let Some(data) = self.metric(series.metric).data.as_mut() else { return };
        let told = (!tenant.is_empty()).then(|| attribute(TENANT, tenant));
        let number = |points: &mut Vec<NumberDataPoint>| {
            points.extend(number_point(series, time).map(|mut point| {
                point.attributes.extend(told.clone());
                point
            }));
        };
        match data {
            Data::Gauge(gauge) => number(&mut gauge.data_points),
            Data::Sum(sum) => number(&mut sum.data_points),
            Data::ExponentialHistogram(histogram) => {
                histogram.data_points.extend(histogram_point(series, time).map(|mut point| {
                    point.attributes.extend(told.clone());
                    point
                }));
            }
            Data::Histogram(_) | Data::Summary(_) => {}
        }
    }

    /// The metric of this name: as a rule the one of the point before.
    fn metric(&mut self, named: &'static Named) -> &mut Metric {
        let place = self.metrics.iter().rposition(|metric| metric.name == named.name);
        let place = place.unwrap_or_else(|| {
            self.metrics.push(empty_metric(named));
            self.metrics.len() - 1
        });
        self.metrics.get_mut(place).expect("it is there")
    }

    fn into_request(self, instance: &str) -> Option<Bytes> {
        if self.metrics.is_empty() {
            return None;
        }
        let scope = InstrumentationScope {
            name: SCOPE.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            ..InstrumentationScope::default()
        };
        let request = ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(resource(instance)),
                scope_metrics: vec![ScopeMetrics {
                    scope: Some(scope),
                    metrics: self.metrics,
                    ..ScopeMetrics::default()
                }],
                ..ResourceMetrics::default()
            }],
        };
        Some(request.encode_to_vec().into())
    }
}

fn empty_metric(named: &Named) -> Metric {
    let cumulative = AggregationTemporality::Cumulative.into();
    let data = match named.kind {
        Kind::Counter => Data::Sum(Sum {
            data_points: Vec::new(),
            aggregation_temporality: cumulative,
            is_monotonic: true,
        }),
        Kind::Gauge => Data::Gauge(Gauge { data_points: Vec::new() }),
        Kind::Histogram => Data::ExponentialHistogram(ExponentialHistogram {
            data_points: Vec::new(),
            aggregation_temporality: cumulative,
        }),
    };
    Metric {
        name: named.name.into(),
        description: named.help.into(),
        unit: named.unit.into(),
        data: Some(data),
        ..Metric::default()
    }
}

fn number_point(series: &Series<'_>, time: UnixNanos) -> Option<NumberDataPoint> {
    let value = match series.value {
        Value::Count(count) => Number::AsInt(i64::try_from(count).unwrap_or(i64::MAX)),
        Value::Level(level) => Number::AsInt(level),
        Value::Money(money) => Number::AsDouble(money.dollars()),
        Value::Share(ppm) => Number::AsDouble(f64::from(ppm) / 1e6),
        Value::Millis(ms) => Number::AsDouble(Duration::from_millis(ms).as_secs_f64()),
        Value::Histogram(_) => return None,
    };
    let exemplars = series.exemplar.iter().filter_map(|one| example(series.metric, one));
    Some(NumberDataPoint {
        attributes: attributes(series),
        start_time_unix_nano: if series.metric.kind == Kind::Gauge { 0 } else { series.start },
        time_unix_nano: time,
        exemplars: exemplars.collect(),
        value: Some(value),
        ..NumberDataPoint::default()
    })
}

fn histogram_point(series: &Series<'_>, time: UnixNanos) -> Option<ExponentialHistogramDataPoint> {
    let Value::Histogram(histogram) = series.value else { return None };
    let exemplars = series.exemplar.iter().filter_map(|one| example(series.metric, one));
    Some(ExponentialHistogramDataPoint {
        attributes: attributes(series),
        start_time_unix_nano: series.start,
        time_unix_nano: time,
        count: histogram.count,
        sum: Some(in_unit(series.metric, histogram.sum)),
        scale: Histogram::SCALE,
        zero_count: histogram.zeros,
        positive: buckets(histogram),
        exemplars: exemplars.collect(),
        ..ExponentialHistogramDataPoint::default()
    })
}

/// The counts between the first and the last bucket that is not empty.
fn buckets(histogram: &Histogram) -> Option<Buckets> {
    let (first, _) = histogram.buckets.first_key_value()?;
    let (last, _) = histogram.buckets.last_key_value()?;
    let count = |bucket: i16| histogram.buckets.get(&bucket).copied().unwrap_or(0);
    Some(Buckets { offset: (*first).into(), bucket_counts: (*first..=*last).map(count).collect() })
}

fn attributes(series: &Series<'_>) -> Vec<KeyValue> {
    series.attributes.iter().map(|(key, value)| attribute(key, *value)).collect()
}

fn example(metric: &Named, one: &Example) -> Option<Exemplar> {
    if one.trace == TraceId::NONE {
        return None;
    }
    let span = if one.span == SpanId::NONE { Vec::new() } else { one.span.0.to_be_bytes().into() };
    Some(Exemplar {
        time_unix_nano: one.time,
        trace_id: one.trace.0.to_be_bytes().into(),
        span_id: span,
        value: Some(exemplar::Value::AsDouble(in_unit(metric, one.value))),
        ..Exemplar::default()
    })
}

/// A raw value in the metric's unit, as near as a double comes: OTLP has nothing wider.
#[allow(clippy::cast_precision_loss, reason = "the wire has no wider number")]
fn in_unit(metric: &Named, raw: i128) -> f64 {
    raw as f64 / metric.raw_per_unit() as f64
}

#[cfg(test)]
mod tests;
