//! `cargo xtask docs`: the pages of docs/, from the schema and from examples/. `tests/docs.rs` writes and compares them.

use anyhow::{Result, ensure};

use crate::workspace::{Workspace, cargo};

/// Arguments of `docs`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Write nothing; fail if a page would change.
    #[arg(long)]
    check: bool,
}

/// Writes the pages, or compares them.
pub fn run(arguments: Arguments) -> Result<()> {
    let root = Workspace::find()?.root;
    let mut command = cargo();
    command.current_dir(root).args(["test", "--quiet", "--test", "docs"]).env_remove("UPDATE_EXPECT");
    if !arguments.check {
        command.env("UPDATE_EXPECT", "1");
    }
    ensure!(command.status()?.success(), "the pages are not up to date");
    Ok(())
}
