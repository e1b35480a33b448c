//! OTLP protobuf as OTLP/JSON, written from a table of the fields that emitters send.
//!
//! A field that is not in the table is a panic, so that no test passes because it was left out.

use countersign_core::dialect::Signal;
use prost::bytes::Buf as _;
use prost::encoding::{WireType, decode_key, decode_varint};
use serde_json::{Map, Value, json};

/// A message: field numbers, JSON names and what the fields hold.
type Message = &'static [(u32, &'static str, Kind)];

#[derive(Clone, Copy)]
enum Kind {
    One(fn() -> Message),
    Many(fn() -> Message),
    Text,
    /// Trace and span ids are hex.
    Id,
    Bool,
    /// Enums and counts of 32 bits are JSON numbers.
    Small,
    /// A signed number of 32 bits, its sign in the lowest bit.
    Zigzag,
    /// Numbers of 64 bits are JSON strings.
    Unsigned,
    Signed,
    Double,
    /// Packed numbers.
    Counts,
    Bounds,
    /// Packed numbers of any length.
    SmallCounts,
}

use Kind::{
    Bool, Bounds, Counts, Double, Id, Many, One, Signed, Small, SmallCounts, Text, Unsigned, Zigzag,
};

const TRACES: Message = &[(1, "resourceSpans", Many(|| RESOURCE_SPANS))];
const RESOURCE_SPANS: Message =
    &[(1, "resource", One(|| RESOURCE)), (2, "scopeSpans", Many(|| SPANS)), (3, "schemaUrl", Text)];
const SPANS: Message =
    &[(1, "scope", One(|| SCOPE)), (2, "spans", Many(|| SPAN)), (3, "schemaUrl", Text)];
const SPAN: Message = &[
    (1, "traceId", Id),
    (2, "spanId", Id),
    (3, "traceState", Text),
    (4, "parentSpanId", Id),
    (5, "name", Text),
    (6, "kind", Small),
    (7, "startTimeUnixNano", Unsigned),
    (8, "endTimeUnixNano", Unsigned),
    (9, "attributes", Many(|| ATTRIBUTE)),
    (10, "droppedAttributesCount", Small),
    (11, "events", Many(|| EVENT)),
    (12, "droppedEventsCount", Small),
    (13, "links", Many(|| LINK)),
    (14, "droppedLinksCount", Small),
    (15, "status", One(|| STATUS)),
    (16, "flags", Small),
];
const EVENT: Message = &[
    (1, "timeUnixNano", Unsigned),
    (2, "name", Text),
    (3, "attributes", Many(|| ATTRIBUTE)),
    (4, "droppedAttributesCount", Small),
];
const LINK: Message = &[
    (1, "traceId", Id),
    (2, "spanId", Id),
    (3, "traceState", Text),
    (4, "attributes", Many(|| ATTRIBUTE)),
    (5, "droppedAttributesCount", Small),
    (6, "flags", Small),
];
const STATUS: Message = &[(2, "message", Text), (3, "code", Small)];
const RESOURCE: Message =
    &[(1, "attributes", Many(|| ATTRIBUTE)), (2, "droppedAttributesCount", Small)];
const SCOPE: Message = &[
    (1, "name", Text),
    (2, "version", Text),
    (3, "attributes", Many(|| ATTRIBUTE)),
    (4, "droppedAttributesCount", Small),
];
const ATTRIBUTE: Message = &[(1, "key", Text), (2, "value", One(|| ANY))];
const ANY: Message = &[
    (1, "stringValue", Text),
    (2, "boolValue", Bool),
    (3, "intValue", Signed),
    (4, "doubleValue", Double),
    (5, "arrayValue", One(|| ARRAY)),
    (6, "kvlistValue", One(|| ATTRIBUTES)),
];
const ARRAY: Message = &[(1, "values", Many(|| ANY))];
const ATTRIBUTES: Message = &[(1, "values", Many(|| ATTRIBUTE))];
const LOGS: Message = &[(1, "resourceLogs", Many(|| RESOURCE_LOGS))];
const RESOURCE_LOGS: Message = &[
    (1, "resource", One(|| RESOURCE)),
    (2, "scopeLogs", Many(|| RECORDS)),
    (3, "schemaUrl", Text),
];
const RECORDS: Message =
    &[(1, "scope", One(|| SCOPE)), (2, "logRecords", Many(|| RECORD)), (3, "schemaUrl", Text)];
