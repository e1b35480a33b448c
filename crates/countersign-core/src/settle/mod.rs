//! Settle: joins calls, steps and verdicts to tasks, and says what became of the money.
//!
//! [`Books`] is the only state. Facts go in with the time of their application, deltas come
//! out; the same facts at the same times give the same books.

mod books;
mod task;
mod totals;

pub use books::{Books, Settings};
pub use task::{Confidence, KeptVerdict, Line, Stage, TaskIndex, TaskView};
pub use totals::Totals;
