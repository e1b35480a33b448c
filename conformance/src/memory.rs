//! Memory: what hostile requests cost our program, measured from outside.
//!
//! Each input goes to a server of its own, once without destinations and once with one, and then
//! the kernel is asked how much memory the server had at its peak.

use std::io::Write;

use prost::Message;

use crate::checks::structural_bombs;
use crate::finding::Found;
use crate::otlp::{Id, around, gzip, json_span, json_spans, put, span};
use crate::ours::{Program, Server};
use crate::sink::Sink;
use crate::target::{GZIP, JSON, PROTOBUF, Target};
use crate::wire::grpc::{TRACES, framed};
use crate::wire::http1::{Connection, exchange};
use crate::wire::http2::Http2;

/// The most that our program may use, whatever is sent: 256 MiB.
pub const MEMORY_BYTES: u64 = 256 << 20;

/// The largest request.
const LIMIT: usize = 64 << 20;

/// An input: its name, and how it is sent.
struct Input {
    name: &'static str,
    send: fn(&Server) -> Found,
}

const INPUTS: &[Input] = &[
    Input { name: "nothing", send: |_| Ok(()) },
    Input { name: "64 MiB in one unknown field", send: |it| protobuf(it, &field(15, LIMIT - 6)) },
    Input { name: "a span's name of 64 MiB", send: |it| protobuf(it, &long_name(b'x')) },
    Input { name: "64 MiB of ordinary spans", send: |it| protobuf(it, &ordinary()) },
    Input { name: "65 MiB", send: |it| protobuf(it, &field(15, LIMIT + (1 << 20))) },
    Input { name: "the same in chunks", send: chunks },
    Input { name: "64 MiB over gRPC", send: |it| grpc(it, &field(15, LIMIT - 6)) },
    Input { name: "400 claims of 64 MiB over gRPC", send: claims },
    Input { name: "a header of 32 MiB", send: |it| header(it, "POST /v1/traces", 32 << 20) },
    Input { name: "a path of 32 MiB", send: long_path },
    Input { name: "trailers of 32 MiB", send: trailers },
    Input { name: "gzip: 2 GiB of zeros", send: |it| packed(it, &zeros(2048)) },
    Input { name: "gzip: 64 MiB of zeros", send: |it| packed(it, &zeros(64)) },
    Input { name: "gzip in gzip", send: |it| packed(it, &gzip(&zeros(2048))) },
    Input {
        name: "16 senders of zip bombs",
        send: |it| at_once(it, 16, |it| packed(it, &zeros(512))),
    },
    Input { name: "4 KiB: 4 MiB of empty spans", send: |it| bomb(it, 0) },
    Input { name: "4 KiB: 4 MiB of empty attributes", send: |it| bomb(it, 1) },
    Input { name: "4 KiB: 4 MiB of empty resources", send: |it| bomb(it, 2) },
    Input { name: "64 MiB of empty spans", send: |it| packed(it, &gzip(&many(&[0x12, 0]))) },
    Input { name: "50,000 spans with 1 M attributes", send: |it| packed(it, &gzip(&attributes())) },
    Input { name: "16 senders of structural bombs", send: |it| at_once(it, 16, |it| bomb(it, 0)) },
    Input { name: "lists nested a million times", send: |it| protobuf(it, &nested(1_000_000)) },
    Input { name: "JSON: 60 M brackets", send: |it| json(it, &brackets(60_000_000)) },
    Input { name: "JSON: values nested 2 M times", send: |it| json(it, &values(2_000_000)) },
    Input {
        name: "JSON: 10 M empty spans",
        send: |it| json(it, &json_spans(&vec!["{}"; 10_000_000].join(","))),
    },
    Input { name: "JSON: 64 MiB of text", send: |it| json(it, &text("x")) },
    Input { name: "JSON: 64 MiB of escapes", send: |it| json(it, &text("\\u20ac")) },
    Input { name: "JSON: 60 MiB of bytes that are no UTF-8", send: bad_text },
    Input { name: "JSON: 60 MiB of control characters", send: |it| json(it, &text("\u{1}")) },
    Input { name: "64 MiB of bytes that are no UTF-8", send: |it| protobuf(it, &long_name(0xff)) },
    Input { name: "JSON: 6 M numbers", send: |it| json(it, &numbers()) },
    Input {
        name: "8 senders of 60 MiB each",
        send: |it| at_once(it, 8, |it| json(it, &text("x"))),
    },
];

