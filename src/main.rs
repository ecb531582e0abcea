//! The `atsre` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    atsre::run_program(std::env::args_os())
}
