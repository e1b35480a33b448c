//! Ours: the program itself, started for checks that need more than a port.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countersign_receiver::clock;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::finding::{Finding, Found, fails};
use crate::wire::http1;

/// Where the program is: an executable that runs it when its first argument is `countersign`.
#[derive(Clone, Debug)]
pub struct Program(pub PathBuf);

/// A running server on free ports of loopback. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// OTLP over HTTP.
    pub http: SocketAddr,
    /// OTLP over gRPC.
    pub grpc: SocketAddr,
    /// Figures and health.
    pub operator: SocketAddr,
    folder: tempfile::TempDir,
}

impl Program {
    /// Starts a server with this configuration.
    pub fn start(&self, configuration: &str) -> Found<Server> {
        self.start_by(configuration, Command::new(&self.0))
    }

    /// The same with these variables in its environment.
    pub fn start_knowing(&self, configuration: &str, known: &[(&str, &str)]) -> Found<Server> {
        let mut command = Command::new(&self.0);
        command.envs(known.iter().copied());
        self.start_by(configuration, command)
    }

    /// The same by a shell that says something first: limits, for example.
    pub fn start_after(&self, configuration: &str, shell: &str) -> Found<Server> {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{shell}; exec \"$0\" \"$@\"")]).arg(&self.0);
        self.start_by(configuration, command)
    }

    fn start_by(&self, configuration: &str, mut command: Command) -> Found<Server> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("countersign.yaml");
        std::fs::write(&file, configuration)?;
        let log = File::create(folder.path().join("log"))?;
        let mut child = command
            .args(["countersign", "serve", "--log-format", "json"])
            .args(["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .args(["--operator", "127.0.0.1:0", "--data"])
            .arg(folder.path().join("data"))
            .arg("--config")
            .arg(&file)
            .env_remove("COUNTERSIGN_CONFIG")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it was asked for");
        BufReader::new(stdout).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).unwrap_or_default();
        let address = |name: &str| ready["listening"][name].as_str()?.parse().ok();
        let (Some(http), Some(grpc), Some(operator)) =
            (address("http"), address("grpc"), address("operator"))
        else {
            drop(child.kill());
            drop(child.wait());
            let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            return fails(format!("our own server does not start: {log}"));
        };
        Ok(Server { child, http, grpc, operator, folder })
    }
}

impl Server {
    /// Its data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Asks it to stop.
    pub fn ask_to_stop(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it is ours to end");
    }

    /// Waits for its end: how long it took, and whether it ended well.
    pub fn ended(&mut self, patience: Duration) -> Found<(Duration, bool)> {
        let began = clock::instant();
        while began.elapsed() < patience {
            if let Some(status) = self.child.try_wait()? {
                return Ok((began.elapsed(), status.success()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        fails(format!("it still runs after {patience:?}"))
    }

    /// The most memory that it had, in bytes, as the kernel counts it.
    pub fn peak_memory(&self) -> Found<u64> {
        self.memory("VmHWM:")
    }

    /// The memory that it has, in bytes.
    pub fn memory_now(&self) -> Found<u64> {
        self.memory("VmRSS:")
    }

    fn memory(&self, line: &str) -> Found<u64> {
        let path = Path::new("/proc").join(self.child.id().to_string()).join("status");
        let text = std::fs::read_to_string(path)?;
        let found = text.lines().find_map(|it| it.strip_prefix(line));
        let kib = found.and_then(|it| it.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kib.map(|kib| kib << 10).ok_or_else(|| Finding::Fails("no figure of memory".to_owned()))
    }

    /// JSON from the operator port.
    pub fn json(&self, path: &str) -> Found<Value> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = http1::exchange(self.operator, request.as_bytes())?.is(200)?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| Finding::Fails(format!("{path}: {error}")))
    }

    /// The books' position.
    pub fn position(&self) -> Found<u64> {
        Ok(self.json("/api/v1/status")?["position"].as_u64().unwrap_or(0))
    }

    /// A destination's health.
    pub fn destination(&self, name: &str) -> Found<Value> {
        let status = self.json("/api/v1/status")?;
        let all = status["destinations"].as_array().cloned().unwrap_or_default();
        let found = all.into_iter().find(|one| one["name"] == name);
        found.ok_or_else(|| Finding::Fails(format!("no destination {name}: {status}")))
    }

    /// Waits until something holds of a destination's health.
    pub fn wait_for(&self, name: &str, holds: impl Fn(&Value) -> bool) -> Found<Value> {
        let began = clock::instant();
        loop {
            let health = self.destination(name)?;
            if holds(&health) {
                return Ok(health);
            }
            if began.elapsed() > Duration::from_secs(20) {
                return fails(format!("after 20 s: {health}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
