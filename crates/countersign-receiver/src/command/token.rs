//! `countersign token`: a secret for a sender, and the lines that make the program know it.

use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::Args;

use super::printed;
use crate::access::Scope;
use crate::access::secret::Secret;
use crate::config::{DEFAULT_TENANT, is_name};

/// Arguments of `token`.
#[derive(Args, Debug)]
pub struct TokenArgs {
    /// What the credential is called: `agents`, `ci`, `dashboards`.
    name: String,
    /// Whose numbers it touches; tenants see nothing of each other.
    #[arg(long, value_name = "TENANT", default_value = DEFAULT_TENANT)]
    tenant: String,
    /// What it is for; can be given several times.
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope,
        default_values = ["write_telemetry", "write_verdicts"])]
    scopes: Vec<Scope>,
}

fn scope(word: &str) -> Result<Scope, String> {
    let words = Scope::ALL.map(Scope::as_str).join(", ");
    Scope::parse(word).ok_or_else(|| format!("expected one of {words}"))
}

pub(super) fn run(args: TokenArgs) -> anyhow::Result<ExitCode> {
    let TokenArgs { name, tenant, scopes } = args;
    for name in [&name, &tenant] {
        if !is_name(name) {
            bail!("expected names of at most 64 letters, digits, `-`, `_` and `.`");
        }
    }
    let secret = Secret::random().map_err(|wrong| anyhow!(wrong))?;
    let digest = secret.digest().to_hex();
    let scopes: Vec<_> = scopes.into_iter().map(Scope::as_str).collect();
    let scopes = scopes.join(", ");
    printed::line(format_args!(
        "# The secret. It is shown only now: give it to whoever sends, as
#   Authorization: Bearer {secret}
# or as the password of the user {name}; programs with the standard variables take it from
#   OTEL_EXPORTER_OTLP_HEADERS=\"authorization=Bearer%20{secret}\"
# and `countersign` itself from
#   COUNTERSIGN_TOKEN={secret}
#
# For countersign.yaml:
countersign:
  credentials:
    {name}:
      tenant: {tenant}
      sha256: {digest}
      scopes: [{scopes}]",
        secret = secret.reveal()
    ))?;
    Ok(ExitCode::SUCCESS)
}
