//! Sink: a destination over HTTP that keeps what arrives and answers as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use countersign_receiver::clock;
use flate2::read::MultiGzDecoder;

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// When.
    pub at: Instant,
    /// Its path.
    pub path: String,
    /// Request line and headers.
    pub head: String,
    /// The body, unpacked.
    pub body: Vec<u8>,
}

/// Gives the bytes of an answer to a request and its number, from 0; nothing to close.
type Script = dyn Fn(&Arrived, usize) -> Option<Vec<u8>> + Send + Sync;

/// A destination on a port of its own.
#[derive(Debug)]
pub struct Sink {
    /// Where it listens.
    pub address: SocketAddr,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Sink {
    /// One that takes everything, on this address.
    pub fn on(address: SocketAddr) -> std::io::Result<Sink> {
        Sink::listen(TcpListener::bind(address)?, Arc::new(|_, _| Some(answer("200 OK", "", b""))))
    }

    /// One that takes everything, on a free port.
    pub fn start() -> std::io::Result<Sink> {
        Sink::on(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// One that takes everything and keeps nothing of it.
    pub fn forgetful() -> std::io::Result<Sink> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let none = |_: &Arrived, _| Some(answer("200 OK", "", b""));
                    serve(&stream, None, &none);
                });
            }
        });
        Ok(Sink { address, arrived: Arc::default() })
    }

    /// One that answers by a script, on a free port.
    pub fn scripted(
        script: impl Fn(&Arrived, usize) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> std::io::Result<Sink> {
        Sink::listen(TcpListener::bind("127.0.0.1:0")?, Arc::new(script))
    }

    fn listen(listener: TcpListener, script: Arc<Script>) -> std::io::Result<Sink> {
        let address = listener.local_addr()?;
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&arrived);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (all, script) = (Arc::clone(&all), Arc::clone(&script));
                std::thread::spawn(move || serve(&stream, Some(&all), &*script));
            }
        });
        Ok(Sink { address, arrived })
    }

    /// Everything that arrived.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().expect("nobody panics with it").clone()
    }

    /// Waits until a body holds these bytes; false if none does in time.
    #[must_use]
    pub fn gets(&self, bytes: &[u8]) -> bool {
        let mut seen = 0;
        self.waits(|arrived| {
            let found = arrived[seen..].iter().any(|one| holds(&one.body, bytes));
            seen = arrived.len();
            found
        })
    }

    /// Waits until something holds of all that arrived; false if it does not in time.
    #[must_use]
    pub fn waits(&self, mut until: impl FnMut(&[Arrived]) -> bool) -> bool {
        let began = clock::instant();
        while began.elapsed() < Duration::from_secs(20) {
            if until(&self.arrived.lock().expect("nobody panics with it")) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

/// Whether the one is a part of the other.
#[must_use]
pub fn holds(all: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(all, part).is_some()
}

/// The bytes of an answer.
#[must_use]
pub fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/x-protobuf\r\n\
         content-length: {length}\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// One connection: requests one after the other until one side closes it.
fn serve(stream: &TcpStream, all: Option<&Mutex<Vec<Arrived>>>, script: &Script) {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some(arrived) = read(&mut reader) {
        let number = all.map_or(0, |all| {
            let mut all = all.lock().expect("nobody panics with it");
            all.push(arrived.clone());
            all.len() - 1
        });
        let Some(answer) = script(&arrived, number) else { return };
        if writer.write_all(&answer).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Arrived> {
    let mut head = String::new();
    loop {
        let before = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        if head[before..].trim().is_empty() {
            break;
        }
    }
    let value = |wanted: &str| {
        head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
        })
    };
    let length = value("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if value("content-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("gzip")) {
        let packed = std::mem::take(&mut body);
        MultiGzDecoder::new(&*packed).read_to_end(&mut body).ok()?;
    }
    let path = head.split(' ').nth(1)?.to_owned();
    Some(Arrived { at: clock::instant(), path, head, body })
}
