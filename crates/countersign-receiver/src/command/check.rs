//! `countersign check`: is this configuration right?

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::printed;
use super::serve::current::check_tls;
use crate::access::Credential;
use crate::config::{Config, Overrides, Refused};

/// Arguments of `check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// The file.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG")]
    config: PathBuf,
}

pub(super) fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(Some(&args.config), Overrides::default())?;
    check_tls(&config).map_err(|wrong| Refused::of_text(Some(args.config.clone()), wrong))?;
    printed::line(format_args!("{}: right", args.config.display()))?;
    printed::line(format_args!("  OTLP over gRPC     {}", config.listen.grpc))?;
    printed::line(format_args!("  OTLP over HTTP     {}", config.listen.http))?;
    printed::line(format_args!("  pages and metrics  {}", config.listen.operator))?;
    printed::line(format_args!("  data               {}", config.data.display()))?;
    for Credential { name, tenant, scopes, .. } in &config.credentials {
        printed::line(format_args!("  credential {name}: tenant {tenant}, {scopes}"))?;
    }
    for destination in &config.destinations {
        printed::line(format_args!("  to {:<16}{}", destination.name, destination.endpoint))?;
    }
    for hook in &config.hooks {
        let path = format!("/hooks/{}", hook.name);
        printed::line(format_args!("  from {:<14}POST {path}", hook.source.kind))?;
    }
    Ok(ExitCode::SUCCESS)
}
