//! Starts a plugin as a host does, and talks to it over raw gRPC.
//!
//! Shared by the protocol tests and the start-up benchmark. Nothing in here
//! comes from the provider but the generated clients: what a host knows, it
//! knows from the handshake line.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper_util::rt::TokioIo;
use tenancy::tf::proto::health::health_client::HealthClient;
use tenancy::tf::proto::plugin::Empty;
use tenancy::tf::proto::plugin::grpc_broker_client::GrpcBrokerClient;
use tenancy::tf::proto::plugin::grpc_controller_client::GrpcControllerClient;
use tenancy::tf::proto::plugin::grpc_stdio_client::GrpcStdioClient;
use tenancy::tf::proto::tfplugin6::provider_client::ProviderClient;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

use super::identity::Identity;

/// Anything that can go wrong in a test.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The cookie, written out: a test must not take it from what it tests.
pub const COOKIE: (&str, &str) =
    ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");

/// The largest message that hosts take.
const MAX_MESSAGE: usize = 256 << 20;
const PATIENCE: Duration = Duration::from_secs(20);

/// How to start a plugin.
pub struct Launch {
    program: PathBuf,
    arguments: Vec<OsString>,
    variables: BTreeMap<String, String>,
    identity: Option<Identity>,
}

impl Launch {
    /// Starts `program` as hosts do by default, with mutual TLS.
    pub fn new(program: impl AsRef<Path>) -> Result<Self> {
        let identity = Identity::generate()?;
        let mut variables = BTreeMap::from([
            (COOKIE.0.to_owned(), COOKIE.1.to_owned()),
            ("PLUGIN_PROTOCOL_VERSIONS".to_owned(), "5,6".to_owned()),
            ("PLUGIN_MIN_PORT".to_owned(), "10000".to_owned()),
            ("PLUGIN_MAX_PORT".to_owned(), "25000".to_owned()),
        ]);
        variables.insert("PLUGIN_CLIENT_CERT".to_owned(), identity.pem());
        Ok(Launch {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            variables,
            identity: Some(identity),
        })
    }

    /// Adds an argument.
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets a variable.
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a variable out.
    pub fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Leaves TLS out.
    pub fn plaintext(mut self) -> Self {
        self.identity = None;
        self.without("PLUGIN_CLIENT_CERT")
    }

    /// The process, with nothing read from it yet.
    pub fn spawn(&self) -> Result<Process> {
        let mut command = Command::new(&self.program);
        // Of the caller's environment only what has nothing to do with plugins.
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("TF_") || name_text.starts_with("PLUGIN_") {
                command.env_remove(&name);
            }
        }
        command.args(&self.arguments).envs(&self.variables);
        Process::spawn(command)
    }

    /// Starts the plugin, reads its handshake and connects.
    pub async fn connect(self) -> Result<Host> {
        let mut process = self.spawn()?;
        let handshake = process.handshake()?;
        let channel = handshake.connect(self.identity.as_ref()).await?;
        Ok(Host { process, handshake, channel, identity: self.identity })
    }
}

/// A running plugin.
pub struct Process {
    child: Child,
    stdout: mpsc::Receiver<String>,
    stderr: Arc<Mutex<String>>,
    started: Instant,
    socket: Option<PathBuf>,
}

impl Process {
    fn spawn(mut command: Command) -> Result<Self> {
        let started = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (sender, stdout) = mpsc::channel();
        if let Some(pipe) = child.stdout.take() {
            std::thread::spawn(move || {
                BufReader::new(pipe).lines().map_while(io::Result::ok).try_for_each(|line| sender.send(line))
            });
        }
        let stderr = Arc::default();
        if let Some(mut pipe) = child.stderr.take() {
            let all: Arc<Mutex<String>> = Arc::clone(&stderr);
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                    let text = String::from_utf8_lossy(&buffer[..read]);
                    all.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
                }
            });
        }
        Ok(Process { child, stdout, stderr, started, socket: None })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line on stdout.
    pub fn line(&mut self) -> Result<String> {
        let line = self.stdout.recv_timeout(PATIENCE);
        line.map_err(|_| format!("no line on stdout; stderr: {}", self.stderr()).into())
    }

    /// The handshake line. Lines before it are skipped: a test that serves as
    /// the plugin can't keep its test harness from writing some.
    pub fn handshake(&mut self) -> Result<Handshake> {
        loop {
            let line = self.line()?;
            if line.starts_with("1|") {
                let handshake = Handshake::parse(line, self.started.elapsed())?;
                self.socket = Some(PathBuf::from(&handshake.address));
                return Ok(handshake);
            }
        }
    }

    /// What came on stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `found` likes what came on stderr.
    pub async fn stderr_until(&self, found: impl Fn(&str) -> bool) -> Result<String> {
        let start = Instant::now();
        loop {
            let stderr = self.stderr();
            if found(&stderr) {
                return Ok(stderr);
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("not on stderr: {stderr}").into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends a signal, by its name without `SIG`.
    pub fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("kill").args(["-s", name, &self.id().to_string()]).status()?;
        if status.success() { Ok(()) } else { Err("kill failed".into()) }
    }

    /// Whether the process is still there.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Waits for the end of the process.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                // Its last words are on their way through the pipe.
                std::thread::sleep(Duration::from_millis(20));
                return Ok(status);
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("still running; stderr: {}", self.stderr()).into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended long ago, and cleaned up behind it.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(socket) = &self.socket {
            let _ = std::fs::remove_file(socket);
            // The directory too, unless it was here before the plugin.
            let theirs = |directory: &&Path| {
                directory.file_name().is_some_and(|name| name.to_string_lossy().starts_with("provider-"))
            };
            let _ = socket.parent().filter(theirs).map(std::fs::remove_dir);
        }
    }
}

