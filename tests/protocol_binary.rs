//! The real binary, started as hosts start it. What can only be seen with a
//! provider that panics or hangs is in `protocol_process.rs`.
#![cfg(unix)]

mod support;

use std::time::Duration;

use support::host::{COOKIE, Result};
use tenancy::tf::proto::health::HealthCheckRequest;
use tenancy::tf::proto::tfplugin6::*;
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn serves_its_schema_and_ends() -> Result<()> {
    let host = support::start().await?;
    assert_eq!(host.handshake.protocol, 6);
    let check = HealthCheckRequest { service: "plugin".to_owned() };
    assert_eq!(host.health().check(check).await?.into_inner().status, 1);

    let schema = host.provider().get_provider_schema(get_provider_schema::Request {}).await?.into_inner();
    assert!(schema.diagnostics.is_empty(), "{:?}", schema.diagnostics);
    assert!(schema.provider.is_some());
    assert!(!schema.resource_schemas.is_empty());

    let stderr = host.process.stderr();
    let (status, took) = host.shutdown().await?;
    assert!(status.success() && took < Duration::from_secs(1), "{status}, {took:?}");
    assert_eq!(stderr, "", "it has nothing to warn of");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_large_messages() -> Result<()> {
    let host = support::start().await?;
    let config = DynamicValue { msgpack: vec![0xc1; 5 << 20].into(), ..Default::default() };
    let request = validate_provider_config::Request { config: Some(config) };
    // What it thinks of five megabytes of nonsense is its own affair.
    if let Err(status) = host.provider().validate_provider_config(request).await {
        assert!(!matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted), "{status}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn explains_itself_to_people() -> Result<()> {
    let mut process = support::launch()?.without(COOKIE.0).spawn()?;
    assert_eq!(process.wait()?.code(), Some(1));
    assert!(process.stderr().starts_with("This program is a provider plugin."), "{}", process.stderr());

    let mut process = support::launch()?.without(COOKIE.0).argument("--version").spawn()?;
    let version = concat!("terraform-provider-tenancy ", env!("CARGO_PKG_VERSION"));
    assert!(process.line()?.starts_with(version));
    assert_eq!(process.wait()?.code(), Some(0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_a_debugger() -> Result<()> {
    let mut process = support::launch()?.without(COOKIE.0).argument("--debug").spawn()?;
    while !process.line()?.starts_with("\tTF_REATTACH_PROVIDERS='{\"registry.terraform.io/") {}
    process.signal("INT")?;
    assert!(process.wait()?.success());
    Ok(())
}
