//! Publish: what the books say, for machines and for people.
//!
//! [`figures`] shapes the books into what is shown. Machines read it on [`openmetrics`] and on
//! the API of the [`operator`] port, people on its [`page`]s. [`destinations`] get our metrics
//! ([`otlp`]), what passed through ([`relay`]) and each verdict as a span ([`verdict_span`]).

mod answer;
mod backoff;
pub mod calendar;
pub mod destinations;
pub mod figures;
mod halves;
pub mod health;
pub mod openmetrics;
pub mod operator;
pub mod otlp;
pub mod own;
pub mod page;
pub mod relay;
pub mod reloads;
mod resource;
mod soundness;
pub mod verdict_span;
mod wire;

#[cfg(test)]
mod books;
