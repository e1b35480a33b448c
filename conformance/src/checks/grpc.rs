//! 42–52, 56–62, 67, 68: calls over gRPC.

use std::time::Duration;

use crate::finding::{Found, expect, fails, same};
use crate::otlp::{Id, Partial, around, gzip, json_span, one_span, partial, span, spans, status};
use crate::target::{GZIP, JSON, PROTOBUF, Target};
use crate::wire::grpc::{Called, LOGS, METRICS, TRACES, code, framed};
use crate::wire::http2::{Http2, kind};

use super::coding::REQUEST_BYTES;
use super::http::nothing_of;

const GRPC_GZIP: &[(&str, &str)] = &[("grpc-encoding", "gzip")];

fn is_empty_success(called: Called) -> Found {
    let called = called.is(code::OK)?;
    same("content type", called.reply.header("content-type"), Some("application/grpc"))?;
    same("answer", partial(&called.message()?)?, Partial::default())?;
    let trailers = called.reply.blocks.last().cloned().unwrap_or_default();
    expect(trailers.iter().any(|(name, _)| name == "grpc-status"), || {
        format!("no grpc-status in the trailers: {trailers:?}")
    })
}

/// The three services take requests.
pub(super) fn c042_exports_are_taken(target: &Target) -> Found {
    let id = Id::fresh();
    is_empty_success(target.call_traces(&[], &framed(0, &one_span(id)))?)?;
    target.took("the span", &id.span())?;
    for path in [METRICS, LOGS] {
        is_empty_success(target.call(path, &[], &framed(0, b""))?)?;
    }
    Ok(())
}

/// Unknown methods and services.
pub(super) fn c043_unknown_methods_are_unimplemented(target: &Target) -> Found {
    for path in [
        "/opentelemetry.proto.collector.trace.v1.TraceService/Import",
        "/opentelemetry.proto.collector.trace.v1.TraceServices/Export",
        "/some.Service/Method",
        "/",
    ] {
        target.call(path, &[], &framed(0, b""))?.is(code::UNIMPLEMENTED)?;
    }
    Ok(())
}

/// Paths that only look like the method's.
pub(super) fn c044_odd_paths_reach_nothing(target: &Target) -> Found {
    let id = Id::fresh();
    let body = framed(0, &one_span(id));
    let plain = TRACES.trim_start_matches('/');
    let encoded = TRACES.replace("Export", "%45xport");
    for path in [plain, &format!("/{TRACES}"), &encoded, &format!("{TRACES}/"), "*", ""] {
        let mut connection = Http2::open(target.grpc()?)?;
        let stream = connection.call(path, &[])?;
        let sent = connection.data(stream, &body);
        let Ok(called) = sent.and_then(|()| connection.called(stream)) else { continue };
        let refused = called.reply.reset.is_some()
            || called.code == Some(code::UNIMPLEMENTED)
            || (called.code.is_none() && (400..500).contains(&called.http));
        expect(refused, || format!("{path:?}: {:?}, HTTP {}", called.code, called.http))?;
    }
    nothing_of(target, id)
}

/// gzip, and an answer that is packed only for those who say that they can read it.
pub(super) fn c045_gzip_is_taken(target: &Target) -> Found {
    let id = Id::fresh();
    let packed = framed(1, &gzip(&one_span(id)));
    is_empty_success(target.call_traces(GRPC_GZIP, &packed)?)?;
    target.took("the span", &id.span())?;
    let (first, second) = (Id::fresh(), Id::fresh());
    let members = [gzip(&one_span(first)), gzip(&one_span(second))].concat();
    is_empty_success(target.call_traces(GRPC_GZIP, &framed(1, &members))?)?;
    target.took("the first member's span", &first.span())?;
    target.took("the second member's span", &second.span())?;
    let accepts = [("grpc-encoding", "gzip"), ("grpc-accept-encoding", "gzip,identity")];
    let called = target.call_traces(&accepts, &packed)?.is(code::OK)?;
    match called.reply.header("grpc-encoding") {
        None | Some("identity" | "gzip") => Ok(()),
        other => fails(format!("the answer is packed with {other:?}")),
    }
}

/// Other packings: UNIMPLEMENTED, and what would be accepted.
pub(super) fn c046_unknown_encodings_are_unimplemented(target: &Target) -> Found {
    let called = target.call_traces(&[("grpc-encoding", "lz5")], &framed(1, b"x"))?;
    let called = called.is(code::UNIMPLEMENTED)?;
    let accepted = called.reply.header("grpc-accept-encoding").unwrap_or_default().to_owned();
    expect(accepted.contains("gzip"), || format!("grpc-accept-encoding: {accepted:?}"))
}

/// A packed message without its packing's name.
pub(super) fn c047_packed_without_a_name_is_internal(target: &Target) -> Found {
    target.call_traces(&[], &framed(1, &gzip(b"")))?.is(code::INTERNAL)?;
    Ok(())
}

/// Flags that nobody has defined.
pub(super) fn c048_unknown_flags_are_internal(target: &Target) -> Found {
    for flag in [2, 0x80, 0xff] {
        target.call_traces(&[], &framed(flag, b""))?.is(code::INTERNAL)?;
    }
    Ok(())
}

