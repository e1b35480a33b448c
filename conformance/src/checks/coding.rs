//! 9–21, 35: bodies that are packed, too large, or worse.

use std::io::Write;

use crate::finding::{Found, expect, same};
use crate::otlp::{Id, around, gzip, is_clean, one_span, put};
use crate::target::{GZIP, JSON, PROTOBUF, Target};
use crate::wire::http1::{Answer, Connection, exchange};

use super::http::is_status;
use crate::memory::MEMORY_BYTES;

/// The largest request, raw and unpacked, that OTLP recommends to take.
pub(super) const REQUEST_BYTES: usize = 64 << 20;

fn post_coded(target: &Target, coding: &str, body: &[u8]) -> Found<Answer> {
    target.post("/v1/traces", &[PROTOBUF, ("Content-Encoding", coding)], body)
}

/// gzip.
pub(super) fn c009_gzip_is_taken(target: &Target) -> Found {
    let id = Id::fresh();
    is_clean(post_coded(target, "gzip", &gzip(&one_span(id)))?)?;
    target.took("the span", &id.span())?;
    is_clean(target.post("/v1/traces", &[JSON, GZIP], &gzip(b"{}"))?)
}

/// `identity` is no coding.
pub(super) fn c010_identity_is_taken(target: &Target) -> Found {
    let id = Id::fresh();
    is_clean(post_coded(target, "identity", &one_span(id))?)?;
    target.took("the span", &id.span())
}

/// Codings are named in any case.
pub(super) fn c011_codings_have_no_case(target: &Target) -> Found {
    let id = Id::fresh();
    is_clean(post_coded(target, "GZIP", &gzip(&one_span(id)))?)?;
    target.took("the span", &id.span())
}

/// An unknown coding: 415 and what would be accepted.
pub(super) fn c012_unknown_codings_are_refused(target: &Target) -> Found {
    for coding in ["br", "snappy", "x"] {
        let answer = post_coded(target, coding, b"")?.is(415)?;
        is_status(&answer)?;
        let accepted = answer.header("accept-encoding").unwrap_or_default().to_owned();
        expect(accepted.contains("gzip"), || format!("Accept-Encoding: {accepted:?}"))?;
    }
    Ok(())
}

/// Packed twice.
pub(super) fn c013_two_codings_are_refused(target: &Target) -> Found {
    is_status(&post_coded(target, "gzip, gzip", &gzip(&gzip(b"")))?.is(415)?)
}

/// gzip is said, and the body is plain.
pub(super) fn c014_plain_bytes_are_no_gzip(target: &Target) -> Found {
    is_status(&post_coded(target, "gzip", &one_span(Id::fresh()))?.is(400)?)
}

/// gzip that is cut, or whose checksum is wrong.
pub(super) fn c015_damaged_gzip_is_refused(target: &Target) -> Found {
    let id = Id::fresh();
    let packed = gzip(&one_span(id));
    for cut in [1, 8, packed.len() / 2] {
        is_status(&post_coded(target, "gzip", &packed[..packed.len() - cut])?.is(400)?)?;
    }
    let mut flipped = packed;
    let crc = flipped.len() - 6;
    flipped[crc] ^= 1;
    is_status(&post_coded(target, "gzip", &flipped)?.is(400)?)?;
    super::http::nothing_of(target, id)
}

/// Several members of gzip are one body.
pub(super) fn c016_all_members_of_gzip_count(target: &Target) -> Found {
    let (first, second) = (Id::fresh(), Id::fresh());
    let members = [gzip(&one_span(first)), gzip(&one_span(second))].concat();
    is_clean(post_coded(target, "gzip", &members)?)?;
    let _sink = target.sink()?;
    target.took("the first member's span", &first.span())?;
    target.took("the second member's span", &second.span())
}

/// Something behind the gzip.
pub(super) fn c017_bytes_behind_gzip_are_refused(target: &Target) -> Found {
    let packed = gzip(&one_span(Id::fresh()));
    is_status(&post_coded(target, "gzip", &[&*packed, b"more"].concat())?.is(400)?)?;
    is_status(&post_coded(target, "gzip", &[&*packed, &[0; 16]].concat())?.is(400)?)
}

/// A length over the limit: 413 before the body is read, and the connection is closed.
pub(super) fn c018_too_large_by_length(target: &Target) -> Found {
    let length = (REQUEST_BYTES + 1).to_string();
    let head = target.request("POST /v1/traces", &[PROTOBUF, ("Content-Length", &length)], b"");
    let mut connection = Connection::open(target.http()?)?;
    connection.send(&head);
    let answer = connection.answer()?.is(413)?;
    is_status(&answer)?;
    answer.has("connection", "close")
}

