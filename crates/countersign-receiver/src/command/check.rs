//! `countersign check`: is this configuration right?

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::printed;
use crate::config::{Config, Overrides};

/// Arguments of `check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// The file.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG")]
    config: PathBuf,
}

pub(super) fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(Some(&args.config), Overrides::default())?;
    printed::line(format_args!("{}: right", args.config.display()))?;
    printed::line(format_args!("  OTLP over gRPC     {}", config.listen.grpc))?;
    printed::line(format_args!("  OTLP over HTTP     {}", config.listen.http))?;
    printed::line(format_args!("  pages and metrics  {}", config.listen.operator))?;
    printed::line(format_args!("  data               {}", config.data.display()))?;
    for destination in &config.destinations {
        printed::line(format_args!("  to {:<16}{}", destination.name, destination.endpoint))?;
    }
    Ok(ExitCode::SUCCESS)
}
