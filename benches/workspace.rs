//! What planning a big workspace costs the provider, without a cloud: `cargo bench --bench workspace`.
//!
//! Makes the state and the configuration of many tenants, each with tags, two bindings and limits of two services, and
//! prints the time of each call that a host makes for a plan without a change, and the memory that it took.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser as _;
use prost::bytes::Bytes;
use serde_json::{Value, json};
use tenancy::provider::TenancyProvider;
use tenancy::tf::Server;
use tenancy::tf::proto::tfplugin6::provider_server::Provider as _;
use tenancy::tf::proto::tfplugin6::*;
use tokio_util::sync::CancellationToken;
use tonic::Request;

const TYPE: &str = "tenancy_workspace";

/// Plans workspaces of some sizes.
#[derive(Debug, clap::Parser)]
struct Args {
    /// How many tenants
    #[arg(default_values_t = [1_000, 10_000])]
    tenants: Vec<usize>,
    /// Cargo says this to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// Measures and prints.
fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!("tenants   validate   upgrade   plan, ms   state, MB   peak, MiB");
    for tenants in args.tenants {
        let [validate, upgrade, plan] = runtime.block_on(measure(tenants))?.map(|it| it.as_secs_f64() * 1e3);
        let state = state(tenants, true).len() as f64 / 1e6;
        println!("{tenants:>7} {validate:>10.1} {upgrade:>9.1} {plan:>10.1} {state:>11.1} {:>11.0}", peak()?);
    }
    Ok(())
}

async fn measure(tenants: usize) -> Result<[Duration; 3]> {
    let server = Server::<TenancyProvider>::new(CancellationToken::new());
    let written = || DynamicValue { json: state(tenants, false), ..Default::default() };

    let started = Instant::now();
    let it = validate_resource_config::Request {
        type_name: TYPE.into(),
        config: Some(written()),
        ..Default::default()
    };
    let answer = server.validate_resource_config(Request::new(it)).await?.into_inner();
    let validate = started.elapsed();
    ensure!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);

    let raw = RawState { json: state(tenants, true), ..Default::default() };
    let started = Instant::now();
    let it = upgrade_resource_state::Request { type_name: TYPE.into(), version: 0, raw_state: Some(raw) };
    let answer = server.upgrade_resource_state(Request::new(it)).await?.into_inner();
    let upgrade = started.elapsed();
    ensure!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
    let prior = answer.upgraded_state.context("no state")?;

    let started = Instant::now();
    let it = plan_resource_change::Request {
        type_name: TYPE.into(),
        prior_state: Some(prior.clone()),
        proposed_new_state: Some(prior.clone()),
        config: Some(written()),
        ..Default::default()
    };
    let answer = server.plan_resource_change(Request::new(it)).await?.into_inner();
    let plan = started.elapsed();
    ensure!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
    ensure!(answer.planned_state == Some(prior), "the plan has a change");
    Ok([validate, upgrade, plan])
}

/// A state, or without what is computed its configuration.
fn state(tenants: usize, computed: bool) -> Bytes {
    let id = |what: &str, number: usize| match computed {
        true => json!(format!("{what:0>8}{number:024x}")),
        false => Value::Null,
    };
    let default = |it: Value| if computed { it } else { Value::Null };
    let binding = |number, name: &str, member: &str| {
        json!({
            "roles": ["member", "heat_stack_owner", "creator"],
            "members": [format!("{member}-1@example.org"), format!("{member}-2@example.org"), "ada@example.org"],
            "group_name": null,
            "group_id": id(name, number),
            "pending_members": default(json!([])),
        })
    };
    let tenant = |number: usize| {
        json!({
            "name": null,
            "project_id": id("b", number),
            "parent": null,
            "description": format!("Tenant number {number} of a big workspace"),
            "enabled": default(json!(true)),
            "tags": ["prod", "web"],
            "properties": null,
            "bindings": {
                "users": binding(number, "c", &format!("user-{number}")),
                "admins": binding(number, "d", &format!("admin-{number}")),
            },
            "quotas": {
                "compute": { "cores": 20, "ram_mib": 51200, "instances": 10 },
                "block_storage": { "gigabytes": 500, "volumes": 20, "volume_types": { "ssd": { "gigabytes": 100 } } },
            },
            "on_destroy": default(json!("refuse_if_not_empty")),
        })
    };
    let all: serde_json::Map<_, _> = (0..tenants).map(|it| (format!("tenant-{it:05}"), tenant(it))).collect();
    let state = json!({
        "domain": { "name": "acme", "description": null, "enabled": default(json!(true)), "tags": null },
        "domain_id": id("a", 0),
        "users": null,
        "tenants": all,
        "on_destroy": default(json!("refuse_if_not_empty")),
        "failures": default(json!({})),
    });
    serde_json::to_vec(&state).unwrap_or_default().into()
}

/// The most memory that this process has had, in MiB.
fn peak() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}