/// A body without a length that crosses the limit: 413, which the sender can read.
pub(super) fn c019_too_large_in_chunks(target: &Target) -> Found {
    let _large = target.large_requests();
    let headers = [PROTOBUF, ("Transfer-Encoding", "chunked")];
    let mut connection = Connection::open(target.http()?)?;
    connection.send(&target.request("POST /v1/traces", &headers, b""));
    let chunk = [b"100000\r\n", &vec![0x7a; 1 << 20][..], b"\r\n"].concat();
    for _ in 0..=REQUEST_BYTES >> 20 {
        if connection.try_send(&chunk).is_err() {
            break;
        }
    }
    connection.send(b"0\r\n\r\n");
    is_status(&connection.answer()?.is(413)?)
}

/// gzip that unpacks past the limit.
pub(super) fn c020_too_large_unpacked(target: &Target) -> Found {
    let _large = target.large_requests();
    let bomb = gzip(&vec![0; REQUEST_BYTES + 1]);
    is_status(&post_coded(target, "gzip", &bomb)?.is(413)?)?;
    let huge = huge_bomb();
    is_status(&post_coded(target, "gzip", &huge)?.is(413)?)?;
    memory_is_bounded(target, &[PROTOBUF, GZIP], &huge)
}

/// 2 GiB of zeros in 2 MiB, made without having them.
fn huge_bomb() -> Vec<u8> {
    let zeros = vec![0; 1 << 20];
    let level = flate2::Compression::default();
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), level);
    for _ in 0..2048 {
        writer.write_all(&zeros).expect("a Vec takes all");
    }
    writer.finish().expect("a Vec takes all")
}

/// A few kilobytes that are millions of records.
pub(super) fn c021_too_many_records(target: &Target) -> Found {
    let _large = target.large_requests();
    for bomb in structural_bombs() {
        let answer = post_coded(target, "gzip", &gzip(&bomb))?;
        let answer = answer.is_one_of(&[200, 413])?;
        if answer.status == 200 {
            let partial = crate::otlp::partial(&answer.body)?;
            expect(partial.rejected > 0, || "all of it is said to be taken".to_owned())?;
        }
    }
    for bomb in structural_bombs() {
        memory_is_bounded(target, &[PROTOBUF, GZIP], &gzip(&bomb))?;
    }
    Ok(())
}

/// 4 MiB of empty spans, of empty attributes and of empty resources.
pub(crate) fn structural_bombs() -> [Vec<u8>; 3] {
    let pairs = 2 << 20;
    let (mut scope, mut resource, mut empty_spans) = (Vec::new(), Vec::new(), Vec::new());
    put(&mut scope, 2, &[0x12, 0].repeat(pairs));
    put(&mut resource, 2, &[0x12, 0].repeat(pairs));
    put(&mut empty_spans, 1, &resource);
    let mut attributes = vec![0x0a, 16];
    attributes.extend([1; 16]);
    attributes.extend([0x12, 8, 1, 1, 1, 1, 1, 1, 1, 1]);
    attributes.extend([0x4a, 0].repeat(pairs));
    [empty_spans, around(&attributes), [0x0a, 0].repeat(pairs)]
}

/// Fails if a server of ours uses too much for a body.
pub(super) fn memory_is_bounded(target: &Target, headers: &[(&str, &str)], body: &[u8]) -> Found {
    let Ok(program) = target.program() else { return Ok(()) };
    let server = program.start("")?;
    exchange(server.http, &target.request("POST /v1/traces", headers, body))?;
    let peak = server.peak_memory()?;
    expect(peak <= MEMORY_BYTES, || format!("peak of {} MiB", peak >> 20))
}

/// Too many headers, or too long ones: 431.
pub(super) fn c035_too_many_headers(target: &Target) -> Found {
    let names: Vec<String> = (0..150).map(|number| format!("X-{number}")).collect();
    let mut many = vec![PROTOBUF];
    many.extend(names.iter().map(|name| (name.as_str(), "1")));
    same("150 headers", target.post("/v1/traces", &many, b"")?.status, 431)?;
    let long = "x".repeat(20 << 10);
    let answer = target.post("/v1/traces", &[PROTOBUF, ("X-Long", &long)], b"")?;
    same("a header of 20 KiB", answer.status, 431)
}
