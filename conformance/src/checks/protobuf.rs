//! 93–100: what protobuf can spell.

use std::path::{Path, PathBuf};

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value};
use opentelemetry_proto::tonic::common::v1::{KeyValueList, any_value::Value};
use prost::Message;

use crate::finding::{Found, expect, fails, same};
use crate::otlp::{
    Id, Partial, around, gzip, is_clean, json_or_not, one_span, partial, put, span, spans,
};
use crate::sink::holds;
use crate::target::{GZIP, JSON, PROTOBUF, Target};
use crate::wire::http1::exchange;

use super::http::span_with_bad_text;

/// A text that is no UTF-8: repaired, with a warning, and the batch is taken.
pub(super) fn c093_broken_texts_are_repaired(target: &Target) -> Found {
    let (bad, good) = (Id::fresh(), Id::fresh());
    let mut body = around(&span_with_bad_text(bad));
    body.extend(one_span(good));
    let answer = target.post_traces(&body)?.is(200)?;
    let Partial { rejected, message } = partial(&answer.body)?;
    same("rejected", rejected, 0)?;
    expect(!message.is_empty(), || "nothing is said about the repair".to_owned())?;
    target.took("the span", &bad.span())?;
    target.took("the span beside it", &good.span())
}

/// Values in values in values.
pub(super) fn c094_depth_is_no_danger(target: &Target) -> Found {
    for depth in [51, 1_000, 20_000] {
        let mut value = vec![0x18, 1];
        for _ in 0..depth {
            let (mut list, mut any) = (Vec::new(), Vec::new());
            put(&mut list, 1, &value);
            put(&mut any, 5, &list);
            value = any;
        }
        let id = Id::fresh();
        let mut pair = vec![0x0a, 1, b'k'];
        put(&mut pair, 2, &value);
        let mut bytes = span(id).encode_to_vec();
        put(&mut bytes, 9, &pair);
        is_clean(target.post_traces(&around(&bytes))?)?;
        target.took("the span", &id.span())?;
    }
    Ok(())
}

/// Ids of other lengths reject their record and no other.
pub(super) fn c095_ids_have_their_length(target: &Target) -> Found {
    for (trace, span_length) in [(8, 8), (15, 8), (17, 8), (0, 8), (16, 7), (16, 9), (16, 0)] {
        let good = Id::fresh();
        let mut bad = span(Id::fresh());
        bad.trace_id = vec![7; trace];
        bad.span_id = vec![7; span_length];
        let answer = target.post_traces(&spans(vec![bad, span(good)]))?.is(200)?;
        let rejected = partial(&answer.body)?.rejected;
        expect(rejected == 1, || format!("{trace} and {span_length} bytes: {rejected}"))?;
        target.took("the good span beside it", &good.span())?;
    }
    Ok(())
}

/// Unknown fields and values of enumerations are kept on the way through.
pub(super) fn c096_unknown_fields_are_kept(target: &Target) -> Found {
    let id = Id::fresh();
    let mut checked = span(id);
    checked.kind = 99;
    let mut bytes = checked.encode_to_vec();
    put(&mut bytes, 1_000, b"from the future");
    is_clean(target.post_traces(&around(&bytes))?)?;
    let sink = target.sink()?;
    target.took("the span", &id.span())?;
    let arrived = sink.arrived();
    let Some(one) = arrived.iter().find(|one| holds(&one.body, &id.span())) else {
        return fails("the span is lost");
    };
    expect(holds(&one.body, &[0x30, 99]), || "the unknown kind is lost".to_owned())?;
    expect(holds(&one.body, b"from the future"), || "the unknown field is lost".to_owned())
}

/// Attributes of any type.
pub(super) fn c097_attributes_have_any_type(target: &Target) -> Found {
    let any = |value: Option<Value>| AnyValue { value };
    let pair =
        |value: Option<AnyValue>| KeyValue { key: "k".to_owned(), value, ..Default::default() };
    let nested = KeyValueList { values: vec![pair(Some(any(Some(Value::BoolValue(true)))))] };
    let values = [
        None,
        Some(any(None)),
        Some(any(Some(Value::BytesValue(vec![0, 255])))),
        Some(any(Some(Value::KvlistValue(nested.clone())))),
        Some(any(Some(Value::ArrayValue(ArrayValue {
            values: vec![
                any(Some(any_value::Value::IntValue(1))),
                any(Some(Value::StringValue("mixed".to_owned()))),
                any(Some(Value::KvlistValue(nested))),
                any(None),
            ],
        })))),
        Some(any(Some(Value::DoubleValue(f64::NAN)))),
        Some(any(Some(Value::StringValue(String::new())))),
    ];
    for value in values {
        let id = Id::fresh();
        let mut checked = span(id);
        checked.attributes = vec![pair(value)];
        is_clean(target.post_traces(&spans(vec![checked]))?)?;
        target.took("the span", &id.span())?;
    }
    Ok(())
}

