//! Price: gives a call its cost from the price in force when it ran.
//!
//! A [`Sheet`] is what one source says; sheets are laid into a [`Catalog`], later ones on top.
//! [`Catalog::cost`] finds the model that a name means (`lookup`, `spelling`), takes the prices
//! in force at the time of the call, and charges its components (`card`), exactly (`rate`).

mod bill;
mod card;
mod catalog;
mod lookup;
mod memo;
mod rate;
mod sheet;
mod spelling;
#[cfg(test)]
mod tests;

pub use bill::{Bill, Line};
pub use card::{Card, Cliff, Component, Price};
pub use catalog::{Catalog, InForce};
pub use rate::{Atto, Per, Rate, RateError};
pub use sheet::{Clause, Deployment, Model, Pattern, Period, Provider, Sheet, Tier, When};

use crate::fact::UnixNanos;

/// What a price is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask<'a> {
    /// `gen_ai.provider.name`, as the wire has it; may be empty.
    pub provider: &'a str,
    /// The model, as the wire has it.
    pub model: &'a str,
    /// When the call ran.
    pub at: UnixNanos,
    /// Service tier, e.g. `batch`, `flex`, `priority`; empty for standard.
    pub tier: &'a str,
    /// Of the cache writes, those kept for an hour.
    pub cache_write_1h: u64,
    /// Of the input outside any cache, audio.
    pub input_audio: u64,
    /// Of the output, audio.
    pub output_audio: u64,
}
