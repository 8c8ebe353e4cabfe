//! The project's own commands: `cargo xtask <command>`. One file per command.

mod bench;
mod devcloud;
mod workspace;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure, and print what came out.
    Bench(bench::Arguments),
    /// Run a real OpenStack on this machine, as plain processes.
    Devcloud(devcloud::Arguments),
}

fn main() -> std::process::ExitCode {
    let result = match Arguments::parse().command {
        Command::Bench(arguments) => bench::run(arguments),
        Command::Devcloud(arguments) => devcloud::run(arguments),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
