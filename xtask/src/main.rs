//! The project's own commands: `cargo xtask <command>`. One file per command.

mod bench;
mod demo;
mod devcloud;
mod dist;
mod docs;
mod test;
mod workspace;

use std::process::ExitCode;

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
    /// Apply the quickstart to it with the provider of this workspace.
    Demo(demo::Arguments),
    /// Run all checks and tests.
    Test(test::Arguments),
    /// Write the pages of docs/ from the schema and the examples.
    Docs(docs::Arguments),
    /// Make what a registry takes, and a mirror to install from.
    Dist(dist::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Bench(arguments) => bench::run(arguments),
        Command::Devcloud(arguments) => devcloud::run(arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Test(arguments) => test::run(arguments),
        Command::Docs(arguments) => docs::run(arguments),
        Command::Dist(arguments) => dist::run(arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
