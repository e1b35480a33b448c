//! `countersign demo`: the program, fed by a small fleet of example agents.

pub mod fleet;
