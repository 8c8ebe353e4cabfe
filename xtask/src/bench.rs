//! `cargo xtask bench`: measurements. Each is a benchmark of the root package, in `benches/`.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// What to measure.
#[derive(clap::Args)]
pub struct Arguments {
    /// The benchmark: `startup`, `tenants`, `workspace` or `usage`
    name: String,
    /// What it takes; `--help` tells
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Measures and prints.
pub fn run(Arguments { name, arguments }: Arguments) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["bench", "--package", "terraform-provider-tenancy", "--bench", &name, "--"])
        .args(arguments)
        .status()
        .context("failed to run cargo")?;
    ensure!(status.success(), "the benchmark {name} failed");
    Ok(())
}
