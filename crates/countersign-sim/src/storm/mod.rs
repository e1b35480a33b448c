//! Storms: the journal, the keeper and the relay on a disk that fails, behind a network that
//! loses and repeats, on a machine that crashes at any step, watched from outside.

mod ledger;
mod make;
mod outside;
mod plan;
mod relay;
mod run;
mod site;
mod text;

pub use plan::{Fate, Parcel, Plan, Step, What};
pub use run::{Outcome, run};
pub use text::{parse, print};

use crate::judge::Fault;
use crate::reach::Reach;
use crate::shrink::shrink;
use crate::{Failure, Shrunk};

/// Judges the storm of a seed; what it reached is counted.
///
/// # Errors
/// The promise that was broken first, with a plan as short as it gets.
pub fn check_storm(seed: u64, reach: &mut Reach) -> Result<(), Failure> {
    let plan = make::plan_of(seed);
    let broken = |plan: &Plan| run(plan, &mut Reach::default()).err();
    let first = match run(&plan, reach) {
        // Now and then it is shown that the same storm does the same.
        Ok(outcome) if seed.is_multiple_of(16) => match run(&plan, &mut Reach::default()) {
            Ok(again) if again == outcome => return Ok(()),
            Ok(again) => {
                let detail = format!("{outcome:?}, then {again:?}");
                Fault { promise: "the same seed does the same", detail }
            }
            Err(fault) => fault,
        },
        Ok(_) => return Ok(()),
        Err(fault) => fault,
    };
    let same = |steps: &[Step]| {
        let plan = Plan { steps: steps.to_vec(), ..plan.clone() };
        broken(&plan).is_some_and(|fault| fault.promise == first.promise)
    };
    let steps = shrink(&plan.steps, same);
    let plan = Plan { steps, ..plan.clone() };
    let fault = broken(&plan).unwrap_or(first);
    Err(Failure { seed, shrunk: Shrunk::Storm(plan), fault })
}
