//! Runs worlds until one of them breaks a promise.
//!
//! `countersign-sim [--from SEED] [--seeds N]`; without `--seeds` it runs until stopped, and tells
//! what it reached at the end.
//! `countersign-sim planted [BUG]`, with the feature `planted`, prints how each planted bug is
//! found, and fails unless all are.

use std::process::ExitCode;

use countersign_sim::reach::Reach;
use countersign_sim::{check_seeds, explain};

/// Seeds that are judged before something is told.
const ROUND: u64 = 100;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    #[cfg(feature = "planted")]
    if arguments.next_if(|argument| argument == "planted").is_some() {
        return planted(arguments.next().as_deref());
    }
    let (mut from, mut count) = (0, u64::MAX);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse().ok());
        match (argument.as_str(), value) {
            ("--from", Some(value)) => from = value,
            ("--seeds", Some(value)) => count = value,
            _ => {
                eprintln!("usage: countersign-sim [--from SEED] [--seeds N]");
                return ExitCode::from(64);
            }
        }
    }
    let end = count.saturating_add(from);
    let mut reach = Reach::default();
    let mut seed = from;
    while seed < end {
        let next = end.min(seed.saturating_add(ROUND));
        let (failures, reached) = check_seeds(seed..next);
        reach.join(&reached);
        seed = next;
        if !failures.is_empty() {
            failures.iter().for_each(|failure| println!("{}", explain(failure)));
            println!("{} failed", failures.len());
            return ExitCode::FAILURE;
        }
        println!("{} seeds, 0 failed", seed - from);
    }
    println!("{}", reach.print());
    ExitCode::SUCCESS
}
/// Prints the table of planted bugs.
#[cfg(feature = "planted")]
fn planted(only: Option<&str>) -> ExitCode {
    let (mut found, mut all) = (0, 0);
    println!("{:<26} {:>5}  {:<44} what goes wrong", "bug", "seeds", "found by");
    countersign_sim::planted::plant_all(only, &mut |bug| {
        all += 1;
        found += u64::from(bug.failure.is_some());
        let (seeds, promise) = match &bug.failure {
            Some(failure) => ((failure.seed + 1).to_string(), failure.fault.promise),
            None => ("-".to_owned(), "NOT FOUND"),
        };
        println!("{:<26} {seeds:>5}  {promise:<44} {}", bug.bug, bug.what);
        if only.is_some() {
            println!("{}", bug.failure.as_ref().map_or_else(String::new, explain));
        }
    });
    println!("{found} of {all} found");
    if found == all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