const RECORD: Message = &[
    (1, "timeUnixNano", Unsigned),
    (2, "severityNumber", Small),
    (3, "severityText", Text),
    (5, "body", One(|| ANY)),
    (6, "attributes", Many(|| ATTRIBUTE)),
    (7, "droppedAttributesCount", Small),
    (8, "flags", Small),
    (9, "traceId", Id),
    (10, "spanId", Id),
    (11, "observedTimeUnixNano", Unsigned),
    (12, "eventName", Text),
];
const METRICS: Message = &[(1, "resourceMetrics", Many(|| RESOURCE_METRICS))];
const RESOURCE_METRICS: Message = &[
    (1, "resource", One(|| RESOURCE)),
    (2, "scopeMetrics", Many(|| SCOPE_METRICS)),
    (3, "schemaUrl", Text),
];
const SCOPE_METRICS: Message =
    &[(1, "scope", One(|| SCOPE)), (2, "metrics", Many(|| METRIC)), (3, "schemaUrl", Text)];
const METRIC: Message = &[
    (1, "name", Text),
    (2, "description", Text),
    (3, "unit", Text),
    (5, "gauge", One(|| SUM)),
    (7, "sum", One(|| SUM)),
    (9, "histogram", One(|| HISTOGRAM)),
    (10, "exponentialHistogram", One(|| EXPONENTIAL)),
];
const SUM: Message = &[
    (1, "dataPoints", Many(|| NUMBER)),
    (2, "aggregationTemporality", Small),
    (3, "isMonotonic", Bool),
];
const NUMBER: Message = &[
    (2, "startTimeUnixNano", Unsigned),
    (3, "timeUnixNano", Unsigned),
    (4, "asDouble", Double),
    (5, "exemplars", Many(|| EXEMPLAR)),
    (6, "asInt", Signed),
    (7, "attributes", Many(|| ATTRIBUTE)),
    (8, "flags", Small),
];
const HISTOGRAM: Message =
    &[(1, "dataPoints", Many(|| BUCKETS)), (2, "aggregationTemporality", Small)];
const BUCKETS: Message = &[
    (2, "startTimeUnixNano", Unsigned),
    (3, "timeUnixNano", Unsigned),
    (4, "count", Unsigned),
    (5, "sum", Double),
    (6, "bucketCounts", Counts),
    (7, "explicitBounds", Bounds),
    (8, "exemplars", Many(|| EXEMPLAR)),
    (9, "attributes", Many(|| ATTRIBUTE)),
    (10, "flags", Small),
    (11, "min", Double),
    (12, "max", Double),
];
const EXPONENTIAL: Message =
    &[(1, "dataPoints", Many(|| SCALED)), (2, "aggregationTemporality", Small)];
const SCALED: Message = &[
    (1, "attributes", Many(|| ATTRIBUTE)),
    (2, "startTimeUnixNano", Unsigned),
    (3, "timeUnixNano", Unsigned),
    (4, "count", Unsigned),
    (5, "sum", Double),
    (6, "scale", Zigzag),
    (7, "zeroCount", Unsigned),
    (8, "positive", One(|| OFFSET)),
    (9, "negative", One(|| OFFSET)),
    (10, "flags", Small),
    (11, "exemplars", Many(|| EXEMPLAR)),
    (12, "min", Double),
    (13, "max", Double),
    (14, "zeroThreshold", Double),
];
const OFFSET: Message = &[(1, "offset", Zigzag), (2, "bucketCounts", SmallCounts)];
const EXEMPLAR: Message = &[
    (2, "timeUnixNano", Unsigned),
    (3, "asDouble", Double),
    (4, "spanId", Id),
    (5, "traceId", Id),
    (6, "asInt", Signed),
    (7, "filteredAttributes", Many(|| ATTRIBUTE)),
];

