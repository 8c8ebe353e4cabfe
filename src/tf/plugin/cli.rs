//! The command line: nearly none, since hosts give no arguments.

use std::process::ExitCode;

use super::{Error, Options, run};
use crate::tf::proto::tfplugin6::provider_server::Provider;

/// Does what the arguments say, which without any is to serve the provider.
///
/// This is all of `main`: it says on stderr what went wrong and gives the exit
/// code. `arguments` are without the program's name.
pub fn main<P: Provider>(
    arguments: impl IntoIterator<Item = String>,
    mut options: Options,
    provider: impl FnOnce() -> P,
) -> ExitCode {
    // Before anything speaks TLS: rustls refuses to choose by itself as soon as
    // some dependency brings a second provider. Fails if one is installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    for argument in arguments {
        // One dash is what hosts' own tools take, two what everyone else does.
        match argument.trim_start_matches('-') {
            "debug" => options.debug = true,
            "version" | "V" => {
                println!("terraform-provider-{} {} (protocol 6.11)", options.name(), options.version);
                return ExitCode::SUCCESS;
            }
            "help" | "h" => {
                print!("{}", help(&options));
                return ExitCode::SUCCESS;
            }
            _ => {
                eprintln!("unknown argument {argument:?}\n\n{}", help(&options));
                return ExitCode::from(2);
            }
        }
    }
    match run(provider, options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ Error::NotStartedByHost) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Err(error) => {
            // Hosts show this to the user if there is no handshake line.
            eprintln!("terraform-provider: {error}");
            ExitCode::FAILURE
        }
    }
}

fn help(options: &Options) -> String {
    let name = options.name();
    format!(
        "The provider {source} for Terraform and OpenTofu, which start it themselves.\n\n\
         Usage: terraform-provider-{name} [--debug | --version | --help]\n\n\
         \x20 --debug    serve without a host, and print how to attach one\n\
         \x20 --version  print the version\n\
         \x20 --help     print this\n\n\
         Logs: set TF_LOG_PROVIDER or {variable} to trace, debug, info, warn, error or off.\n",
        source = options.source,
        variable = super::logging::own_variable(name),
    )
}
