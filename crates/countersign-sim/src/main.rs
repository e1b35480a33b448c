//! Runs worlds until one of them breaks a promise.
//!
//! `countersign-sim [--from SEED] [--seeds N]`; without `--seeds` it runs until stopped.
//! `countersign-sim planted [BUG]`, with the feature `planted`, prints how each planted bug is
//! found, and fails unless all are.

use std::process::ExitCode;

use countersign_sim::{check_seed, explain};

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
    let mut failed = 0_u64;
    for seed in (from..).take(usize::try_from(count).unwrap_or(usize::MAX)) {
        if let Err(failure) = check_seed(seed) {
            failed += 1;
            println!("{}", explain(&failure));
            if failed >= 10 {
                break;
            }
        }
        if seed % 1_000 == 999 {
            println!("{} seeds, {failed} failed", seed + 1 - from);
        }
    }
    println!("{failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
