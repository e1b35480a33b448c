//! 69–92: what OTLP/JSON can spell, and how.

use std::time::Duration;

use countersign_receiver::clock;

use crate::finding::{Found, expect, fails, same};
use crate::otlp::{Id, Partial, is_clean, json_partial, json_span, json_spans};
use crate::sink::holds;
use crate::target::{JSON, Target};
use crate::wire::http1::Answer;

/// Takes a span with these members: nothing is rejected, and it is forwarded.
fn is_taken(target: &Target, more: &str) -> Found<Partial> {
    let id = Id::fresh();
    let answer = target.post_json(&json_spans(&json_span(id, more)))?;
    if answer.status != 200 {
        return fails(format!("{}: {} {}", short(more), answer.status, short(&answer.text())));
    }
    let partial = json_partial(&answer)?;
    expect(partial.rejected == 0, || format!("{}: {partial:?}", short(more)))?;
    target.took(short(more), &id.span())?;
    Ok(partial)
}

/// The beginning of a text.
fn short(text: &str) -> &str {
    text.get(..text.floor_char_boundary(100)).unwrap_or(text)
}

/// Takes what is good of a batch in which one span is bad: one is rejected.
fn is_rejected(target: &Target, bad: &str) -> Found<Partial> {
    let good = Id::fresh();
    let spans = format!("{bad},{}", json_span(good, ""));
    let answer = target.post_json(&json_spans(&spans))?;
    if answer.status != 200 {
        return fails(format!("{}: {} for all of it", short(bad), answer.status));
    }
    let partial = json_partial(&answer)?;
    expect(partial.rejected == 1, || format!("{}: {partial:?}", short(bad)))?;
    target.took("the good span beside it", &good.span())?;
    Ok(partial)
}