/// Over the limit: RESOURCE_EXHAUSTED, and no word of trying again.
pub(super) fn c049_too_large_is_final(target: &Target) -> Found {
    let _large = target.large_requests();
    let mut large = vec![0; REQUEST_BYTES + 1];
    large[0] = 0x7a;
    let called = target.call_traces(&[], &framed(0, &large))?.is(code::RESOURCE_EXHAUSTED)?;
    expect(!called.has_detail("RetryInfo"), || "RetryInfo for what never fits".to_owned())?;
    let bomb = framed(1, &gzip(&large));
    let called = target.call_traces(GRPC_GZIP, &bomb)?.is(code::RESOURCE_EXHAUSTED)?;
    expect(!called.has_detail("RetryInfo"), || "RetryInfo for what never fits".to_owned())
}

/// A length that is claimed and does not come reserves nothing.
pub(super) fn c050_claims_reserve_nothing(target: &Target) -> Found {
    let claim = [&[0][..], &(64_u32 << 20).to_be_bytes(), b"x"].concat();
    let called = target.call_traces(&[], &claim)?;
    expect(called.code != Some(code::OK), || "half a message is taken".to_owned())?;
    let server = target.program()?.start("")?;
    let before = server.memory_now()?;
    let mut open = Vec::new();
    for _ in 0..8 {
        let mut connection = Http2::open(server.grpc)?;
        for _ in 0..50 {
            let stream = connection.call(TRACES, &[])?;
            connection.some_data(stream, &claim)?;
        }
        open.push(connection);
    }
    std::thread::sleep(Duration::from_millis(500));
    let more = server.memory_now()?.saturating_sub(before);
    expect(more < 32 << 20, || format!("{} MiB for 400 claims", more >> 20))
}

/// Bytes that are no protobuf: INVALID_ARGUMENT with the detail.
pub(super) fn c051_malformed_is_invalid(target: &Target) -> Found {
    for body in [&[0xff, 0xff][..], &[0], &[0x0a, 5, 1]] {
        let called = target.call_traces(&[], &framed(0, body))?.is(code::INVALID_ARGUMENT)?;
        expect(called.has_detail("BadRequest"), || "no BadRequest".to_owned())?;
    }
    Ok(())
}

/// An empty message.
pub(super) fn c052_empty_messages_are_taken(target: &Target) -> Found {
    is_empty_success(target.call_traces(&[], &framed(0, b""))?)?;
    is_empty_success(target.call_traces(&[], &framed(0, &[0x0a, 0]))?)
}

/// A deadline that passes: said so, and the request is taken whole or not at all.
pub(super) fn c056_deadlines_are_kept(target: &Target) -> Found {
    let ids: Vec<_> = (0..2_000).map(|_| Id::fresh()).collect();
    let body = framed(0, &spans(ids.iter().map(|id| span(*id)).collect()));
    let mut passed = 0;
    for timeout in ["1n", "1u", "500u", "1m", "2m", "5m"] {
        let called = target.call_traces(&[("grpc-timeout", timeout)], &body)?;
        let called = called.is_one_of(&[code::OK, code::DEADLINE_EXCEEDED])?;
        passed += usize::from(called.code == Some(code::DEADLINE_EXCEEDED));
    }
    expect(passed > 0, || "no deadline passes, not even one of a nanosecond".to_owned())?;
    is_empty_success(target.call_traces(&[("grpc-timeout", "20S")], &body)?)?;
    // A body that does not come is waited for no longer than the caller waits.
    let mut connection = Http2::open(target.grpc()?)?;
    let bearer = target.bearer();
    let mut headers = vec![("grpc-timeout", "300m")];
    headers.extend(bearer.as_ref().map(|bearer| ("authorization", bearer.as_str())));
    let stream = connection.call(TRACES, &headers)?;
    connection.called(stream)?.is(code::DEADLINE_EXCEEDED)?;
    whole_or_not_at_all(target, &ids)
}

/// A call that is cancelled in the middle of its message, and behind it.
pub(super) fn c057_cancelled_calls_leave_no_halves(target: &Target) -> Found {
    let ids: Vec<_> = (0..2_000).map(|_| Id::fresh()).collect();
    let body = framed(0, &spans(ids.iter().map(|id| span(*id)).collect()));
    let mut connection = Http2::open(target.grpc()?)?;
    let bearer = target.bearer();
    let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    for sent in [10, body.len() / 2, body.len() - 1, body.len()] {
        let stream = connection.call(TRACES, &headers)?;
        connection.some_data(stream, &body[..sent])?;
        if sent == body.len() {
            connection.frame(kind::DATA, 1, stream, b"")?;
        }
        connection.frame(kind::RST_STREAM, 0, stream, &8_u32.to_be_bytes())?;
    }
    is_empty_success(target.call_on(&mut connection, TRACES, &[], &framed(0, b""))?)?;
    whole_or_not_at_all(target, &ids)
}