/// Measures inputs whose names hold the text, and gives the rows of the table one by one; then
/// whether all of them are within the limit.
pub fn measure(program: &Program, only: &str, mut row: impl FnMut(String)) -> Found<bool> {
    let mut within = true;
    for input in INPUTS.iter().filter(|input| input.name.contains(only)) {
        let alone = program.start("")?;
        let peak_alone = peak(input, &alone)?;
        drop(alone);
        let sink = Sink::forgetful()?;
        let relaying = program.start(&format!(
            "exporters:\n  otlphttp/sink:\n    endpoint: http://{}\n",
            sink.address
        ))?;
        let peak_relaying = peak(input, &relaying)?;
        let over = peak_alone.max(peak_relaying) > MEMORY_BYTES;
        within &= !over;
        let mark = if over { "OVER" } else { "" };
        row(format!(
            "{:>4} MiB {:>4} MiB relaying  {} {mark}",
            peak_alone >> 20,
            peak_relaying >> 20,
            input.name
        ));
    }
    Ok(within)
}

fn peak(input: &Input, server: &Server) -> Found<u64> {
    (input.send)(server)?;
    // What was taken goes on to the books and the destination; then there is nothing to do.
    let mut before = u64::MAX;
    loop {
        std::thread::sleep(std::time::Duration::from_millis(400));
        let now = server.peak_memory()?;
        if now == before {
            return Ok(now);
        }
        before = now;
    }
}

fn post(server: &Server, headers: &[(&str, &str)], body: &[u8]) -> Found {
    let request = Target::default().request("POST /v1/traces", headers, body);
    // Any answer will do, and none too: what counts is what it costs.
    drop(exchange(server.http, &request));
    Ok(())
}

fn protobuf(server: &Server, body: &[u8]) -> Found {
    post(server, &[PROTOBUF], body)
}

fn packed(server: &Server, body: &[u8]) -> Found {
    post(server, &[PROTOBUF, GZIP], body)
}

fn json(server: &Server, body: &str) -> Found {
    post(server, &[JSON], body.as_bytes())
}

fn bomb(server: &Server, which: usize) -> Found {
    packed(server, &gzip(&structural_bombs()[which]))
}

fn at_once(server: &Server, senders: usize, send: fn(&Server) -> Found) -> Found {
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..senders).map(|_| scope.spawn(|| send(server))).collect();
        all.into_iter().try_for_each(|one| one.join().expect("senders do not panic"))
    })
}

fn field(number: u32, length: usize) -> Vec<u8> {
    let mut body = Vec::new();
    put(&mut body, number, &vec![0; length]);
    body
}

fn long_name(byte: u8) -> Vec<u8> {
    let mut bytes = span(Id::fresh()).encode_to_vec();
    put(&mut bytes, 5, &vec![byte; LIMIT - 1_000]);
    around(&bytes)
}

fn chunks(server: &Server) -> Found {
    let headers = [PROTOBUF, ("Transfer-Encoding", "chunked")];
    let mut connection = Connection::open(server.http)?;
    connection.send(&Target::default().request("POST /v1/traces", &headers, b""));
    let chunk = [b"100000\r\n", &vec![0x7a; 1 << 20][..], b"\r\n"].concat();
    for _ in 0..65 {
        if connection.try_send(&chunk).is_err() {
            break;
        }
    }
    drop(connection.answer());
    Ok(())
}

fn grpc(server: &Server, body: &[u8]) -> Found {
    Http2::open(server.grpc)?.unary(TRACES, &[], &framed(0, body)).map(drop)
}

fn claims(server: &Server) -> Found {
    let claim = [&[0][..], &(64_u32 << 20).to_be_bytes(), b"x"].concat();
    for _ in 0..4 {
        let mut connection = Http2::open(server.grpc)?;
        for _ in 0..100 {
            let stream = connection.call(TRACES, &[])?;
            connection.some_data(stream, &claim)?;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    Ok(())
}

fn header(server: &Server, line: &str, length: usize) -> Found {
    let mut connection = Connection::open(server.http)?;
    connection.send(format!("{line} HTTP/1.1\r\nHost: localhost\r\nX-Long: ").as_bytes());
    connection.send(&vec![b'x'; length]);
    connection.send(b"\r\n\r\n");
    drop(connection.answer());
    Ok(())
}

fn long_path(server: &Server) -> Found {
    let line = format!("POST /{}", "x".repeat(32 << 20));
    header(server, &line, 1)
}

fn trailers(server: &Server) -> Found {
    let headers = [PROTOBUF, ("Transfer-Encoding", "chunked")];
    let mut connection = Connection::open(server.http)?;
    connection.send(&Target::default().request("POST /v1/traces", &headers, b"0\r\nX-Long: "));
    connection.send(&vec![b'x'; 32 << 20]);
    connection.send(b"\r\n\r\n");
    drop(connection.answer());
    Ok(())
}

/// So many mebibytes of zeros, packed, without ever having them.
fn zeros(mebibytes: usize) -> Vec<u8> {
    let zeros = vec![0; 1 << 20];
    let level = flate2::Compression::default();
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), level);
    for _ in 0..mebibytes {
        writer.write_all(&zeros).expect("a Vec takes all");
    }
    writer.finish().expect("a Vec takes all")
}

