//! Ingest: takes requests from the network, as bytes, and hands on what the core reads in them.

pub mod json;
