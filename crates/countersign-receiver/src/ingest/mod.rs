//! Ingest: takes requests from the network, as bytes, and hands on what the core reads in them.
//!
//! [`serve_grpc`] and [`serve_http`] own the ports; both give bytes to the [`Gate`].

mod serve;

mod guard;

mod grpc;
mod http;
mod services;

mod body;
pub mod hooks;
pub mod json;
pub mod verdicts;

mod counted;
mod gate;

mod answer;
mod refused;

pub use counted::{Counted, Reason, Transport};
pub use gate::{Gate, RelayPlan, Spelling, Taken};
pub use grpc::serve_grpc;
pub use http::{http_router, serve_http};
pub use refused::Refused;
pub use serve::{Port, Slots, Tls};

#[cfg(test)]
mod tests;
