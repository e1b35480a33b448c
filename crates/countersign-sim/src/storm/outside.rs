//! Outside: what senders, readers and destinations know, and what they may rely on.

use std::collections::{BTreeMap, BTreeSet};

use countersign_receiver::journal::FactWriter;

use super::ledger::Ledger;
use super::plan::Parcel;
use crate::judge::{Fault, fault};
use crate::script::Says;

/// A parcel as its sender knows it.
#[derive(Clone, Debug, Default)]
struct Known {
    /// Each fact as the journal has it.
    bytes: Vec<Vec<u8>>,
    /// When it was acknowledged.
    acknowledged_ms: Option<u64>,
    /// Whether it ever came as far as the program.
    arrived: bool,
}

/// What the outside knows.
#[derive(Debug)]
pub(super) struct Outside {
    parcels: Vec<Known>,
    /// What each fact's bytes say.
    says: BTreeMap<Vec<u8>, Says>,
    /// Counters as they were read last: by tenant and series, with the series' start.
    counters: BTreeMap<(String, String), (u64, i128)>,
}

impl Outside {
    pub(super) fn of(parcels: &[Parcel]) -> Outside {
        let mut says = BTreeMap::from([(bytes_of(&Says::Tick), Says::Tick)]);
        let mut known = Vec::new();
        for parcel in parcels {
            let bytes: Vec<Vec<u8>> = parcel.facts.iter().map(bytes_of).collect();
            says.extend(bytes.iter().cloned().zip(parcel.facts.iter().cloned()));
            known.push(Known { bytes, ..Known::default() });
        }
        Outside { parcels: known, says, counters: BTreeMap::new() }
    }

    pub(super) fn bytes(&self, parcel: usize) -> Vec<u8> {
        self.parcels.get(parcel).map(|known| known.bytes.concat()).unwrap_or_default()
    }

    pub(super) fn acknowledged_ms(&self, parcel: usize) -> Option<u64> {
        self.parcels.get(parcel).and_then(|known| known.acknowledged_ms)
    }

    pub(super) fn arrives(&mut self, parcel: usize) {
        if let Some(known) = self.parcels.get_mut(parcel) {
            known.arrived = true;
        }
    }

    pub(super) fn is_acknowledged(&mut self, parcel: usize, at_ms: u64) {
        if let Some(known) = self.parcels.get_mut(parcel) {
            known.acknowledged_ms.get_or_insert(at_ms);
        }
    }

    /// What facts as the journal has them say.
    pub(super) fn says(&self, bytes: &[u8]) -> Option<&Says> {
        self.says.get(bytes)
    }

    /// What was acknowledged is in the ledger, and nothing is that was never sent.
    pub(super) fn check_ledger(
        &self,
        parcels: &[Parcel],
        ledger: &Ledger,
        when: &str,
    ) -> Result<(), Fault> {
        let tick = bytes_of(&Says::Tick);
        let mut may: BTreeSet<(&str, &[u8])> = BTreeSet::new();
        for (known, parcel) in self.parcels.iter().zip(parcels).filter(|(k, _)| k.arrived) {
            may.extend(known.bytes.iter().map(|b| (parcel.tenant.as_str(), b.as_slice())));
        }
        let mut is: BTreeSet<(&str, &[u8])> = BTreeSet::new();
        for (tenant, bytes) in ledger.facts() {
            let entry = (tenant, bytes);
            if !may.contains(&entry) && bytes != tick {
                let detail = format!("{when}: {:?} of {tenant:?}", self.says(bytes));
                return Err(fault("nothing is invented", detail));
            }
            is.insert(entry);
        }
        for (number, (known, parcel)) in self.parcels.iter().zip(parcels).enumerate() {
            let has = |bytes: &Vec<u8>| is.contains(&(parcel.tenant.as_str(), bytes.as_slice()));
            if known.acknowledged_ms.is_some() && !known.bytes.iter().all(has) {
                let detail = format!("{when}: parcel {number} is lost");
                return Err(fault("what was acknowledged is there", detail));
            }
        }
        Ok(())
    }

    /// Counters never fall and keep their start, also over a restart.
    pub(super) fn check_counters(
        &mut self,
        tenant: &str,
        series: &BTreeMap<String, (u64, i128)>,
    ) -> Result<(), Fault> {
        for ((of, name), (start, before)) in
            self.counters.iter().filter(|((of, _), _)| of == tenant)
        {
            let Some((now_start, now)) = series.get(name) else {
                return Err(fault("counters never fall", format!("{of:?} {name} is gone")));
            };
            if now_start != start {
                let detail = format!("{of:?} {name}: {start}, then {now_start}");
                return Err(fault("counters keep their start", detail));
            }
            if now < before {
                let detail = format!("{of:?} {name}: {before}, then {now}");
                return Err(fault("counters never fall", detail));
            }
        }
        let named =
            |(name, value): (&String, &(u64, i128))| ((tenant.to_owned(), name.clone()), *value);
        self.counters.extend(series.iter().map(named));
        Ok(())
    }
}

/// A fact as the journal has it.
fn bytes_of(says: &Says) -> Vec<u8> {
    let mut writer = FactWriter::default();
    writer.push(&says.fact());
    writer.into_bytes()
}
