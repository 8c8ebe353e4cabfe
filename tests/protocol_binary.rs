//! The real binary, started as hosts start it. What can only be seen with a
//! provider that panics or hangs is in `protocol_process.rs`.
#![cfg(unix)]

mod support;

use std::time::Duration;

use support::host::{COOKIE, Result};
use tenancy::tf::proto::health::HealthCheckRequest;
use tenancy::tf::proto::tfplugin6::*;
use tokio_stream::StreamExt as _;
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
async fn offers_the_same_everywhere() -> Result<()> {
    let host = support::start().await?;
    let schemas = host.provider().get_provider_schema(get_provider_schema::Request {}).await?.into_inner();
    let metadata = host.provider().get_metadata(get_metadata::Request {}).await?.into_inner();
    let identities = host
        .provider()
        .get_resource_identity_schemas(get_resource_identity_schemas::Request {})
        .await?
        .into_inner();
    let resources: Vec<_> = schemas.resource_schemas.keys().cloned().collect();
    assert!(resources.contains(&"tenancy_tenant_project".to_owned()));
    assert_eq!(metadata.resources.into_iter().map(|it| it.type_name).collect::<Vec<_>>(), resources);
    assert_eq!(identities.identity_schemas.keys().cloned().collect::<Vec<_>>(), resources);
    let sources: Vec<_> = schemas.data_source_schemas.keys().cloned().collect();
    assert_eq!(metadata.data_sources.into_iter().map(|it| it.type_name).collect::<Vec<_>>(), sources);
    let ephemerals: Vec<_> = schemas.ephemeral_resource_schemas.keys().cloned().collect();
    assert_eq!(
        metadata.ephemeral_resources.into_iter().map(|it| it.type_name).collect::<Vec<_>>(),
        ephemerals
    );
    let functions: Vec<_> = schemas.functions.keys().cloned().collect();
    assert_eq!(metadata.functions.into_iter().map(|it| it.name).collect::<Vec<_>>(), functions);
    let alone = host.provider().get_functions(get_functions::Request {}).await?.into_inner();
    assert_eq!(alone.functions, schemas.functions);
    assert_eq!(metadata.server_capabilities, schemas.server_capabilities);
    assert!(schemas.server_capabilities.is_some_and(|it| it.plan_destroy && it.get_provider_schema_optional));
    Ok(())
}

/// What is not on offer is answered in words, on every call there is.
#[tokio::test(flavor = "multi_thread")]
async fn says_what_it_does_not_offer() -> Result<()> {
    let host = support::start().await?;
    let mut p = host.provider();
    let none =
        |all: Vec<Diagnostic>| assert_eq!(all[0].severity, diagnostic::Severity::Error as i32, "{all:?}");
    let name = || "tenancy_nothing".to_owned();
    let call = call_function::Request { name: name(), ..Default::default() };
    assert!(p.call_function(call).await?.into_inner().error.is_some());
    let it = open_ephemeral_resource::Request { type_name: name(), ..Default::default() };
    let why = p.open_ephemeral_resource(it).await.expect_err("there is no such thing");
    assert!(why.message().contains("no ephemeral resource tenancy_nothing"), "{why}");
    let refused = |why: tonic::Status, what: &str| {
        assert!(why.message().contains(&format!("no {what} tenancy_nothing")), "{why}");
    };
    let it = validate_list_resource_config::Request { type_name: name(), ..Default::default() };
    refused(p.validate_list_resource_config(it).await.expect_err("nothing"), "list resource");
    let it = list_resource::Request { type_name: name(), ..Default::default() };
    refused(p.list_resource(it).await.expect_err("nothing"), "list resource");
    let it = validate_action_config::Request { type_name: name(), ..Default::default() };
    refused(p.validate_action_config(it).await.expect_err("nothing"), "action");
    let it = plan_action::Request { action_type: name(), ..Default::default() };
    refused(p.plan_action(it).await.expect_err("nothing"), "action");
    let it = invoke_action::Request { action_type: name(), ..Default::default() };
    refused(p.invoke_action(it).await.expect_err("nothing"), "action");
    let it = move_resource_state::Request {
        target_type_name: "tenancy_tenant_project".into(),
        ..Default::default()
    };
    none(p.move_resource_state(it).await?.into_inner().diagnostics);
    let it = generate_resource_config::Request {
        type_name: "tenancy_tenant_project".into(),
        ..Default::default()
    };
    none(p.generate_resource_config(it).await?.into_inner().diagnostics);
    let it = validate_state_store::Request { type_name: name(), ..Default::default() };
    none(p.validate_state_store_config(it).await?.into_inner().diagnostics);
    let it = configure_state_store::Request { type_name: name(), ..Default::default() };
    none(p.configure_state_store(it).await?.into_inner().diagnostics);
    let it = read_state_bytes::Request { type_name: name(), ..Default::default() };
    none(p.read_state_bytes(it).await?.into_inner().next().await.expect("a chunk")?.diagnostics);
    let it = tokio_stream::once(write_state_bytes::RequestChunk::default());
    none(p.write_state_bytes(it).await?.into_inner().diagnostics);
    none(
        p.lock_state(lock_state::Request { type_name: name(), ..Default::default() })
            .await?
            .into_inner()
            .diagnostics,
    );
    none(
        p.unlock_state(unlock_state::Request { type_name: name(), ..Default::default() })
            .await?
            .into_inner()
            .diagnostics,
    );
    none(p.get_states(get_states::Request { type_name: name() }).await?.into_inner().diagnostics);
    none(
        p.delete_state(delete_state::Request { type_name: name(), ..Default::default() })
            .await?
            .into_inner()
            .diagnostics,
    );
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
    while !process.line()?.starts_with("\tTF_REATTACH_PROVIDERS='{\"registry.") {}
    process.signal("INT")?;
    assert!(process.wait()?.success());
    Ok(())
}
