//! The books against the naive answer, over many worlds.

use countersign_sim::{check_seed, explain};

/// Some at a time, so that the parts run side by side.
fn check(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        if let Err(failure) = check_seed(seed) {
            panic!("{}", explain(&failure));
        }
    }
}

#[test]
fn seeds_0_to_250() {
    check(0..250);
}

#[test]
fn seeds_250_to_500() {
    check(250..500);
}
