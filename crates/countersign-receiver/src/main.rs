//! The program `countersign`.

use std::process::ExitCode;

use countersign_receiver::command::{self, Cli};
use countersign_receiver::logs;

/// Facts and requests are many short-lived buffers: they want an allocator made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(shown) => return shown,
    };
    logs::start(cli.log_format);
    command::use_tls_of_ring();
    match command::run(cli) {
        Ok(code) => code,
        Err(error) => command::fail(&error),
    }
}
