//! Limits of the receiver, by name.
