//! HTTP/2 on a socket: frames out as they are, streams in as they come.

use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::PATIENCE;
use crate::finding::{Finding, Found, expect};

/// Types of frames.
pub mod kind {
    /// DATA.
    pub const DATA: u8 = 0;
    /// HEADERS.
    pub const HEADERS: u8 = 1;
    /// RST_STREAM.
    pub const RST_STREAM: u8 = 3;
    /// SETTINGS.
    pub const SETTINGS: u8 = 4;
    /// PING.
    pub const PING: u8 = 6;
    /// GOAWAY.
    pub const GOAWAY: u8 = 7;
    /// WINDOW_UPDATE.
    pub const WINDOW_UPDATE: u8 = 8;
    /// CONTINUATION.
    pub const CONTINUATION: u8 = 9;
}

/// Ends the stream (DATA, HEADERS), or acknowledges (SETTINGS, PING).
pub const END_STREAM: u8 = 1;
/// Ends the headers.
pub const END_HEADERS: u8 = 4;
/// An error code: the sender asks for too much.
pub const ENHANCE_YOUR_CALM: u32 = 11;
/// An error code: the stream was not begun.
pub const REFUSED_STREAM: u32 = 7;

/// What came back on a stream.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// Header blocks: headers, then trailers.
    pub blocks: Vec<Vec<(String, String)>>,
    /// The data.
    pub data: Vec<u8>,
    /// Whether it has ended.
    pub ended: bool,
    /// The code of a reset.
    pub reset: Option<u32>,
}

impl Reply {
    /// The last value of a header or trailer.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let all = self.blocks.iter().flatten();
        all.filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).next_back()
    }
}

/// An open connection.
pub struct Http2 {
    reader: BufReader<TcpStream>,
    decoder: loona_hpack::Decoder<'static>,
    next_stream: u32,
    window: i64,
    first_window: i64,
    windows: HashMap<u32, i64>,
    replies: HashMap<u32, Reply>,
    /// The error code of a GOAWAY.
    pub goaway: Option<u32>,
    /// PINGs that the other side sent by itself.
    pub pings: usize,
    /// PINGs and SETTINGS that it acknowledged.
    pub acknowledged: usize,
    /// Whether PINGs are answered.
    pub answers_pings: bool,
    /// The other side's limit of streams.
    pub streams_max: Option<u32>,
}

impl std::fmt::Debug for Http2 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http2").field("goaway", &self.goaway).finish_non_exhaustive()
    }
}

