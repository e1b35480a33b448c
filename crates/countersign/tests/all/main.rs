//! What the crate emits, as a receiver would see it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say so when they fail")]

mod contexts;
mod pipelines;
mod processes;
mod spans;
mod verdicts;
mod with_tracing;
