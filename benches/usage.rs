//! `cargo xtask bench usage`: what it costs to meter a large cloud.
//!
//! A fake Keystone and a fake Nova, in this process, hand out a cloud page by page. The provider runs as a process of
//! its own, as a host starts it, and reads `tenancy_metered_usage`. Prints how many requests that took, how long, and
//! the most memory that the provider's process had resident. Without details it must stay below a bound.

// The same host that the protocol tests use, of which this needs a part.
#[allow(dead_code)]
#[path = "../tests/support/host.rs"]
mod host;
#[allow(dead_code)]
#[path = "../tests/support/identity.rs"]
mod identity;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Parser as _;
use rmpv::Value as Packed;
use serde_json::{Value, json};
use tenancy::tf::proto::tfplugin6::provider_client::ProviderClient;
use tenancy::tf::proto::tfplugin6::{
    DynamicValue, Schema, configure_provider, get_provider_schema, read_data_source, schema,
};
use tonic::transport::Channel;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use host::Launch;

/// What a provider may use of memory without details, in MiB.
const BOUND: f64 = 100.0;
/// The largest reply that hosts take.
const LARGEST: usize = 256 << 20;
const DATA_SOURCE: &str = "tenancy_metered_usage";

/// Meters a cloud that is not there.
#[derive(Debug, clap::Parser)]
struct Args {
    /// Number of projects
    #[arg(long, default_value_t = 1000)]
    projects: usize,
    /// Number of servers: in the window half of them changed, a tenth was deleted
    #[arg(long, default_value_t = 100_000)]
    servers: usize,
    /// How long each request takes, in milliseconds
    #[arg(long, default_value_t = 20)]
    latency: u64,
    /// Take this binary
    #[arg(long, default_value = env!("CARGO_BIN_EXE_terraform-provider-tenancy"))]
    binary: PathBuf,
    /// Cargo says this to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// Measures and prints.
fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        println!("{} projects, {} servers, {} ms a request", args.projects, args.servers, args.latency);
        println!(
            "{:<16} {:>8} {:>8} {:>15} {:>12}",
            "", "requests", "seconds", "peak RSS, MiB", "reply, MiB"
        );
        for detail in [false, true] {
            let cost = read(&args, detail).await?;
            let name = if detail { "detail = true" } else { "detail = false" };
            println!(
                "{name:<16} {:>8} {:>8.1} {:>15.1} {:>12.1}",
                cost.requests, cost.seconds, cost.peak, cost.reply
            );
            ensure!(
                detail || cost.peak <= BOUND,
                "the provider had {:.1} MiB resident; without details it must stay below {BOUND}",
                cost.peak
            );
        }
        Ok(())
    })
}

/// What one reading cost.
struct Cost {
    requests: usize,
    seconds: f64,
    /// MiB, of the provider's process.
    peak: f64,
    /// MiB.
    reply: f64,
}

async fn read(args: &Args, detail: bool) -> Result<Cost> {
    let cloud = cloud(args).await;
    let host = Launch::new(&args.binary).map_err(|error| anyhow!(error))?;
    let host = host.connect().await.map_err(|error| anyhow!(error))?;
    let mut provider = ProviderClient::new(host.channel.clone()).max_decoding_message_size(LARGEST);
    let offer = provider.get_provider_schema(get_provider_schema::Request {}).await?.into_inner();
    configure(&mut provider, offer.provider.as_ref(), &cloud).await?;

    let config = json!({
        "start": "2026-10-01T00:00:00Z",
        "end": "2026-11-01T00:00:00Z",
        "services": ["compute"],
        "detail": detail,
    });
    let request = read_data_source::Request {
        type_name: DATA_SOURCE.into(),
        config: Some(packed(offer.data_source_schemas.get(DATA_SOURCE), config)?),
        ..Default::default()
    };
    let logins = requests(&cloud).await;
    let started = Instant::now();
    let answer = provider.read_data_source(request).await?.into_inner();
    let seconds = started.elapsed().as_secs_f64();
    ensure!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
    let reply = answer.state.context("no state")?.msgpack;
    let hours = total(&reply)?;
    ensure!(hours > 0.0, "no usage was read");
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.process.id()))
        .context("failed to read the memory used (Linux only)")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kib: f64 = peak.split_whitespace().next().context("no number")?.parse()?;
    Ok(Cost {
        requests: requests(&cloud).await - logins,
        seconds,
        peak: kib / 1024.0,
        reply: reply.len() as f64 / f64::from(1 << 20),
    })
}

async fn requests(cloud: &MockServer) -> usize {
    cloud.received_requests().await.map_or(0, |all| all.len())
}

