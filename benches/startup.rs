//! `cargo xtask bench startup`: what it costs to start the provider.
//!
//! A host starts its providers three times for a plan and four for an apply, so
//! what one start costs is paid again and again. Starts the binary as a host
//! does and prints the time to the handshake line and the memory used, next to
//! those of any other provider binaries that are given.

// The same host that the protocol tests use, of which this needs a part.
#[allow(dead_code)]
#[path = "../tests/support/host.rs"]
mod host;
#[allow(dead_code)]
#[path = "../tests/support/identity.rs"]
mod identity;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Parser as _;
use tonic::client::Grpc;
use tonic_prost::ProstCodec;

use host::{Host, Launch};

/// Starts the provider again and again, and prints what it cost.
#[derive(Debug, clap::Parser)]
struct Args {
    /// How often to start each binary
    #[arg(long, default_value_t = 30)]
    runs: usize,
    /// Take this binary of ours
    #[arg(long, default_value = env!("CARGO_BIN_EXE_terraform-provider-tenancy"))]
    binary: PathBuf,
    /// Provider binaries to compare with
    others: Vec<PathBuf>,
    /// Cargo says this to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// What one start cost.
struct Start {
    handshake: Duration,
    after_handshake: Memory,
    after_schema: Memory,
}

/// Resident memory in MiB: now, and at its highest.
struct Memory {
    now: f64,
    peak: f64,
}

/// Measures and prints.
fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!(
        "{:<36} {:>21} {:>21} {:>21} {:>7}",
        "", "handshake, ms", "RSS, MiB", "RSS after schema", "binary"
    );
    println!(
        "{:<36} {:>21} {:>21} {:>21} {:>7}",
        "provider", "median   min   max", "median    peak", "median    peak", "MiB"
    );
    for binary in std::iter::once(&args.binary).chain(&args.others) {
        let starts = (0..args.runs.max(1))
            .map(|_| runtime.block_on(start(binary)))
            .collect::<Result<Vec<_>>>()
            .with_context(|| format!("failed to start {}", binary.display()))?;
        print(binary, &starts)?;
    }
    Ok(())
}

async fn start(binary: &Path) -> Result<Start> {
    let launch = Launch::new(binary).map_err(|error| anyhow!(error))?;
    let host = launch.connect().await.map_err(|error| anyhow!(error))?;
    let after_handshake = memory(&host)?;
    schema(&host).await?;
    let after_schema = memory(&host)?;
    Ok(Start { handshake: host.handshake.after, after_handshake, after_schema })
}

/// Asks for the schema and reads nothing of the answer, so that it works with
/// any provider: protocol 5 has the same call by another name.
async fn schema(host: &Host) -> Result<()> {
    let path = match host.handshake.protocol {
        6 => "/tfplugin6.Provider/GetProviderSchema",
        5 => "/tfplugin5.Provider/GetSchema",
        other => bail!("protocol {other}"),
    };
    let mut client = Grpc::new(host.channel.clone()).max_decoding_message_size(64 << 20);
    client.ready().await?;
    let path = tonic::codegen::http::uri::PathAndQuery::from_static(path);
    client.unary(tonic::Request::new(()), path, ProstCodec::<(), ()>::default()).await?;
    Ok(())
}

fn memory(host: &Host) -> Result<Memory> {
    let path = format!("/proc/{}/status", host.process.id());
    let status = std::fs::read_to_string(path).context("failed to read the memory used (Linux only)")?;
    let field = |name: &str| -> Result<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kib: f64 = line.and_then(|line| line.split_whitespace().next()).context("no number")?.parse()?;
        Ok(kib / 1024.0)
    };
    Ok(Memory { now: field("VmRSS")?, peak: field("VmHWM")? })
}

fn print(binary: &Path, starts: &[Start]) -> Result<()> {
    let sorted = |value: fn(&Start) -> f64| {
        let mut values: Vec<f64> = starts.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let median = |values: &[f64]| values.get(values.len() / 2).copied().unwrap_or_default();
    let last = |values: &[f64]| values.last().copied().unwrap_or_default();
    let handshake = sorted(|start| start.handshake.as_secs_f64() * 1e3);
    let rss = sorted(|start| start.after_handshake.now);
    let rss_peak = sorted(|start| start.after_handshake.peak);
    let schema = sorted(|start| start.after_schema.now);
    let schema_peak = sorted(|start| start.after_schema.peak);
    let name = binary.file_name().unwrap_or(binary.as_os_str()).to_string_lossy();
    let size = std::fs::metadata(binary)?.len() as f64 / f64::from(1 << 20);
    println!(
        "{name:<36} {:>9.1} {:>5.1} {:>5.1} {:>13.1} {:>7.1} {:>13.1} {:>7.1} {size:>7.1}",
        median(&handshake),
        handshake.first().copied().unwrap_or_default(),
        last(&handshake),
        median(&rss),
        last(&rss_peak),
        median(&schema),
        last(&schema_peak),
    );
    Ok(())
}
