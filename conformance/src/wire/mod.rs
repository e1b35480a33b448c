//! Wire: HTTP/1 and HTTP/2 by hand, so that they can be wrong where a check wants them wrong.

pub mod grpc;
pub mod http1;
pub mod http2;

use std::time::Duration;

/// Longest wait for an answer: longer than any deadline of a good receiver that is checked.
pub const PATIENCE: Duration = Duration::from_secs(45);
