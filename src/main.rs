//! The `atsre` program.

use std::process::ExitCode;

/// What is read in one thread is let go in another, and glibc's allocator spent a third of `verify` on that.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    atsre::run_program(std::env::args_os())
}
