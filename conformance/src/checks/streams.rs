//! 63–65: HTTP/2 connections that ask for too much.

use std::time::Duration;

use countersign_receiver::clock;

use crate::finding::{Found, expect, fails, same};
use crate::otlp::{Id, one_span};
use crate::target::Target;
use crate::wire::grpc::{TRACES, code, framed};
use crate::wire::http2::{
    END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, Http2, REFUSED_STREAM, block, kind,
};

/// More streams at a time than are allowed.
pub(super) fn c063_streams_are_limited(target: &Target) -> Found {
    let mut connection = Http2::open(target.grpc()?)?;
    let bearer = target.bearer();
    let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    let limit = connection.streams_max.unwrap_or(u32::MAX);
    expect(limit <= 128, || format!("{limit} streams are allowed"))?;
    let first = connection.call(TRACES, &headers)?;
    for _ in 1..limit {
        connection.call(TRACES, &headers)?;
    }
    let over = connection.call(TRACES, &headers)?;
    same(
        "reset of the stream over the limit",
        connection.reply(over)?.reset,
        Some(REFUSED_STREAM),
    )?;
    connection.data(first, &framed(0, &one_span(Id::fresh())))?;
    connection.called(first)?.is(code::OK)?;
    Ok(())
}

/// One way to flood a connection: what is sent again and again.
struct Flood {
    what: &'static str,
    /// Sent first.
    begin: fn(&mut Http2) -> Found,
    /// The next frames.
    frames: fn(u32) -> Vec<u8>,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

const HEAD: &[(&str, &str)] = &[
    (":method", "POST"),
    (":scheme", "http"),
    (":path", TRACES),
    (":authority", "localhost"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
];

const FLOODS: [Flood; 6] = [
    Flood {
        what: "rapid reset",
        begin: |_| Ok(()),
        frames: |number| {
            let stream = 2 * number + 1;
            let mut bytes = frame(kind::HEADERS, END_HEADERS, stream, &block(HEAD));
            bytes.extend(frame(kind::RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
            bytes
        },
    },
    Flood {
        what: "CONTINUATION without end",
        begin: |connection| connection.frame(kind::HEADERS, 0, 1, &block(HEAD)),
        frames: |_| frame(kind::CONTINUATION, 0, 1, &block(&[("x-more", "of the same")])),
    },
    Flood {
        what: "empty CONTINUATION without end",
        begin: |connection| connection.frame(kind::HEADERS, 0, 1, &block(HEAD)),
        frames: |_| frame(kind::CONTINUATION, 0, 1, &[]),
    },
    Flood {
        what: "empty DATA",
        begin: |connection| connection.call(TRACES, &[]).map(drop),
        frames: |_| frame(kind::DATA, 0, 1, &[]),
    },
    Flood {
        what: "SETTINGS",
        begin: |_| Ok(()),
        frames: |_| frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0]),
    },
    Flood { what: "PING", begin: |_| Ok(()), frames: |_| frame(kind::PING, 0, 0, &[7; 8]) },
];

/// Floods of frames: the connection is ended with ENHANCE_YOUR_CALM, or its sender is held up
/// because nobody reads what it provokes; others are served meanwhile.
pub(super) fn c064_floods_are_stopped(target: &Target) -> Found {
    for flood in FLOODS {
        let address = target.grpc()?;
        let (stopped, slowest) = std::thread::scope(|scope| -> Found<_> {
            let flooding = scope.spawn(|| stopped(&flood, address));
            let mut slowest = Duration::ZERO;
            while !flooding.is_finished() {
                let began = clock::instant();
                let body = framed(0, &one_span(Id::fresh()));
                target.call_traces(&[], &body)?.is(code::OK)?;
                slowest = slowest.max(began.elapsed());
            }
            Ok((flooding.join().expect("floods do not panic"), slowest))
        })?;
        if let Err(finding) = stopped {
            return fails(format!("{}: {finding:?}", flood.what));
        }
        // Generous, since checks run beside each other: without a limit it takes seconds.
        let patient = Duration::from_millis(1_500);
        expect(slowest < patient, || format!("{}: others wait {slowest:?}", flood.what))?;
    }
    Ok(())
}

/// Floods a connection until it is ended, or does not take any more.
fn stopped(flood: &Flood, address: std::net::SocketAddr) -> Found {
    const FRAMES_MAX: u32 = 400_000;
    let mut connection = Http2::open(address)?;
    connection.frame(kind::SETTINGS, END_STREAM, 0, &[])?;
    (flood.begin)(&mut connection)?;
    connection.give_up_after(Duration::from_secs(3))?;
    let mut sent = 0;
    while sent < FRAMES_MAX {
        let batch: Vec<u8> = (sent..sent + 500).flat_map(|number| (flood.frames)(number)).collect();
        sent += 500;
        if connection.raw(&batch).is_err() {
            break;
        }
    }
    connection.until_closed(Duration::from_secs(2)).ok();
    match connection.goaway {
        Some(ENHANCE_YOUR_CALM) => Ok(()),
        // The other side's answers fill the socket: it reads no more until they are read.
        None if sent < FRAMES_MAX => Ok(()),
        Some(_) if sent < FRAMES_MAX => Ok(()),
        other => fails(format!("{sent} frames are taken, GOAWAY {other:?}")),
    }
}

/// Who is quiet is asked whether he is there; who does not answer is let go.
pub(super) fn c065_silent_connections_are_let_go(target: &Target) -> Found {
    let address = target.grpc()?;
    let watch = |answers: bool| -> Found<(Duration, usize)> {
        let mut connection = Http2::open(address)?;
        connection.answers_pings = answers;
        // One call, so that it is no connection that never asked for anything.
        target.call_on(&mut connection, TRACES, &[], &framed(0, b""))?.is(code::OK)?;
        let began = clock::instant();
        connection.until_closed(Duration::from_secs(44)).ok();
        Ok((began.elapsed(), connection.pings))
    };
    std::thread::scope(|scope| {
        let deaf = scope.spawn(|| watch(false));
        let (took, pings) = watch(true)?;
        expect(pings >= 1, || format!("no PING in {took:?}"))?;
        expect(took >= Duration::from_secs(43), || format!("closed after {took:?}, answered"))?;
        let (took, pings) = deaf.join().expect("checks do not panic")?;
        expect(pings >= 1 && took < Duration::from_secs(43), || {
            format!("{pings} PINGs without an answer, and open after {took:?}")
        })
    })
}