async fn configure(
    provider: &mut ProviderClient<Channel>,
    schema: Option<&Schema>,
    cloud: &MockServer,
) -> Result<()> {
    let config = json!({
        "auth_url": format!("{}/v3", cloud.uri()),
        "username": "admin",
        "password": "secret",
        "user_domain_name": "Default",
        "project_name": "admin",
        "project_domain_name": "Default",
    });
    let request = configure_provider::Request {
        terraform_version: "1.14.0".into(),
        config: Some(packed(schema, config)?),
        ..Default::default()
    };
    let answer = provider.configure_provider(request).await?.into_inner();
    ensure!(answer.diagnostics.is_empty(), "{:?}", answer.diagnostics);
    Ok(())
}

/// A configuration as hosts send it: with all attributes of the schema, null where nothing is written.
fn packed(schema: Option<&Schema>, config: Value) -> Result<DynamicValue> {
    let block: &schema::Block = schema.and_then(|it| it.block.as_ref()).context("no schema")?;
    let all = block.attributes.iter().map(|it| {
        let value = config.get(&it.name).map_or(Packed::Nil, pack);
        (Packed::from(it.name.as_str()), value)
    });
    let mut msgpack = Vec::new();
    rmpv::encode::write_value(&mut msgpack, &Packed::Map(all.collect()))?;
    Ok(DynamicValue { msgpack: msgpack.into(), ..Default::default() })
}

fn pack(value: &Value) -> Packed {
    match value {
        Value::Bool(it) => (*it).into(),
        Value::String(it) => it.as_str().into(),
        Value::Array(all) => Packed::Array(all.iter().map(pack).collect()),
        _ => Packed::Nil,
    }
}

/// Server hours of all projects.
fn total(mut state: &[u8]) -> Result<f64> {
    let state = rmpv::decode::read_value(&mut state)?;
    let at = |of: &Packed, key: &str| {
        let pair = of.as_map().into_iter().flatten().find(|(it, _)| it.as_str() == Some(key));
        pair.map_or(Packed::Nil, |(_, value)| value.clone())
    };
    let hours = at(&at(&state, "totals"), "server_hours");
    let text = hours.as_str().map(str::to_owned).or_else(|| hours.as_f64().map(|it| it.to_string()));
    text.or_else(|| hours.as_i64().map(|it| it.to_string()))
        .context("no server_hours")?
        .parse()
        .map_err(Into::into)
}

/// A cloud with Keystone and Nova.
async fn cloud(args: &Args) -> MockServer {
    let server = MockServer::start().await;
    let uri = server.uri();
    let endpoint = |kind: &str, url: String| {
        json!({"type": kind, "id": kind, "name": kind, "endpoints": [
            {"id": kind, "interface": "public", "region": "R", "region_id": "R", "url": url}]})
    };
    let domain = json!({"id": "default", "name": "Default"});
    let token = json!({"token": {
        "methods": ["password"], "expires_at": "2999-01-01T00:00:00.000000Z", "issued_at": "2026-01-01T00:00:00.000000Z",
        "user": {"id": "u", "name": "admin", "domain": domain},
        "project": {"id": "p", "name": "admin", "domain": domain},
        "roles": [{"id": "r", "name": "admin"}],
        "catalog": [endpoint("identity", uri.clone()), endpoint("compute", format!("{uri}/compute/v2.1"))],
    }});
    let latency = Duration::from_millis(args.latency);
    let on = |verb: &str, at: &str| Mock::given(method(verb)).and(path(at));
    let login = ResponseTemplate::new(201).insert_header("x-subject-token", "t").set_body_json(token);
    on("POST", "/v3/auth/tokens").respond_with(login).mount(&server).await;
    let versions =
        json!({"version": {"id": "v2.1", "status": "CURRENT", "version": "2.100", "min_version": "2.1"}});
    on("GET", "/compute/v2.1/").respond_with(ok(versions, latency)).mount(&server).await;
    let domains =
        json!({"domains": [{"id": "default", "name": "Default", "enabled": true}], "links": {"next": null}});
    on("GET", "/v3/domains").respond_with(ok(domains, latency)).mount(&server).await;
    let pages = Pages { projects: args.projects, servers: args.servers, latency };
    on("GET", "/v3/projects").respond_with(Of(pages, Pages::projects)).mount(&server).await;
    on("GET", "/compute/v2.1/os-simple-tenant-usage")
        .respond_with(Of(pages, Pages::usage))
        .mount(&server)
        .await;
    on("GET", "/compute/v2.1/servers/detail").respond_with(Of(pages, Pages::detail)).mount(&server).await;
    server
}

fn ok(body: Value, latency: Duration) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body).set_delay(latency)
}

/// Pages of a cloud that is computed while it is read.
#[derive(Clone, Copy)]
struct Pages {
    projects: usize,
    servers: usize,
    latency: Duration,
}

struct Of(Pages, fn(Pages, &Request) -> Value);

impl Respond for Of {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        ok((self.1)(self.0, request), self.0.latency)
    }
}

fn query(request: &Request, key: &str) -> Option<String> {
    request.url.query_pairs().find(|(name, _)| name == key).map(|(_, value)| value.into_owned())
}