/// 64 MiB of one scope's records.
fn many(record: &[u8]) -> Vec<u8> {
    let records = record.repeat((LIMIT - 64) / record.len());
    let (mut resource, mut request) = (Vec::new(), Vec::new());
    put(&mut resource, 2, &records);
    put(&mut request, 1, &resource);
    request
}

/// As many spans as there may be, with attributes that are relayed as they are.
fn ordinary() -> Vec<u8> {
    let mut pair = vec![0x0a, 3, b'k', b'e', b'y'];
    put(&mut pair, 2, &[&[0x0a, 100][..], &[b'x'; 100]].concat());
    let mut scope = Vec::new();
    for _ in 0..48_000 {
        let mut bytes = span(Id::fresh()).encode_to_vec();
        for _ in 0..11 {
            put(&mut bytes, 9, &pair);
        }
        put(&mut scope, 2, &bytes);
    }
    let (mut resource, mut request) = (Vec::new(), Vec::new());
    put(&mut resource, 2, &scope);
    put(&mut request, 1, &resource);
    request
}

fn attributes() -> Vec<u8> {
    let mut scope = Vec::new();
    for _ in 0..49_000 {
        let mut bytes = span(Id::fresh()).encode_to_vec();
        bytes.extend([0x4a, 9, 0x0a, 3, b'k', b'e', b'y', 0x12, 2, 0x18, 1].repeat(18));
        put(&mut scope, 2, &bytes);
    }
    let (mut resource, mut request) = (Vec::new(), Vec::new());
    put(&mut resource, 2, &scope);
    put(&mut request, 1, &resource);
    request
}

fn nested(depth: usize) -> Vec<u8> {
    // From the inside out, written backwards: each level needs the length of what is in it.
    let mut backwards = vec![1, 0x18];
    let mut length = Vec::new();
    for _ in 0..depth {
        for tag in [0x0a, 0x2a] {
            length.clear();
            prost::encoding::encode_varint(backwards.len() as u64, &mut length);
            backwards.extend(length.iter().rev());
            backwards.push(tag);
        }
    }
    backwards.reverse();
    let mut pair = vec![0x0a, 1, b'k'];
    put(&mut pair, 2, &backwards);
    let mut bytes = span(Id::fresh()).encode_to_vec();
    put(&mut bytes, 9, &pair);
    around(&bytes)
}

fn brackets(count: usize) -> String {
    json_spans(&json_span(Id::fresh(), &format!(r#""x":{}"#, "[".repeat(count))))
}

fn values(depth: usize) -> String {
    let value = r#"{"arrayValue":{"values":["#.repeat(depth) + &"]}}".repeat(depth);
    json_spans(&json_span(Id::fresh(), &format!(r#""attributes":[{{"key":"k","value":{value}}}]"#)))
}

fn text(part: &str) -> String {
    let length = LIMIT - 1_000;
    json_spans(&json_span(
        Id::fresh(),
        &format!(r#""name":"{}""#, part.repeat(length / part.len())),
    ))
}

fn bad_text(server: &Server) -> Found {
    let mut body = text("x").into_bytes();
    let end = body.len() - 32;
    body[200..end].fill(0xff);
    post(server, &[JSON], &body)
}

fn numbers() -> String {
    let values = [r#"{"doubleValue":1e308}"#, r#"{"intValue":-1}"#, r#"{"doubleValue":"NaN"}"#];
    let attributes = values.map(|value| format!(r#"{{"key":"k","value":{value}}}"#)).join(",");
    let spans = (0..400).map(|_| {
        let all = vec![attributes.as_str(); 1_000].join(",");
        json_span(Id::fresh(), &format!(r#""attributes":[{all}]"#))
    });
    json_spans(&spans.collect::<Vec<_>>().join(","))
}
