//! `countersign check`: is this configuration right?

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

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
    println!("{}: right", args.config.display());
    println!("  OTLP over gRPC     {}", config.listen.grpc);
    println!("  OTLP over HTTP     {}", config.listen.http);
    println!("  pages and metrics  {}", config.listen.operator);
    println!("  data               {}", config.data.display());
    for destination in &config.destinations {
        println!("  to {:<16}{}", destination.name, destination.endpoint);
    }
    Ok(ExitCode::SUCCESS)
}
