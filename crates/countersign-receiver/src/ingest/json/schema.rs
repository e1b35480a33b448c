//! The OTLP messages as tables: JSON name, field number and kind of every field.
//!
//! From opentelemetry-proto 1.11, `common`, `resource`, `trace`, `logs` and `metrics` v1. What
//! is not in a table is an unknown field and ignored, such as the `strindex` fields, which have
//! a meaning in profiles only.

use countersign_core::dialect::Signal;

use Kind::{Bytes, Id, Many, One, Packed, Plain, Text, Texts};
use Number::{Bool, Double, Enum, Fixed32, Fixed64, Int64, Sfixed64, Sint32, Uint32, Uint64};

/// How a field is written in JSON and on the wire.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Texts,
    /// A trace or span id: hexadecimal in JSON.
    Id,
    /// Base64 in JSON.
    Bytes,
    Plain(Number),
    Packed(Number),
    One(&'static Message),
    Many(&'static Message),
}

/// How a number, a boolean or an enumeration value is written on the wire.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Bool,
    Double,
    /// A varint in two's complement.
    Int64,
    Uint32,
    Uint64,
    /// A zigzag varint.
    Sint32,
    Fixed32,
    Fixed64,
    Sfixed64,
    /// The number, or leniently the name: names in the order of their numbers.
    Enum(&'static [&'static str]),
}

/// One field.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) number: u32,
    /// Members of a oneof share the slot 0, others have their number: what comes later in the
    /// text replaces what has the same slot.
    pub(super) slot: usize,
    pub(super) kind: Kind,
}

/// The highest slot and one.
pub(super) const SLOTS: usize = 17;

/// What a value that does not fit spoils.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Leads to records: of the wrong shape, it spoils the request.
    Envelope,
    /// A span, log record or point: spoilt and refused by itself.
    Record,
    /// Part of either: spoils its record; outside a record it is left out.
    Part,
}

/// One message.
pub(super) struct Message {
    pub(super) level: Level,
    pub(super) fields: &'static [Field],
}

/// The export request of a signal.
pub(super) fn request(signal: Signal) -> &'static Message {
    match signal {
        Signal::Traces => &TRACES,
        Signal::Logs => &LOGS,
        Signal::Metrics => &METRICS,
    }
}

const fn field(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, slot: number as usize, kind }
}

const fn oneof(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, slot: 0, kind }
}

const fn envelope(fields: &'static [Field]) -> Message {
    Message { level: Level::Envelope, fields }
}

const fn record(fields: &'static [Field]) -> Message {
    Message { level: Level::Record, fields }
}

const fn part(fields: &'static [Field]) -> Message {
    Message { level: Level::Part, fields }
}

static ANY_VALUE: Message = part(&[
    oneof("stringValue", 1, Text),
    oneof("boolValue", 2, Plain(Bool)),
    oneof("intValue", 3, Plain(Int64)),
    oneof("doubleValue", 4, Plain(Double)),
    oneof("arrayValue", 5, One(&ARRAY_VALUE)),
    oneof("kvlistValue", 6, One(&KEY_VALUE_LIST)),
    oneof("bytesValue", 7, Bytes),
]);
static ARRAY_VALUE: Message = part(&[field("values", 1, Many(&ANY_VALUE))]);
static KEY_VALUE_LIST: Message = part(&[field("values", 1, Many(&KEY_VALUE))]);
static KEY_VALUE: Message = part(&[field("key", 1, Text), field("value", 2, One(&ANY_VALUE))]);
static SCOPE: Message = part(&[
    field("name", 1, Text),
    field("version", 2, Text),
    field("attributes", 3, Many(&KEY_VALUE)),
    field("droppedAttributesCount", 4, Plain(Uint32)),
]);
static RESOURCE: Message = part(&[
    field("attributes", 1, Many(&KEY_VALUE)),
    field("droppedAttributesCount", 2, Plain(Uint32)),
    field("entityRefs", 3, Many(&ENTITY_REF)),
]);
static ENTITY_REF: Message = part(&[
    field("schemaUrl", 1, Text),
    field("type", 2, Text),
    field("idKeys", 3, Texts),
    field("descriptionKeys", 4, Texts),
]);

