//! Source: what is known of one kind of system that verdicts come from, as one row of a table.

use std::fmt;

use http::{HeaderMap, StatusCode};

use countersign_core::fact::UnixNanos;

use super::hook::Hook;
use super::signature::{Scheme, only};
use super::told::Told;

/// A kind of system: how its deliveries are proved, named and read.
pub(crate) struct Source {
    /// The kind, as in the configuration's key; also a verdict's `source.system`.
    pub(crate) kind: &'static str,
    /// Ways to prove a delivery; any one will do.
    pub(crate) schemes: &'static [Scheme],
    /// Header with the delivery's own id; empty if the body has one or there is none.
    pub(crate) delivery: &'static str,
    /// Bytes of the largest delivery.
    pub(crate) bytes_max: usize,
    /// The answer to a delivery that says nothing about a task.
    pub(crate) ignored: StatusCode,
    /// Whether the configuration has to say where the fields are.
    pub(crate) needs_mapping: bool,
    /// What a delivery says.
    pub(crate) read: Read,
}

/// Reads a delivery.
pub(crate) type Read = for<'a> fn(&Delivery<'a>, &mut Told) -> Result<(), Unread>;

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)
    }
}

impl Source {
    /// What most sources have in common.
    pub(crate) const PLAIN: Source = Source {
        kind: "",
        schemes: &[],
        delivery: "",
        bytes_max: 1 << 20,
        ignored: StatusCode::NO_CONTENT,
        needs_mapping: false,
        read: |_, _| Err(Unread::Ignored),
    };
}

/// A proved delivery.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery<'a> {
    /// Where it came in.
    pub(crate) hook: &'a Hook,
    /// Its headers. Few schemes sign them: what decides stands in the body.
    pub(crate) headers: &'a HeaderMap,
    /// The JSON of it.
    pub(crate) body: &'a [u8],
    /// When it came.
    pub(crate) received: UnixNanos,
}

impl<'a> Delivery<'a> {
    /// A header's value, if there is one and no other.
    #[must_use]
    pub(crate) fn header(&self, name: &str) -> &'a str {
        only(self.headers, name).unwrap_or_default()
    }

    /// The delivery's own id in its header.
    #[must_use]
    pub(crate) fn id(&self) -> &'a str {
        self.header(self.hook.source.delivery)
    }

    /// The body as what a source sends. What is not asked for is not kept, not even for now.
    ///
    /// # Errors
    /// It is no JSON, or lacks what it must have.
    pub(crate) fn json<T: serde::Deserialize<'a>>(&self) -> Result<T, Unread> {
        serde_json::from_slice(self.body).map_err(|_| Unread::Malformed)
    }

    /// Refuses a delivery about a repository, project or account that was not configured.
    ///
    /// # Errors
    /// It was not.
    pub(crate) fn about(&self, names: &[&str]) -> Result<(), Unread> {
        let known = self.hook.only.is_empty() || names.iter().any(|name| self.hook.is_about(name));
        if known { Ok(()) } else { Err(Unread::Unknown) }
    }
}

/// Why a proved delivery gave no facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It says nothing about a task.
    Ignored,
    /// It is not what its source sends.
    Malformed,
    /// It is about something that was not configured, or was signed too long ago.
    Unknown,
}
