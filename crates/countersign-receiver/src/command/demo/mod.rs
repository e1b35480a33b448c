//! `countersign demo`: the program, fed by a small fleet of example agents.

pub mod fleet;

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::serve::{self, Addresses};
use super::{ServeArgs, printed};
use crate::config::Listen;
use crate::logs;

/// How long the fleet's customers have to come back, unless the file says otherwise: nobody
/// watches a demonstration for three days.
const CONFIRM_MS: u64 = 20_000;

/// Runs the demonstration until it is asked to stop. Ports that are taken are replaced by free
/// ones, and without `--data` the books live in a directory that is removed at the end.
pub(super) fn run(args: ServeArgs, format: logs::Format) -> anyhow::Result<ExitCode> {
    let temporary = match args.data {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("countersign-demo-").tempdir()?),
    };
    let given = (args.grpc, args.http, args.operator);
    let (mut config, _) = args.resolve()?;
    if !config.credentials.is_empty() || config.doors.http.tls.is_some() {
        bail!("the example agents have no credentials and no TLS: leave both out of the file");
    }
    config.books.confirm_ms.get_or_insert(CONFIRM_MS);
    if let Some(folder) = &temporary {
        config.data = folder.path().join("data");
    }
    let Listen { grpc, http, operator } = config.listen;
    config.listen = Listen {
        grpc: given.0.unwrap_or_else(|| free(grpc)),
        http: given.1.unwrap_or_else(|| free(http)),
        operator: given.2.unwrap_or_else(|| free(operator)),
    };
    let ended = serve::start(
        config,
        None,
        Box::new(move |addresses, loops, stopped| {
            announce(addresses, format)?;
            loops.spawn(fleet::run(format!("http://{}", addresses.http), stopped));
            Ok(())
        }),
    );
    if let Some(folder) = temporary {
        folder.close().context("cannot remove the demonstration's data")?;
    }
    ended
}

/// The address, or one with a free port if it is taken.
fn free(address: SocketAddr) -> SocketAddr {
    let taken = TcpListener::bind(address).is_err();
    SocketAddr::new(address.ip(), if taken { 0 } else { address.port() })
}

fn announce(addresses: &Addresses, format: logs::Format) -> anyhow::Result<()> {
    addresses.announce(format)?;
    if format == logs::Format::Text {
        printed::line(format_args!("\n  Open http://{} in a browser.", addresses.operator))?;
        printed::line(format_args!(
            "  A fleet of example agents is at work; the first verdicts come in seconds."
        ))?;
        printed::line(format_args!("  Stop with Ctrl-C.\n"))?;
    }
    Ok(())
}
