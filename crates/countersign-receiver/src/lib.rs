//! Moves bytes in and metrics out around the core.
//!
//! The modules in the order of the data: [`ingest`] takes requests, [`journal`] keeps facts on
//! disk, [`keeper`] owns the books, [`publish`] sends and shows what came of it. [`access`] says
//! who may do what on the ports. [`command`] is
//! the program's subcommands, [`config`] its configuration, [`prices`] its price sheets, [`clock`]
//! the only clock.

pub mod access;
pub mod clock;
pub mod command;
pub mod config;
pub mod ingest;
pub mod journal;
pub mod keeper;
pub mod limits;
pub mod logs;
pub mod planted;
pub mod prices;
pub mod publish;
