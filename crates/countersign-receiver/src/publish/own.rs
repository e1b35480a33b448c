//! Own: how the program itself fares, in the Collector's words where it has one.
//!
//! These series begin with the process, unlike those of the books. They are for the operator.

use std::sync::Arc;

use countersign_core::dialect::Signal;
use countersign_core::fact::UnixNanos;
use countersign_core::tally::{Kind, Metric, Series, Value};

use super::health::Health;
use super::reloads::Reloads;
use super::soundness;
use crate::ingest::{Counted, Reason, Slots, Transport};
use crate::journal::Soundness;
use crate::keeper::{Condition, Keeper};

/// Where it is read.
#[derive(Clone, Debug)]
pub struct Own {
    /// When the process began.
    pub start: UnixNanos,
    /// What the ports took and refused.
    pub counted: Arc<Counted>,
    /// Connections of the ports that take telemetry, and of the operator port.
    pub connections: Vec<(&'static str, Slots)>,
    /// How the destinations fare.
    pub destinations: Vec<Arc<Health>>,
    /// What became of the reloads.
    pub reloads: Arc<Reloads>,
    /// What is known to be damaged in the data directory.
    pub soundness: Soundness,
    /// Whose queue it is, and whose disk.
    pub keeper: Keeper,
}

const fn counter(
    name: &'static str,
    unit: &'static str,
    attributes: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Counter, unit, help, attributes }
}

const fn gauge(
    name: &'static str,
    unit: &'static str,
    attributes: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Gauge, unit, help, attributes }
}

const TRANSPORT: &[&str] = &["transport"];
const DESTINATION: &[&str] = &["exporter"];

/// Accepted and refused, for each signal.
static RECORDS: [(Signal, Metric, Metric); 3] = [
    (
        Signal::Traces,
        counter("countersign.receiver.accepted_spans", "{span}", TRANSPORT, "Spans taken."),
        counter("countersign.receiver.refused_spans", "{span}", TRANSPORT, REFUSED),
    ),
    (
        Signal::Logs,
        counter(
            "countersign.receiver.accepted_log_records",
            "{record}",
            TRANSPORT,
            "Log records taken.",
        ),
        counter("countersign.receiver.refused_log_records", "{record}", TRANSPORT, REFUSED),
    ),
    (
        Signal::Metrics,
        counter(
            "countersign.receiver.accepted_metric_points",
            "{point}",
            TRANSPORT,
            "Metric points taken.",
        ),
        counter("countersign.receiver.refused_metric_points", "{point}", TRANSPORT, REFUSED),
    ),
];
const REFUSED: &str = "Records refused of requests that were taken.";

static REFUSED_REQUESTS: Metric = counter(
    "countersign.receiver.refused_requests",
    "{request}",
    &["transport", "reason"],
    "Requests refused as a whole.",
);
static ACKNOWLEDGEMENT: Metric = Metric {
    name: "countersign.journal.acknowledgement",
    kind: Kind::Histogram,
    unit: "s",
    help: "From a request that is read to its facts on disk and in the books.",
    attributes: &[],
};
static JOURNAL_UP: Metric =
    gauge("countersign.journal.up", "", &[], "Whether the journal can be written.");
static QUEUED: Metric =
    gauge("countersign.keeper.queue_size", "By", &[], "Bytes that wait for the journal.");
static CONNECTIONS: Metric =
    gauge("countersign.receiver.connections", "{connection}", &["port"], "Open connections.");
static REFUSED_CONNECTIONS: Metric = counter(
    "countersign.receiver.refused_connections",
    "{connection}",
    &["port"],
    "Connections closed because their address had too many.",
);
static QUEUE: Metric = gauge(
    "countersign.exporter.queue_size",
    "{request}",
    DESTINATION,
    "Requests that wait for the destination.",
);
static SENT: Metric = counter(
    "countersign.exporter.sent_requests",
    "{request}",
    DESTINATION,
    "Requests that the destination took.",
);
static RETRIED: Metric = counter(
    "countersign.exporter.retried_requests",
    "{request}",
    DESTINATION,
    "Requests that were sent again.",
);
static GIVEN_UP: Metric = counter(
    "countersign.exporter.send_failed_requests",
    "{request}",
    DESTINATION,
    "Requests that the destination will never take.",
);
static RELOADED: Metric =
    counter("countersign.config.reloads", "{reload}", &["result"], "Reloads of the configuration.");
