//! Decode: walks OTLP bytes without building a tree.

pub mod wire;
