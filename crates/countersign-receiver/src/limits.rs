//! Limits of the receiver, by name.

/// Bytes that wait on disk for one destination, unless the configuration says otherwise.
pub const RELAY_QUEUE_BYTES_MAX: u64 = 10 * 1024 * 1024 * 1024;
