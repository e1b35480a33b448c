//! The program under test: started, asked, signalled, killed and started again.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use countersign_receiver::clock;

use reqwest::blocking::{Client, Response};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Far longer than anything takes that is not broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A running server on free ports of loopback.
pub(crate) struct Server {
    child: Child,
    pub(crate) grpc: String,
    pub(crate) http: String,
    pub(crate) operator: String,
    log: PathBuf,
    client: Client,
}

/// The program with some arguments.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign-tested"));
    command.args(arguments).env_remove("COUNTERSIGN_CONFIG").env_remove("RUST_LOG");
    command
}

/// Runs the program to its end: exit code, what it wrote on stdout and on stderr.
pub(crate) fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = program(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// `countersign serve` on free ports of loopback; its logs go beside the data directory.
pub(crate) fn serve_command(data: &Path) -> Command {
    let log = File::options().create(true).append(true).open(data.with_extension("log")).unwrap();
    let mut command = program(&["serve", "--log-format", "json"]);
    command
        .args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"])
        .args(["--operator", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log);
    command
}

impl Server {
    /// Starts a server on a data directory; its logs go to `server.log` beside the directory.
    pub(crate) fn start(data: &Path) -> Server {
        Server::start_with(data, &[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(data: &Path, arguments: &[&str]) -> Server {
        Server::start_from(data, |mut command| {
            command.args(arguments);
            command
        })
    }

    /// The same with another command line.
    pub(crate) fn start_from(data: &Path, change: impl FnOnce(Command) -> Command) -> Server {
        let log = data.with_extension("log");
        let mut child = change(serve_command(data)).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Ok(ready) = serde_json::from_str::<Value>(&line) else {
            drop(child.kill());
            panic!("no ready line but {line:?}: {}", std::fs::read_to_string(&log).unwrap());
        };
        let address = |name: &str| ready["listening"][name].as_str().unwrap().to_owned();
        static CLIENT: LazyLock<Client> = LazyLock::new(|| {
            countersign_receiver::command::use_tls_of_ring();
            Client::builder().timeout(PATIENCE).build().unwrap()
        });
        Server {
            child,
            grpc: address("grpc"),
            http: format!("http://{}", address("http")),
            operator: format!("http://{}", address("operator")),
            log,
            client: CLIENT.clone(),
        }
    }

    /// Posts a body to the HTTP port.
    pub(crate) fn post(
        &self,
        path: &str,
        content_type: &str,
        body: impl Into<Vec<u8>>,
    ) -> Response {
        self.try_post(path, content_type, body.into()).unwrap()
    }

    /// The same, for a server that may be dying.
    pub(crate) fn try_post(
        &self,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> reqwest::Result<Response> {
        let url = format!("{}{path}", self.http);
        self.client.post(url).header("content-type", content_type).body(body).send()
    }

    /// Posts an OTLP request that must be taken; the books' position after it.
    pub(crate) fn export(&self, path: &str, body: impl Into<Vec<u8>>) -> u64 {
        let answer = self.post(path, "application/x-protobuf", body);
        assert_eq!(answer.status(), 200, "{path}: {:?}", answer.text());
        position(&answer)
    }

    /// Posts verdicts that must be taken.
    pub(crate) fn verdicts(&self, verdicts: &Value) -> u64 {
        let answer = self.post("/v1/verdicts", "application/json", verdicts.to_string());
        let status = answer.status();
        let position = position(&answer);
        assert!(status.is_success(), "{status}: {:?}", answer.text());
        position
    }

    /// Gets something from the operator port.
    pub(crate) fn get(&self, path: &str) -> String {
        let answer = self.client.get(format!("{}{path}", self.operator)).send().unwrap();
        let status = answer.status();
        let text = answer.text().unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        text
    }

    /// The status that the operator port answers with.
    pub(crate) fn status_of(&self, path: &str) -> u16 {
        self.client.get(format!("{}{path}", self.operator)).send().unwrap().status().as_u16()
    }

    /// The page that Prometheus scrapes, as OpenMetrics: with the time when each series began.
    pub(crate) fn metrics(&self) -> String {
        let request = self.client.get(format!("{}/metrics", self.operator));
        let accept = "application/openmetrics-text; version=1.0.0";
        request.header("accept", accept).send().unwrap().text().unwrap()
    }

    /// Gets JSON from the operator port.
    pub(crate) fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path)).unwrap()
    }

    /// The totals.
    pub(crate) fn totals(&self) -> Value {
        self.json("/api/v1/totals")
    }

    /// Waits until all facts so far are booked for good.
    pub(crate) fn wait_until_booked(&self) {
        wait_for("all is booked", || {
            let status = self.json("/api/v1/status");
            status["booked_to"].as_u64().unwrap() >= status["position"].as_u64().unwrap()
        });
    }

    /// `countersign send` to this server: what it printed.
    pub(crate) fn send(&self, arguments: &[&str]) -> String {
        let to = ["send", "--server", &self.http, "--operator", &self.operator];
        let (code, out, err) = run(&[&to, arguments].concat());
        assert_eq!(code, 0, "{out}{err}");
        out
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).unwrap();
        let asked = clock::instant();
        let status = self.child.wait().unwrap();
        assert!(asked.elapsed() < Duration::from_secs(11), "it took {:?}", asked.elapsed());
        assert!(status.success(), "{status}: {}", self.logs());
        status
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Kills it, as a machine that loses its power would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its process id, for those who kill it from elsewhere.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// What it logged.
    pub(crate) fn logs(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already unless a test failed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn position(answer: &Response) -> u64 {
    let header = answer.headers().get("countersign-position").unwrap();
    header.to_str().unwrap().parse().unwrap()
}

/// Waits until something holds.
pub(crate) fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let began = clock::instant();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
