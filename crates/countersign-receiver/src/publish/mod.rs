//! Publish: what the books say, for machines and for people.
//!
//! [`figures`] shapes the books into what is shown; [`openmetrics`] is the page that Prometheus
//! scrapes; [`calendar`] writes times.

pub mod calendar;
pub mod figures;
pub mod openmetrics;
