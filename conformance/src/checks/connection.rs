//! 33, 34, 36–40: connections over HTTP.

use std::time::Duration;

use crate::finding::{Finding, Found, expect, fails, same};
use crate::otlp::{Id, is_clean, json_span, json_spans, one_span, spans};
use crate::target::{JSON, PROTOBUF, Target};
use crate::wire::http1::{Connection, exchange};
use crate::wire::http2::{END_STREAM, Http2};

use super::coding::REQUEST_BYTES;

/// `Expect: 100-continue`: go on for good heads, a final answer at once for others.
pub(super) fn c033_expectations_are_met_after_the_head(target: &Target) -> Found {
    let id = Id::fresh();
    let body = one_span(id);
    let length = body.len().to_string();
    let expectation = ("Expect", "100-continue");
    let mut connection = Connection::open(target.http()?)?;
    let headers = [PROTOBUF, expectation, ("Content-Length", length.as_str())];
    connection.send(&target.request("POST /v1/traces", &headers, b""));
    same("interim answer", connection.head()?.status, 100)?;
    connection.send(&body);
    is_clean(connection.answer()?)?;
    target.took("the span", &id.span())?;

    let length = (REQUEST_BYTES + 1).to_string();
    let headers = [PROTOBUF, expectation, ("Content-Length", length.as_str())];
    let mut connection = Connection::open(target.http()?)?;
    connection.send(&target.request("POST /v1/traces", &headers, b""));
    same("answer to a length over the limit", connection.head()?.status, 413)
}

/// Two lengths, or a length and chunks, or bad chunks: 400 and the connection is closed.
pub(super) fn c034_ambiguous_lengths_are_refused(target: &Target) -> Found {
    let smuggled = b"2\r\n{}\r\n0\r\n\r\nPOST /v1/traces HTTP/1.1\r\nHost: localhost\r\n\
        Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let chunked = ("Transfer-Encoding", "chunked");
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8]);
    let cases: [Case<'_>; 6] = [
        ("length and chunks", &[JSON, ("Content-Length", "4"), chunked], smuggled),
        ("chunks and length", &[JSON, chunked, ("Content-Length", "4")], smuggled),
        ("two lengths", &[JSON, ("Content-Length", "2"), ("Content-Length", "9")], b"{}"),
        ("a list of lengths", &[JSON, ("Content-Length", "2, 9")], b"{}"),
        ("a signed length", &[JSON, ("Content-Length", "+2")], b"{}"),
        ("a bad chunk", &[JSON, chunked], b"zz\r\n{}\r\n0\r\n\r\n"),
    ];
    let mut by_chunks = false;
    for (what, headers, body) in cases {
        let mut connection = Connection::open(target.http()?)?;
        connection.send(&target.request("POST /v1/traces", headers, body));
        let answer = connection.answer()?;
        by_chunks |= answer.status == 200 && what.contains("chunks");
        if answer.status != 400 && !(by_chunks && answer.header("connection") == Some("close")) {
            return fails(format!("{what}: {} instead of 400", answer.status));
        }
        expect(connection.head().is_err(), || format!("{what}: what is behind it is answered"))?;
        if let Err(finding) = connection.closed_after(Duration::from_secs(5)) {
            return fails(format!("{what}: {finding:?}"));
        }
    }
    if by_chunks {
        return Err(Finding::Differs(
            "with a length and chunks the chunks count, and the connection is closed behind them, \
             as RFC 9112 (6.1) allows: nothing behind the body is read as a request, and the \
             length is gone before a request is seen",
        ));
    }
    Ok(())
}

