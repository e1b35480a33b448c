//! The tests of the whole: the real program, real sockets, real files.

mod otlp;
mod server;
mod sink;

mod captures;
mod crash;
mod orders;
mod program;
mod secrets;
mod worked_example;
