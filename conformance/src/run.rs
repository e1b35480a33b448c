//! Run: many checks at a time, and the table of what they come to.

use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::checks::Check;
use crate::finding::{Finding, Found};
use crate::target::Target;

/// Checks that run at a time: most of them wait.
const AT_A_TIME: usize = 16;

/// Runs checks, and gives what each one comes to, in their order.
#[must_use]
pub fn run(checks: &[Check], target: &Target) -> Vec<(Check, Found)> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(check) = checks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let one = (check.run)(target);
                    found.lock().expect("nobody panics with it").push((*check, one));
                }
            });
        }
    });
    let mut found = found.into_inner().expect("nobody panics with it");
    found.sort_by_key(|(check, _)| check.number());
    found
}

/// The table: what passed in one line, everything else with its reason.
#[must_use]
pub fn table(found: &[(Check, Found)]) -> String {
    let mut text = String::new();
    let passed = found.iter().filter(|(_, found)| found.is_ok()).count();
    let count = |wanted: fn(&Finding) -> bool| {
        found.iter().filter(|(_, found)| found.as_ref().is_err_and(wanted)).count()
    };
    let failed = count(|finding| matches!(finding, Finding::Fails(_)));
    for (check, found) in found {
        let line = match found {
            Ok(()) => continue,
            Err(Finding::Fails(why)) => writeln!(text, "FAILS  {}: {why}", check.name),
            Err(Finding::Differs(why)) => writeln!(text, "DIFFERS {}: {why}", check.name),
            Err(Finding::DoesNotApply(why)) => writeln!(text, "  --   {}: {why}", check.name),
        };
        line.expect("a String takes all");
    }
    let differ = count(|finding| matches!(finding, Finding::Differs(_)));
    let rest = found.len() - passed - failed - differ;
    writeln!(
        text,
        "{passed}/{} pass, {differ} differ on purpose, {failed} fail, {rest} do not apply here",
        found.len()
    )
    .expect("a String takes all");
    text
}
