//! Refusals: deliveries that gave nothing, counted, without a write to disk for each of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_core::diagnostic::Diagnostic;
use countersign_core::fact::{Fact, Noticed};

use crate::access::Caller;
use crate::ingest::gate::Gate;
use crate::journal::FactWriter;
use crate::limits::HOOK_COUNTS_MS;

const KINDS: [Diagnostic; 3] =
    [Diagnostic::HookRefused, Diagnostic::HookMalformed, Diagnostic::HookIgnored];

/// How many deliveries gave nothing since the last time that the books were told.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<[AtomicU64; KINDS.len()]>);

impl Refusals {
    pub(super) fn count(&self, what: Diagnostic) {
        for (kind, count) in KINDS.iter().zip(self.0.iter()) {
            if *kind == what {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Tells the books from time to time, until `stop`.
    ///
    /// # Errors
    /// None: what could not be told is told the next time.
    pub async fn tell(self, gate: Gate, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let mut stop = std::pin::pin!(stop);
        let mut stopping = false;
        while !stopping {
            tokio::select! {
                () = &mut stop => stopping = true,
                () = tokio::time::sleep(Duration::from_millis(HOOK_COUNTS_MS)) => {}
            }
            self.tell_once(&gate).await;
        }
        Ok(())
    }

    async fn tell_once(&self, gate: &Gate) {
        let counts = KINDS.iter().zip(self.0.iter());
        let counts: Vec<_> =
            counts.map(|(what, count)| (*what, count.swap(0, Ordering::Relaxed))).collect();
        let mut facts = FactWriter::default();
        for (what, count) in counts.iter().copied().filter(|(_, count)| *count > 0) {
            facts.push(&Fact::Noticed(Noticed { what, count }));
        }
        if facts.count() > 0 && gate.take_facts(&Caller::inside(), facts).await.is_err() {
            for ((_, count), all) in counts.iter().zip(self.0.iter()) {
                all.fetch_add(*count, Ordering::Relaxed);
            }
        }
    }
}
