//! The messages other systems send us (verdicts) and read from us (outcomes).
//!
//! The sources are in `proto/proto/`, the code made from them is committed: nobody needs
//! `protoc`. A test compares the two; `BLESS=1 cargo test -p countersign-proto` makes the code
//! again.

/// The package `countersign.v1`.
#[path = "generated/countersign.v1.rs"]
#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]
pub mod v1;
