//! The core's tests over its whole interface.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "all of this is tests: what breaks should break here"
)]

mod cohorts;
mod confirm;
mod faults;
mod naming;
mod retain;
mod settle;
mod verdicts;
