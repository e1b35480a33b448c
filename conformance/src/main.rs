//! `conformance`: checks an OTLP endpoint and prints the table.
//!
//! Without an address it starts our own program, which is in this executable too: with
//! `countersign` as its first argument it is that program and nothing else.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use countersign_conformance::memory;
use countersign_conformance::run::{run, table};
use countersign_conformance::sink::Sink;
use countersign_conformance::{CHECKS, Finding, Program, Target};
use countersign_receiver::command::{self, Cli};
use countersign_receiver::logs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Checks what an OTLP receiver does, by 110 numbered checks, and prints those that fail.
#[derive(Debug, Parser)]
#[command(name = "conformance")]
struct Arguments {
    /// Its OTLP/HTTP port.
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Its OTLP/gRPC port.
    #[arg(long, value_name = "ADDR")]
    grpc: Option<SocketAddr>,
    /// Bearer token for both.
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Listen here for what it forwards over OTLP/HTTP: then more can be seen.
    #[arg(long, value_name = "ADDR")]
    sink: Option<SocketAddr>,
    /// Measure what hostile requests cost our own program, instead of the checks.
    #[arg(long)]
    memory: bool,
    /// Only checks, or inputs, whose names hold one of these texts.
    names: Vec<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    if std::env::args().nth(1).is_some_and(|first| first == "countersign") {
        return Ok(countersign(Cli::parse_from(std::env::args().skip(1))));
    }
    let Arguments { http, grpc, token, sink, memory, names } = Arguments::parse();
    if memory {
        return measure(names.first().map_or("", String::as_str));
    }
    let sink = sink.map(|address| Sink::on(address).context("cannot listen for what comes back"));
    let target = if http.is_none() && grpc.is_none() {
        let program = Program(std::env::current_exe()?);
        match Target::ours(program) {
            Ok(target) => target,
            Err(finding) => anyhow::bail!("cannot start our own program: {finding:?}"),
        }
    } else {
        Target::at(http, grpc).with_token(token).with_sink(sink.transpose()?)
    };
    let wanted = |name: &str| names.is_empty() || names.iter().any(|part| name.contains(part));
    let checks: Vec<_> = CHECKS.iter().copied().filter(|check| wanted(check.name)).collect();
    let found = run(&checks, &target);
    let text = table(&found);
    std::io::stdout().write_all(text.as_bytes())?;
    let failed = found.iter().any(|(_, found)| matches!(found, Err(Finding::Fails(_))));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn measure(only: &str) -> anyhow::Result<ExitCode> {
    let program = Program(std::env::current_exe()?);
    let print = |row| {
        // If nobody reads it there is still the exit code.
        drop(writeln!(std::io::stdout(), "{row}"));
    };
    match memory::measure(&program, only, print) {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::FAILURE),
        Err(finding) => anyhow::bail!("cannot measure: {finding:?}"),
    }
}

/// The program, as its own executable runs it.
fn countersign(cli: Cli) -> ExitCode {
    logs::start(cli.log_format);
    command::use_tls_of_ring();
    match command::run(cli) {
        Ok(code) => code,
        Err(error) => command::fail(&error),
    }
}
