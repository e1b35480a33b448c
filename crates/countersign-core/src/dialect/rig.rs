//! The Rust crate rig: numbers are texts, and a failed call says nothing of its failure.

use super::field::Field;
use super::table::{Class, Dialect, Unanswered};

pub(super) const RIG: Dialect = Dialect {
    scopes: &["rig*"],
    keys: &[
        // The spans come from `tracing`, in the application's scope: their target tells.
        ("target", Field::Kind),
        ("rig.provider_request_id", Field::Answer),
    ],
    anyone: true,
    kinds: &[("rig::completions", Class::Call), ("rig::agent_chat", Class::Call)],
    unanswered: Unanswered::Failed,
    ..Dialect::PLAIN
};