static RELOAD_GOOD: Metric = gauge(
    "countersign.config.last_reload_successful",
    "",
    &[],
    "Whether the files are what is in force.",
);
static EXPIRY: Metric = gauge(
    "countersign.certificate.expiry_timestamp",
    "s",
    &["port"],
    "When the port's certificate ends, in seconds since 1970.",
);

type See<'a> = &'a mut dyn FnMut(&Series<'_>);

impl Own {
    /// Shows every series, those of one metric one after the other.
    pub fn visit(&self, see: See<'_>) {
        self.receiver(see);
        self.journal(see);
        self.destinations(see);
        self.configuration(see);
    }

    fn show(
        &self,
        see: See<'_>,
        metric: &'static Metric,
        attributes: &[(&'static str, &str)],
        value: Value<'_>,
    ) {
        see(&Series { metric, attributes, start: self.start, value, exemplar: None });
    }

    fn receiver(&self, see: See<'_>) {
        for (signal, accepted, refused) in &RECORDS {
            for metric in [accepted, refused] {
                for transport in Transport::ALL {
                    let shown = self.counted.show(transport, *signal);
                    let count = if std::ptr::eq(metric, accepted) { shown.0 } else { shown.1 };
                    let attributes = [("transport", transport.as_str())];
                    self.show(see, metric, &attributes, Value::Count(count));
                }
            }
        }
        for transport in Transport::ALL {
            for reason in Reason::ALL {
                let attributes = [("transport", transport.as_str()), ("reason", reason.as_str())];
                let count = self.counted.refusals(transport, reason);
                self.show(see, &REFUSED_REQUESTS, &attributes, Value::Count(count));
            }
        }
        for (port, slots) in &self.connections {
            self.show(see, &CONNECTIONS, &[("port", port)], level(slots.open() as u64));
        }
        for (port, slots) in &self.connections {
            let count = Value::Count(slots.refused());
            self.show(see, &REFUSED_CONNECTIONS, &[("port", port)], count);
        }
    }

    fn journal(&self, see: See<'_>) {
        let acknowledgements = self.counted.acknowledgements();
        self.show(see, &ACKNOWLEDGEMENT, &[], Value::Histogram(&acknowledgements));
        let up = match self.keeper.condition() {
            Condition::Well | Condition::Slow { .. } => 1,
            Condition::Faulty(_) | Condition::Stopped => 0,
        };
        self.show(see, &JOURNAL_UP, &[], Value::Level(up));
        soundness::visit(self.soundness.show(), see);
        self.show(see, &QUEUED, &[], level(self.keeper.queued_bytes() as u64));
    }

    fn destinations(&self, see: See<'_>) {
        let end = self.keeper.relay().map_or(0, |feed| *feed.changed().borrow());
        let shown: Vec<_> = self.destinations.iter().map(|health| health.show()).collect();
        for one in &shown {
            let waiting = (end + 1).saturating_sub(one.position.max(1));
            self.show(see, &QUEUE, &[("exporter", &one.name)], level(waiting));
        }
        for (metric, count) in [(&SENT, 0), (&RETRIED, 1), (&GIVEN_UP, 2)] {
            for one in &shown {
                let counts = [one.delivered, one.retries, one.dead_lettered];
                let count = Value::Count(counts.get(count).copied().unwrap_or(0));
                self.show(see, metric, &[("exporter", &one.name)], count);
            }
        }
    }

    fn configuration(&self, see: See<'_>) {
        let reloads = self.reloads.show();
        for (result, count) in [("done", reloads.done), ("failed", reloads.failed)] {
            self.show(see, &RELOADED, &[("result", result)], Value::Count(count));
        }
        self.show(see, &RELOAD_GOOD, &[], Value::Level(i64::from(!reloads.broken)));
        for (port, end) in &reloads.certificates_end {
            let end = Value::Millis(end.saturating_mul(1_000));
            self.show(see, &EXPIRY, &[("port", port)], end);
        }
    }
}

fn level(value: u64) -> Value<'static> {
    Value::Level(i64::try_from(value).unwrap_or(i64::MAX))
}