static TRACES: Message = envelope(&[field("resourceSpans", 1, Many(&RESOURCE_SPANS))]);
static RESOURCE_SPANS: Message = envelope(&[
    field("resource", 1, One(&RESOURCE)),
    field("scopeSpans", 2, Many(&SCOPE_SPANS)),
    field("schemaUrl", 3, Text),
]);
static SCOPE_SPANS: Message = envelope(&[
    field("scope", 1, One(&SCOPE)),
    field("spans", 2, Many(&SPAN)),
    field("schemaUrl", 3, Text),
]);
static SPAN: Message = record(&[
    field("traceId", 1, Id),
    field("spanId", 2, Id),
    field("traceState", 3, Text),
    field("parentSpanId", 4, Id),
    field("flags", 16, Plain(Fixed32)),
    field("name", 5, Text),
    field("kind", 6, Plain(Enum(&SPAN_KINDS))),
    field("startTimeUnixNano", 7, Plain(Fixed64)),
    field("endTimeUnixNano", 8, Plain(Fixed64)),
    field("attributes", 9, Many(&KEY_VALUE)),
    field("droppedAttributesCount", 10, Plain(Uint32)),
    field("events", 11, Many(&SPAN_EVENT)),
    field("droppedEventsCount", 12, Plain(Uint32)),
    field("links", 13, Many(&SPAN_LINK)),
    field("droppedLinksCount", 14, Plain(Uint32)),
    field("status", 15, One(&STATUS)),
]);
static SPAN_EVENT: Message = part(&[
    field("timeUnixNano", 1, Plain(Fixed64)),
    field("name", 2, Text),
    field("attributes", 3, Many(&KEY_VALUE)),
    field("droppedAttributesCount", 4, Plain(Uint32)),
]);
static SPAN_LINK: Message = part(&[
    field("traceId", 1, Id),
    field("spanId", 2, Id),
    field("traceState", 3, Text),
    field("attributes", 4, Many(&KEY_VALUE)),
    field("droppedAttributesCount", 5, Plain(Uint32)),
    field("flags", 6, Plain(Fixed32)),
]);
static STATUS: Message =
    part(&[field("message", 2, Text), field("code", 3, Plain(Enum(&STATUS_CODES)))]);

static LOGS: Message = envelope(&[field("resourceLogs", 1, Many(&RESOURCE_LOGS))]);
static RESOURCE_LOGS: Message = envelope(&[
    field("resource", 1, One(&RESOURCE)),
    field("scopeLogs", 2, Many(&SCOPE_LOGS)),
    field("schemaUrl", 3, Text),
]);
static SCOPE_LOGS: Message = envelope(&[
    field("scope", 1, One(&SCOPE)),
    field("logRecords", 2, Many(&LOG_RECORD)),
    field("schemaUrl", 3, Text),
]);
static LOG_RECORD: Message = record(&[
    field("timeUnixNano", 1, Plain(Fixed64)),
    field("severityNumber", 2, Plain(Enum(&SEVERITIES))),
    field("severityText", 3, Text),
    field("body", 5, One(&ANY_VALUE)),
    field("attributes", 6, Many(&KEY_VALUE)),
    field("droppedAttributesCount", 7, Plain(Uint32)),
    field("flags", 8, Plain(Fixed32)),
    field("traceId", 9, Id),
    field("spanId", 10, Id),
    field("observedTimeUnixNano", 11, Plain(Fixed64)),
    field("eventName", 12, Text),
]);

