//! Every scenario is a test of the same name: `cargo test -p acceptance-tests -- drift`. The few that need more than
//! Terraform and HTTP are written in Rust.

mod dist;
mod examples;
mod go;
mod hosts;
mod interruption;
mod many;
mod stand_in;
mod usage;
mod workspace;

use std::path::Path;
use std::process::ExitCode;

use acceptance_tests::plugin::{self, Plugin};
use acceptance_tests::run;
use acceptance_tests::scenario::Scenario;
use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};

use hosts::Table;
// The derive writes `crate::tf`.
use stand_in::tf;

fn main() -> ExitCode {
    if let Some(code) = stand_in::serve() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    // Mostly waiting for Terraform and Keystone, which leave a core idle now and then.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    let table = Table::default();
    match tests(&table) {
        Ok(tests) => {
            let conclusion = libtest_mimic::run(&arguments, tests);
            table.print();
            conclusion.exit_code()
        }
        Err(why) => {
            eprintln!("{why:#}");
            ExitCode::FAILURE
        }
    }
}

fn tests(table: &Table) -> Result<Vec<Trial>> {
    plugin::besides(stand_in::SOURCE, "3.4.0", std::env::current_exe()?);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut tests = vec![
        test("examples-are-valid", examples::are_valid),
        test("examples-ci", examples::pipeline),
        test("examples-workspaces-from-csv", examples::from_csv),
        test("dist-mirror", dist::mirror),
        test("provider-killed", interruption::provider_killed),
        test("interrupted", interruption::interrupted),
        test("docs-registry", go::documentation).with_ignored_flag(!go::has_tfplugindocs()),
        test("plugin-testing", go::plugin_testing).with_ignored_flag(!go::has_modules()),
        test("workspace-many", workspace::workspace_of_many),
        test("metered-usage-figures", usage::figures),
    ];
    // Whoever only lists the tests needs no provider: the hosts are looked for without it.
    let hosts = acceptance_tests::host::Host::all(Path::new(""))?;
    for (number, host) in hosts.iter().enumerate() {
        let on = if number == 0 { String::new() } else { format!(" on {}", host.title()) };
        let quickstart = move || examples::quickstart(&Plugin::get()?.hosts[number]);
        tests.push(test(&format!("examples-quickstart{on}"), quickstart));
    }
    for name in Scenario::names(&folder)? {
        let folder = folder.join(&name);
        let scenario = Scenario::read(&folder)?;
        for (number, host) in hosts.iter().enumerate() {
            if number > 0 && !scenario.is_for_all_hosts() {
                continue;
            }
            let title = host.title();
            let shown = if number == 0 { name.clone() } else { format!("{name} on {title}") };
            let (folder, table) = (folder.clone(), table.clone());
            tests.push(test(&shown, move || {
                let result = run::run(&folder, &Plugin::get()?.hosts[number]);
                table.note(&title, result.as_ref().ok());
                result.map(drop)
            }));
        }
    }
    Ok(tests)
}

fn test(name: &str, body: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    Trial::test(name, move || {
        body()
            .map_err(|why| Failed::from(why.chain().map(ToString::to_string).collect::<Vec<_>>().join("\n")))
    })
}
