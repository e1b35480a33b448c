//! What transcoding keeps, repairs and refuses, compared through prost's decoder.

use std::fmt::Write;

use countersign_core::dialect::Signal;
use expect_test::{Expect, expect, expect_file};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::Value;

use super::{JsonError, Transcoded, transcode};

const TRACE: &str = "5b8efff798038103d269b633813fc60c";
const SPAN: &str = "eee19b7ec3c1b174";

fn spans(json: &[u8]) -> Result<(Vec<Span>, Transcoded), JsonError> {
    let mut out = Vec::new();
    let done = transcode(Signal::Traces, json, &mut out)?;
    let request = ExportTraceServiceRequest::decode(&*out).unwrap();
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    Ok((scopes.flat_map(|scope| scope.spans).collect(), done))
}

/// A good span beside one with the given members, as the request has them.
fn beside(members: &str) -> String {
    format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[
            {{"traceId":"{TRACE}","spanId":"{SPAN}"}},
            {{"traceId":"{TRACE}","spanId":"{SPAN}",{members}}}]}}]}}]}}"#
    )
}

/// What became of the second span and of the request.
fn fate(members: impl AsRef<[u8]>) -> String {
    let members = members.as_ref();
    let mut json = beside("@").into_bytes();
    let at = json.iter().position(|byte| *byte == b'@').unwrap();
    json.splice(at..=at, members.iter().copied());
    let (spans, done) = match spans(&json) {
        Ok(read) => read,
        Err(error) => return error.to_string(),
    };
    let mut text = format!("{} spans", spans.len());
    if done.rejected > 0 {
        write!(text, ", {} rejected", done.rejected).unwrap();
    }
    if done.repaired {
        text.push_str(", repaired");
    }
    if done.snake_case {
        text.push_str(", snake case");
    }
    text
}

#[allow(clippy::needless_pass_by_value, reason = "as expect! is used everywhere")]
fn check(actual: impl std::fmt::Debug, expected: Expect) {
    expected.assert_eq(&format!("{actual:?}"));
}

fn second(members: &str) -> Span {
    spans(beside(members).as_bytes()).unwrap().0.pop().unwrap()
}

