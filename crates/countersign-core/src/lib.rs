//! Turns facts and time into outcome deltas: deterministic, no I/O.
//!
//! The folders are the stages, and their alphabetical order is the order of the data:
//! [`decode`] walks OTLP bytes, [`dialect`] reads them as facts, [`price`] gives a call its
//! cost, [`settle`] joins facts to tasks and verdicts, [`tally`] folds the deltas into series.
//! Nothing in here reads a clock, a file, a socket or a random number.

#![no_std]
extern crate alloc;

pub mod decode;
pub mod dialect;
pub mod price;
pub mod settle;
pub mod tally;

pub mod delta;
pub mod diagnostic;
pub mod fact;
pub mod key;
pub mod limits;
pub mod money;
pub mod names;
pub mod planted;
pub mod week;
