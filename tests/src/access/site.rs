//! A server with certificates and credentials of its own, and clients that know them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use countersign_receiver::clock;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use reqwest::blocking::{Client, ClientBuilder};
use reqwest::{Certificate, Identity};
use tempfile::TempDir;

use crate::server::{PATIENCE, Server, run};

/// An authority that gives out certificates.
pub(super) struct Authority {
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) cert: String,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate for this machine that ends in the year 2090.
    pub(super) fn pair(&self) -> Pair {
        self.pair_until(|_| {})
    }

    /// The same, changed.
    pub(super) fn pair_until(&self, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = date_time_ymd(2090, 1, 1);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        Pair { cert: cert.pem(), key: key.serialize_pem() }
    }
}

/// A secret that `countersign token` made, and its lines of the configuration.
pub(super) struct Token {
    pub(super) secret: String,
    pub(super) digest: String,
}

impl Token {
    pub(super) fn new() -> Token {
        let (code, out, err) = run(&["token", "agents", "--tenant", "acme"]);
        assert_eq!(code, 0, "{err}");
        let after = |mark: &str| {
            let rest = out.split_once(mark).unwrap().1;
            rest.split_whitespace().next().unwrap().to_owned()
        };
        Token { secret: after("Bearer "), digest: after("sha256: ") }
    }

    /// A credential under `countersign.credentials`, with these words after the digest.
    pub(super) fn line(&self, name: &str, more: &str) -> String {
        format!("    {name}: {{ sha256: {}, {more} }}\n", self.digest)
    }
}

/// A folder with certificates and a configuration, and the server that they are for.
pub(super) struct Site {
    pub(super) folder: TempDir,
    pub(super) authority: Authority,
}

impl Site {
    /// With `server.crt` and `server.key` of an authority of its own.
    pub(super) fn new() -> Site {
        let site = Site { folder: tempfile::tempdir().unwrap(), authority: Authority::new() };
        site.put_pair(&site.authority.pair());
        site
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that only its owner can read.
    pub(super) fn put(&self, name: &str, text: &str) {
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.path(name);
        drop(std::fs::remove_file(&path));
        let mut options = std::fs::File::options();
        let mut file = options.write(true).create_new(true).mode(0o600).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    pub(super) fn put_pair(&self, pair: &Pair) {
        self.put("server.crt", &pair.cert);
        self.put("server.key", &pair.key);
    }

    /// `tls: {…}` of a listener, with more keys.
    pub(super) fn tls(&self, more: &str) -> String {
        let (cert, key) = (self.path("server.crt"), self.path("server.key"));
        format!("tls: {{ cert_file: {}, key_file: {}{more} }}", cert.display(), key.display())
    }

    /// A configuration with TLS on all ports and these lines under `countersign`.
    pub(super) fn with_tls(&self, more: &str, own: &str) -> String {
        let tls = self.tls(more);
        format!(
            "receivers:\n  otlp:\n    protocols:\n      grpc: {{ {tls} }}\n      http: {{ {tls} }}\n\
             countersign:\n  operator: {{ {tls} }}\n{own}"
        )
    }

    pub(super) fn configure(&self, text: &str) {
        self.put("countersign.yaml", text);
    }

    /// Starts a server with the configuration.
    pub(super) fn start(&self, text: &str) -> Server {
        self.configure(text);
        let config = self.path("countersign.yaml");
        Server::start_with(&self.path("data"), &["--config", config.to_str().unwrap()])
    }

    /// A client that trusts the authority.
    pub(super) fn client(&self) -> ClientBuilder {
        countersign_receiver::command::use_tls_of_ring();
        let authority = Certificate::from_pem(self.authority.pem.as_bytes()).unwrap();
        Client::builder().timeout(PATIENCE).tls_certs_only([authority])
    }

    /// The same with a certificate of its own.
    pub(super) fn client_with(&self, pair: &Pair) -> Client {
        let pem = format!("{}{}", pair.cert, pair.key);
        let identity = Identity::from_pem(pem.as_bytes()).unwrap();
        self.client().identity(identity).build().unwrap()
    }
}

/// `https` of an address that is `http`.
pub(super) fn secure(url: &str) -> String {
    url.replace("http://", "https://")
}

/// A span that costs so much, as a request.
pub(super) fn spans(trace: u128, task: &str, cost: f64) -> Vec<u8> {
    crate::otlp::request(vec![crate::otlp::call(trace, 1, task, cost, &[])])
}

/// What a server says to these bytes, up to the end of the connection.
pub(super) fn said_to(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.write_all(bytes).unwrap();
    let mut said = Vec::new();
    // What came before a reset counts as well.
    drop(stream.read_to_end(&mut said));
    String::from_utf8_lossy(&said).into_owned()
}

/// How long a server keeps a connection that says this and nothing else: each part after an
/// answer to the one before. `None` if it keeps it longer than that.
pub(super) fn kept_for(address: &str, parts: &[&[u8]], at_most: Duration) -> Option<Duration> {
    let began = clock::instant();
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut parts = parts.iter();
    stream.write_all(parts.next().unwrap()).unwrap();
    let mut some = [0; 4096];
    while began.elapsed() < at_most {
        match stream.read(&mut some) {
            Ok(0) => return Some(began.elapsed()),
            Ok(_) => stream.write_all(parts.next().unwrap_or(&&[][..])).unwrap(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return Some(began.elapsed()),
        }
    }
    None
}