/// A head that takes longer than 10 s, a body that comes by less than 1 KiB a second, and an
/// idle connection.
pub(super) fn c036_slow_senders_are_given_up(target: &Target) -> Found {
    let address = target.http()?;
    let head = target.request("POST /v1/traces", &[PROTOBUF, ("Content-Length", "9000")], b"");
    let crawl = |begin: Vec<u8>, patience: Duration| -> Found {
        let mut connection = Connection::open(address)?;
        connection.send(&begin);
        let mut second = Connection::open(address)?;
        second.send(&begin);
        let limit = patience.as_secs() * 4;
        for _ in 0..limit {
            std::thread::sleep(Duration::from_millis(250));
            if connection.try_send(b"x").is_err() {
                break;
            }
        }
        second.closed_after(Duration::from_secs(5)).map(drop)?;
        connection.closed_after(Duration::from_secs(5)).map(drop)
    };
    std::thread::scope(|scope| {
        let slow_head = scope.spawn(|| {
            crawl(b"POST /v1/traces HTTP/1.1\r\nX-Slow: ".to_vec(), Duration::from_secs(12))
        });
        let slow_body = scope.spawn(|| crawl(head.clone(), Duration::from_secs(14)));
        let idle = scope.spawn(|| {
            let mut idle = Connection::open(address)?;
            idle.send(&target.request("POST /v1/traces", &[JSON], b"{}"));
            is_clean(idle.answer()?)?;
            let mut silent = Connection::open(address)?;
            let took = idle.closed_after(Duration::from_secs(80))?;
            expect(took > Duration::from_secs(20), || format!("idle for only {took:?}"))?;
            silent.closed_after(Duration::from_secs(10)).map(drop)
        });
        let told = [("head", slow_head), ("body", slow_body), ("idle", idle)];
        for (what, check) in told {
            if let Err(finding) = check.join().expect("checks do not panic") {
                return fails(format!("{what}: {finding:?}"));
            }
        }
        Ok(())
    })
}

/// Requests on one connection, sent at once, are answered in their order.
pub(super) fn c037_pipelined_requests_keep_their_order(target: &Target) -> Found {
    let mut connection = Connection::open(target.http()?)?;
    let large = spans((0..500).map(|_| crate::otlp::span(Id::fresh())).collect());
    let requests = [
        target.request("POST /v1/traces", &[PROTOBUF], &large),
        target.request("POST /v1/nothing", &[JSON], b"{}"),
        target.request("POST /v1/traces", &[JSON], b"{}"),
        target.request("POST /v1/traces", &[JSON], b"{"),
    ];
    connection.send(&requests.concat());
    for status in [200, 404, 200, 400] {
        connection.answer()?.is(status)?;
    }
    Ok(())
}

/// HTTP/1.0, and HTTP/2 with prior knowledge.
pub(super) fn c038_other_versions_of_http(target: &Target) -> Found {
    let body = json_spans(&json_span(Id::fresh(), ""));
    let request = target.request("POST /v1/traces", &[JSON], body.as_bytes());
    let text = String::from_utf8_lossy(&request).replacen("HTTP/1.1", "HTTP/1.0", 1);
    is_clean(exchange(target.http()?, text.as_bytes())?)?;
    let mut connection = Http2::open(target.http()?)?;
    let bearer = target.bearer();
    let mut headers = vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/v1/traces"),
        (":authority", "localhost"),
        ("content-type", "application/json"),
    ];
    headers.extend(bearer.as_ref().map(|bearer| ("authorization", bearer.as_str())));
    let stream = connection.begin(&headers, 0)?;
    connection.data(stream, body.as_bytes())?;
    let reply = connection.reply(stream)?;
    same("status over HTTP/2", reply.header(":status"), Some("200"))?;
    let stream = connection.begin(&headers, END_STREAM)?;
    let reply = connection.reply(stream)?;
    same("status of no body over HTTP/2", reply.header(":status"), Some("400"))
}

/// Without a word in the configuration no page of another origin may read anything.
pub(super) fn c039_no_cross_origin_by_default(target: &Target) -> Found {
    let origin = ("Origin", "https://example.com");
    let preflight = [origin, ("Access-Control-Request-Method", "POST")];
    let preflight = target.request("OPTIONS /v1/traces", &preflight, b"");
    let asked = exchange(target.http()?, &preflight)?;
    let sent = target.post("/v1/traces", &[JSON, origin], b"{}")?;
    for answer in [asked, sent] {
        let allowed = answer.headers.iter().find(|it| it.0.starts_with("access-control-allow"));
        expect(allowed.is_none(), || format!("{allowed:?}"))?;
    }
    Ok(())
}

/// A web page cannot write to a port of its reader's own machine, under whatever name it has.
pub(super) fn c040_web_pages_are_kept_out(target: &Target) -> Found {
    let id = Id::fresh();
    let body = json_spans(&json_span(id, ""));
    let cases: [&[(&str, &str)]; 4] = [
        &[JSON, ("Origin", "https://example.com")],
        &[JSON, ("Origin", "http://example.com:4318"), ("Host", "example.com:4318")],
        &[JSON, ("Origin", "null")],
        &[JSON, ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")],
    ];
    for headers in cases {
        target.post("/v1/traces", headers, body.as_bytes())?.is(403)?;
    }
    super::http::nothing_of(target, id)
}
