//! The core's tests over its whole interface.

mod naming;
mod settle;
