//! Every scenario is a test of the same name: `cargo test -p acceptance-tests -- drift`. The few that need more than
//! Terraform and HTTP are written in Rust.

mod dist;
mod examples;
mod interruption;
mod many;
mod registry;
mod usage;

use std::path::Path;

use acceptance_tests::run;
use acceptance_tests::scenario::Scenario;
use anyhow::Result;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> Result<()> {
    let mut arguments = Arguments::from_args();
    // Mostly waiting for Terraform and Keystone, which leave a core idle now and then.
    arguments.test_threads = arguments.test_threads.or(Some(3));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut tests = vec![
        test("examples-quickstart", examples::quickstart),
        test("examples-are-valid", examples::are_valid),
        test("examples-ci", examples::pipeline),
        test("dist-mirror", dist::mirror),
        test("provider-killed", interruption::provider_killed),
        test("interrupted", interruption::interrupted),
        test("quota-many", many::quotas),
        test("docs-registry", registry::pages).with_ignored_flag(!registry::has_go()),
        test("metered-usage-figures", usage::figures),
    ];
    for name in Scenario::names(&folder)? {
        let folder = folder.join(&name);
        tests.push(test(&name, move || run::run(&folder)));
    }
    libtest_mimic::run(&arguments, tests).exit()
}

fn test(name: &str, body: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    Trial::test(name, move || {
        body()
            .map_err(|why| Failed::from(why.chain().map(ToString::to_string).collect::<Vec<_>>().join("\n")))
    })
}