/// What a field holds on the wire.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The same request in JSON.
pub(crate) fn as_json(signal: Signal, bytes: &[u8]) -> Vec<u8> {
    let message = match signal {
        Signal::Traces => TRACES,
        Signal::Logs => LOGS,
        Signal::Metrics => METRICS,
    };
    serde_json::to_vec(&written(message, bytes)).unwrap()
}

fn written(message: Message, mut bytes: &[u8]) -> Value {
    let mut fields = Map::new();
    while !bytes.is_empty() {
        let (number, wire) = field(&mut bytes);
        let known = message.iter().find(|(known, ..)| *known == number);
        let (_, name, kind) = known.unwrap_or_else(|| {
            let known: Vec<_> = message.iter().map(|(_, name, _)| name).collect();
            panic!("field {number} beside {known:?}")
        });
        let value = value(*kind, &wire);
        if let Many(_) = kind {
            let many = fields.entry(*name).or_insert_with(|| json!([]));
            many.as_array_mut().unwrap().push(value);
        } else {
            fields.insert((*name).to_owned(), value);
        }
    }
    Value::Object(fields)
}

fn field<'a>(bytes: &mut &'a [u8]) -> (u32, Wire<'a>) {
    let (number, kind) = decode_key(bytes).unwrap();
    let wire = match kind {
        WireType::Varint => Wire::Number(decode_varint(bytes).unwrap()),
        WireType::SixtyFourBit => Wire::Number(bytes.get_u64_le()),
        WireType::ThirtyTwoBit => Wire::Number(bytes.get_u32_le().into()),
        WireType::LengthDelimited => {
            let length = usize::try_from(decode_varint(bytes).unwrap()).unwrap();
            let (taken, rest) = bytes.split_at(length);
            *bytes = rest;
            Wire::Bytes(taken)
        }
        WireType::StartGroup | WireType::EndGroup => panic!("a group"),
    };
    (number, wire)
}

fn value(kind: Kind, wire: &Wire<'_>) -> Value {
    match (kind, wire) {
        (One(message) | Many(message), Wire::Bytes(bytes)) => written(message(), bytes),
        (Text, Wire::Bytes(bytes)) => json!(String::from_utf8_lossy(bytes)),
        (Id, Wire::Bytes(bytes)) => {
            json!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
        (Bool, Wire::Number(number)) => json!(*number != 0),
        (Small, Wire::Number(number)) => json!(number),
        (Zigzag, Wire::Number(number)) => {
            json!((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
        }
        (Unsigned, Wire::Number(number)) => json!(number.to_string()),
        (Signed, Wire::Number(number)) => json!(number.cast_signed().to_string()),
        (Double, Wire::Number(number)) => json!(f64::from_bits(*number)),
        (Counts, Wire::Bytes(bytes)) => {
            json!(packed(bytes).map(|count| count.to_string()).collect::<Vec<_>>())
        }
        (Bounds, Wire::Bytes(bytes)) => {
            json!(packed(bytes).map(f64::from_bits).collect::<Vec<_>>())
        }
        (SmallCounts, Wire::Bytes(bytes)) => {
            let mut bytes = *bytes;
            let mut counts = Vec::new();
            while !bytes.is_empty() {
                counts.push(decode_varint(&mut bytes).unwrap().to_string());
            }
            json!(counts)
        }
        (One(_) | Many(_) | Text | Id | Counts | Bounds | SmallCounts, Wire::Number(_))
        | (Bool | Small | Zigzag | Unsigned | Signed | Double, Wire::Bytes(_)) => {
            panic!("a field of another type")
        }
    }
}

fn packed(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.chunks_exact(8).map(|eight| u64::from_le_bytes(eight.try_into().unwrap()))
}
