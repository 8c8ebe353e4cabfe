//! States that were written once can be read ever after.
//!
//! `tests/states` has, for each resource and each version of its schema, states that a provider of that version really
//! wrote: the `attributes` of an instance in `terraform.tfstate`. See CONTRIBUTING.md for when a version goes up.

// Clippy takes the helpers of tests for something else.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use tenancy::provider::TenancyProvider;
use tenancy::tf::proto::tfplugin6::provider_server::Provider as _;
use tenancy::tf::proto::tfplugin6::{RawState, upgrade_resource_state};
use tenancy::tf::{Provider, Server, Value, msgpack};
use tokio_util::sync::CancellationToken;
use tonic::Request;

/// The states of a resource, each with the version of its schema.
fn states(name: &str) -> Vec<(i64, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/states").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut all: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all.into_iter()
        .map(|path| {
            let version = path.file_name().unwrap().to_str().unwrap();
            let version = version.strip_prefix('v').and_then(|it| it.split('-').next()?.parse().ok());
            (version.unwrap_or_else(|| panic!("{}: not named vN-what.json", path.display())), path)
        })
        .collect()
}

#[tokio::test]
async fn every_state_ever_written_can_be_read() {
    let server = Server::<TenancyProvider>::new(CancellationToken::new());
    for resource in TenancyProvider::resources() {
        let name = format!("{}_{}", TenancyProvider::NAME, resource.name());
        let states = states(&name);
        for version in 0..=resource.version() {
            let there = states.iter().any(|(it, _)| *it == version);
            assert!(there, "tests/states/{name} has no state of version {version}");
        }
        for (version, path) in states {
            let text = fs::read(&path).unwrap();
            let request = upgrade_resource_state::Request {
                type_name: name.clone(),
                version,
                raw_state: Some(RawState { json: text.clone().into(), ..Default::default() }),
            };
            let answer = server.upgrade_resource_state(Request::new(request)).await.unwrap().into_inner();
            assert!(answer.diagnostics.is_empty(), "{}: {:?}", path.display(), answer.diagnostics);
            let state = answer.upgraded_state.unwrap();
            let Ok(Value::Object(all)) = msgpack::read_object(&state.msgpack, resource.schema()) else {
                panic!("{}: not an object", path.display());
            };
            // Nothing that was known is lost, unless its attribute is.
            let written: serde_json::Value = serde_json::from_slice(&text).unwrap();
            for (field, value) in resource.schema().fields.iter().zip(all) {
                let before = written.get(field.name).filter(|it| !it.is_null());
                assert!(before.is_none() || !value.is_null(), "{}: {} is lost", path.display(), field.name);
            }
        }
    }
}
