//! 1–8, 22–25, 30–32: requests and answers over HTTP.

use serde_json::Value;

use crate::finding::{Found, expect, fails, same};
use crate::otlp::{
    Id, Partial, around, gzip, is_clean, json_partial, json_span, json_spans, one_span, partial,
    put, span, spans, status,
};
use crate::sink::holds;
use crate::target::{GZIP, JSON, PROTOBUF, Target};
use crate::wire::http1::Answer;

const PATHS: [&str; 3] = ["/v1/traces", "/v1/metrics", "/v1/logs"];

/// A valid protobuf request of each signal: 200, the same content type, an empty message.
pub(super) fn c001_protobuf_is_taken(target: &Target) -> Found {
    let id = Id::fresh();
    let answer = target.post_traces(&one_span(id))?.is(200)?;
    answer.has("content-type", "application/x-protobuf")?;
    same("length of the body", answer.body.len(), 0)?;
    target.took("the span", &id.span())?;
    for path in PATHS {
        let answer = target.post(path, &[PROTOBUF], b"")?.is(200)?;
        answer.has("content-type", "application/x-protobuf")?;
        same("length of the body", answer.body.len(), 0)?;
    }
    Ok(())
}

/// The same in JSON: 200 and `{}`, in which `partialSuccess` is not set.
pub(super) fn c002_json_is_taken(target: &Target) -> Found {
    let id = Id::fresh();
    let answer = target.post_json(&json_spans(&json_span(id, "")))?.is(200)?;
    answer.has("content-type", "application/json")?;
    same("body", &*answer.text(), "{}")?;
    target.took("the span", &id.span())?;
    for (path, body) in
        [("/v1/metrics", r#"{"resourceMetrics":[]}"#), ("/v1/logs", r#"{"resourceLogs":[]}"#)]
    {
        same("body", &*target.post(path, &[JSON], body.as_bytes())?.is(200)?.text(), "{}")?;
    }
    Ok(())
}

/// Content types with parameters and in other case.
pub(super) fn c003_content_type_is_read_as_mime(target: &Target) -> Found {
    for kind in ["application/json; charset=utf-8", "Application/JSON", "application/json ;a=b"] {
        target.post("/v1/traces", &[("Content-Type", kind)], b"{}")?.is(200)?;
    }
    let kind = ("Content-Type", "Application/X-Protobuf; x=y");
    target.post("/v1/traces", &[kind], b"")?.is(200)?;
    Ok(())
}

/// Nothing at all is a success: an empty message, `{}`, empty envelopes.
pub(super) fn c004_empty_requests_are_taken(target: &Target) -> Found {
    let nothing: [&[u8]; 3] = [b"", &[0x0a, 0], &[0x0a, 2, 0x12, 0]];
    for body in nothing {
        for path in PATHS {
            target.post(path, &[PROTOBUF], body)?.is(200)?;
        }
    }
    for body in ["{}", r#"{"resourceSpans":[]}"#, r#"{"resourceSpans":[{"scopeSpans":[{}]}]}"#] {
        is_clean(target.post_json(body)?)?;
    }
    Ok(())
}

/// No bytes are no JSON.
pub(super) fn c005_empty_json_is_refused(target: &Target) -> Found {
    is_status(&target.post_json("")?.is(400)?)
}

/// Another content type, or none: 415, a Status, and what would be accepted.
pub(super) fn c006_other_content_types_are_refused(target: &Target) -> Found {
    for kind in ["application/protobuf", "text/plain", "application/json2", ""] {
        let headers = [("Content-Type", kind)];
        let headers: &[_] = if kind.is_empty() { &[] } else { &headers };
        let answer = target.post("/v1/traces", headers, b"{}")?.is(415)?;
        is_status(&answer)?;
        let accept = answer.header("accept").unwrap_or_default().to_owned();
        expect(accept.contains("application/json"), || format!("Accept: {accept:?}"))?;
    }
    Ok(())
}

/// Other methods: 405, what is allowed, a Status.
pub(super) fn c007_other_methods_are_refused(target: &Target) -> Found {
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let request = target.request(&format!("{method} /v1/traces"), &[JSON], b"{}");
        let answer = crate::wire::http1::exchange(target.http()?, &request)?.is(405)?;
        answer.has("allow", "POST")?;
        is_status(&answer)?;
    }
    Ok(())
}

/// Other paths: 404 and a Status, and nothing is taken.
pub(super) fn c008_other_paths_are_unknown(target: &Target) -> Found {
    let id = Id::fresh();
    let body = one_span(id);
    for path in ["/v1/trace", "/v1/traces/", "//v1/traces", "/V1/TRACES", "/", "/v1/traces/x"] {
        is_status(&target.post(path, &[PROTOBUF], &body)?.is(404)?)?;
    }
    nothing_of(target, id)
}

/// Bytes that are no protobuf: 400, a Status with the detail, short, and without the input.
pub(super) fn c022_malformed_protobuf_is_refused(target: &Target) -> Found {
    let secret = b"do not repeat me";
    let mut with_text = around(&[0x2a, 16]);
    with_text.extend(secret);
    let cases: [(&str, Vec<u8>); 8] = [
        ("tag 0", vec![0]),
        ("a varint that is cut", vec![0x0a, 0xff]),
        ("a varint without end", [&[0x0a][..], &[0xff; 11]].concat()),
        ("a length past the end", vec![0x0a, 5, 1]),
        ("wire type 6", vec![0x0e, 1]),
        ("wire type 7", vec![0x0f, 1]),
        ("resource spans as a number", vec![0x08, 1]),
        ("a length past its message", with_text),
    ];
    for (what, body) in cases {
        let answer = target.post_traces(&body)?;
        if answer.status != 400 {
            return fails(format!("{what}: {} instead of 400", answer.status));
        }
        let (code, message, details) = status(&answer)?;
        same("code", code, 3)?;
        expect(message.len() <= 256, || format!("{what}: {} bytes of text", message.len()))?;
        let has = details.iter().any(|it| it == "BadRequest");
        expect(has, || format!("{what}: no BadRequest in {details:?}"))?;
        expect(!holds(&answer.body, secret), || format!("{what}: the input is repeated"))?;
    }
    Ok(())
}

/// Some bad records: the others are taken, the bad ones counted, without their values.
pub(super) fn c023_bad_records_are_counted(target: &Target) -> Found {
    let id = Id::fresh();
    let mut bad = span(Id::fresh());
    bad.trace_id = vec![1, 2, 3];
    bad.name = "secret name".to_owned();
    let answer = target.post_traces(&spans(vec![bad.clone(), span(id), bad]))?.is(200)?;
    let Partial { rejected, message } = partial(&answer.body)?;
    same("rejected", rejected, 2)?;
    expect(!message.is_empty() && message.len() <= 512, || format!("message: {message:?}"))?;
    expect(!holds(&answer.body, b"secret"), || "a value is repeated".to_owned())?;
    target.took("the good span", &id.span())
}

/// A repair is a warning: nothing is rejected, and something is said.
pub(super) fn c024_repairs_are_warnings(target: &Target) -> Found {
    let id = Id::fresh();
    let answer = target.post_traces(&around(&span_with_bad_text(id)))?.is(200)?;
    let Partial { rejected, message } = partial(&answer.body)?;
    same("rejected", rejected, 0)?;
    expect(!message.is_empty(), || "a text was repaired, and nothing is said".to_owned())?;
    target.took("the span", &id.span())
}

/// A span whose name is no UTF-8.
pub(super) fn span_with_bad_text(id: Id) -> Vec<u8> {
    let mut bytes = prost::Message::encode_to_vec(&span(id));
    put(&mut bytes, 5, b"na\xffme");
    bytes
}

/// The same again: taken, and nothing is counted twice.
pub(super) fn c025_repetitions_count_once(target: &Target) -> Found {
    let body = one_span(Id::fresh());
    for _ in 0..3 {
        is_clean(target.post_traces(&body)?)?;
    }
    let server = target.program()?.start("")?;
    let call = super::billed_call(Id::fresh(), "repeated");
    for _ in 0..3 {
        let request = target.request("POST /v1/traces", &[PROTOBUF], &call);
        is_clean(crate::wire::http1::exchange(server.http, &request)?)?;
    }
    super::wait_until_booked(&server)?;
    let totals = server.json("/api/v1/totals")?;
    same("calls", totals["calls"]["ok"].as_u64(), Some(1))
}

/// What is worth trying again is said with 429, 502, 503 or 504, never with 408, 500 or 501.
pub(super) fn c030_only_retryable_codes_ask_to_retry(target: &Target) -> Found {
    let server = target.program()?.start_after("", super::overload::FULL_DISK)?;
    let post = |body: &[u8]| {
        let request = target.request("POST /v1/traces", &[PROTOBUF], body);
        crate::wire::http1::exchange(server.http, &request)
    };
    super::overload::fill(&post)?;
    let answer = post(&one_span(Id::fresh()))?.is_one_of(&[429, 502, 503, 504])?;
    has_retry_after(&answer)?;
    // A body that stops half-way is the sender's fault, or time running out.
    let head = target.request("POST /v1/traces", &[PROTOBUF, ("Content-Length", "10")], b"\x0a");
    let mut stalled = crate::wire::http1::Connection::open(server.http)?;
    stalled.send(&head);
    if let Ok(answer) = stalled.answer() {
        answer.is_one_of(&[400, 429, 502, 503, 504])?;
    }
    Ok(())
}

/// Fails unless the answer says when to try again, in whole seconds from 1.
pub(super) fn has_retry_after(answer: &Answer) -> Found {
    let after = answer.header("retry-after").unwrap_or_default().to_owned();
    let seconds = after.parse::<u32>().unwrap_or(0);
    expect(seconds >= 1, || format!("Retry-After: {after:?}"))
}

/// An answer is small whatever was wrong.
pub(super) fn c031_answers_are_short(target: &Target) -> Found {
    let bad = format!(r#"{{"traceId":"{}","spanId":"x"}}"#, "z".repeat(1_000));
    let answer = target.post_json(&json_spans(&vec![bad; 20_000].join(",")))?;
    let length = answer.body.len();
    expect(length <= 64 << 10, || format!("{length} bytes of answer"))?;
    if answer.status == 200 {
        same("rejected", json_partial(&answer)?.rejected, 20_000)?;
    }
    Ok(())
}

/// An answer is packed only for those who ask for it.
pub(super) fn c032_answers_are_packed_on_request_only(target: &Target) -> Found {
    let bad = json_spans(r#"{"traceId":"00"}"#);
    for accepted in ["gzip", "identity", ""] {
        let headers = [JSON, ("Accept-Encoding", accepted)];
        let answer = target.post("/v1/traces", &headers, bad.as_bytes())?.is(200)?;
        match answer.header("content-encoding") {
            None => expect(serde_json::from_slice::<Value>(&answer.body).is_ok(), || {
                "the body is no JSON".to_owned()
            })?,
            Some("gzip") if accepted == "gzip" => {}
            other => return fails(format!("Content-Encoding {other:?} for {accepted:?}")),
        }
    }
    is_clean(target.post("/v1/traces", &[JSON, GZIP], &gzip(b"{}"))?)
}

/// Fails unless the body is a `google.rpc.Status` with words in it.
pub(super) fn is_status(answer: &Answer) -> Found {
    let (_, message, _) = status(answer)?;
    expect(!message.is_empty(), || "a Status without a message".to_owned())
}

/// Fails if anything of this id arrived at the sink. What came later has arrived by then.
pub(super) fn nothing_of(target: &Target, id: Id) -> Found {
    let Ok(sink) = target.sink() else { return Ok(()) };
    let later = Id::fresh();
    target.post_traces(&one_span(later))?.is(200)?;
    target.took("a later span", &later.span())?;
    let taken = sink.arrived().iter().any(|one| holds(&one.body, &id.span()));
    expect(!taken, || "it was taken all the same".to_owned())
}
