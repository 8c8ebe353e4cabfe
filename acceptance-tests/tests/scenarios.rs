//! Every scenario is a test of the same name: `cargo test -p acceptance-tests -- drift`.

use std::path::Path;

use acceptance_tests::run;
use acceptance_tests::scenario::Scenario;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::from_args();
    // Mostly waiting for Terraform and Keystone, which leave a core idle now and then.
    arguments.test_threads = arguments.test_threads.or(Some(3));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut tests = Vec::new();
    for name in Scenario::names(&folder)? {
        let folder = folder.join(&name);
        tests.push(Trial::test(name, move || run::run(&folder).map_err(failed)));
    }
    libtest_mimic::run(&arguments, tests).exit()
}

fn failed(why: anyhow::Error) -> Failed {
    let lines: Vec<_> = why.chain().map(ToString::to_string).collect();
    lines.join("\n").into()
}
