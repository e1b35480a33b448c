//! Publish: what the books say, for machines and for people.
//!
//! [`figures`] shapes the books into what is shown; [`openmetrics`] is the page that Prometheus
//! scrapes; [`relay_entry`] is what waits on disk for the destinations; [`verdict_span`] shows a
//! verdict in its task's trace; [`calendar`] writes times.

pub mod calendar;
pub mod figures;
pub mod openmetrics;
pub mod operator;
pub mod page;
pub mod relay_entry;
mod resource;
pub mod verdict_span;

#[cfg(test)]
mod books;
