//! Serves the provider, or says that this is a plugin.

use std::process::ExitCode;

use tenancy::provider::TenancyProvider;
use tenancy::tf::Server;
use tenancy::tf::plugin::{self, Options};

/// Namespace and name, in every registry.
const SOURCE: &str = "tenancy/tenancy";

fn main() -> ExitCode {
    let options = Options::new(SOURCE, env!("CARGO_PKG_VERSION"));
    let (ending, unfinished) = (options.ending.clone(), options.unfinished.clone());
    let server = || Server::<TenancyProvider>::new(ending).holding(unfinished);
    plugin::main(std::env::args().skip(1), options, server)
}