/// What the handshake line says.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// The line as it came.
    pub line: String,
    /// The provider protocol.
    pub protocol: u32,
    /// `unix` or `tcp`.
    pub network: String,
    /// A path, or an address with its port.
    pub address: String,
    /// The server's certificate, in DER. Empty without TLS.
    pub certificate: Vec<u8>,
    /// What comes after the sixth field.
    pub rest: Vec<String>,
    /// How long the line took, from before the process was started.
    pub after: Duration,
}

impl Handshake {
    fn parse(line: String, after: Duration) -> Result<Self> {
        let fields: Vec<&str> = line.split('|').collect();
        let [core, protocol, network, address, kind, certificate, rest @ ..] = fields.as_slice() else {
            return Err(format!("no handshake: {line:?}").into());
        };
        if (*core, *kind) != ("1", "grpc") {
            return Err(format!("no handshake of ours: {line:?}").into());
        }
        Ok(Handshake {
            protocol: protocol.parse()?,
            network: (*network).to_owned(),
            address: (*address).to_owned(),
            certificate: STANDARD_NO_PAD.decode(certificate)?,
            rest: rest.iter().map(|field| (*field).to_owned()).collect(),
            after,
            line,
        })
    }

    /// Connects: with TLS if there is an identity to present.
    pub async fn connect(&self, identity: Option<&Identity>) -> Result<Channel> {
        let tls = identity.map(|identity| identity.client(&self.certificate)).transpose()?;
        connect(&self.network, &self.address, tls).await
    }
}

/// Connects to a plugin at an address as in a handshake line.
pub async fn connect(network: &str, address: &str, tls: Option<TlsConnector>) -> Result<Channel> {
    let (unix, address) = (network == "unix", address.to_owned());
    let connector = tower::service_fn(move |_| {
        let (tls, address) = (tls.clone(), address.clone());
        async move {
            if unix {
                secure(UnixStream::connect(address).await?, tls).await
            } else {
                secure(TcpStream::connect(address).await?, tls).await
            }
        }
    });
    // The name means nothing: the connector knows where to go.
    let endpoint = Endpoint::from_static("http://localhost").connect_timeout(PATIENCE);
    Ok(endpoint.connect_with_connector(connector).await?)
}

/// A stream of bytes, whatever it runs over.
trait Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}

impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Stream for T {}

async fn secure(
    stream: impl Stream + 'static,
    tls: Option<TlsConnector>,
) -> io::Result<TokioIo<Box<dyn Stream>>> {
    let stream: Box<dyn Stream> = match tls {
        None => Box::new(stream),
        Some(tls) => {
            let name = "localhost".try_into().map_err(io::Error::other)?;
            Box::new(tls.connect(name, stream).await?)
        }
    };
    Ok(TokioIo::new(stream))
}

/// A host with its plugin, connected.
pub struct Host {
    /// The plugin.
    pub process: Process,
    /// What it said.
    pub handshake: Handshake,
    /// The connection to it.
    pub channel: Channel,
    /// What the host presents, if it uses TLS.
    pub identity: Option<Identity>,
}

impl Host {
    /// The provider service, with the message size that hosts use.
    pub fn provider(&self) -> ProviderClient<Channel> {
        ProviderClient::new(self.channel.clone())
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE)
    }

    /// The service that ends the plugin.
    pub fn controller(&self) -> GrpcControllerClient<Channel> {
        GrpcControllerClient::new(self.channel.clone())
    }

    /// The health service.
    pub fn health(&self) -> HealthClient<Channel> {
        HealthClient::new(self.channel.clone())
    }

    /// The stream of the plugin's output.
    pub fn stdio(&self) -> GrpcStdioClient<Channel> {
        GrpcStdioClient::new(self.channel.clone())
    }

    /// The broker of further connections.
    pub fn broker(&self) -> GrpcBrokerClient<Channel> {
        GrpcBrokerClient::new(self.channel.clone())
    }

    /// Ends the plugin as hosts do, and says how it ended and how long it took.
    pub async fn shutdown(mut self) -> Result<(ExitStatus, Duration)> {
        let start = Instant::now();
        self.controller().shutdown(Empty {}).await?;
        let status = tokio::task::block_in_place(|| self.process.wait())?;
        Ok((status, start.elapsed()))
    }
}