impl Http2 {
    /// Connects, with prior knowledge, and waits for the other side's settings.
    pub fn open(address: SocketAddr) -> Found<Http2> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut connection = Http2 {
            reader: BufReader::new(stream),
            decoder: loona_hpack::Decoder::new(),
            next_stream: 1,
            window: 65_535,
            first_window: 65_535,
            windows: HashMap::new(),
            replies: HashMap::new(),
            goaway: None,
            pings: 0,
            acknowledged: 0,
            answers_pings: true,
            streams_max: None,
        };
        connection.reader.get_mut().write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
        connection.frame(kind::SETTINGS, 0, 0, &[])?;
        while connection.take()? != kind::SETTINGS {}
        Ok(connection)
    }

    /// Sends a frame as it is.
    pub fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Found {
        let length = u32::try_from(payload.len()).expect("frames are short").to_be_bytes();
        let mut bytes = vec![length[1], length[2], length[3], kind, flags];
        bytes.extend(stream.to_be_bytes());
        bytes.extend(payload);
        self.reader.get_mut().write_all(&bytes)?;
        Ok(())
    }

    /// Bytes as they are, many frames at once.
    pub fn raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// Makes writing an error when the other side takes nothing for so long.
    pub fn give_up_after(&mut self, patience: Duration) -> Found {
        self.reader.get_mut().set_write_timeout(Some(patience))?;
        Ok(())
    }

    /// Begins a stream with these headers.
    pub fn begin(&mut self, headers: &[(&str, &str)], flags: u8) -> Found<u32> {
        let id = self.next_stream;
        self.next_stream += 2;
        self.windows.insert(id, self.first_window);
        self.frame(kind::HEADERS, END_HEADERS | flags, id, &block(headers))?;
        Ok(id)
    }

    /// Sends data within the other side's windows, and ends the stream. It stops early if the
    /// other side has answered already.
    pub fn data(&mut self, stream: u32, bytes: &[u8]) -> Found {
        self.some_data(stream, bytes)?;
        if self.is_answered(stream) {
            return Ok(());
        }
        self.frame(kind::DATA, END_STREAM, stream, &[])
    }

    /// Sends data and leaves the stream open.
    pub fn some_data(&mut self, stream: u32, bytes: &[u8]) -> Found {
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_answered(stream) {
            let window = self.windows.get(&stream).copied().unwrap_or(0).min(self.window);
            let length = rest.len().min(16_384).min(usize::try_from(window).unwrap_or(0));
            if length == 0 {
                self.take()?;
                continue;
            }
            let (now, later) = rest.split_at(length);
            self.frame(kind::DATA, 0, stream, now)?;
            rest = later;
            self.window -= length as i64;
            *self.windows.entry(stream).or_default() -= length as i64;
        }
        Ok(())
    }

    fn is_answered(&self, stream: u32) -> bool {
        let reply = self.replies.get(&stream);
        self.goaway.is_some() || reply.is_some_and(|reply| reply.ended || reply.reset.is_some())
    }

    /// Waits for the end of a stream.
    pub fn reply(&mut self, stream: u32) -> Found<Reply> {
        loop {
            if let Some(reply) = self.replies.get(&stream)
                && (reply.ended || reply.reset.is_some())
            {
                return Ok(reply.clone());
            }
            if let Err(error) = self.take() {
                let goaway = self.goaway;
                let Finding::Fails(error) = error else { return Err(error) };
                return Err(Finding::Fails(format!("no reply, GOAWAY {goaway:?}: {error}")));
            }
        }
    }

    /// Reads frames until the other side closes the connection, or that long.
    pub fn until_closed(&mut self, patience: Duration) -> Found {
        self.reader.get_mut().set_read_timeout(Some(patience))?;
        let began = countersign_receiver::clock::instant();
        while began.elapsed() < patience {
            if self.take().is_err() {
                break;
            }
        }
        self.reader.get_mut().set_read_timeout(Some(PATIENCE))?;
        expect(began.elapsed() < patience, || format!("still open after {patience:?}"))
    }

    /// Takes one frame and gives its kind.
    pub fn take(&mut self) -> Found<u8> {
        let mut head = [0; 9];
        self.reader.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
        let mut payload = vec![0; length as usize];
        self.reader.read_exact(&mut payload)?;
        match kind {
            kind::SETTINGS if flags & END_STREAM == 0 => {
                self.settings(&payload);
                // The other side may have closed already: that is seen at the next frame.
                drop(self.frame(kind::SETTINGS, END_STREAM, 0, &[]));
            }
            kind::PING if flags & END_STREAM == 0 => {
                self.pings += 1;
                if self.answers_pings {
                    drop(self.frame(kind::PING, END_STREAM, 0, &payload));
                }
            }
            kind::SETTINGS | kind::PING => self.acknowledged += 1,
            kind::GOAWAY => self.goaway = Some(number(payload.get(4..8))),
            kind::WINDOW_UPDATE => {
                let more = i64::from(number(payload.get(..4)));
                match stream {
                    0 => self.window += more,
                    _ => *self.windows.entry(stream).or_insert(self.first_window) += more,
                }
            }
            kind::HEADERS | kind::DATA | kind::RST_STREAM => {
                self.arrived(kind, flags, stream, &payload)?;
            }
            _ => {}
        }
        Ok(kind)
    }

    fn settings(&mut self, payload: &[u8]) {
        for setting in payload.chunks_exact(6) {
            let value = number(setting.get(2..6));
            match setting[1] {
                3 => self.streams_max = Some(value),
                4 => {
                    let more = i64::from(value) - self.first_window;
                    self.first_window = i64::from(value);
                    self.windows.values_mut().for_each(|window| *window += more);
                }
                _ => {}
            }
        }
    }

    fn arrived(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Found {
        let reply = self.replies.entry(stream).or_default();
        match kind {
            kind::DATA => reply.data.extend(payload),
            kind::RST_STREAM => reply.reset = Some(number(payload.get(..4))),
            _ => {
                let fields = self
                    .decoder
                    .decode(payload)
                    .map_err(|error| Finding::Fails(format!("headers: {error:?}")))?;
                let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
                let fields = fields.into_iter().map(|(name, value)| (text(name), text(value)));
                reply.blocks.push(fields.collect());
            }
        }
        reply.ended |= kind != kind::RST_STREAM && flags & END_STREAM != 0;
        Ok(())
    }
}

/// A header block: literals without indexing, so that nothing has to be remembered.
#[must_use]
pub fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in headers {
        bytes.push(0);
        for text in [name, value] {
            put_length(&mut bytes, text.len());
            bytes.extend(text.as_bytes());
        }
    }
    bytes
}

/// An integer with a prefix of seven bits.
fn put_length(bytes: &mut Vec<u8>, length: usize) {
    let Some(mut rest) = length.checked_sub(127) else {
        bytes.push(u8::try_from(length).expect("less than 127"));
        return;
    };
    bytes.push(127);
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).expect("less than 128") | 128);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).expect("less than 128"));
}

fn number(bytes: Option<&[u8]>) -> u32 {
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    u32::from_be_bytes(bytes.unwrap_or_default())
}
