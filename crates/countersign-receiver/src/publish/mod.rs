//! Publish: what the books say, for machines and for people.
//!
//! [`figures`] shapes the books into what is shown; [`openmetrics`] is the page that Prometheus
//! scrapes; [`relay_entry`] is what waits on disk for the destinations; [`verdict_span`] shows a
//! verdict in its task's trace; [`calendar`] writes times.

mod answer;
mod backoff;
pub mod calendar;
pub mod figures;
pub mod health;
pub mod openmetrics;
pub mod operator;
pub mod otlp;
pub mod page;
pub mod relay;
pub mod relay_entry;
mod resource;
pub mod verdict_span;
mod wire;

#[cfg(test)]
mod books;
