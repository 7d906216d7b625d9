//! The program `resmon`: see [`resmon::main`].

use std::process::ExitCode;

fn main() -> ExitCode {
    resmon::main(std::env::args_os().skip(1))
}
