//! Settle: joins calls, steps and verdicts to tasks, and says what became of the money.
//!
//! [`Books`] is the only state. Facts go in with the time of their application, deltas come
//! out; the same facts at the same times give the same books.
//!
//! The way of a call: [`arrive`] puts it into its open trace (or holds it, if it is a log
//! record); when the trace closes, [`assembly`] decides which spans are calls, [`identify`]
//! finds the task, [`book`] books the cost there and [`verdicts`] says where it settles.

mod aliases;
mod arrive;
mod assembly;
mod book;
mod close;
mod closed;
mod cohort;
mod confirm;
mod conflict;
mod identify;
mod judge;
mod naming;
mod signals;
mod store;
mod subject;
mod task;
mod task_bytes;
mod totals;
mod trace;
mod verdicts;
mod waiting;

mod books;
mod remembered;
mod reported;
mod retain;
mod snapshot;

pub use books::{Books, Settings};
pub use cohort::{Cohort, Maturity};
pub use confirm::Standing;
pub use reported::Reported;
pub use retain::Removed;
pub use snapshot::Snapshot;
pub use task::{Confidence, KeptVerdict, Line, Stage, TaskIndex, TaskView};
pub use totals::Totals;