/// A message in pieces is one message, and numbers may be packed or not.
pub(super) fn c098_pieces_are_merged(target: &Target) -> Found {
    // A point of a histogram: counts packed and one by one.
    let packed = [0x32, 8, 1, 0, 0, 0, 0, 0, 0, 0];
    let single = [0x31, 1, 0, 0, 0, 0, 0, 0, 0];
    for counts in [&packed[..], &single, &[packed.as_slice(), &single].concat()] {
        let (mut histogram, mut metric) = (Vec::new(), vec![0x0a, 1, b'h']);
        put(&mut histogram, 1, &[counts, &[0x21, 2, 0, 0, 0, 0, 0, 0, 0]].concat());
        histogram.extend([0x10, 2]);
        put(&mut metric, 9, &histogram);
        let request = target.post("/v1/metrics", &[PROTOBUF], &around(&metric))?;
        is_clean(request)?;
    }
    let server = target.program()?.start("")?;
    let mut request = Vec::new();
    let task = super::text_attribute("countersign.task.id", "in-pieces");
    let (mut first, mut second, mut resource_spans) = (Vec::new(), Vec::new(), Vec::new());
    put(&mut first, 1, &super::text_attribute("service.name", "a").encode_to_vec());
    put(&mut second, 1, &task.encode_to_vec());
    put(&mut resource_spans, 1, &first);
    let mut scope = Vec::new();
    put(&mut scope, 2, &super::call_span(Id::fresh(), &[]).encode_to_vec());
    put(&mut resource_spans, 2, &scope);
    put(&mut resource_spans, 1, &second);
    put(&mut request, 1, &resource_spans);
    let bytes = target.request("POST /v1/traces", &[PROTOBUF], &request);
    is_clean(exchange(server.http, &bytes)?)?;
    super::wait_until_booked(&server)?;
    let found = server.json("/api/v1/tasks/in-pieces")?;
    expect(found["id"].is_string() || found.is_object(), || format!("{found}"))
}

/// Indexes into the table of texts, which only profiles have.
pub(super) fn c099_indexes_of_profiles_are_ignored(target: &Target) -> Found {
    let id = Id::fresh();
    let mut bytes = span(id).encode_to_vec();
    // KeyValue { key_strindex: 3, value: { string_value_strindex: 4 } }
    put(&mut bytes, 9, &[0x18, 3, 0x12, 2, 0x40, 4]);
    is_clean(target.post_traces(&around(&bytes))?)?;
    target.took("the span", &id.span())
}

/// Requests as the specification shows them and as real emitters send them, packed or not.
pub(super) fn c100_golden_requests_are_taken(target: &Target) -> Found {
    let _large = target.large_requests();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    find(&tests.join("golden"), &mut files)?;
    expect(files.len() >= 4, || "no golden files".to_owned())?;
    find(&tests.join("../tests/captures"), &mut files)?;
    let mut sent = 0;
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let signal = ["traces", "logs", "metrics"].into_iter().find(|it| name.starts_with(it));
        let kind = match file.extension().and_then(|it| it.to_str()) {
            Some("json") => JSON,
            Some("pb") => PROTOBUF,
            _ => continue,
        };
        let Some(signal) = signal else { continue };
        let body = std::fs::read(&file)?;
        let path = format!("/v1/{signal}");
        for (headers, body) in [(vec![kind], body.clone()), (vec![kind, GZIP], gzip(&body))] {
            let answer = target.post(&path, &headers, &body)?;
            let shown = file.display();
            expect(answer.status == 200, || format!("{shown}: {}", answer.status))?;
            let partial = json_or_not(&answer)?;
            expect(partial == Partial::default(), || format!("{shown}: {partial:?}"))?;
            sent += 1;
        }
    }
    expect(sent > 100, || format!("only {sent} requests"))
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Found {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
