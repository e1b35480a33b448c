//! Runs worlds until one of them breaks a promise.
//!
//! `countersign-sim [--from SEED] [--seeds N]`; without `--seeds` it runs until stopped.

use std::process::ExitCode;

use countersign_sim::{check_seed, explain};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
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