static METRICS: Message = envelope(&[field("resourceMetrics", 1, Many(&RESOURCE_METRICS))]);
static RESOURCE_METRICS: Message = envelope(&[
    field("resource", 1, One(&RESOURCE)),
    field("scopeMetrics", 2, Many(&SCOPE_METRICS)),
    field("schemaUrl", 3, Text),
]);
static SCOPE_METRICS: Message = envelope(&[
    field("scope", 1, One(&SCOPE)),
    field("metrics", 2, Many(&METRIC)),
    field("schemaUrl", 3, Text),
]);
static METRIC: Message = envelope(&[
    field("name", 1, Text),
    field("description", 2, Text),
    field("unit", 3, Text),
    oneof("gauge", 5, One(&GAUGE)),
    oneof("sum", 7, One(&SUM)),
    oneof("histogram", 9, One(&HISTOGRAM)),
    oneof("exponentialHistogram", 10, One(&EXPONENTIAL_HISTOGRAM)),
    oneof("summary", 11, One(&SUMMARY)),
    field("metadata", 12, Many(&KEY_VALUE)),
]);
static GAUGE: Message = envelope(&[field("dataPoints", 1, Many(&NUMBER_POINT))]);
static SUM: Message = envelope(&[
    field("dataPoints", 1, Many(&NUMBER_POINT)),
    field("aggregationTemporality", 2, Plain(Enum(&TEMPORALITIES))),
    field("isMonotonic", 3, Plain(Bool)),
]);
static HISTOGRAM: Message = envelope(&[
    field("dataPoints", 1, Many(&HISTOGRAM_POINT)),
    field("aggregationTemporality", 2, Plain(Enum(&TEMPORALITIES))),
]);
static EXPONENTIAL_HISTOGRAM: Message = envelope(&[
    field("dataPoints", 1, Many(&EXPONENTIAL_POINT)),
    field("aggregationTemporality", 2, Plain(Enum(&TEMPORALITIES))),
]);
static SUMMARY: Message = envelope(&[field("dataPoints", 1, Many(&SUMMARY_POINT))]);
static NUMBER_POINT: Message = record(&[
    field("attributes", 7, Many(&KEY_VALUE)),
    field("startTimeUnixNano", 2, Plain(Fixed64)),
    field("timeUnixNano", 3, Plain(Fixed64)),
    oneof("asDouble", 4, Plain(Double)),
    oneof("asInt", 6, Plain(Sfixed64)),
    field("exemplars", 5, Many(&EXEMPLAR)),
    field("flags", 8, Plain(Uint32)),
]);
static HISTOGRAM_POINT: Message = record(&[
    field("attributes", 9, Many(&KEY_VALUE)),
    field("startTimeUnixNano", 2, Plain(Fixed64)),
    field("timeUnixNano", 3, Plain(Fixed64)),
    field("count", 4, Plain(Fixed64)),
    field("sum", 5, Plain(Double)),
    field("bucketCounts", 6, Packed(Fixed64)),
    field("explicitBounds", 7, Packed(Double)),
    field("exemplars", 8, Many(&EXEMPLAR)),
    field("flags", 10, Plain(Uint32)),
    field("min", 11, Plain(Double)),
    field("max", 12, Plain(Double)),
]);
static EXPONENTIAL_POINT: Message = record(&[
    field("attributes", 1, Many(&KEY_VALUE)),
    field("startTimeUnixNano", 2, Plain(Fixed64)),
    field("timeUnixNano", 3, Plain(Fixed64)),
    field("count", 4, Plain(Fixed64)),
    field("sum", 5, Plain(Double)),
    field("scale", 6, Plain(Sint32)),
    field("zeroCount", 7, Plain(Fixed64)),
    field("positive", 8, One(&BUCKETS)),
    field("negative", 9, One(&BUCKETS)),
    field("flags", 10, Plain(Uint32)),
    field("exemplars", 11, Many(&EXEMPLAR)),
    field("min", 12, Plain(Double)),
    field("max", 13, Plain(Double)),
    field("zeroThreshold", 14, Plain(Double)),
]);
static BUCKETS: Message =
    part(&[field("offset", 1, Plain(Sint32)), field("bucketCounts", 2, Packed(Uint64))]);
static SUMMARY_POINT: Message = record(&[
    field("attributes", 7, Many(&KEY_VALUE)),
    field("startTimeUnixNano", 2, Plain(Fixed64)),
    field("timeUnixNano", 3, Plain(Fixed64)),
    field("count", 4, Plain(Fixed64)),
    field("sum", 5, Plain(Double)),
    field("quantileValues", 6, Many(&QUANTILE)),
    field("flags", 8, Plain(Uint32)),
]);
static QUANTILE: Message =
    part(&[field("quantile", 1, Plain(Double)), field("value", 2, Plain(Double))]);
static EXEMPLAR: Message = part(&[
    field("filteredAttributes", 7, Many(&KEY_VALUE)),
    field("timeUnixNano", 2, Plain(Fixed64)),
    oneof("asDouble", 3, Plain(Double)),
    oneof("asInt", 6, Plain(Sfixed64)),
    field("spanId", 4, Id),
    field("traceId", 5, Id),
]);

static SPAN_KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
static STATUS_CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];
static TEMPORALITIES: [&str; 3] = [
    "AGGREGATION_TEMPORALITY_UNSPECIFIED",
    "AGGREGATION_TEMPORALITY_DELTA",
    "AGGREGATION_TEMPORALITY_CUMULATIVE",
];
static SEVERITIES: [&str; 25] = [
    "SEVERITY_NUMBER_UNSPECIFIED",
    "SEVERITY_NUMBER_TRACE",
    "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",
    "SEVERITY_NUMBER_TRACE4",
    "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",
    "SEVERITY_NUMBER_DEBUG3",
    "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",
    "SEVERITY_NUMBER_INFO2",
    "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",
    "SEVERITY_NUMBER_WARN",
    "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",
    "SEVERITY_NUMBER_WARN4",
    "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",
    "SEVERITY_NUMBER_ERROR3",
    "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",
    "SEVERITY_NUMBER_FATAL2",
    "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4",
];
