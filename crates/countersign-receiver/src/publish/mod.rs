//! Publish: what the books say, for machines and for people.
//!
//! [`figures`] shapes the books into what is shown; [`calendar`] writes times.

pub mod calendar;
pub mod figures;
