//! The subcommands: what a person types.

mod backfill;
mod check;
mod client;
pub mod demo;
mod inbox;
pub mod prices;
mod printed;
mod recount;
mod report;
mod send;
mod serve;
mod token;
mod verdict;
mod verify;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

use crate::config::{self, Config, Overrides, Refused};
use crate::journal::DirectoryError;
use crate::logs;

use self::serve::current::Source;

/// Joins what AI work costs with whether the work was accepted.
///
/// Agents send OpenTelemetry, reviewers send verdicts; out come outcome metrics, scrubbed
/// traces and pages. Begin with `countersign demo`.
#[derive(Debug, Parser)]
#[command(name = "countersign", version)]
pub struct Cli {
    /// How logs are written (on stderr).
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub log_format: logs::Format,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Receive telemetry and verdicts, keep the books, publish outcomes.
    Serve(ServeArgs),
    /// Serve, fed by a small fleet of example agents: a look at what it does.
    Demo(ServeArgs),
    /// Say what became of a task: countersign verdict TASK accepted --minutes 5.
    Verdict(verdict::VerdictArgs),
    /// Book past outcomes of a forge, with their true times; can be run twice.
    Backfill(backfill::BackfillArgs),
    /// Open the page on which waiting tasks are judged, with the keyboard alone.
    Inbox(inbox::InboxArgs),
    /// Show what the work came to: accepted outcomes first, tokens last.
    Report(report::ReportArgs),
    /// Replay OTLP requests that were kept as files.
    Send(send::SendArgs),
    /// Recount the books from the journal and compare every sum.
    Verify(verify::VerifyArgs),
    /// List the prices in force, and explain what a call costs.
    Prices(prices::PricesArgs),
    /// Make a secret for a sender, and the lines of the configuration that know it.
    Token(token::TokenArgs),
    /// Check a configuration file and say everything that is wrong with it.
    Check(check::CheckArgs),
}

/// Where the books are and where to listen: what `serve` and `demo` share.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Data directory [default: ./countersign-data].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Configuration file; none is needed.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG")]
    config: Option<PathBuf>,
    /// OTLP over gRPC [default: 127.0.0.1:4317]; port 0 takes a free one, here and below.
    #[arg(long, value_name = "ADDR", value_parser = config::address)]
    grpc: Option<SocketAddr>,
    /// OTLP over HTTP and verdicts [default: 127.0.0.1:4318].
    #[arg(long, value_name = "ADDR", value_parser = config::address)]
    http: Option<SocketAddr>,
    /// Pages, metrics, health and API [default: 127.0.0.1:4319].
    #[arg(long, value_name = "ADDR", value_parser = config::address)]
    operator: Option<SocketAddr>,
    /// Price file on top of the catalog that is built in; can be given several times.
    #[arg(long, value_name = "FILE")]
    prices: Vec<PathBuf>,
}

impl ServeArgs {
    /// The configuration, and where it can be read again.
    fn resolve(self) -> Result<(Config, Source), Refused> {
        let ServeArgs { data, config: file, grpc, http, operator, prices } = self;
        let overrides = Overrides { data, grpc, http, operator, prices };
        let config = Config::load(file.as_deref(), overrides.clone())?;
        Ok((config, Source { file, overrides }))
    }
}

impl Cli {
    /// Reads the command line.
    ///
    /// # Errors
    /// What the program should end with: help that was asked for and is now shown, or a
    /// mistake that is now explained.
    pub fn read() -> Result<Cli, ExitCode> {
        Cli::try_parse().map_err(|error| {
            // If even this cannot be printed there is nobody to tell.
            drop(error.print());
            let asked_for =
                matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            if asked_for { ExitCode::SUCCESS } else { ExitCode::from(exit::USAGE) }
        })
    }
}

/// A price file cannot be used: a mistake of the configuration.
#[derive(Clone, Copy, Debug)]
struct PriceFiles;

impl std::fmt::Display for PriceFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("prices")
    }
}

/// Exit codes beside 0 and 1, from `sysexits.h`; the data directory has its own in
/// [`DirectoryError::exit_code`].
pub mod exit {
    /// The command line is wrong.
    pub const USAGE: u8 = 64;
    /// The configuration is wrong.
    pub const CONFIGURATION: u8 = 78;
    /// Asked to stop a second time while stopping: what a shell says of SIGTERM.
    pub const AT_ONCE: u8 = 143;
}

/// Does it.
///
/// # Errors
/// Why it could not be done.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Serve(args) => serve::run(args, cli.log_format),
        Command::Demo(args) => demo::run(args, cli.log_format),
        Command::Verdict(args) => verdict::run(args),
        Command::Backfill(args) => backfill::run(&args),
        Command::Inbox(args) => inbox::run(&args),
        Command::Report(args) => report::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Send(args) => send::run(args),
        Command::Prices(args) => prices::run(args),
        Command::Token(args) => token::run(args),
        Command::Check(args) => check::run(args),
    }
}

/// Says why it could not be done, and gives the exit code for it.
#[must_use]
pub fn fail(error: &anyhow::Error) -> ExitCode {
    // If even this cannot be printed there is nobody to tell.
    drop(writeln!(std::io::stderr(), "countersign: {error:#}"));
    if error.downcast_ref::<Refused>().is_some() {
        return ExitCode::from(exit::CONFIGURATION);
    }
    if error.downcast_ref::<PriceFiles>().is_some() {
        return ExitCode::from(exit::CONFIGURATION);
    }
    if let Some(error) = error.downcast_ref::<DirectoryError>() {
        return ExitCode::from(error.exit_code());
    }
    ExitCode::FAILURE
}

/// Makes ring the cryptography of every TLS connection of this process.
pub fn use_tls_of_ring() {
    // It fails if it was done before, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
