//! The tests of the whole: the real program, real sockets, real files.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "all of this is tests: what breaks should break here"
)]

mod as_json;
mod otlp;
mod server;
mod sink;
mod written;

mod access;
mod captures;
mod chain;
mod copies;
mod costs;
mod damage;
mod destinations;
mod doors;
mod faults;
mod formats;
mod full_disk;
mod hooks;
mod inbox;
mod instances;
mod kept_formats;
mod kills;
mod orders;
mod planted;
mod program;
mod secrets;
mod stopping;
mod subsets;
mod sums;
mod unseen;
mod vectors;
mod worked_example;
