//! `cargo xtask bench`: measurements.

pub mod startup;

/// What to measure.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Time and memory to start the provider, as hosts do again and again
    Startup(startup::Args),
}

/// Measures and prints.
pub fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Startup(args) => startup::run(args),
    }
}
