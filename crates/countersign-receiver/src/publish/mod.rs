//! Publish: what the books say, for machines and for people.
//!
//! [`figures`] shapes the books into what is shown; [`openmetrics`] is the page that Prometheus
//! scrapes, [`operator`] the port with the API and the pages, [`page`] the pages themselves.

pub mod calendar;
pub mod figures;