fn value(json: &str) -> String {
    let span = second(&format!(r#""attributes":[{{"key":"k","value":{json}}}]"#));
    format!("{:?}", span.attributes.first().unwrap().value.as_ref().map(|any| &any.value))
}

#[test]
fn ids_are_hexadecimal_of_either_case() {
    let upper = second(&format!(r#""traceId":"{}""#, TRACE.to_uppercase()));
    assert_eq!(upper.trace_id, second(r#""kind":1"#).trace_id);
    assert_eq!(upper.trace_id.len(), 16);
    assert_eq!(upper.span_id, 0xeee1_9b7e_c3c1_b174_u64.to_be_bytes());
}

#[test]
fn a_bad_id_is_written_with_its_bad_length() {
    let length = |id: &str| second(&format!(r#""traceId":"{id}""#)).trace_id.len();
    assert_eq!(length("abcd"), 2);
    assert_eq!(length("abc"), 1);
    assert_eq!(length("W47/95gDgQPSabYzgT/GDA=="), 1);
    assert_eq!(length(&format!("{TRACE}0")), 1);
    assert_eq!(length("00000000000000000000000000000000"), 16);
    for root in [r#""parentSpanId":"""#, r#""parentSpanId":null"#, r#""kind":1"#] {
        assert!(second(root).parent_span_id.is_empty());
    }
}

#[test]
fn integers_come_as_numbers_and_as_texts() {
    for spelt in ["1500000000000000000", "\"1500000000000000000\"", "1.5e18", "\"1.5e18\""] {
        let span = second(&format!(r#""startTimeUnixNano":{spelt}"#));
        assert_eq!(span.start_time_unix_nano, 1_500_000_000_000_000_000);
    }
    check(value(r#"{"intValue":42.0}"#), expect![[r#""Some(Some(IntValue(42)))""#]]);
    check(value(r#"{"intValue":"-42"}"#), expect![[r#""Some(Some(IntValue(-42)))""#]]);
}

#[test]
fn what_does_not_fit_spoils_its_record_only() {
    for members in [
        r#""startTimeUnixNano":"-1""#,
        r#""startTimeUnixNano":1.5"#,
        r#""startTimeUnixNano":true"#,
        r#""startTimeUnixNano":{"a":[1,{}]}"#,
        r#""name":5"#,
        r#""attributes":{"k":1}"#,
        r#""attributes":[5]"#,
        r#""attributes":[{"key":"k","value":{"intValue":"9223372036854775808"}}]"#,
        r#""attributes":[{"key":"k","value":{"doubleValue":1e400}}]"#,
        r#""attributes":[{"key":"k","value":{"doubleValue":"1.5x"}}]"#,
        r#""attributes":[{"key":"k","value":{"bytesValue":"*"}}]"#,
        r#""attributes":[{"key":"k","value":{"boolValue":"yes"}}]"#,
        r#""kind":"SPAN_KIND_NEW""#,
        r#""status":"ok""#,
    ] {
        assert_eq!(fate(members), "1 spans, 1 rejected", "{members}");
    }
    let odd = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[5,null,[],{"kind":3}]}]}]}"#;
    let (spans, done) = spans(odd.as_bytes()).unwrap();
    assert_eq!((spans.len(), done.rejected), (1, 3));
}

#[test]
fn what_leads_to_records_must_have_its_shape() {
    for json in [
        r#"{"resourceSpans":5}"#,
        r#"{"resourceSpans":[5]}"#,
        r#"{"resourceSpans":[{"scopeSpans":{}}]}"#,
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":"x"}]}]}"#,
        "[]",
        "null",
        "5",
    ] {
        assert!(matches!(spans(json.as_bytes()), Err(JsonError::Shape(_))), "{json}");
    }
    let odd = r#"{"resourceSpans":[{"resource":5,"schemaUrl":{},"scopeSpans":[{"scope":[],
        "spans":[{"kind":1}]}]},{"resource":{"attributes":[{"key":"k","value":{"intValue":"x"}},
        {"key":"service.name","value":{"stringValue":"s"}}]}},null]}"#;
    let (spans, done) = spans(odd.as_bytes()).unwrap();
    assert_eq!((spans.len(), done.rejected, done.repaired), (1, 0, true));
}

#[test]
fn enumerations_come_as_numbers_and_leniently_as_names() {
    assert_eq!(second(r#""kind":2"#).kind, 2);
    assert_eq!(second(r#""kind":99"#).kind, 99);
    assert_eq!(second(r#""kind":"SPAN_KIND_SERVER""#).kind, 2);
    assert_eq!(fate(r#""kind":"SPAN_KIND_SERVER""#), "2 spans, repaired");
}

#[test]
fn unknown_fields_are_ignored_at_any_depth() {
    let unknown = r#""new":{"a":[{"b":[[],{}]},"\"}]",null,1e400,true]},"status":{"x":[1]}"#;
    assert_eq!(fate(unknown), "2 spans");
    assert_eq!(fate(r#""start_time_unix_nano":1"#), "2 spans, snake case");
}

#[test]
fn null_is_the_default() {
    let all = r#""name":null,"kind":null,"startTimeUnixNano":null,"attributes":null,
        "status":null,"traceState":null,"flags":null,"events":null,"links":null"#;
    assert_eq!(fate(all), "2 spans");
    assert_eq!(second(all), second(r#""endTimeUnixNano":"0""#));
}

#[test]
fn of_two_members_the_last_counts() {
    let twice = second(
        r#""name":"a","attributes":[{"key":"a"}],"kind":1,"name":"b",
        "attributes":[{"key":"b"},{"key":"c"}],"kind":null,"status":{"code":2},"status":{}"#,
    );
    let keys: Vec<&str> = twice.attributes.iter().map(|pair| pair.key.as_str()).collect();
    assert_eq!((twice.name.as_str(), keys, twice.kind), ("b", vec!["b", "c"], 0));
    assert_eq!(twice.status.unwrap().code, 0);
    check(
        value(r#"{"stringValue":"a","arrayValue":{"values":[{}]},"intValue":1}"#),
        expect![[r#""Some(Some(IntValue(1)))""#]],
    );
}

#[test]
fn doubles_bytes_and_empty_values() {
    let read = |json: &str| value(json);
    check(read(r#"{"doubleValue":"1.5"}"#), expect![[r#""Some(Some(DoubleValue(1.5)))""#]]);
    check(read(r#"{"doubleValue":"NaN"}"#), expect![[r#""Some(Some(DoubleValue(NaN)))""#]]);
    check(read(r#"{"doubleValue":"-Infinity"}"#), expect![[r#""Some(Some(DoubleValue(-inf)))""#]]);
    check(read(r#"{"doubleValue":3}"#), expect![[r#""Some(Some(DoubleValue(3.0)))""#]]);
    check(read(r#"{"bytesValue":"-_8"}"#), expect![[r#""Some(Some(BytesValue([251, 255])))""#]]);
    check(read(r#"{"stringValue":""}"#), expect![[r#""Some(Some(StringValue(\"\")))""#]]);
    check(read("{}"), expect![[r#""Some(None)""#]]);
    check(read("null"), expect![[r#""None""#]]);
    check(read(r#"{"futureValue":[1]}"#), expect![[r#""Some(None)""#]]);
    check(
        read(r#"{"arrayValue":{}}"#),
        expect![[r#""Some(Some(ArrayValue(ArrayValue { values: [] })))""#]],
    );
    check(
        read(r#"{"kvlistValue":{"values":null}}"#),
        expect![[r#""Some(Some(KvlistValue(KeyValueList { values: [] })))""#]],
    );
    let list = read(r#"{"arrayValue":{"values":[null,{}]}}"#);
    assert_eq!(list.matches("AnyValue { value: None }").count(), 2, "{list}");
}

#[test]
fn texts_are_unescaped_and_repaired() {
    let name = |text: &str| second(&format!(r#""name":"{text}""#)).name;
    assert_eq!(name(r#"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é"#), "a\"\\/\u{8}\u{c}\n\r\té😀é");
    assert_eq!(name(r"\u0000"), "\0");
    assert_eq!(name(r"\ud800"), "\u{fffd}");
    assert_eq!(name(r"\ud800\ud800\udc00"), "\u{fffd}\u{10000}");
    assert_eq!(name(r"\udc00x"), "\u{fffd}x");
    assert_eq!(name("a\nb\0"), "a\u{fffd}b\u{fffd}");
    assert_eq!(fate(b"\"name\":\"a\xffb\""), "2 spans, repaired");
    assert_eq!(fate(r#""name":"\ud800""#), "2 spans, repaired");
    let escaped = second(r#""\u006eame":"x""#);
    assert_eq!(escaped.name, "x");
}

#[test]
fn what_is_not_json_is_refused() {
    for json in [
        "",
        " ",
        "{",
        "{}{}",
        "{} x",
        "\u{feff}{}",
        "{}\n{}",
        "{/**/}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\" 1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":1e}",
        "{\"a\":+1}",
        "{\"a\":nul}",
        "{\"a\":NaN}",
        "{\"a\":[1,]}",
        "{\"a\":[1 2]}",
        "{\"a\":[1}}",
        "{\"a\":\"",
        "{\"a\":\"\\",
        "{\"resourceSpans\":[{]}",
        "{\"resourceSpans\":[,]}",
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"\\q\"}]}]}]}",
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"\\u12g4\"}]}]}]}",
        "{a:1}",
    ] {
        assert!(matches!(spans(json.as_bytes()), Err(JsonError::Syntax(_))), "{json}");
    }
    for json in ["{}", " {\r\n\t} ", r#"{"resourceSpans":[]}"#, r#"{"resourceSpans":null}"#] {
        assert_eq!(spans(json.as_bytes()), Ok((vec![], Transcoded::default())), "{json}");
    }
}

#[test]
fn depth_costs_no_stack() {
    let depths = || {
        let lists = r#"{"arrayValue":{"values":["#.repeat(1000) + &"]}}".repeat(1000);
        let known = fate(format!(r#""attributes":[{{"key":"k","value":{lists}}}]"#));
        let unknown = fate(format!(r#""x":{}{}"#, "[".repeat(1_000_000), "]".repeat(1_000_000)));
        let mixed = fate(format!(r#""x":{}{}"#, "[{\"a\":".repeat(100_000), "}".repeat(100_000)));
        (known, unknown, mixed)
    };
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(depths).unwrap();
    let (known, unknown, mixed) = thread.join().unwrap();
    assert_eq!(known, "2 spans, repaired");
    assert_eq!(unknown, "2 spans");
    assert!(mixed.starts_with("not valid JSON"), "{mixed}");
}

#[test]
fn a_request_cannot_grow_past_the_limit() {
    let zeros = "0,".repeat((crate::limits::REQUEST_BYTES_MAX / 8) + 1) + "0";
    let json = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"histogram":{{"dataPoints":[
        {{"bucketCounts":[{zeros}]}}]}}}}]}}]}}]}}"#
    );
    let mut out = vec![1];
    let done = transcode(Signal::Metrics, json.as_bytes(), &mut out);
    assert_eq!((done, out), (Err(JsonError::TooLarge), vec![1]));
}

#[test]
fn large_messages_have_their_length() {
    for size in [126, 127, 128, 16_383, 16_384, 3_000_000] {
        let name = "x".repeat(size);
        assert_eq!(second(&format!(r#""name":"{name}""#)).name, name);
    }
}

#[test]
fn every_field_of_a_trace_request() {
    let json = r#"{"resourceSpans":[{"schemaUrl":"u1","resource":{"attributes":[
      {"key":"a","value":{"boolValue":true}}],"droppedAttributesCount":1,"entityRefs":[
      {"schemaUrl":"e","type":"t","idKeys":["i","j"],"descriptionKeys":["d"]}]},
      "scopeSpans":[{"schemaUrl":"u2","scope":{"name":"n","version":"v","attributes":[
      {"key":"b","value":{"kvlistValue":{"values":[{"key":"c","value":{"intValue":-7}}]}}}],
      "droppedAttributesCount":2},"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10",
      "spanId":"1112131415161718","traceState":"ts","parentSpanId":"2122232425262728",
      "flags":769,"name":"N","kind":3,"startTimeUnixNano":"3","endTimeUnixNano":4,
      "attributes":[{"key":"d"}],"droppedAttributesCount":5,"events":[{"timeUnixNano":"6",
      "name":"E","attributes":[{"key":"e"}],"droppedAttributesCount":7}],
      "droppedEventsCount":8,"links":[{"traceId":"3132333435363738393a3b3c3d3e3f40",
      "spanId":"4142434445464748","traceState":"L","attributes":[{"key":"f"}],
      "droppedAttributesCount":9,"flags":10}],"droppedLinksCount":11,
      "status":{"message":"m","code":2}}]}]}]}"#;
    let mut out = Vec::new();
    transcode(Signal::Traces, json.as_bytes(), &mut out).unwrap();
    let request = ExportTraceServiceRequest::decode(&*out).unwrap();
    expect_file!["expected/trace.txt"].assert_eq(&format!("{request:#?}\n"));
}

#[test]
fn every_field_of_a_logs_request() {
    let json = r#"{"resourceLogs":[{"schemaUrl":"u1","scopeLogs":[{"schemaUrl":"u2",
      "logRecords":[{"timeUnixNano":"1","observedTimeUnixNano":"2","severityNumber":9,
      "severityText":"INFO","body":{"stringValue":"B"},"attributes":[{"key":"a"}],
      "droppedAttributesCount":3,"flags":1,"traceId":"0102030405060708090a0b0c0d0e0f10",
      "spanId":"1112131415161718","eventName":"e"}]}]}]}"#;
    let mut out = Vec::new();
    transcode(Signal::Logs, json.as_bytes(), &mut out).unwrap();
    let request = ExportLogsServiceRequest::decode(&*out).unwrap();
    expect_file!["expected/logs.txt"].assert_eq(&format!("{request:#?}\n"));
}

#[test]
fn every_field_of_a_metrics_request() {
    let json = r#"{"resourceMetrics":[{"schemaUrl":"u1","scopeMetrics":[{"schemaUrl":"u2",
      "metrics":[
      {"name":"n","description":"d","unit":"1","metadata":[{"key":"m"}],"gauge":{"dataPoints":[
        {"attributes":[{"key":"a"}],"startTimeUnixNano":"1","timeUnixNano":"2","asDouble":1.5,
        "flags":1,"exemplars":[{"filteredAttributes":[{"key":"f"}],"timeUnixNano":"3",
        "asInt":"-4","spanId":"1112131415161718",
        "traceId":"0102030405060708090a0b0c0d0e0f10"}]}]}},
      {"sum":{"dataPoints":[{"asInt":"-9","exemplars":[{"asDouble":0}]}],
        "aggregationTemporality":2,"isMonotonic":true}},
      {"histogram":{"aggregationTemporality":1,"dataPoints":[{"attributes":[{"key":"a"}],
        "startTimeUnixNano":"1","timeUnixNano":"2","count":"3","sum":4,"bucketCounts":["5",6],
        "explicitBounds":[0.5,"1.5"],"exemplars":[{}],"flags":1,"min":0,"max":9}]}},
      {"exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{
        "attributes":[{"key":"a"}],"startTimeUnixNano":"1","timeUnixNano":"2","count":"3",
        "sum":4,"scale":-5,"zeroCount":"6","positive":{"offset":7,"bucketCounts":["8",9]},
        "negative":{"offset":-10,"bucketCounts":[300]},"flags":1,"exemplars":[{}],"min":0,
        "max":9,"zeroThreshold":0.25}]}},
      {"summary":{"dataPoints":[{"attributes":[{"key":"a"}],"startTimeUnixNano":"1",
        "timeUnixNano":"2","count":"3","sum":4,"flags":1,
        "quantileValues":[{"quantile":0.5,"value":6}]}]}}]}]}]}"#;
    let mut out = Vec::new();
    transcode(Signal::Metrics, json.as_bytes(), &mut out).unwrap();
    let request = ExportMetricsServiceRequest::decode(&*out).unwrap();
    expect_file!["expected/metrics.txt"].assert_eq(&format!("{request:#?}\n"));
}

/// Every text of the JSON is in the protobuf, and it decodes: for all recorded requests.
#[test]
fn recorded_requests_lose_nothing() {
    let captures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/captures");
    let mut seen = 0;
    for run in std::fs::read_dir(captures).unwrap() {
        for file in std::fs::read_dir(run.unwrap().path()).into_iter().flatten() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let signal = match name.split_once('-') {
                Some(("traces", rest)) if rest.ends_with(".json") => Signal::Traces,
                Some(("logs", rest)) if rest.ends_with(".json") => Signal::Logs,
                Some(("metrics", rest)) if rest.ends_with(".json") => Signal::Metrics,
                _ => continue,
            };
            let json = std::fs::read(&path).unwrap();
            let mut out = Vec::new();
            let done = transcode(signal, &json, &mut out).unwrap();
            assert_eq!(done, Transcoded::default(), "{path:?}");
            let shown = match signal {
                Signal::Traces => {
                    ExportTraceServiceRequest::decode(&*out).map(|it| it.encoded_len())
                }
                Signal::Logs => ExportLogsServiceRequest::decode(&*out).map(|it| it.encoded_len()),
                Signal::Metrics => {
                    ExportMetricsServiceRequest::decode(&*out).map(|it| it.encoded_len())
                }
            };
            // Prost leaves defaults out, so its bytes are fewer, but never unknown ones.
            assert!(shown.unwrap() <= out.len());
            let json: Value = serde_json::from_slice(&json).unwrap();
            let mut texts = Vec::new();
            gather(&json, &mut texts);
            for text in texts {
                assert!(out.windows(text.len()).any(|part| part == text.as_bytes()), "{text}");
            }
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} recorded JSON requests");
}

/// Whatever happens to the text: an error, or bytes that are protobuf.
#[test]
fn damaged_requests_give_an_error_or_protobuf() {
    let captures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/captures");
    let json = std::fs::read(format!("{captures}/claude-code-json/metrics-001.json")).unwrap();
    let splices: [&[u8]; 12] =
        [b"\"", b"{", b"}", b"[", b"]", b",", b":", b"null", b"-1e9", b"\\u", b"\xff", b""];
    let (mut good, mut bad) = (0, 0);
    // Numbers of a linear congruence: any, but the same ones each time.
    let mut state: usize = 1;
    for round in 0..4_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        let at = (state >> 16) % json.len();
        let end = (at + (state >> 8) % 3).min(json.len());
        let mut damaged = json.clone();
        damaged.splice(at..end, splices[round % splices.len()].iter().copied());
        let mut out = Vec::new();
        match transcode(Signal::Metrics, &damaged, &mut out) {
            Ok(_) => {
                ExportMetricsServiceRequest::decode(&*out).unwrap();
                good += 1;
            }
            Err(_) => {
                assert!(out.is_empty());
                bad += 1;
            }
        }
    }
    assert!(good > 100 && bad > 100, "{good} good, {bad} bad");
}

#[test]
fn repairs_do_not_grow_past_the_limit() {
    // Each byte becomes three.
    let bad = [0xff].repeat(crate::limits::REQUEST_BYTES_MAX / 2);
    let json = [br#"{"resourceSpans":[{"schemaUrl":""#, &*bad, br#""}]}"#].concat();
    let mut out = Vec::with_capacity(crate::limits::REQUEST_BYTES_MAX);
    let before = out.capacity();
    assert_eq!(transcode(Signal::Traces, &json, &mut out), Err(JsonError::TooLarge));
    assert_eq!((out.len(), out.capacity()), (0, before));
}

/// The keys and string values of all attributes.
fn gather<'a>(json: &'a Value, texts: &mut Vec<&'a str>) {
    match json {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if name == "key" || name == "stringValue" => {
                        if !text.is_empty() && text.len() < 40 && !texts.contains(&text) {
                            texts.push(text);
                        }
                    }
                    _ => gather(value, texts),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| gather(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
