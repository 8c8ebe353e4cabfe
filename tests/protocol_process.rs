//! The process that hosts start: handshake, TLS, services, signals, logs, end.
//!
//! These tests start a stand-in provider that panics and hangs on demand. It is
//! this test binary itself, which serves as the plugin when it is told to; all
//! but the provider's calls is what the real binary does.
#![cfg(unix)]

#[path = "support/stand_in.rs"]
mod stand_in;
mod support;

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::stream;
use support::host::{self, COOKIE, Host, Launch, Process, Result};
use support::identity::{self, Identity};
use tenancy::tf::plugin;
use tenancy::tf::proto::health::{HealthCheckRequest, HealthListRequest};
use tenancy::tf::proto::plugin::{ConnInfo, conn_info};
use tenancy::tf::proto::tfplugin6::*;
use tokio_stream::StreamExt as _;
use tonic::Code;

/// What makes this test binary a plugin, and its arguments as one.
const ARGUMENTS: &str = "STAND_IN_ARGUMENTS";

#[test]
fn stand_in_provider() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let options = plugin::Options::new(stand_in::SOURCE, "1.2.3");
    let ending = options.ending.clone();
    let arguments = arguments.split_whitespace().map(str::to_owned);
    let code = plugin::main(arguments, options, || stand_in::StandIn { ending });
    std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
}

fn launch() -> Result<Launch> {
    Ok(Launch::new(std::env::current_exe()?)?
        .argument("--exact")
        .argument("--nocapture")
        .argument("stand_in_provider")
        .variable("TMPDIR", std::env::temp_dir().display().to_string())
        .variable(ARGUMENTS, ""))
}

async fn start() -> Result<Host> {
    launch()?.connect().await
}

fn read(type_name: &str) -> read_resource::Request {
    read_resource::Request { type_name: type_name.to_owned(), ..Default::default() }
}

/// Whether the plugin answers calls.
async fn answers(host: &Host) -> bool {
    host.provider().get_provider_schema(get_provider_schema::Request {}).await.is_ok()
}

