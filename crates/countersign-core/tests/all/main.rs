//! The core's tests over its whole interface.

mod settle;
