//! Damage of the journal as a metric, beside the metrics of the books.

use countersign_core::tally::{Kind, Metric, Series, Value};

use crate::journal::SoundnessShown;

/// Not of the books, so not in their table.
static DAMAGED: Metric = Metric {
    name: "countersign.journal.damaged",
    kind: Kind::Gauge,
    unit: "By",
    help: "Bytes of the journal whose checksums are wrong; a copy of each range is in its \
           quarantine folder. Anything but 0 needs somebody to look at the disk.",
    attributes: &[],
};

/// Shows the series.
pub(super) fn visit(shown: SoundnessShown, see: &mut dyn FnMut(&Series<'_>)) {
    see(&Series {
        metric: &DAMAGED,
        attributes: &[],
        start: 0,
        value: Value::Level(i64::try_from(shown.damaged_bytes).unwrap_or(i64::MAX)),
        exemplar: None,
    });
}
