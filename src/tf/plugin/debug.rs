//! A provider without a host: started by hand, for hosts to attach to.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use serde::Serialize;

use super::listener::Listener;

/// How a host attaches. The names are the host's.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Reattach<'a> {
    protocol: &'a str,
    protocol_version: u32,
    pid: u32,
    // Keeps hosts from ending a process that they have not started.
    test: bool,
    addr: Address<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Address<'a> {
    network: &'a str,
    string: &'a str,
}

/// The registries that Terraform and OpenTofu take a source to be of, if it names none.
const REGISTRIES: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];

/// Prints the variable that makes a host attach to this process.
pub(super) fn announce(source: &str, listener: &Listener) -> io::Result<()> {
    let reattach = || Reattach {
        protocol: "grpc",
        protocol_version: 6,
        pid: std::process::id(),
        test: true,
        addr: Address { network: listener.network(), string: listener.address() },
    };
    let all: BTreeMap<_, _> =
        REGISTRIES.into_iter().map(|registry| (format!("{registry}/{source}"), reattach())).collect();
    let value = serde_json::to_string(&all)?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "The provider runs. To use it, set this where you run terraform or tofu:\n")?;
    if cfg!(windows) {
        writeln!(stdout, "\t$env:TF_REATTACH_PROVIDERS='{value}'\n")?;
    } else {
        writeln!(stdout, "\tTF_REATTACH_PROVIDERS='{value}'\n")?;
    }
    writeln!(stdout, "Ctrl-C ends it.")?;
    stdout.flush()
}
