//! The books, the journal and the keeper against the naive answer, over many worlds and storms.

use countersign_sim::{check_script, check_seeds, explain};

/// Worlds and their storms that are judged in every run.
const STORMS: u64 = 400;
/// Further worlds that only the books see.
const WORLDS: u64 = 2_000;

#[test]
fn no_storm_breaks_a_promise_and_faults_are_reached() {
    let (failures, reach) = check_seeds(0..STORMS);
    println!("{}", reach.print());
    let told: Vec<String> = failures.iter().map(explain).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    assert!(reach.missed().is_empty(), "no seed reached {:?}", reach.missed());
}

#[test]
fn no_world_breaks_a_promise() {
    for seed in STORMS..WORLDS {
        if let Err(failure) = check_script(seed) {
            panic!("{}", explain(&failure));
        }
    }
}
