//! Hook: one source of verdicts as the operator configured it.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::mapping::Mapping;
use super::source::Source;

/// A place that verdicts come from: `POST /hooks/NAME`.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The part of the configuration's key after the slash, or the key itself.
    pub name: String,
    /// Whose books its verdicts are for.
    pub tenant: String,
    /// What kind of system it is.
    pub(crate) source: &'static Source,
    /// The secret, and the one before it while it is being changed.
    pub secrets: Vec<Secret>,
    /// Repositories, projects or accounts that deliveries may be about; empty for all.
    pub only: Vec<String>,
    /// Logins or ids under which agents work; the work of others is people's.
    pub agents: Vec<String>,
    /// What stands before a ticket's id in the names that spans have for it.
    pub prefixes: Vec<String>,
    /// Where the fields of a delivery are, for sources without a shape of their own.
    pub mapping: Option<Mapping>,
}

impl Hook {
    /// Whether deliveries may be about this repository, project or account.
    #[must_use]
    pub fn is_about(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only.eq_ignore_ascii_case(name))
    }

    /// Whether an agent works under this login or id.
    #[must_use]
    pub fn is_agent(&self, login: &str) -> bool {
        !login.is_empty() && self.agents.iter().any(|agent| agent.eq_ignore_ascii_case(login))
    }
}

/// What a source signs with. It prints as nothing.
#[derive(Clone)]
pub struct Secret {
    text: Zeroizing<String>,
    /// The key that it spells, if it is spelt as in Standard Webhooks.
    key: Option<Zeroizing<Vec<u8>>>,
}

impl Secret {
    /// A secret; `None` for an empty one, and for one that begins with `whsec_` and is not
    /// base64 after that.
    #[must_use]
    pub fn new(text: &str) -> Option<Secret> {
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return None;
        }
        let key = match text.strip_prefix("whsec_") {
            Some(spelt) => Some(Zeroizing::new(BASE64_STANDARD.decode(spelt).ok()?)),
            None => None,
        };
        Some(Secret { text: Zeroizing::new(text.to_owned()), key })
    }

    /// A secret that nobody has.
    pub(super) fn decoy() -> Secret {
        Secret { text: Zeroizing::new("no source has this name".to_owned()), key: None }
    }

    /// The secret as it was given.
    pub(super) fn text(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The key for codes.
    pub(super) fn key(&self) -> &[u8] {
        self.key.as_ref().map_or(self.text.as_bytes(), |key| key)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
