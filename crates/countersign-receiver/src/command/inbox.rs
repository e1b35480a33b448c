//! `countersign inbox`: opens the page on which waiting tasks are judged.

use std::process::{Command, ExitCode, Stdio};

use clap::Args;

use super::printed;

/// Arguments of `inbox`.
#[derive(Args, Debug)]
pub struct InboxArgs {
    /// The program's operator port.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4319")]
    operator: String,
    /// Begin with the dearest task, not with the oldest.
    #[arg(long)]
    dearest: bool,
    /// Only print the address.
    #[arg(long)]
    print: bool,
}

/// What opens an address in the person's browser: on Linux and on macOS.
const OPENERS: [&str; 2] = ["xdg-open", "open"];

pub(super) fn run(args: &InboxArgs) -> anyhow::Result<ExitCode> {
    let by = if args.dearest { "?by=dearest" } else { "" };
    let url = format!("{}/inbox{by}", args.operator.trim_end_matches('/'));
    printed::line(format_args!("{url}"))?;
    let open = |opener: &&str| {
        let mut command = Command::new(opener);
        let quiet = command.arg(&url).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    };
    if !args.print && !OPENERS.iter().any(open) {
        tracing::info!("no browser could be opened: open the address above");
    }
    Ok(ExitCode::SUCCESS)
}
