//! Copied: what the journal of a copied data directory says first.

use countersign_core::fact::Fact;

use super::ledgers::Ledgers;
use super::{Submission, SubmissionKind, Tenant};
use crate::journal::FactWriter;

/// For each tenant that its counters begin again. It is let in like verdicts, also when the disk
/// is nearly full.
pub(super) fn beginnings(ledgers: &Ledgers) -> Vec<Submission> {
    let mut facts = FactWriter::default();
    facts.push(&Fact::BeginAgain);
    let facts = facts.into_bytes();
    let tenants = ledgers.iter().filter_map(|(name, _)| Tenant::named(name));
    let kind = SubmissionKind::Verdicts;
    tenants.map(|tenant| Submission { tenant, kind, facts: facts.clone(), relay: None }).collect()
}

/// Tells the operator.
pub(super) fn tell(instance: &str) {
    tracing::warn!(
        instance,
        "the data directory is a copy or a restored backup: it has an instance of its own now, \
         and its counters begin at zero"
    );
}
