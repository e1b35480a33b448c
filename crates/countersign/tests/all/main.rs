//! What the crate emits, as a receiver would see it.

mod contexts;
mod pipelines;
mod spans;
mod verdicts;
mod with_tracing;
