//! HTTP/1 on a socket: bytes out as they are, answers in as they come.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use countersign_receiver::clock;

use super::PATIENCE;
use crate::finding::{Finding, Found, expect, fails};

/// An answer to a request.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// The body, whole.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Fails unless it has this status.
    pub fn is(self, status: u16) -> Found<Answer> {
        self.is_one_of(&[status])
    }

    /// Fails unless it has one of these statuses.
    pub fn is_one_of(self, statuses: &[u16]) -> Found<Answer> {
        if statuses.contains(&self.status) {
            return Ok(self);
        }
        let text: String = self.text().chars().take(120).collect();
        fails(format!("{} instead of {statuses:?}: {text:?}", self.status))
    }

    /// Fails unless a header has a value, as far as case goes.
    pub fn has(&self, name: &str, value: &str) -> Found {
        let found = self.header(name).unwrap_or_default();
        expect(found.eq_ignore_ascii_case(value), || format!("{name}: {found:?}, not {value:?}"))
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> Found<Connection> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Connection { reader: BufReader::new(stream) })
    }

    /// Sends bytes. That the other side closed is seen when its answer is read.
    pub fn send(&mut self, bytes: &[u8]) {
        drop(self.reader.get_mut().write_all(bytes));
    }

    /// Sends bytes; an error if the other side does not take them.
    pub fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// Says that nothing more will come.
    pub fn finish(&mut self) {
        drop(self.reader.get_mut().shutdown(Shutdown::Write));
    }

    /// The status and headers of the next answer, interim ones too.
    pub fn head(&mut self) -> Found<Answer> {
        let mut line = String::new();
        self.line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let Some(status) = status else {
            return fails(if line.is_empty() {
                "the connection was closed without an answer".to_owned()
            } else {
                format!("no status line but {line:?}")
            });
        };
        let mut answer = Answer { status, ..Answer::default() };
        loop {
            self.line(&mut line)?;
            if line.is_empty() {
                return Ok(answer);
            }
            let Some((name, value)) = line.split_once(':') else {
                return fails(format!("no header but {line:?}"));
            };
            answer.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    /// The next final answer with its body.
    pub fn answer(&mut self) -> Found<Answer> {
        let mut answer = self.head()?;
        while answer.status < 200 {
            answer = self.head()?;
        }
        if answer.header("transfer-encoding").is_some() {
            loop {
                let mut line = String::new();
                self.line(&mut line)?;
                let length = usize::from_str_radix(&line, 16)
                    .map_err(|_| Finding::Fails(format!("no chunk size but {line:?}")))?;
                let mut chunk = vec![0; length];
                self.reader.read_exact(&mut chunk)?;
                answer.body.extend(chunk);
                self.line(&mut line)?;
                if length == 0 {
                    return Ok(answer);
                }
            }
        }
        match answer.header("content-length").and_then(|length| length.parse().ok()) {
            Some(length) => {
                answer.body.resize(length, 0);
                self.reader.read_exact(&mut answer.body)?;
            }
            None => drop(self.reader.read_to_end(&mut answer.body)?),
        }
        Ok(answer)
    }

    /// How long it takes until the other side closes; what it sends until then is thrown away.
    pub fn closed_after(&mut self, patience: Duration) -> Found<Duration> {
        let began = clock::instant();
        let mut bytes = [0; 4096];
        loop {
            let left = patience.saturating_sub(began.elapsed()).max(Duration::from_millis(1));
            self.reader.get_mut().set_read_timeout(Some(left))?;
            match self.reader.read(&mut bytes) {
                Ok(0) => return Ok(began.elapsed()),
                Ok(_) if began.elapsed() < patience => {}
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    return Ok(began.elapsed());
                }
                _ => return fails(format!("the connection is still open after {patience:?}")),
            }
        }
    }

    fn line(&mut self, line: &mut String) -> Found {
        line.clear();
        let mut bytes = Vec::new();
        // A head that is longer than this is no answer to any check.
        let read = (&mut self.reader).take(64 << 10).read_until(b'\n', &mut bytes);
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                return fails("the connection was reset before its answer could be read");
            }
            Err(error) => return Err(error.into()),
        }
        *line = String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned();
        Ok(())
    }
}

/// One request on a connection of its own.
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> Found<Answer> {
    let mut connection = Connection::open(address)?;
    connection.send(bytes);
    connection.answer()
}
