//! Benchmarks: each a command that prints a ratio measured in one run.