/// Fails if a request arrived at the sink in which some of these spans are missing.
fn whole_or_not_at_all(target: &Target, ids: &[Id]) -> Found {
    let Ok(sink) = target.sink() else { return Ok(()) };
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(()) };
    for one in sink.arrived() {
        let has = |id: &Id| crate::sink::holds(&one.body, &id.span());
        same("last span, as the first", has(last), has(first))?;
    }
    Ok(())
}

/// A deadline that cannot be read.
pub(super) fn c058_bad_deadlines_do_no_harm(target: &Target) -> Found {
    for timeout in ["", "x", "5", "-1S", "1y", "123456789123S", "S"] {
        let called = target.call_traces(&[("grpc-timeout", timeout)], &framed(0, b""))?;
        called.is_one_of(&[code::OK, code::INVALID_ARGUMENT])?;
    }
    Ok(())
}

/// What a status says is short, printable and percent-encoded.
pub(super) fn c059_status_texts_are_short(target: &Target) -> Found {
    let mut texts = Vec::new();
    for body in [framed(0, &[0xff; 300]), framed(2, b""), vec![], framed(1, b"\x1f\x8b")] {
        texts.push(target.call_traces(&[], &body)?);
        texts.push(target.call_traces(GRPC_GZIP, &body)?);
    }
    texts.push(target.call("/a.B/%0d%0aC\u{7f}", &[], &framed(0, b""))?);
    for called in texts {
        let Called { text, details, .. } = called;
        expect(text.len() <= 256, || format!("{} bytes of text", text.len()))?;
        expect(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)), || format!("{text:?}"))?;
        expect(details.len() <= 8 << 10, || format!("{} bytes of details", details.len()))?;
    }
    Ok(())
}

/// Two messages where one belongs.
pub(super) fn c060_two_messages_are_refused(target: &Target) -> Found {
    let id = Id::fresh();
    let two = [framed(0, &one_span(id)), framed(0, &one_span(Id::fresh()))].concat();
    target.call_traces(&[], &two)?.is_one_of(&[code::INTERNAL, code::UNIMPLEMENTED])?;
    nothing_of(target, id)
}

/// Something else than gRPC on its port.
pub(super) fn c061_other_content_types_are_refused(target: &Target) -> Found {
    for content_type in ["application/json", "text/plain", "application/grpcx"] {
        let called = target.call_traces(&[("content-type", content_type)], &framed(0, b""))?;
        same(content_type, called.http, 415)?;
    }
    for content_type in ["application/grpc+proto", "application/grpc;v=1"] {
        target.call_traces(&[("content-type", content_type)], &framed(0, b""))?.is(code::OK)?;
    }
    Ok(())
}

/// Metadata in base64 that is none.
pub(super) fn c062_bad_binary_metadata_does_no_harm(target: &Target) -> Found {
    for value in ["***", "abc", "=", "AAAA,***"] {
        let called = target.call_traces(&[("trace-bin", value)], &framed(0, b""))?;
        called.is_one_of(&[code::OK, code::INVALID_ARGUMENT])?;
    }
    Ok(())
}

/// Nobody is told which methods there are.
pub(super) fn c067_reflection_is_off(target: &Target) -> Found {
    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        target.call(&path, &[], &framed(0, &[0x3a, 0]))?.is(code::UNIMPLEMENTED)?;
    }
    Ok(())
}

/// The same bytes come to the same over gRPC and over HTTP.
pub(super) fn c068_both_protocols_agree(target: &Target) -> Found {
    let mut short = span(Id::fresh());
    short.span_id = vec![1];
    let long = vec![0x7a, 0xff, 0xff, 0x7f];
    let bodies: [Vec<u8>; 9] = [
        vec![],
        one_span(Id::fresh()),
        spans(vec![short, span(Id::fresh())]),
        around(&super::http::span_with_bad_text(Id::fresh())),
        vec![0xff, 0xff],
        vec![0x08, 1],
        around(&[0x0a, 16]),
        long,
        b"{}".to_vec(),
    ];
    for (number, body) in bodies.iter().enumerate() {
        for packed in [false, true] {
            let (flag, bytes) = if packed { (1, gzip(body)) } else { (0, body.clone()) };
            let more: &[_] = if packed { GRPC_GZIP } else { &[] };
            let called = target.call_traces(more, &framed(flag, &bytes))?;
            let headers: &[_] = if packed { &[PROTOBUF, GZIP] } else { &[PROTOBUF] };
            let answer = target.post("/v1/traces", headers, &bytes)?;
            let over_http = match answer.status {
                200 => (0, Some(partial(&answer.body)?)),
                _ => (u32::try_from(status(&answer)?.0).unwrap_or(0), None),
            };
            let over_grpc = match called.code {
                Some(0) => (0, Some(partial(&called.message()?)?)),
                other => (other.unwrap_or(99), None),
            };
            expect(over_http == over_grpc, || {
                format!("body {number}: HTTP {over_http:?}, gRPC {over_grpc:?}")
            })?;
        }
    }
    let json = crate::otlp::json_spans(&json_span(Id::fresh(), ""));
    target.post("/v1/traces", &[JSON], json.as_bytes())?.is(200)?;
    Ok(())
}