// ---- Handshake ----------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn explains_itself_without_the_cookie() -> Result<()> {
    for launch in [launch()?.without(COOKIE.0), launch()?.variable(COOKIE.0, "wrong")] {
        let mut process = launch.spawn()?;
        assert_eq!(process.wait()?.code(), Some(1));
        assert!(process.stderr().contains("terraform init"), "{}", process.stderr());
        assert!(process.handshake().is_err());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn chooses_protocol_6_in_any_order() -> Result<()> {
    for versions in ["5,6", "6,5", "6", "4", ""] {
        let host = launch()?.variable("PLUGIN_PROTOCOL_VERSIONS", versions).connect().await?;
        assert_eq!((host.handshake.protocol, host.handshake.network.as_str()), (6, "unix"));
        assert!(host.handshake.rest.is_empty(), "{}", host.handshake.line);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_to_multiplex_when_asked() -> Result<()> {
    let host = launch()?.variable("PLUGIN_MULTIPLEX_GRPC", "true").connect().await?;
    assert_eq!(host.handshake.rest, ["false"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn says_what_is_wrong_with_the_environment() -> Result<()> {
    for (name, value) in [
        ("PLUGIN_CLIENT_CERT", "not a certificate"),
        ("PLUGIN_UNIX_SOCKET_DIR", "/nonexistent"),
        ("PLUGIN_UNIX_SOCKET_GROUP", "no such group"),
    ] {
        let mut process = launch()?.variable(name, value).spawn()?;
        assert_eq!(process.wait()?.code(), Some(1));
        let stderr = process.stderr();
        assert!(stderr.contains(name) || stderr.contains(value), "{stderr}");
        assert!(process.handshake().is_err());
    }
    Ok(())
}

// ---- Socket -------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn keeps_its_socket_to_itself_and_removes_it() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let own = launch()?.variable("TMPDIR", directory.path().display().to_string());
    let hosts = launch()?.variable("PLUGIN_UNIX_SOCKET_DIR", directory.path().display().to_string());
    for launch in [own, hosts] {
        let host = launch.connect().await?;
        let socket = Path::new(&host.handshake.address).to_owned();
        assert!(socket.starts_with(directory.path()), "{}", socket.display());
        let metadata = fs::metadata(&socket)?;
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.mode() & 0o777, 0o600);
        host.shutdown().await?;
        assert_eq!(fs::read_dir(directory.path())?.count(), 0);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn opens_its_socket_to_the_group_of_the_host() -> Result<()> {
    let gid = fs::metadata(std::env::temp_dir())?.gid();
    let host = launch()?.variable("PLUGIN_UNIX_SOCKET_GROUP", gid.to_string()).connect().await?;
    let metadata = fs::metadata(&host.handshake.address)?;
    assert_eq!((metadata.mode() & 0o777, metadata.gid()), (0o660, gid));
    Ok(())
}

// ---- TLS ----------------------------------------------------------------

/// Whether a call gets through when a client connects like that.
async fn gets_in(host: &Host, tls: Option<tokio_rustls::TlsConnector>) -> bool {
    let Ok(channel) = host::connect(&host.handshake.network, &host.handshake.address, tls).await else {
        return false;
    };
    let mut provider = provider_client::ProviderClient::new(channel);
    provider.get_provider_schema(get_provider_schema::Request {}).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn lets_in_nobody_but_the_host() -> Result<()> {
    let host = start().await?;
    let certificate = &host.handshake.certificate;
    let ours = host.identity.as_ref().expect("TLS is on");
    assert!(gets_in(&host, Some(ours.client(certificate)?)).await, "the host, once more");

    assert!(!gets_in(&host, None).await, "plaintext");
    assert!(!gets_in(&host, Some(identity::anonymous_client(certificate)?)).await, "no certificate");
    let other = Identity::generate()?;
    assert!(!gets_in(&host, Some(other.client(certificate)?)).await, "another certificate");

    assert!(answers(&host).await, "the host is served all the while");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn wants_the_key_of_the_certificate_too() -> Result<()> {
    // The certificate is in the environment, where others may read it.
    let launch = launch()?;
    let stolen = Identity::generate()?;
    let mut process = launch.variable("PLUGIN_CLIENT_CERT", stolen.pem()).spawn()?;
    let handshake = process.handshake()?;
    let thief = stolen.with_key_of(Identity::generate()?);
    let channel = handshake.connect(Some(&thief)).await;
    if let Ok(channel) = channel {
        let mut provider = provider_client::ProviderClient::new(channel);
        assert!(provider.get_provider_schema(get_provider_schema::Request {}).await.is_err());
    }
    process.stderr_until(|stderr| stderr.contains("refused a connection")).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_plaintext_when_the_host_has_no_certificate() -> Result<()> {
    let host = launch()?.plaintext().connect().await?;
    assert!(host.handshake.certificate.is_empty());
    assert!(answers(&host).await);
    Ok(())
}

// ---- Services -----------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn is_healthy() -> Result<()> {
    let host = start().await?;
    let check = |service: &str| HealthCheckRequest { service: service.to_owned() };
    for service in ["plugin", ""] {
        assert_eq!(host.health().check(check(service)).await?.into_inner().status, 1);
    }
    let unknown = host.health().check(check("other")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let mut watched = host.health().watch(check("plugin")).await?.into_inner();
    assert_eq!(watched.message().await?.map(|it| it.status), Some(1));
    let statuses = host.health().list(HealthListRequest {}).await?.into_inner().statuses;
    assert_eq!(statuses.into_keys().collect::<Vec<_>>(), ["", "plugin"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_brokered_connections() -> Result<()> {
    let host = start().await?;
    let announced = ConnInfo { service_id: 1, ..Default::default() };
    let knock = conn_info::Knock { knock: true, ..Default::default() };
    let asked = ConnInfo { service_id: 2, knock: Some(knock), ..Default::default() };
    let asking = stream::iter([announced, asked]).chain(stream::pending());
    let mut answers = host.broker().start_stream(asking).await?.into_inner();
    let answer = answers.message().await?.expect("an answer");
    assert_eq!((answer.service_id, answer.knock.map(|knock| knock.ack)), (2, Some(false)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_and_gives_large_messages() -> Result<()> {
    let host = start().await?;
    for size in [5 << 20, 100 << 20] {
        let state = DynamicValue { msgpack: vec![7; size].into(), ..Default::default() };
        let request =
            plan_resource_change::Request { proposed_new_state: Some(state.clone()), ..Default::default() };
        let start = Instant::now();
        let response = host.provider().plan_resource_change(request).await?.into_inner();
        assert!(response.planned_state == Some(state), "{size} bytes");
        println!("{} MiB there and back: {:?}", size >> 20, start.elapsed());
    }
    Ok(())
}

// ---- End ----------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn ends_when_the_host_says_so() -> Result<()> {
    let host = start().await?;
    // Hosts hold both of these open to the last.
    let mut stdio = host.stdio().stream_stdio(()).await?.into_inner();
    let _broker = host.broker().start_stream(stream::pending::<ConnInfo>()).await?;
    assert!(tokio::time::timeout(Duration::from_millis(50), stdio.message()).await.is_err());
    let (status, took) = host.shutdown().await?;
    assert!(status.success() && took < Duration::from_secs(1), "{status}, {took:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_in_time_though_a_call_hangs() -> Result<()> {
    let host = start().await?;
    let mut provider = host.provider();
    let polite = tokio::spawn(async move { provider.read_resource(read("hang")).await });
    let mut provider = host.provider();
    let stubborn = tokio::spawn(async move { provider.read_resource(read("hang for ever")).await });
    host.process.stderr_until(|stderr| stderr.matches("hangs").count() == 2).await?;

    let (status, took) = host.shutdown().await?;
    assert!(status.success() && took < Duration::from_secs(2), "{status}, {took:?}");
    assert_eq!(polite.await??.into_inner().private, "what was there", "it was given time to answer");
    assert!(stubborn.await?.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn leaves_interrupts_to_the_host_and_ends_on_a_termination() -> Result<()> {
    let mut host = start().await?;
    for _ in 0..3 {
        host.process.signal("INT")?;
        assert!(answers(&host).await);
    }
    let mut provider = host.provider();
    let running = tokio::spawn(async move { provider.read_resource(read("hang")).await });
    host.process.stderr_until(|stderr| stderr.contains("hangs")).await?;
    host.process.signal("TERM")?;
    assert!(host.process.wait()?.success());
    assert_eq!(running.await??.into_inner().private, "what was there", "it was given time to answer");
    assert!(!Path::new(&host.handshake.address).exists());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_when_the_host_has_died() -> Result<()> {
    // A shell stands for the host: it starts the plugin and is then killed.
    let program = std::env::current_exe()?;
    let script = format!("'{}' --exact stand_in_provider & wait", program.display());
    let launch = Launch::new("/bin/sh")?.argument("-c").argument(script).variable(ARGUMENTS, "");
    let mut shell = launch.spawn()?;
    let socket = shell.handshake()?.address;
    shell.signal("KILL")?;
    let start = Instant::now();
    while Path::new(&socket).exists() {
        assert!(start.elapsed() < Duration::from_secs(10), "the plugin lives on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

// ---- Debugging ----------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn serves_without_a_host_for_debugging() -> Result<()> {
    let mut process = launch()?.without(COOKIE.0).variable(ARGUMENTS, "--debug").spawn()?;
    let value = loop {
        let line = process.line()?;
        if let Some(value) = line.trim().strip_prefix("TF_REATTACH_PROVIDERS='") {
            break value.trim_end_matches('\'').to_owned();
        }
    };
    let reattach: serde_json::Value = serde_json::from_str(&value)?;
    // Each host looks for its own registry's.
    let config = &reattach[format!("registry.terraform.io/{}", stand_in::SOURCE)];
    assert_eq!(*config, reattach[format!("registry.opentofu.org/{}", stand_in::SOURCE)]);
    let address = config["Addr"]["String"].as_str().expect("an address").to_owned();
    let expected = serde_json::json!({
        "Protocol": "grpc",
        "ProtocolVersion": 6,
        "Pid": process.id(),
        "Test": true,
        "Addr": {"Network": "unix", "String": address},
    });
    assert_eq!(*config, expected);

    let channel = host::connect("unix", &address, None).await?;
    let mut provider = provider_client::ProviderClient::new(channel);
    provider.get_provider_schema(get_provider_schema::Request {}).await?;
    process.signal("INT")?;
    assert!(process.wait()?.success());
    assert!(!Path::new(&address).exists());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn knows_its_arguments() -> Result<()> {
    let run = |arguments: &str| -> Result<(Option<i32>, Process)> {
        let mut process = launch()?.without(COOKIE.0).variable(ARGUMENTS, arguments).spawn()?;
        Ok((process.wait()?.code(), process))
    };
    let (code, mut process) = run("--version")?;
    while process.line()? != "terraform-provider-tenancy 1.2.3 (protocol 6.11)" {}
    assert_eq!(code, Some(0));
    let (code, mut process) = run("-help")?;
    while !process.line()?.contains("TF_LOG_PROVIDER_TENANCY") {}
    assert_eq!(code, Some(0));
    let (code, process) = run("--nonsense")?;
    assert!(process.stderr().contains("unknown argument \"--nonsense\""), "{}", process.stderr());
    assert_ne!(code, Some(0));
    Ok(())
}

// ---- Logs and panics ----------------------------------------------------

/// The lines that are logs.
fn logs(stderr: &str) -> Vec<serde_json::Map<String, serde_json::Value>> {
    stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

async fn logged(variables: &[(&str, &str)]) -> Result<Vec<serde_json::Map<String, serde_json::Value>>> {
    let launch = variables
        .iter()
        .try_fold(launch()?, |launch, (name, value)| -> Result<_> { Ok(launch.variable(name, *value)) })?;
    let mut host = launch.connect().await?;
    host.provider().read_resource(read("log")).await?;
    // Ends the process, and with it what is still in the pipe.
    host.process.signal("TERM")?;
    host.process.wait()?;
    Ok(logs(&host.process.stderr()))
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_json_lines_with_the_fields_of_the_call() -> Result<()> {
    let logs = logged(&[]).await?;
    let messages: Vec<_> = logs.iter().map(|line| line["@message"].as_str().unwrap_or("")).collect();
    assert_eq!(messages, ["a \"warning\"\nof two lines", "not ours"]);
    let warning = &logs[0];
    assert_eq!(warning["@level"], "warn");
    assert_eq!(warning["@module"], "protocol_process.stand_in");
    assert_eq!((&warning["tf_rpc"], &warning["size"]), (&"ReadResource".into(), &3.into()));
    let time = warning["@timestamp"].as_str().expect("a time");
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000000Z");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_its_level_from_the_closest_variable() -> Result<()> {
    let count = async |variables: &[(&str, &str)]| -> Result<usize> { Ok(logged(variables).await?.len()) };
    assert_eq!(count(&[("TF_LOG", "off")]).await?, 0);
    assert_eq!(count(&[("TF_LOG", "trace"), ("TF_LOG_PROVIDER", "error")]).await?, 1);
    assert_eq!(count(&[("TF_LOG_PROVIDER", "off"), ("TF_LOG_PROVIDER_TENANCY", "WARN")]).await?, 2);
    assert!(count(&[("TF_LOG", "json")]).await? > 4);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_a_panic() -> Result<()> {
    let host = start().await?;
    let mut provider = host.provider();
    let other = tokio::spawn(async move { provider.read_resource(read("hang")).await });
    host.process.stderr_until(|stderr| stderr.contains("hangs")).await?;

    let panicked = host.provider().read_resource(read("panic")).await.unwrap_err();
    assert_eq!(panicked.code(), Code::Internal);
    assert_eq!(
        panicked.message(),
        "ReadResource failed in a way that is a bug in the provider: the stand-in was asked to panic"
    );
    let stderr = host.process.stderr_until(|stderr| stderr.contains("panic: ")).await?;
    assert!(stderr.lines().any(|line| line == "panic: the stand-in was asked to panic"), "{stderr}");

    assert!(answers(&host).await, "other calls are served");
    assert!(!other.is_finished(), "and those that ran run on");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_a_panic_in_a_stream() -> Result<()> {
    let host = start().await?;
    let request = list_resource::Request { limit: 2, ..Default::default() };
    let mut events = host.provider().list_resource(request).await?.into_inner();
    for expected in ["0", "1"] {
        assert_eq!(events.message().await?.expect("an event").display_name, expected);
    }
    let panicked = events.message().await.unwrap_err();
    assert_eq!(panicked.code(), Code::Internal);
    assert!(panicked.message().starts_with("ListResource failed"), "{panicked}");
    assert!(answers(&host).await);
    Ok(())
}