/// The rows of a page, and whether more follow: those behind the marker, at most so many as are asked for. An id ends in
/// its number.
fn page(request: &Request, rows: impl Iterator<Item = usize>) -> (Vec<usize>, bool) {
    let number = |id: String| usize::from_str_radix(id.rsplit('-').next()?, 16).ok();
    let marker = query(request, "marker").and_then(number);
    let limit = query(request, "limit").and_then(|it| it.parse().ok()).unwrap_or(1000).min(1000);
    let mut rows = rows.filter(|it| marker.is_none_or(|marker| *it > marker));
    let page = rows.by_ref().take(limit).collect();
    (page, rows.next().is_some())
}

fn project_id(number: usize) -> String {
    format!("{number:032x}")
}

fn server_id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

impl Pages {
    fn is_deleted(number: usize) -> bool {
        number.is_multiple_of(10)
    }

    /// Half of them, those that were deleted among them.
    fn has_changed(number: usize) -> bool {
        number % 10 < 5
    }

    fn projects(self, request: &Request) -> Value {
        let project = |number: usize| {
            json!({"id": project_id(number), "name": format!("project-{number}"), "domain_id": "default",
                "parent_id": "default", "description": "", "enabled": true, "is_domain": false, "tags": ["prod"],
                "options": {}})
        };
        let (rows, _) = page(request, 0..self.projects);
        let rows: Vec<_> = rows.into_iter().map(project).collect();
        json!({"projects": rows, "links": {"next": null, "self": "", "previous": null}})
    }

    /// Servers of one project follow each other, so that a project may span two pages.
    fn usage(self, request: &Request) -> Value {
        let (rows, more) = page(request, 0..self.servers);
        let links = next(rows.last(), more);
        let mut projects: Vec<Value> = Vec::new();
        let each = self.servers.div_ceil(self.projects);
        for number in rows {
            let tenant_id = project_id(number / each);
            let ended_at = Self::is_deleted(number).then_some("2026-10-20T12:00:00.000000");
            let server = json!({"instance_id": server_id(number), "name": format!("server-{number}"),
                "tenant_id": tenant_id, "flavor": format!("m1.size{}", number % 20), "vcpus": 1 << (number % 5),
                "memory_mb": 2048 << (number % 5), "local_gb": 20, "hours": 744.0, "uptime": 2_678_400,
                "started_at": "2026-10-02T03:04:05.000000", "ended_at": ended_at,
                "state": if ended_at.is_some() { "terminated" } else { "active" }});
            match projects.last_mut() {
                Some(last) if last["tenant_id"] == tenant_id.as_str() => {
                    last["server_usages"].as_array_mut().expect("an array").push(server);
                }
                _ => projects
                    .push(json!({"tenant_id": tenant_id, "server_usages": [server], "total_hours": 0.0,
                    "start": "2026-10-01T00:00:00", "stop": "2026-11-01T00:00:00"})),
            }
        }
        json!({"tenant_usages": projects, "tenant_usages_links": links})
    }

    /// The list of servers has those that are there, and that of changes those that changed in the window. Since the
    /// reading began none did.
    fn detail(self, request: &Request) -> Value {
        let since = query(request, "changes-since");
        let listed = |it: &usize| match since.as_deref() {
            Some("2026-10-01T00:00:00Z") => Self::has_changed(*it),
            Some(_) => false,
            None => !Self::is_deleted(*it),
        };
        let (rows, more) = page(request, (0..self.servers).filter(listed));
        let links = next(rows.last(), more);
        let each = self.servers.div_ceil(self.projects);
        let server = |number: usize| {
            json!({"id": server_id(number), "name": format!("server-{number}"), "tenant_id": project_id(number / each),
                "user_id": "u", "status": if Self::is_deleted(number) { "DELETED" } else { "ACTIVE" },
                "created": "2026-10-02T03:04:00Z", "updated": "2026-10-20T12:00:00Z",
                "OS-SRV-USG:launched_at": "2026-10-02T03:04:05.000000",
                "OS-SRV-USG:terminated_at": Self::is_deleted(number).then_some("2026-10-20T12:00:00.000000"),
                "OS-EXT-AZ:availability_zone": "nova", "image": {"id": "img"},
                "flavor": {"vcpus": 1 << (number % 5), "ram": 2048 << (number % 5), "disk": 20, "ephemeral": 0,
                    "swap": 0, "original_name": format!("m1.size{}", number % 20), "extra_specs": {}},
                "addresses": {"net": [{"addr": "10.0.0.7", "version": 4, "OS-EXT-IPS:type": "fixed"}]}})
        };
        json!({"servers": rows.into_iter().map(server).collect::<Vec<_>>(), "servers_links": links})
    }
}

/// The link to the page behind a row.
fn next(last: Option<&usize>, more: bool) -> Value {
    let link =
        |it: &usize| json!({"rel": "next", "href": format!("http://elsewhere/?marker={}", server_id(*it))});
    last.filter(|_| more).map(link).into_iter().collect()
}