/// A span with this trace id.
fn with_trace(trace: &str) -> String {
    format!(r#"{{"traceId":{trace},"spanId":"{}"}}"#, Id::fresh().span_hex())
}

/// A span with one attribute of this value.
fn attribute(value: &str) -> String {
    format!(r#""attributes":[{{"key":"k","value":{value}}}]"#)
}

/// Ids in hexadecimal of any case.
pub(super) fn c069_ids_are_hex_of_any_case(target: &Target) -> Found {
    for id in [Id::fresh(), Id::fresh(), Id::fresh()] {
        let (trace, span) = (id.trace_hex(), id.span_hex());
        let mixed = |text: &str| {
            let cased = text
                .char_indices()
                .map(|(at, digit)| if at % 2 == 0 { digit.to_ascii_uppercase() } else { digit });
            cased.collect::<String>()
        };
        for (trace, span) in [
            (trace.to_uppercase(), span.to_uppercase()),
            (mixed(&trace), mixed(&span)),
            (trace.clone(), span.clone()),
        ] {
            let body = json_spans(&format!(r#"{{"traceId":"{trace}","spanId":"{span}"}}"#));
            is_clean(target.post_json(&body)?)?;
        }
        target.took("the span", &id.span())?;
    }
    Ok(())
}

/// Ids in base64, as plain protobuf JSON has them.
pub(super) fn c070_ids_are_no_base64(target: &Target) -> Found {
    is_rejected(target, &with_trace(r#""W47/95gDgQPSabYzgT/GDA==""#)).map(drop)
}

/// Ids of other lengths.
pub(super) fn c071_ids_have_their_length(target: &Target) -> Found {
    for trace in ["abcd", "5b8efff798038103d269b633813fc60", "5b8efff798038103d269b633813fc60c0"] {
        is_rejected(target, &with_trace(&format!("\"{trace}\"")))?;
    }
    let trace = Id::fresh().trace_hex();
    for span in ["", "abcd", "eee19b7ec3c1b17", "eee19b7ec3c1b1744"] {
        is_rejected(target, &format!(r#"{{"traceId":"{trace}","spanId":"{span}"}}"#))?;
    }
    Ok(())
}

/// No parent, in three spellings.
pub(super) fn c072_no_parent_is_a_root(target: &Target) -> Found {
    for more in [r#""parentSpanId":"""#, "", r#""parentSpanId":null"#] {
        is_taken(target, more)?;
    }
    Ok(())
}

/// Ids of zeros.
pub(super) fn c073_zero_is_no_id(target: &Target) -> Found {
    is_rejected(target, &with_trace(&format!("\"{}\"", "0".repeat(32))))?;
    let trace = Id::fresh().trace_hex();
    let span = "0".repeat(16);
    is_rejected(target, &format!(r#"{{"traceId":"{trace}","spanId":"{span}"}}"#)).map(drop)
}

/// Whole numbers as texts and as numbers.
pub(super) fn c074_integers_are_texts_or_numbers(target: &Target) -> Found {
    for more in [
        r#""startTimeUnixNano":"1544712660000000000""#,
        r#""startTimeUnixNano":1544712660000000000"#,
        &attribute(r#"{"intValue":"-5"}"#),
        &attribute(r#"{"intValue":-5}"#),
        r#""droppedAttributesCount":"3","flags":257"#,
    ] {
        is_taken(target, more)?;
    }
    Ok(())
}

/// Whole numbers with a fraction of zeros or an exponent.
pub(super) fn c075_integral_floats_are_integers(target: &Target) -> Found {
    for more in [
        r#""startTimeUnixNano":1.5e18"#,
        r#""startTimeUnixNano":"1.5e18""#,
        &attribute(r#"{"intValue":42.0}"#),
        r#""kind":2.0"#,
    ] {
        is_taken(target, more)?;
    }
    Ok(())
}

/// Numbers out of their field's range.
pub(super) fn c076_numbers_have_their_range(target: &Target) -> Found {
    for more in [
        r#""startTimeUnixNano":"-1""#,
        r#""startTimeUnixNano":18446744073709551616"#,
        &attribute(r#"{"intValue":9223372036854775808}"#),
        &attribute(r#"{"intValue":1.5}"#),
        r#""droppedAttributesCount":4294967296"#,
    ] {
        is_rejected(target, &json_span(Id::fresh(), more))?;
    }
    Ok(())
}

/// Values of enumerations, known or not.
pub(super) fn c077_enumerations_are_numbers(target: &Target) -> Found {
    is_taken(target, r#""kind":2"#)?;
    let id = Id::fresh();
    is_clean(target.post_json(&json_spans(&json_span(id, r#""kind":99"#)))?)?;
    let Ok(sink) = target.sink() else { return Ok(()) };
    expect(sink.gets(&id.span()), || "the span of an unknown kind is lost".to_owned())?;
    let arrived = sink.arrived();
    let kept =
        arrived.iter().any(|one| holds(&one.body, &id.span()) && holds(&one.body, &[0x30, 99]));
    expect(kept, || "the unknown kind is not kept".to_owned())
}

/// Names of enumerations, which senders must not send.
pub(super) fn c078_names_of_enumerations_are_forgiven(target: &Target) -> Found {
    let partial = is_taken(target, r#""kind":"SPAN_KIND_SERVER""#)?;
    expect(!partial.message.is_empty(), || "nothing is said about it".to_owned())
}

/// Unknown fields of any type, at any depth.
pub(super) fn c079_unknown_fields_are_ignored(target: &Target) -> Found {
    let junk = r#""x":{"a":[1,"2",null,{"b":[[]]}],"c":true},"y":-1.5e3,"z":null"#;
    is_taken(target, junk)?;
    is_taken(target, &format!(r#""status":{{"code":1,{junk}}}"#))?;
    let id = Id::fresh();
    let span = json_span(id, "");
    let body = format!(
        r#"{{{junk},"resourceSpans":[{{{junk},"scopeSpans":[{{{junk},"spans":[{span}]}}]}}]}}"#
    );
    is_clean(target.post_json(&body)?)?;
    target.took("the span", &id.span())
}

/// Field names in snake_case are unknown, and the sender is told.
pub(super) fn c080_snake_case_is_unknown(target: &Target) -> Found {
    let (id, bad) = (Id::fresh(), Id::fresh());
    let (trace, span) = (bad.trace_hex(), bad.span_hex());
    let bad = format!(r#"{{"trace_id":"{trace}","span_id":"{span}"}}"#);
    let partial = is_rejected(target, &bad)?;
    expect(partial.message.to_ascii_lowercase().contains("camelcase"), || {
        format!("no hint but {:?}", partial.message)
    })?;
    let span = json_span(id, "");
    let body = format!(r#"{{"resource_spans":[{{"scope_spans":[{{"spans":[{span}]}}]}}]}}"#);
    let partial = json_partial(&target.post_json(&body)?.is(200)?)?;
    expect(!partial.message.is_empty(), || "all of it is ignored, and nothing is said".to_owned())
}

/// `null` is the default of any field.
pub(super) fn c081_null_is_the_default(target: &Target) -> Found {
    let all = r#""traceState":null,"parentSpanId":null,"name":null,"kind":null,
        "startTimeUnixNano":null,"endTimeUnixNano":null,"attributes":null,
        "droppedAttributesCount":null,"events":null,"links":null,"status":null,"flags":null"#;
    let id = Id::fresh();
    let (trace, span) = (id.trace_hex(), id.span_hex());
    let span = format!(r#"{{"traceId":"{trace}","spanId":"{span}",{all}}}"#);
    let body = format!(
        r#"{{"resourceSpans":[{{"resource":null,"schemaUrl":null,"scopeSpans":[
        {{"scope":null,"schemaUrl":null,"spans":[{span}]}}]}}]}}"#
    );
    is_clean(target.post_json(&body)?)?;
    target.took("the span", &id.span())?;
    is_clean(target.post_json(r#"{"resourceSpans":null}"#)?)?;
    is_taken(target, r#""attributes":[{"key":"a","value":null}]"#).map(drop)
}

/// A key twice: the last one counts, and lists are not joined.
pub(super) fn c082_the_last_of_equal_keys_counts(target: &Target) -> Found {
    let (first, last) = (Id::fresh(), Id::fresh());
    let list = |id: Id| format!(r#""spans":[{}]"#, json_span(id, r#""name":"a""#));
    let body =
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{{},{}}}]}}]}}"#, list(first), list(last));
    is_clean(target.post_json(&body)?)?;
    target.took("the last list's span", &last.span())?;
    super::http::nothing_of(target, first)
}

/// Doubles as texts, and the three that are no numbers.
pub(super) fn c083_doubles_are_texts_too(target: &Target) -> Found {
    for value in ["1.5", "\"1.5\"", "\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "-0.0", "1e308"] {
        is_taken(target, &attribute(&format!(r#"{{"doubleValue":{value}}}"#)))?;
    }
    Ok(())
}

/// A number that no double holds.
pub(super) fn c084_too_large_doubles_are_rejected(target: &Target) -> Found {
    let more = attribute(r#"{"doubleValue":1e400}"#);
    is_rejected(target, &json_span(Id::fresh(), &more)).map(drop)
}

/// Bytes in base64 of either alphabet, padded or not.
pub(super) fn c085_bytes_are_any_base64(target: &Target) -> Found {
    for text in ["+/8=", "-_8=", "+/8", "-_8", "", "AQIDBA=="] {
        is_taken(target, &attribute(&format!(r#"{{"bytesValue":"{text}"}}"#)))?;
    }
    Ok(())
}

/// A value that is nothing, or something that nobody knows yet.
pub(super) fn c086_values_may_be_empty(target: &Target) -> Found {
    for value in ["{}", "null", r#"{"futureValue":{"a":1}}"#] {
        is_taken(target, &attribute(value))?;
    }
    Ok(())
}

/// Lists of nothing.
pub(super) fn c087_lists_may_be_empty(target: &Target) -> Found {
    for value in [
        r#"{"arrayValue":{}}"#,
        r#"{"kvlistValue":{}}"#,
        r#"{"arrayValue":{"values":[]}}"#,
        r#"{"arrayValue":{"values":null}}"#,
    ] {
        is_taken(target, &attribute(value))?;
    }
    Ok(())
}

/// Two members of one choice: the last, or the record is rejected.
pub(super) fn c088_one_of_several_values_counts(target: &Target) -> Found {
    let more = attribute(r#"{"stringValue":"a","intValue":1}"#);
    let answer = target.post_json(&json_spans(&json_span(Id::fresh(), &more)))?.is(200)?;
    let partial = json_partial(&answer)?;
    expect(partial.rejected <= 1, || format!("{partial:?}"))
}

/// Texts that are no Unicode: repaired, with a warning.
pub(super) fn c089_broken_texts_are_repaired(target: &Target) -> Found {
    let cases: [&[u8]; 4] = [
        br#""name":"a\ud800b""#,
        br#""name":"a\udc00\ud800""#,
        b"\"name\":\"a\xff\xfeb\"",
        b"\"name\":\"a\xe2\x82\"",
    ];
    for more in cases {
        let id = Id::fresh();
        let (trace, span) = (id.trace_hex(), id.span_hex());
        let head = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{trace}","spanId":"{span}","#
        );
        let body = [head.as_bytes(), more, b"}]}]}]}"].concat();
        let answer = target.post("/v1/traces", &[JSON], &body)?.is(200)?;
        let partial = json_partial(&answer)?;
        same("rejected", partial.rejected, 0)?;
        expect(!partial.message.is_empty(), || "nothing is said about the repair".to_owned())?;
        target.took("the span", &id.span())?;
        if let Ok(sink) = target.sink() {
            let arrived = sink.arrived();
            let repaired =
                |body: &[u8]| holds(body, &id.span()) && holds(body, "\u{fffd}".as_bytes());
            expect(arrived.iter().any(|one| repaired(&one.body)), || {
                "no replacement character is forwarded".to_owned()
            })?;
        }
    }
    is_taken(target, r#""name":"a\u0000b""#).map(drop)
}

/// Lists in lists in lists: passed over, however deep.
pub(super) fn c090_depth_is_no_danger(target: &Target) -> Found {
    let _large = target.large_requests();
    for depth in [1_000, 100_000] {
        let mut value = r#"{"arrayValue":{"values":["#.repeat(depth);
        value += r#"{"intValue":1}"#;
        value += &"]}}".repeat(depth);
        let answer = target.post_json(&json_spans(&json_span(Id::fresh(), &attribute(&value))))?;
        is_harmless(&answer, &format!("{depth} lists"))?;
        let junk = format!(r#""x":{}{}"#, "[".repeat(depth), "]".repeat(depth));
        is_taken(target, &junk)?;
    }
    Ok(())
}

fn is_harmless(answer: &Answer, what: &str) -> Found {
    match answer.status {
        200 => expect(json_partial(answer)?.rejected <= 1, || format!("{what}: {answer:?}")),
        status => fails(format!("{what}: {status}")),
    }
}

/// A byte order mark, something behind the end, several values, comments.
pub(super) fn c091_one_json_value_and_nothing_else(target: &Target) -> Found {
    for body in [
        "\u{feff}{}",
        "{} x",
        "{}{}",
        "{}\n{}",
        "{}]",
        "// no\n{}",
        "{/* no */}",
        "{\"a\":1,}",
        "{'a':1}",
        "[]",
        "1",
        "null",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":NaN}",
        "{\"resourceSpans\":[}",
        "{\"a\" 1}",
        "{\"a\":\"\\x\"}",
    ] {
        let answer = target.post_json(body)?;
        expect(answer.status == 400, || format!("{body:?}: {}", answer.status))?;
    }
    is_clean(target.post_json(" \r\n\t{ } \n")?)
}

/// Very long texts and very many keys: in time.
pub(super) fn c092_size_costs_no_more_than_size(target: &Target) -> Found {
    let _large = target.large_requests();
    let long = format!(r#""name":"{}""#, "x".repeat(10 << 20));
    let keys: String = (0..1_000_000).map(|key| format!(r#""k{key}":1,"#)).collect();
    let same_key = r#""name":"x","#.repeat(500_000);
    let bodies = [
        json_span(Id::fresh(), &long),
        json_span(Id::fresh(), &format!(r#"{keys}"z":1"#)),
        json_span(Id::fresh(), &format!(r#"{same_key}"name":"y""#)),
    ];
    for (number, body) in bodies.iter().enumerate() {
        let began = clock::instant();
        is_clean(target.post_json(&json_spans(body))?)?;
        let took = began.elapsed();
        expect(took < Duration::from_secs(10), || format!("body {number} took {took:?}"))?;
    }
    for body in &bodies {
        super::coding::memory_is_bounded(target, &[JSON], json_spans(body).as_bytes())?;
    }
    Ok(())
}
