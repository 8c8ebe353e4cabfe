//! Serves the provider, or says that this is a plugin.

use std::process::ExitCode;

use tenancy::provider::TenancyProvider;
use tenancy::tf::Server;
use tenancy::tf::plugin::{self, Options};

/// The address in Terraform's registry, which a debugger's reattachment goes by.
const ADDRESS: &str = "registry.terraform.io/tenancy/tenancy";

const HELP: &str = "\
A Terraform and OpenTofu provider: tenancy as code on OpenStack.
Terraform and OpenTofu start it themselves.

  --debug     serve without a host, and print how to attach one
  --version   print the version
  --help      print this";

fn main() -> ExitCode {
    let mut options = Options::new(ADDRESS);
    match std::env::args().nth(1).as_deref() {
        None => (),
        Some("--debug" | "-debug") => options.debug = true,
        Some("--version" | "-version") => {
            println!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Some("--help" | "-help" | "-h") => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some(other) => {
            eprintln!("unknown argument {other}\n\n{HELP}");
            return ExitCode::from(2);
        }
    }
    let ending = options.ending.clone();
    match plugin::run(|| Server::<TenancyProvider>::new(ending), options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
