//! Credentials, tenants and connections of the configuration.

use super::section::Section;
use crate::access::secret::Digest;
use crate::access::{Credential, Scope};
use crate::config::units;

/// The tenant of everything that names no other.
pub const DEFAULT_TENANT: &str = "default";

/// What one tenant may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantLimits {
    /// Its name.
    pub name: String,
    /// Requests per second, on average over some seconds; no limit if it is not given.
    pub requests_per_second: Option<u32>,
}

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// To the ports that take telemetry, in all.
    pub total: usize,
    /// From one address; without it loopback has no limit of its own.
    pub per_address: Option<usize>,
}

impl Default for Connections {
    fn default() -> Connections {
        Connections { total: crate::limits::CONNECTIONS_MAX, per_address: None }
    }
}

/// Reads `countersign.credentials`.
pub(super) fn credentials(section: Section<'_>) -> Vec<Credential> {
    section.named().filter_map(|(name, section)| credential(name, section)).collect()
}

fn credential(name: &str, mut section: Section<'_>) -> Option<Credential> {
    if !units::is_name(name) {
        section.reject(units::NAME_EXPECTED);
        return None;
    }
    let tenant = section.read("tenant", units::NAME, units::name);
    let kept = section.read("sha256", "64 hexadecimal digits", Digest::parse);
    let given = section.secret("secret");
    let digest = match (section.has("sha256"), section.has("secret")) {
        (true, true) => {
            section.mistake("secret", "there is a `sha256` too: which one is it?");
            None
        }
        (false, false) => {
            section.reject(
                "`sha256` is missing: `countersign token NAME` makes a secret and prints it",
            );
            None
        }
        (true, false) | (false, true) => kept.or(given),
    };
    let words = Scope::ALL.map(Scope::as_str).join(", ");
    let scopes = section.list("scopes", &words, Scope::parse);
    if !section.has("scopes") {
        section.reject(&format!("`scopes` is missing: some of {words}"));
    }
    section.end();
    Some(Credential {
        name: name.to_owned(),
        tenant: tenant.unwrap_or_else(|| DEFAULT_TENANT.to_owned()),
        digest: digest?,
        scopes: scopes?.into_iter().collect(),
    })
}

/// Reads `countersign.tenants`.
pub(super) fn tenants(section: Section<'_>) -> Vec<TenantLimits> {
    let mut all = Vec::new();
    for (name, mut section) in section.named() {
        if !units::is_name(name) {
            section.reject(units::NAME_EXPECTED);
            continue;
        }
        let rate = section.read("requests_per_second", "a number from 1", units::count);
        section.end();
        all.push(TenantLimits { name: name.to_owned(), requests_per_second: rate });
    }
    all
}

/// Reads `countersign.connections`.
pub(super) fn connections(mut section: Section<'_>) -> Connections {
    let number = |text: &str| units::count(text).and_then(|count| usize::try_from(count).ok());
    let total = section.read("total", "a number from 1", number);
    let per_address = section.read("per_address", "a number from 1", number);
    section.end();
    Connections { total: total.unwrap_or(Connections::default().total), per_address }
}
