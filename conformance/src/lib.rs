//! Conformance: what a good OTLP receiver does, one numbered check each.
//!
//! [`CHECKS`] is the table. A check talks to a [`Target`] from outside, over sockets; where it
//! needs to see what became of a request it looks at a sink that the target forwards to, or, if
//! the target is our own program, at its operator port.

#![allow(
    clippy::indexing_slicing,
    clippy::missing_errors_doc,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "all of this is tests: what breaks should break here"
)]

pub mod finding;
pub mod grpc_sink;
pub mod otlp;
pub mod ours;
pub mod sink;
pub mod target;
pub mod wire;

mod checks;
pub mod memory;
pub mod run;

pub use checks::{CHECKS, Check};
pub use finding::{Finding, Found};
pub use ours::Program;
pub use target::Target;
